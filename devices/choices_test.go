package devices_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
)

var (
	// silent is a device that was asked to retire and has not checked in until the
	// deadline.
	silent = []event{sees("A"), makes("all A"), sees("A retirePending"), after(deadline), looks, sees("A retirePending"), asks("A silent", late)}
	// harmed is a phone that the policy would do harm to, beside a device that leaves.
	harmed = []event{sees("GOES", "A Android"), makes("retire GOES"), asks("A notAsked", "retire is not supported")}
)

func TestWhatAPersonDecidesIsDoneToEachDevice(t *testing.T) {
	tell(t, stories{
		"each another thing": {sees("A", "B", "C", "D", "E", "F"), makes("all A B C D E F"),
			after(deadline), sees("A"), chooses("waitLonger", "A"),
			chooses("retire", "B"), chooses("wipe", "C"), chooses("wipeKeepUserData", "D"), chooses("deleteRecord", "E"),
			chooses("giveUp", "F"), makes("retire B", "wipe C", "wipeKeepUserData D", "deleteRecord E"), is("A leaving"), asked("A retire"),
			is("B leaving"), asked("C wipe", "E deleteRecord"), is("F givenUp"), asked("F retire"), watches, loses("A", "B", "C", "D", "E"), ends},
		"at once, while nobody has decided about another": then(harmed,
			sees("B Android"), chooses("wipe", "A"), makes("wipe A"), is("A leaving"), asks("B notAsked", "")),
		"once, whatever the device does": then(silent,
			chooses("wipe"), makes("wipe A"), calls(), sees("A retirePending"), calls(), is("A leaving"), watches),
		"and once more where it fails": then(silent, chooses("wipe"), makes("wipe A"),
			sees("A wipeFailed"), makes("wipe A again"), after(hour), sees("A wipeFailed checkedIn"), asks("A failed", twice)),
		"and is asked about again where Graph refuses it": then(silent,
			chooses("wipe"), calls("wipe A"), refused("A", "grant a permission"), asks("A silent", "grant a permission"), asked("A retire"),
			watches, shows("A", leaver.Item{Outcome: leaver.Failed, Failure: leaver.GraphForbidden, Detail: "grant a permission"}),
			offers(allChoices...), chooses("waitLonger"), is("A leaving"), watches),
		"and is remembered by a retry": then(silent, chooses("wipe"), calls("wipe A"), refused("A", "grant a permission"),
			chooses("retry"), looks, sees("A retirePending"), makes("wipe A"), asked("A wipe")),
		"unless the device has left by then": then(harmed, loses("A"), is("A gone"), declines("wipe", "does not ask about all of these", "A")),
		"unless the device leaves before it can be asked": then(harmed, chooses("wipe", "A"), loses("A"), is("A gone"),
			calls(), declines("giveUp", "does not ask about all of these", "A"), shows("A", leaver.Item{Outcome: leaver.Done, Detail: "gone"})),
	})
}

func TestAnAnswerForAllIsForThoseThatItFitsAndThatNothingIsDecidedAbout(t *testing.T) {
	tell(t, stories{
		"it may be changed until it is acted on, and does not overrule an answer for one": {sees("A Android", "B Android", "C Android"),
			chooses("wipe", "B"), chooses("wipe", "C"), chooses("giveUp", "C"), chooses("giveUp"), is("A givenUp", "C givenUp"), calls("wipe B")},
		"what was given up is given up": {sees("A Android", "B Android"),
			chooses("giveUp", "A"), declines("wipe", "does not ask about all of these", "A"), chooses("retry"), is("A givenUp")},
		"it is for those only that it does no harm to": {sees("A Android", "B Android unknown"), policy(`{"personal": {"android": "wipe"}}`),
			asks("B notAsked", ""), chooses("wipe"), calls("wipe A"), asks("B notAsked", "set its owner in Intune")},
		"waiting longer is for those only that were asked": then(harmed,
			after(deadline), sees("GOES"), asks("GOES silent", ""), chooses("waitLonger"), is("GOES leaving"), asks("A notAsked", "")),
		"giving up is also for what awaits approval": {wipesWindows,
			sees("A", "HARM Android"), calls("wipe A"), queued("A c1"), chooses("giveUp"), is("A givenUp", "HARM givenUp")},
	})
}

func TestWhatMayBeChosen(t *testing.T) {
	tell(t, stories{
		"nothing where nothing is asked": {sees("A"),
			offers(), declines("giveUp", "asks nothing that a choice could answer"), declines("giveUp", "does not ask about all of these", "A")},
		"of a silent device, but not what there is none of, what is no choice, or approved without a request": then(silent, offers(allChoices...),
			declines("giveUp", "there is no item with one of these ids", "A", "nothing"), declines("keep", "is not for all of these items", "A"),
			declines("keep", "want one of waitLonger, retry"), declines("approved", "approved is not for all of these items", "A")),
		"of one that leaves anyway": {sees("A retirePending"), after(deadline), sees("A retirePending"), offers(allChoices...)},
		"of one that was not asked, but not of one of which nothing is asked; and a single reason is told": then(harmed,
			offers("retry", "wipe", "giveUp"), declines("waitLonger", "nothing was asked of the item that could be waited for", "A"),
			declines("giveUp", "does not ask about all of these", "A", "GOES"),
			declines("retire", "retire is not supported for a corporate Android device: choose wipe")),
		"of one that awaits approval": then(wipeWaits, offers("approved", "giveUp")),
	})
}

func TestARetryLooksFirst(t *testing.T) {
	tell(t, stories{
		"the owner was set in Intune": {policy(`{"company": {"android": "wipe"}, "personal": {"android": "wipe"}}`),
			sees("A Android unknown"), asks("A notAsked", "set its owner in Intune"), chooses("retry"), sees("A Android"), calls("wipe A")},
		"the device has left": {sees("A", "HARM Android"), calls("retire A"), refusedAs(leaver.GraphBadRequest, "A", "no"),
			chooses("retry", "A"), looks, loses("A"), is("A gone"), calls()},
		"the failure is mended: nothing is asked": {sees("A"), makes("all A"), sees("A retireFailed"), makes("retire A again"),
			after(hour), sees("A retireFailed checkedIn"), chooses("retry"), looks, sees("A retirePending"), is("A leaving"), calls()},
		"the failure is there still: it is asked again": {sees("A"), makes("all A"), sees("A retireFailed"), makes("retire A again"),
			after(hour), sees("A retireFailed checkedIn"), chooses("retry"), looks, sees("A retireFailed"), makes("retire A"), is("A leaving")},
		"Intune tells of the device again": {sees("A"), makes("all A"),
			cannotRead("A"), chooses("retry"), is("A leaving"), sees("A retirePending"), is("A leaving"), watches},
	})
}
