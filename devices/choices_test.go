package devices_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

var (
	// silent is a device that was asked to retire and has not checked in until the
	// deadline.
	silent = []event{sees(windows("A")), calls("all A"), accepted("A"), sees(windows("A").state("retirePending")), after(deadline), looks, sees(windows("A").state("retirePending")), question("A", leaver.Silent, "its deadline has passed")}
	// harmed is a phone that the policy would do harm to, beside a device that leaves.
	harmed = []event{sees(windows("GOES"), android("A")), calls("retire GOES"), accepted("GOES"), question("A", leaver.NotAsked, "retire is not supported")}
)

func TestWhatAPersonDecidesIsDoneToEachDevice(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"each another thing": {
			sees(windows("A"), windows("B"), windows("C"), windows("D"), windows("E"), windows("F")), calls("all A B C D E F"), accepted("A B C D E F"),
			after(deadline), sees(windows("A")),
			chooses(leaver.WaitLonger, "A"), chooses(retire, "B"), chooses(wipe, "C"), chooses(wipeKeepUserData, "D"), chooses(deleteRecord, "E"), chooses(leaver.GiveUp, "F"),
			calls("retire B", "wipe C", "wipeKeepUserData D", "deleteRecord E"), accepted("B"), accepted("C"), accepted("D"), accepted("E"),
			is("A", leaver.Leaving), asked("A", leaver.Retire), is("B", leaver.Leaving), asked("C", leaver.Wipe), asked("E", leaver.DeleteRecord), is("F", leaver.GivenUp), asked("F", leaver.Retire), watches,
			loses("A", "B", "C", "D", "E"), ends,
		},
		"at once, while nobody has decided about another": then(harmed,
			sees(android("B")), chooses(wipe, "A"), calls("wipe A"), accepted("A"), is("A", leaver.Leaving), question("B", leaver.NotAsked, "")),
		"once, whatever the device does": then(silent, chooses(wipe), calls("wipe A"), accepted("A"), calls(), sees(windows("A").state("retirePending")), calls(), is("A", leaver.Leaving), watches),
		"and once more where it fails": then(silent, chooses(wipe), calls("wipe A"), accepted("A"),
			sees(windows("A").state("wipeFailed")), calls("wipe A again"), accepted("A"), after(time.Hour), sees(windows("A").state("wipeFailed").checkedIn()), question("A", leaver.RemovalFailed, "was asked twice")),
		"and is asked about again where Graph refuses it": then(silent, chooses(wipe), calls("wipe A"), refused("A", leaver.GraphForbidden, "grant a permission"),
			question("A", leaver.Silent, "grant a permission"), asked("A", leaver.Retire), watches,
			saysOf("A", func(t *testing.T, i leaver.Item) {
				assert.Empty(t, i.Choice)
				assert.Equal(t, leaver.GraphForbidden, i.Failure)
			}),
			offers(leaver.WaitLonger, leaver.Retry, retire, wipe, wipeKeepUserData, deleteRecord, leaver.GiveUp),
			chooses(leaver.WaitLonger), is("A", leaver.Leaving), watches),
		"and is remembered by a retry": then(silent, chooses(wipe), calls("wipe A"), refused("A", leaver.GraphForbidden, "grant a permission"),
			chooses(leaver.Retry), looks, sees(windows("A").state("retirePending")), calls("wipe A"), accepted("A"), asked("A", leaver.Wipe)),
		"unless the device has left by then": then(harmed, loses("A"), is("A", leaver.Gone), declines(wipe, "does not ask about all of these", "A")),
		"unless the device leaves before it can be asked": then(harmed, chooses(wipe, "A"), loses("A"), is("A", leaver.Gone), calls(), declines(leaver.GiveUp, "does not ask about all of these", "A"),
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Empty(t, i.Choice) })),
	})
}

func TestAnAnswerForAllIsForThoseThatItFitsAndThatNothingIsDecidedAbout(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"it may be changed until it is acted on, and does not overrule an answer for one": {
			sees(android("A"), android("B"), android("C")), chooses(wipe, "B"), chooses(wipe, "C"), chooses(leaver.GiveUp, "C"), chooses(leaver.GiveUp),
			is("A", leaver.GivenUp), is("C", leaver.GivenUp), calls("wipe B"),
		},
		"what was given up is given up": {
			sees(android("A"), android("B")), chooses(leaver.GiveUp, "A"), declines(wipe, "does not ask about all of these", "A"), chooses(leaver.Retry), is("A", leaver.GivenUp),
		},
		"it is for those only that it does no harm to": {
			sees(android("A"), android("B").owner("unknown")), policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: leaver.Wipe}}), question("B", leaver.NotAsked, ""),
			chooses(wipe), calls("wipe A"), question("B", leaver.NotAsked, "set its owner in Intune"),
		},
		"waiting longer is for those only that were asked": then(harmed,
			after(deadline), sees(windows("GOES")), question("GOES", leaver.Silent, ""), chooses(leaver.WaitLonger), is("GOES", leaver.Leaving), question("A", leaver.NotAsked, "")),
		"giving up is also for what awaits approval": {
			policy(wipesWindows), sees(windows("A"), android("HARM")), calls("wipe A"), queued("A", "c1"), chooses(leaver.GiveUp), is("A", leaver.GivenUp), is("HARM", leaver.GivenUp),
		},
	})
}

func TestWhatMayBeChosen(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"nothing where nothing is asked":        {sees(windows("A")), offers(), declines(leaver.GiveUp, "asks nothing that a choice could answer"), declines(leaver.GiveUp, "does not ask about all of these", "A")},
		"of a silent device":                    then(silent, offers(leaver.WaitLonger, leaver.Retry, retire, wipe, wipeKeepUserData, deleteRecord, leaver.GiveUp)),
		"of one that leaves anyway":             {sees(windows("A").state("retirePending")), after(deadline), sees(windows("A").state("retirePending")), offers(leaver.WaitLonger, leaver.Retry, retire, wipe, wipeKeepUserData, deleteRecord, leaver.GiveUp)},
		"of one that was not asked":             then(harmed, offers(leaver.Retry, wipe, leaver.GiveUp), declines(leaver.WaitLonger, "nothing was asked of the item that could be waited for", "A")),
		"of one that awaits approval":           then(wipeWaits, offers(leaver.Approved, leaver.GiveUp)),
		"not what there is none of":             then(silent, declines(leaver.GiveUp, "there is no item with one of these ids", "A", "nothing")),
		"not what is no choice":                 then(silent, declines("keep", "is not for all of these items", "A"), declines("keep", "want one of waitLonger, retry")),
		"not for one of which nothing is asked": then(harmed, declines(leaver.GiveUp, "does not ask about all of these", "A", "GOES")),
		"a single reason is told":               then(harmed, declines(retire, "retire is not supported for a corporate Android device: choose wipe")),
		"not approved without a request":        then(silent, declines(leaver.Approved, "approved is not for all of these items", "A")),
	})
}

func TestARetryLooksFirst(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"the owner was set in Intune": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Android: leaver.Wipe}, Personal: leaver.DeviceActions{Android: leaver.Wipe}}),
			sees(android("A").owner("unknown")), question("A", leaver.NotAsked, "set its owner in Intune"),
			chooses(leaver.Retry), sees(android("A")), calls("wipe A"),
		},
		"the device has left": {
			sees(windows("A"), android("HARM")), calls("retire A"), refused("A", leaver.GraphBadRequest, "no"), chooses(leaver.Retry, "A"), looks, loses("A"), is("A", leaver.Gone), calls(),
		},
		"the failure is mended: nothing is asked": {
			sees(windows("A")), calls("all A"), accepted("A"), sees(windows("A").state("retireFailed")), calls("retire A again"), accepted("A"),
			after(time.Hour), sees(windows("A").state("retireFailed").checkedIn()), chooses(leaver.Retry), looks, sees(windows("A").state("retirePending")), is("A", leaver.Leaving), calls(),
		},
		"the failure is there still: it is asked again": {
			sees(windows("A")), calls("all A"), accepted("A"), sees(windows("A").state("retireFailed")), calls("retire A again"), accepted("A"),
			after(time.Hour), sees(windows("A").state("retireFailed").checkedIn()), chooses(leaver.Retry), looks, sees(windows("A").state("retireFailed")), calls("retire A"), accepted("A"), is("A", leaver.Leaving),
		},
		"Intune tells of the device again": {
			sees(windows("A")), calls("all A"), accepted("A"), cannotRead(windows("A"), "Graph refuses to tell"), chooses(leaver.Retry), is("A", leaver.Leaving), sees(windows("A").state("retirePending")), is("A", leaver.Leaving), watches,
		},
	})
}
