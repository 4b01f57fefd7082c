package devices_test

import (
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
)

func TestTheLifeOfADevice(t *testing.T) {
	tell(t, stories{
		"asked, and gone": {looks, sees("A"), is("A notAsked"), calls("all A"), is("A leaving"),
			shows("A", leaver.Item{Detail: "is being asked"}), accepted("A"), is("A leaving"), asked("A retire"), watches, wakes(deadline),
			after(day), sees("A retirePending"), is("A leaving"), watches, after(day), loses("A"), is("A gone"), asked("A retire"), ends},
		"failed at a check-in in the same second in which it is asked again": {sees("A"), makes("all A"),
			after(hour), sees("A retireFailed checkedIn"), AtOnce, makes("retire A again"), is("A leaving"), watches,
			after(hour), sees("A retirePending"), loses("A"), ends},
		"it was leaving and is no more: the policy says what to do": {wipesWindows,
			sees("A retirePending"), watches, after(hour), sees("A managed"), calls("wipe A")},
		"somebody has cancelled what somebody else had asked: the policy says what to do": {wipesWindows,
			sees("A retirePending"), watches, after(hour), sees("A retireCanceled"), calls("wipe A")},
		"it was leaving and stays after all, and the policy keeps it": {policy(`{"company": {"default": "keep"}}`),
			sees("A retirePending"), is("A leaving"), watches, after(hour), sees("A managed"), is("A kept"), ends},
		"kept by the policy":                           {policy(`{"personal": {"default": "keep"}}`), sees("A personal"), is("A kept"), asked("A nothing"), ends},
		"enrolled since, for a leaver without devices": {looks, sees(), ends, sees("A"), calls("all A")},
		"enrolled since, while others leave: by a call of its own": {sees("A"), makes("all A"),
			after(hour), sees("LATE iOS"), makes("retire LATE"), is("LATE leaving")},
		"enrolled since, and kept": {policy(`{"personal": {"default": "keep"}}`),
			sees("A"), makes("retire A"), sees("LATE personal"), is("LATE kept"), watches},
		"gone, and listed again":        {sees("A"), makes("all A"), loses("A"), ends, sees("A retirePending"), is("A leaving"), watches},
		"gone before it could be asked": {sees("A"), loses("A"), is("A gone"), asked("A nothing"), ends},
		"found to be another than was decided about: looked at again, and judged anew": {
			policy(`{"company": {"default": "wipe"}, "personal": {"default": "keep"}}`),
			sees("A"), calls("wipe A"), unfit("A"), asked("A nothing"), looks, sees("A personal"), is("A kept"), ends},
		"found to be another three times: then a question": {wipesWindows,
			sees("A"), calls("wipe A"), unfit("A"), looks, sees("A"), calls("wipe A"), unfit("A"), looks,
			sees("A"), calls("wipe A"), unfit("A"), asks("A notAsked", "otherwise each time"), chooses("retry"), looks, sees("A"), calls("wipe A")},
	})
}

func TestWhateverStateADeviceShowsBeforeItIsAskedThePolicyIsAppliedUnlessItLeaves(t *testing.T) {
	all := stories{}
	for _, state := range strings.Fields("managed retireFailed retireCanceled wipeFailed wipeCanceled unhealthy discovered somethingNew empty") {
		all["state "+state] = []event{sees("A "+state, "B retirePending"), makes("all A B"), is("A leaving", "B leaving")}
	}
	for _, state := range strings.Fields("retirePending retireIssued wipePending wipeIssued deletePending") {
		all["leaving "+state] = []event{sees("A " + state), is("A leaving"), asked("A nothing"), watches, after(day), loses("A"), is("A gone"), ends}
	}
	tell(t, all)
}

// A device that fails to leave is asked once more, by a call of its own. A state that
// it showed before a call does not prove what became of that call.
func TestADeviceThatFailsToLeaveIsAskedOnceMore(t *testing.T) {
	failsOnce := []event{sees("A", "B iOS"), makes("all A B"),
		after(hour), sees("A retireFailed checkedIn", "B iOS retirePending"), makes("retire A again"), is("A leaving"), watches}
	failsTwice := then(failsOnce, after(hour), sees("A retireFailed checkedIn"), asks("A failed", twice), is("B leaving"), watches)
	tell(t, stories{
		"and leaves":                 then(failsOnce, after(hour), loses("A", "B"), is("A gone"), ends),
		"and is cancelled in Intune": then(failsOnce, after(hour), sees("A retireCanceled checkedIn"), asks("A canceled", twice)),
		"as the policy asked it":     {wipesWindows, sees("A"), makes("wipe A"), after(hour), sees("A wipeFailed"), makes("wipe A again")},
		"a failure of before the call is none of the call": {sees("A retireFailed"), makes("all A"), is("A leaving"),
			after(hour), sees("A retireFailed"), is("A leaving"), watches, after(hour), sees("A retireFailed checkedIn"), makes("retire A again")},
		"a failure of before the second call is no second one": then(failsOnce, after(hour), sees("A retireFailed"), is("A leaving"), watches),
		"waiting longer asks nothing of one that failed twice": then(failsTwice, chooses("waitLonger", "A"), is("A leaving"), watches, after(hour),
			sees("A retireFailed"), is("A leaving"), watches, after(hour), sees("A retireFailed checkedIn"), asks("A failed", twice), watches),
		"what a person chose for one that failed twice is waited for": then(failsTwice,
			chooses("wipe", "A"), makes("wipe A"), is("A leaving"), after(hour), sees("A retireFailed"), is("A leaving"), watches),
		"a refusal to ask again is a question": {sees("A"), makes("all A"), sees("A retireFailed"),
			calls("retire A again"), refused("A", "Graph refuses it"), asks("A failed", "Graph refuses it"), asked("A retire")},
		"an answer about one device has no other asked again": {sees("A", "C", "HARM Android"), makes("retire A", "retire C"),
			sees("A retireFailed", "C retireFailed"), calls("retire A again", "retire C again"), accepted("A"),
			after(hour), sees("A retireFailed checkedIn"), chooses("giveUp", "HARM"), asks("A failed", twice), calls()},
	})
}

// An activity asks again by itself where an answer is lost, and reads the device first.
// What remains unknown is looked at, and is a question where that does not tell.
func TestACallWhoseAnswerIsLostMayHaveBeenHeard(t *testing.T) {
	wiped := []event{wipesWindows, sees("A"), calls("wipe A"), lost("A"), is("A unknown"), asked("A wipe"), looks}
	tell(t, stories{
		"and the device leaves": then(wiped,
			sees("A wipePending"), is("A leaving"), asked("A wipe"), watches, after(day), loses("A"), is("A gone"), asked("A wipe"), ends),
		"and nothing tells: it is a question, and is not asked by itself, until it leaves after all": then(wiped,
			sees("A"), asks("A unknown", "it is not known whether Intune has heard the call"), asked("A wipe"), watches,
			after(hour), sees("A wipePending"), is("A leaving"), watches),
		"and the device fails: it was asked, and is asked once more": then(wiped,
			sees("A wipeFailed"), asked("A wipe"), makes("wipe A again"), after(hour), sees("A wipeFailed checkedIn"), asks("A failed", twice)),
		"of the call that repeats one: it is not asked a third time": {sees("A"), makes("all A"), sees("A retireFailed"), calls("retire A again"),
			lost("A"), looks, sees("A retireFailed"), calls(), after(hour), sees("A retireFailed checkedIn"), asks("A failed", twice)},
		"of two records that were to be deleted, and of one nothing was heard": {deletesAll,
			sees("A", "B"), calls("deleteRecord A", "deleteRecord B"), accepted("A"), lost("B"), is("B unknown"), asked("B deleteRecord"), looks,
			loses("A", "B"), is("B gone"), asked("B deleteRecord"), ends},
		"of the one action for all: each device may have been asked": {sees("A", "B"), calls("all A B"),
			lost("A B"), asked("A retire", "B retire"), looks, sees("A retirePending", "B"), is("A leaving"), asks("B unknown", "not known")},
		"of the one action for all: one that leaves anyway is followed, from the call on": {sees("A", "B retirePending"), after(day),
			calls("all A B"), lost("A B"), looks, sees("A", "B retirePending"), asks("A unknown", "not known"), is("B leaving"), wakes(deadline)},
		"and a state that the device showed before proves nothing": {policy(`{"company": {"windows": "wipeKeepUserData"}}`),
			sees("A"), makes("wipeKeepUserData A"), sees("A wipePending"),
			after(deadline), sees("A wipePending"), asks("A silent", late), chooses("wipe", "A"), calls("wipe A"), lost("A"), looks,
			sees("A wipePending"), asks("A leaving", "it is not known whether Intune has heard the call"),
			chooses("wipe", "A"), makes("wipe A"), is("A leaving"), watches},
		"of a call that is made still nothing is said": {wipesWindows,
			sees("A"), calls("wipe A"), is("A leaving"), asked("A wipe"), calls(), declines("giveUp", "asks nothing")},
		"and a question about it is not withdrawn by an answer about another": {wipesWindows, sees("A", "HARM Android"), calls("wipe A"),
			lost("A"), sees("A"), asks("A unknown", ""), chooses("wipe", "HARM"), asks("A unknown", ""), chooses("giveUp", "A"), is("A givenUp")},
		"and the person waits longer": then(wiped, sees("A"), chooses("waitLonger"), is("A unknown"), watches,
			after(day), sees("A"), is("A unknown"), watches, wakes(deadline-day), after(deadline), sees("A"), asks("A unknown", late)),
		"and the person retries: where it leaves by then it is not asked again": then(wiped,
			sees("A"), chooses("retry"), looks, sees("A wipePending"), is("A leaving"), calls()),
		"and the person retries: where it stays it is asked again": then(wiped,
			sees("A"), chooses("retry"), looks, sees("A"), makes("wipe A"), is("A leaving")),
	})
}

// A list that is read page by page may miss a device, and a device may be another
// user's by now.
func TestADeviceThatIsNotListedIsNeverAsked(t *testing.T) {
	tell(t, stories{
		"it was asked: it is followed": {sees("A"), makes("all A"),
			misses("A"), is("A leaving"), watches, shows("A", leaver.Item{Detail: unlisted}), after(deadline), misses("A"), asks("A silent", late)},
		"it was asked and fails: it is not asked again": {sees("A"), makes("all A"),
			misses("A retireFailed"), calls(), after(2 * minute), looks, misses("A retireFailed"), asks("A failed", unlisted), calls()},
		"it was not asked: after a second look it is a question": {wipesWindows, sees("A", "B iOS"), misses("A"), is("A notAsked"), wakes(minute),
			makes("retire B"), after(minute), looks, is("A notAsked"), misses("A"), asks("A notAsked", unlisted), asked("A nothing"), calls()},
		"it was not asked: a second look that tells nothing new confirms it": {sees("A"),
			misses("A"), after(minute), looks, sees(), asks("A notAsked", unlisted), calls()},
		"it was missed once: it is asked": {wipesWindows, sees("A"), misses("A"), calls(), after(minute), looks, sees("A"), calls("wipe A")},
		"its wipe was chosen before: it is not wiped": {sees("A"), makes("all A"), after(deadline),
			sees("A"), chooses("wipe", "A"), misses("A"), calls(), after(minute), looks, misses("A"), asks("A silent", unlisted), calls()},
		"its wipe is not taken as an answer": {sees("A"), makes("all A"), misses("A"), after(deadline),
			misses("A"), asks("A silent", late), declines("wipe", "may be another user's: decide about it in Intune, then choose giveUp", "A"),
			offers("waitLonger", "retry", "giveUp"), chooses("giveUp", "A"), is("A givenUp")},
		"it is kept, wherever it is listed": {policy(`{"company": {"default": "keep"}}`), sees("A"), misses("A"), is("A kept"), ends},
	})
}

// One that was given to somebody else may be out of the worker's reach.
func TestADeviceThatCannotBeReadIsAQuestionAndHoldsUpNoOther(t *testing.T) {
	asking := []event{sees("A", "B", "C"), makes("all A B C"), sees("A retireFailed"), makes("retire A again"),
		cannotRead("A"), asks("A leaving", refusesToTell), asked("A retire"), loses("C"), is("B leaving", "C gone"), watches}
	tell(t, stories{
		"and the others are followed": then(asking, after(deadline), looks, sees("B"), asks("A leaving", refusesToTell), asks("B silent", late)),
		"and can be given up": then(asking,
			declines("wipe", "Intune does not tell of the device, and nothing can be asked of it", "A"), chooses("giveUp", "A"), is("A givenUp", "B leaving")),
		"and can be waited for": then(asking, chooses("waitLonger", "A"), is("A leaving"), cannotRead("A"), is("A leaving")),
		"and what was known of it is not forgotten: its failure is the one of before": then(asking,
			after(hour), sees("A retireFailed"), is("A leaving"), calls()),
	})
}

func TestEachDeviceHasADeadlineOfItsOwn(t *testing.T) {
	tell(t, stories{
		"it is silent when it has passed, and a look has come after it": {sees("A"), makes("all A"), watches, wakes(deadline),
			after(deadline - minute), is("A leaving"), watches,
			after(minute), is("A leaving"), looks, sees("A"), asks("A silent", "it has not checked in meanwhile"), watches},
		"it is not silent where it has checked in": {sees("A"), makes("all A"), after(hour), sees("A retirePending checkedIn"), is("A leaving"),
			after(deadline), sees("A retirePending"), asks("A leaving", "it has checked in meanwhile, and is still managed")},
		"the look at the deadline shows that it has left": {sees("A"), makes("all A"), after(deadline), looks, loses("A"), is("A gone"), ends},
		"one that was asked two minutes before another's is not silent three minutes later": {sees("A"), makes("all A"),
			after(deadline - 2*minute), sees("B"), makes("retire B"),
			after(3 * minute), sees("A", "B"), asks("A silent", ""), is("B leaving"), wakes(deadline - 3*minute), watches},
		"asking one anew gives no other a new one": {sees("A", "B"), makes("all A B"), after(deadline - hour),
			sees("A retireFailed"), makes("retire A again"), after(hour), sees("B"), is("A leaving"), asks("B silent", ""), wakes(deadline - hour)},
		"a decision about one gives no other a new one": {sees("A", "HARM Android"), makes("retire A"),
			after(deadline - hour), chooses("wipe", "HARM"), makes("wipe HARM"), after(hour), sees("A"), asks("A silent", ""), is("HARM leaving")},
		"whoever waits longer gets the whole of it again": then(silent, after(day),
			chooses("waitLonger"), is("A leaving"), wakes(deadline), watches, after(deadline-hour), sees("A retirePending"), is("A leaving"),
			after(hour), looks, sees("A retirePending"), asks("A silent", late), chooses("waitLonger"), is("A leaving"), wakes(deadline)),
		"whatever is refused meanwhile, it is not silent before the deadline that a person has renewed": then(silent, chooses("waitLonger"),
			after(day), sees("A retireFailed"), calls("retire A again"), refused("A", "Graph forbids it"), sees("A retirePending"),
			asks("A leaving", "Graph forbids it"), after(deadline-day), sees("A retirePending"), asks("A silent", "Graph forbids it")),
		"a device that leaves anyway has one, from when it was first seen leaving": {sees("A retirePending"), wakes(deadline),
			after(deadline), looks, sees("A retirePending"), asks("A leaving", late), watches,
			chooses("waitLonger"), is("A leaving"), asked("A nothing"), wakes(deadline), watches},
		"a device that leaves anyway is waited for, also where the call for it was refused and Intune does not tell of it": {sees("A"),
			calls("all A"), noRoute("A"), calls("retire A"), refused("A", "Graph forbids it"), sees("A retirePending"),
			asks("A leaving", "Graph forbids it"), chooses("waitLonger"), is("A leaving"), cannotRead("A"), is("A leaving"), watches},
		"a silent device of which Intune does not tell is not said to be silent": then(silent, cannotRead("A"), asks("A leaving", refusesToTell)),
		"one that awaits approval has none": {wipesWindows, sees("A"), calls("wipe A"), queued("A c1"), after(2 * day), reads("c1 expired"),
			calls("wipe A"), queued("A c2"), after(2 * day), reads("c2 approved"), makes("wipe A with c2"), is("A leaving"), wakes(deadline)},
		"at its deadline a silent device is a question though another cannot be asked": {sees("A"), makes("all A"), after(deadline - minute),
			sees("LATE"), calls("retire LATE"), after(2 * minute), lost("LATE"), sees("A", "LATE"), asks("A silent", ""), asks("LATE unknown", "")},
		"the deadline of one that is given up wakes nobody": {sees("A Android", "B"), makes("retire B"),
			after(deadline), sees("A Android", "B"), chooses("giveUp"), looks, sees(), ends},
	})
}
