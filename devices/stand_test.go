package devices_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

func TestTheLifeOfADevice(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"asked, and gone": {
			looks,
			sees(windows("A")), is("A", leaver.NotAsked), calls("all A"), is("A", leaver.Leaving),
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Equal(t, "is being asked", i.Detail) }), accepted("A"),
			is("A", leaver.Leaving), asked("A", leaver.Retire), watches, wakes(deadline),
			after(day), sees(windows("A").state("retirePending")), is("A", leaver.Leaving), watches,
			after(day), loses("A"), is("A", leaver.Gone), asked("A", leaver.Retire), ends,
		},
		"failed at a check-in in the same second in which it is asked again": {
			sees(windows("A")), calls("all A"), accepted("A"),
			after(time.Hour), sees(windows("A").state("retireFailed").checkedIn()), AtOnce, calls("retire A again"), accepted("A"), is("A", leaver.Leaving), watches,
			after(time.Hour), sees(windows("A").state("retirePending")), loses("A"), ends,
		},
		"a leaver without devices": {looks, sees(), ends},
		"leaving already": {
			sees(windows("A").state("retirePending")), is("A", leaver.Leaving), notAsked("A"), watches,
			after(day), loses("A"), is("A", leaver.Gone), ends,
		},
		"it was leaving and is no more: the policy says what to do": {
			policy(wipesWindows),
			sees(windows("A").state("retirePending")), watches,
			after(time.Hour), sees(windows("A").state("managed")), calls("wipe A"),
		},
		"somebody has cancelled what somebody else had asked: the policy says what to do": {
			policy(wipesWindows),
			sees(windows("A").state("retirePending")), watches,
			after(time.Hour), sees(windows("A").state("retireCanceled")), calls("wipe A"),
		},
		"it was leaving and stays after all, and the policy keeps it": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A").state("retirePending")), is("A", leaver.Leaving), watches,
			after(time.Hour), sees(windows("A").state("managed")), is("A", leaver.Kept), ends,
		},
		"kept by the policy": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A").owner("personal")), is("A", leaver.Kept), notAsked("A"), ends,
		},
		"enrolled since": {
			sees(), ends,
			sees(windows("A")), calls("all A"),
		},
		"enrolled since, while others leave: by a call of its own": {
			sees(windows("A")), calls("all A"), accepted("A"),
			after(time.Hour), sees(iphone("LATE")), calls("retire LATE"), accepted("LATE"), is("LATE", leaver.Leaving),
		},
		"enrolled since, and kept": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A")), calls("retire A"), accepted("A"),
			sees(windows("LATE").owner("personal")), is("LATE", leaver.Kept), watches,
		},
		"gone, and listed again": {
			sees(windows("A")), calls("all A"), accepted("A"), loses("A"), ends,
			sees(windows("A").state("retirePending")), is("A", leaver.Leaving), watches,
		},
		"gone before it could be asked": {
			sees(windows("A")), loses("A"), is("A", leaver.Gone), notAsked("A"), ends,
		},
	})
}

func TestWhateverStateADeviceShowsBeforeItIsAskedThePolicyIsAppliedUnlessItLeaves(t *testing.T) {
	t.Parallel()
	all := stories{}
	for _, state := range []string{"managed", "retireFailed", "retireCanceled", "wipeFailed", "wipeCanceled", "unhealthy", "discovered", "somethingNew", ""} {
		all["state "+state] = []event{sees(windows("A").state(state), windows("B").state("retirePending")), calls("all A B"), accepted("A B"), is("A", leaver.Leaving), is("B", leaver.Leaving)}
	}
	for _, state := range []string{"retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"} {
		all["leaving "+state] = []event{sees(windows("A").state(state)), is("A", leaver.Leaving), watches}
	}
	tell(t, all)
}

// A device that fails to leave is asked once more, by a call of its own. A state that
// it showed before a call does not prove what became of that call.
func TestADeviceThatFailsToLeaveIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	failed := windows("A").state("retireFailed")
	failsOnce := []event{
		sees(windows("A"), iphone("B")), calls("all A B"), accepted("A B"),
		after(time.Hour), sees(failed.checkedIn(), iphone("B").state("retirePending")), calls("retire A again"), accepted("A"),
		is("A", leaver.Leaving), watches,
	}
	failsTwice := then(failsOnce,
		after(time.Hour), sees(failed.checkedIn()),
		question("A", leaver.RemovalFailed, "was asked twice"), is("B", leaver.Leaving), watches)
	tell(t, stories{
		"and leaves": then(failsOnce,
			after(time.Hour), loses("A", "B"), is("A", leaver.Gone), ends),
		"and fails again: it is a question while the other is followed": failsTwice,
		"and is cancelled in Intune": then(failsOnce,
			after(time.Hour), sees(windows("A").state("retireCanceled").checkedIn()), question("A", leaver.RemovalCanceled, "was asked twice")),
		"as the policy asked it": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), accepted("A"),
			after(time.Hour), sees(windows("A").state("wipeFailed")), calls("wipe A again"), accepted("A"),
		},
		"a failure of before the call is none of the call": {
			sees(failed), calls("all A"), accepted("A"), is("A", leaver.Leaving),
			after(time.Hour), sees(failed), is("A", leaver.Leaving), watches,
			after(time.Hour), sees(failed.checkedIn()), calls("retire A again"), accepted("A"),
		},
		"a failure of before the second call is no second one": then(failsOnce,
			after(time.Hour), sees(failed), is("A", leaver.Leaving), watches),
		"waiting longer asks nothing of one that failed twice": then(failsTwice,
			chooses(leaver.WaitLonger, "A"), is("A", leaver.Leaving), watches,
			after(time.Hour), sees(failed), is("A", leaver.Leaving), watches,
			after(time.Hour), sees(failed.checkedIn()), question("A", leaver.RemovalFailed, "was asked twice"), watches),
		"what a person chose for one that failed twice is waited for": then(failsTwice,
			chooses(wipe, "A"), calls("wipe A"), accepted("A"), is("A", leaver.Leaving),
			after(time.Hour), sees(failed), is("A", leaver.Leaving), watches),
		"a refusal to ask again is a question": {
			sees(windows("A")), calls("all A"), accepted("A"),
			sees(failed), calls("retire A again"), refused("A", leaver.GraphForbidden, "Graph refuses it"),
			question("A", leaver.RemovalFailed, "Graph refuses it"), asked("A", leaver.Retire),
		},
		"an answer about one device has no other asked again": {
			sees(windows("A"), windows("C"), android("HARM")), calls("retire A", "retire C"), accepted("A"), accepted("C"),
			sees(failed, windows("C").state("retireFailed")), calls("retire A again", "retire C again"), accepted("A"),
			after(time.Hour), sees(failed.checkedIn()), chooses(leaver.GiveUp, "HARM"),
			question("A", leaver.RemovalFailed, "was asked twice"), calls(),
		},
	})
}

// An activity asks again by itself where an answer is lost, and reads the device first.
// What remains unknown is looked at, and is a question where that does not tell.
func TestACallWhoseAnswerIsLostMayHaveBeenHeard(t *testing.T) {
	t.Parallel()
	wiped := []event{policy(wipesWindows), sees(windows("A")), calls("wipe A"), lost("A"), is("A", leaver.Unknown), asked("A", leaver.Wipe), looks}
	tell(t, stories{
		"and the device leaves": then(wiped,
			sees(windows("A").state("wipePending")), is("A", leaver.Leaving), asked("A", leaver.Wipe), watches,
			after(day), loses("A"), is("A", leaver.Gone), asked("A", leaver.Wipe), ends),
		"and the device is gone": then(wiped,
			loses("A"), is("A", leaver.Gone), asked("A", leaver.Wipe), ends),
		"and nothing tells: it is a question, and is not asked by itself": then(wiped,
			sees(windows("A")), question("A", leaver.Unknown, "it is not known whether Intune has heard the call"), asked("A", leaver.Wipe), watches),
		"and the question is gone when the device leaves after all": then(wiped,
			sees(windows("A")), question("A", leaver.Unknown, ""),
			after(time.Hour), sees(windows("A").state("wipePending")), is("A", leaver.Leaving), watches),
		"and the device fails: it was asked, and is asked once more": then(wiped,
			sees(windows("A").state("wipeFailed")), asked("A", leaver.Wipe), calls("wipe A again"), accepted("A"),
			after(time.Hour), sees(windows("A").state("wipeFailed").checkedIn()), question("A", leaver.RemovalFailed, "was asked twice")),
		"of the call that repeats one: it is not asked a third time": {
			sees(windows("A")), calls("all A"), accepted("A"),
			sees(windows("A").state("retireFailed")), calls("retire A again"), lost("A"), looks,
			sees(windows("A").state("retireFailed")), calls(),
			after(time.Hour), sees(windows("A").state("retireFailed").checkedIn()), question("A", leaver.RemovalFailed, "was asked twice"),
		},
		"of two records that were to be deleted, and of one nothing was heard": {
			policy(deletesAll), sees(windows("A"), windows("B")), calls("deleteRecord A", "deleteRecord B"), accepted("A"), lost("B"),
			is("B", leaver.Unknown), asked("B", leaver.DeleteRecord), looks,
			loses("A", "B"), is("B", leaver.Gone), asked("B", leaver.DeleteRecord), ends,
		},
		"of the one action for all: each device may have been asked": {
			sees(windows("A"), windows("B")), calls("all A B"), lost("A B"), asked("A", leaver.Retire), asked("B", leaver.Retire), looks,
			sees(windows("A").state("retirePending"), windows("B")), is("A", leaver.Leaving), question("B", leaver.Unknown, "not known"),
		},
		"of the one action for all: one that leaves anyway is followed, from the call on": {
			sees(windows("A"), windows("B").state("retirePending")), after(day), calls("all A B"), lost("A B"), looks,
			sees(windows("A"), windows("B").state("retirePending")), question("A", leaver.Unknown, "not known"), is("B", leaver.Leaving), wakes(deadline),
		},
		"and a state that the device showed before proves nothing": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.WipeKeepUserData}}),
			sees(windows("A")), calls("wipeKeepUserData A"), accepted("A"), sees(windows("A").state("wipePending")),
			after(deadline), sees(windows("A").state("wipePending")), question("A", leaver.Silent, "its deadline has passed"),
			chooses(wipe, "A"), calls("wipe A"), lost("A"), looks,
			sees(windows("A").state("wipePending")), question("A", leaver.Leaving, "it is not known whether Intune has heard the call"),
			chooses(wipe, "A"), calls("wipe A"), accepted("A"), is("A", leaver.Leaving), watches,
		},
		"of a call that is made still nothing is said": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), is("A", leaver.Leaving), asked("A", leaver.Wipe), calls(),
			declines(leaver.GiveUp, "asks nothing"),
		},
		"and a question about it is not withdrawn by an answer about another": {
			policy(wipesWindows), sees(windows("A"), android("HARM")), calls("wipe A"), lost("A"), sees(windows("A")),
			question("A", leaver.Unknown, ""), chooses(wipe, "HARM"), question("A", leaver.Unknown, ""), chooses(leaver.GiveUp, "A"), is("A", leaver.GivenUp),
		},
		"and the person waits longer": then(wiped,
			sees(windows("A")), chooses(leaver.WaitLonger), is("A", leaver.Unknown), watches,
			after(day), sees(windows("A")), is("A", leaver.Unknown), watches, wakes(deadline-day),
			after(deadline), sees(windows("A")), question("A", leaver.Unknown, "its deadline has passed")),
		"and the person retries: where it leaves by then it is not asked again": then(wiped,
			sees(windows("A")), chooses(leaver.Retry), looks,
			sees(windows("A").state("wipePending")), is("A", leaver.Leaving), calls()),
		"and the person retries: where it stays it is asked again": then(wiped,
			sees(windows("A")), chooses(leaver.Retry), looks,
			sees(windows("A")), calls("wipe A"), accepted("A"), is("A", leaver.Leaving)),
	})
}

// A list that is read page by page may miss a device, and a device may be another
// user's by now.
func TestADeviceThatIsNotListedIsNeverAsked(t *testing.T) {
	t.Parallel()
	const unlisted = "still managed, no longer listed for the leaver"
	tell(t, stories{
		"it was asked: it is followed": {
			sees(windows("A")), calls("all A"), accepted("A"),
			misses(windows("A")), is("A", leaver.Leaving), watches,
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Equal(t, unlisted, i.Detail) }),
			after(deadline), misses(windows("A")), question("A", leaver.Silent, "its deadline has passed"),
		},
		"it was asked and fails: it is not asked again": {
			sees(windows("A")), calls("all A"), accepted("A"),
			misses(windows("A").state("retireFailed")), calls(),
			after(2 * time.Minute), looks,
			misses(windows("A").state("retireFailed")), question("A", leaver.RemovalFailed, unlisted), calls(),
		},
		"it was not asked: after a second look it is a question": {
			policy(wipesWindows),
			sees(windows("A"), iphone("B")), misses(windows("A")), is("A", leaver.NotAsked), wakes(time.Minute), calls("retire B"), accepted("B"),
			after(time.Minute), looks, is("A", leaver.NotAsked),
			misses(windows("A")), question("A", leaver.NotAsked, unlisted), notAsked("A"), calls(),
		},
		"it was not asked: a second look that tells nothing new confirms it": {
			sees(windows("A")), misses(windows("A")), after(time.Minute), looks, sees(), question("A", leaver.NotAsked, unlisted), calls(),
		},
		"it was missed once: it is asked": {
			policy(wipesWindows),
			sees(windows("A")), misses(windows("A")), calls(), after(time.Minute), looks,
			sees(windows("A")), calls("wipe A"),
		},
		"its wipe was chosen before: it is not wiped": {
			sees(windows("A")), calls("all A"), accepted("A"), after(deadline), sees(windows("A")),
			chooses(wipe, "A"), misses(windows("A")), calls(), after(time.Minute), looks,
			misses(windows("A")), question("A", leaver.Silent, unlisted), calls(),
		},
		"its wipe is not taken as an answer": {
			sees(windows("A")), calls("all A"), accepted("A"), misses(windows("A")), after(deadline), misses(windows("A")),
			question("A", leaver.Silent, "its deadline has passed"),
			declines(wipe, "may be another user's: decide about it in Intune, then choose giveUp", "A"),
			offers(leaver.WaitLonger, leaver.Retry, leaver.GiveUp),
			chooses(leaver.GiveUp, "A"), is("A", leaver.GivenUp),
		},
		"it is kept, wherever it is listed": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A")), misses(windows("A")), is("A", leaver.Kept), ends,
		},
	})
}

// One that was given to somebody else may be out of the worker's reach.
func TestADeviceThatCannotBeReadIsAQuestionAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	asking := []event{
		sees(windows("A"), windows("B"), windows("C")), calls("all A B C"), accepted("A B C"),
		sees(windows("A").state("retireFailed")), calls("retire A again"), accepted("A"),
		cannotRead(windows("A"), "Graph refuses to tell"), question("A", leaver.Leaving, "Graph refuses to tell"), asked("A", leaver.Retire),
		loses("C"), is("B", leaver.Leaving), is("C", leaver.Gone), watches,
	}
	tell(t, stories{
		"and the others are followed": then(asking,
			after(deadline), looks, sees(windows("B")), question("A", leaver.Leaving, "Graph refuses to tell"), question("B", leaver.Silent, "its deadline")),
		"and can be given up": then(asking,
			chooses(leaver.GiveUp, "A"), is("A", leaver.GivenUp), is("B", leaver.Leaving)),
		"and can be waited for": then(asking,
			chooses(leaver.WaitLonger, "A"), is("A", leaver.Leaving), cannotRead(windows("A"), "Graph refuses to tell"), is("A", leaver.Leaving)),
		"and what was known of it is not forgotten: its failure is the one of before": then(asking,
			after(time.Hour), sees(windows("A").state("retireFailed")), is("A", leaver.Leaving), calls()),
	})
}

func TestADeviceThatIsFoundToBeAnotherThanWasDecidedAboutIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"and judged anew": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A")), calls("wipe A"), unfit("A"), notAsked("A"), looks,
			sees(windows("A").owner("personal")), is("A", leaver.Kept), ends,
		},
		"three times, and is then a question": {
			policy(wipesWindows),
			sees(windows("A")), calls("wipe A"), unfit("A"), looks,
			sees(windows("A")), calls("wipe A"), unfit("A"), looks,
			sees(windows("A")), calls("wipe A"), unfit("A"), question("A", leaver.NotAsked, "otherwise each time"),
			chooses(leaver.Retry), looks, sees(windows("A")), calls("wipe A"),
		},
	})
}
