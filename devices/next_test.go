package devices_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
)

func TestOneCallDoesForAllWhereEveryDeviceIsToBeRetired(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"of every kind":       {sees(windows("A"), iphone("B"), android("C").owner("personal")), calls("all A B C"), accepted("A B C"), asked("A", leaver.Retire), asked("C", leaver.Retire)},
		"one of them leaving": {sees(windows("A"), windows("B").state("wipePending")), calls("all A B")},
		"one of them gone":    {sees(windows("A"), windows("B")), loses("B"), calls("all A")},
		"all of them leaving": {sees(windows("A").state("wipePending"), windows("B").state("retirePending")), calls(), watches},
		"but not where the policy keeps any, which may be enrolled just then": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("A"), windows("B")), calls("retire A", "retire B"),
		},
		"but not where it does harm to one": {
			sees(windows("A"), android("B"), iphone("C")), calls("retire A", "retire C"), question("B", leaver.NotAsked, "retire is not supported"),
		},
		"but not where a person has given one up, or chosen for it": {
			sees(windows("A"), windows("B")), calls("all A B"), refused("A B", leaver.GraphForbidden, "no"),
			chooses(leaver.GiveUp, "A"), chooses(leaver.Retry, "B"), looks, sees(windows("A"), windows("B")), calls("retire B"),
		},
		"but not where the tenant does not take it: then each is asked by itself, and what leaves is left alone": {
			sees(windows("A"), windows("B").state("wipePending"), windows("C")), calls("all A B C"), noRoute("A B C"),
			notAsked("A"), is("B", leaver.Leaving), calls("retire A", "retire C"), accepted("A"), accepted("C"),
			sees(iphone("LATE")), calls("retire LATE"),
		},
		"but not where the tenant does not take it and does not say why": {
			sees(windows("A")), calls("all A"), hears("A", devices.Outcome{Answer: devices.NoRoute}), calls("retire A"),
		},
		"and once more where a person retries what was refused": {
			sees(windows("A"), windows("B").state("retirePending")), calls("all A B"), refused("A B", leaver.GraphBadRequest, "Graph refuses it"),
			question("A", leaver.NotAsked, "Graph refuses it"), is("B", leaver.Leaving), notAsked("A"), notAsked("B"),
			chooses(leaver.Retry), looks, sees(windows("A")), calls("all A B"), accepted("A B"), asked("A", leaver.Retire),
		},
	})
}

func TestEachDeviceIsTreatedAsThePolicySays(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"": {
			policy(leaver.DevicePolicy{
				Company:  leaver.DeviceActions{Windows: leaver.WipeKeepUserData, MacOS: leaver.DeleteRecord, Android: leaver.Wipe},
				Personal: leaver.DeviceActions{Windows: leaver.Keep},
			}),
			sees(windows("PC"), company("MAC", "macOS"), android("PHONE"), android("OWN-PHONE").owner("personal"), windows("OWN-PC").owner("personal")),
			calls("wipeKeepUserData PC", "deleteRecord MAC", "wipe PHONE", "retire OWN-PHONE"),
			accepted("PC"), accepted("MAC"), accepted("PHONE"), accepted("OWN-PHONE"), is("OWN-PC", leaver.Kept),
			after(time.Hour), sees(android("LATE-PHONE"), iphone("LATE-PAD"), windows("LATE-OWN-PC").owner("personal"), windows("LATE-LEAVING").owner("personal").state("wipePending")),
			calls("wipe LATE-PHONE", "retire LATE-PAD"), is("LATE-OWN-PC", leaver.Kept), is("LATE-LEAVING", leaver.Leaving),
		},
	})
}

func TestAtMostTenCallsAreMadeAtOnceAndASlowOneHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	var all []device
	var ids []string
	for i := range 25 {
		ids = append(ids, fmt.Sprintf("D%02d", i))
		all = append(all, windows(ids[i]))
	}
	wipes := func(ids []string) event { return calls(strings.Split("wipe "+strings.Join(ids, ",wipe "), ",")...) }
	tell(t, stories{
		"one answer makes room for one":                                              {policy(wipesWindows), sees(all...), wipes(ids[:10]), calls(), accepted("D03"), wipes(ids[10:11]), calls()},
		"after a minute a call counts no more":                                       {policy(wipesWindows), sees(all...), wipes(ids[:10]), wakes(time.Minute), after(time.Minute), wipes(ids[10:20]), after(time.Minute), wipes(ids[20:]), looksNot, after(time.Minute), watches},
		"the devices are watched as soon as nothing is being asked, or takes longer": {policy(wipesWindows), sees(all[:1]...), wipes(ids[:1]), looksNot, after(time.Minute), watches},
	})
}

// looksNot says that a look would come too early: what is being asked may change what
// it sees.
func looksNot(s *scene) {
	s.Helper()
	todo := s.fleet.Next(s.now)
	assert.False(s, todo.Look || todo.Watch || todo.Ended, "%+v", todo)
}

// One device that is refused, or for which Intune fails, keeps no other from being asked.
func TestOneDeviceHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"refused": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"),
			refused("A", leaver.GraphBadRequest, "The action is not supported for this device."), accepted("B"),
			question("A", leaver.NotAsked, "not supported for this device"), notAsked("A"), is("B", leaver.Leaving), watches,
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Equal(t, leaver.GraphBadRequest, i.Failure) }),
			chooses(retire, "A"), calls("retire A"), accepted("A"), is("A", leaver.Leaving), asked("A", leaver.Retire),
		},
		"refused without a reason": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), hears("A", devices.Outcome{Answer: devices.Refused}), question("A", leaver.NotAsked, ""),
		},
		"not known by the call, though listed": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"), lost("A"), accepted("B"), is("B", leaver.Leaving),
		},
		"a question of its own": {
			sees(windows("GONE"), windows("FAILS"), company("SILENT", "macOS"), android("HARM")),
			calls("retire GONE", "retire FAILS", "retire SILENT"), accepted("GONE"), accepted("FAILS"), accepted("SILENT"),
			loses("GONE"), sees(windows("FAILS").state("retireFailed")), calls("retire FAILS again"), accepted("FAILS"),
			after(time.Hour), sees(windows("FAILS").state("retireFailed").checkedIn()),
			is("GONE", leaver.Gone), question("FAILS", leaver.RemovalFailed, ""), is("SILENT", leaver.Leaving), question("HARM", leaver.NotAsked, ""), watches,
			chooses(wipe, "HARM"), calls("wipe HARM"), accepted("HARM"), is("HARM", leaver.Leaving), question("FAILS", leaver.RemovalFailed, ""),
			chooses(leaver.GiveUp), is("FAILS", leaver.GivenUp), is("SILENT", leaver.Leaving), loses("HARM", "SILENT"), ends,
			saysOf("FAILS", func(t *testing.T, i leaver.Item) { assert.Equal(t, leaver.Skipped, i.Outcome) }),
		},
	})
}

func TestTheFleetIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"while only questions are open, it is watched still": {
			sees(android("HARM")), question("HARM", leaver.NotAsked, ""), watches,
			loses("HARM"), ends,
		},
		"without people nothing is asked, and all that can leave is followed": {
			withoutPeople, sees(windows("FAILS"), android("HARM")), calls("retire FAILS"), accepted("FAILS"),
			sees(windows("FAILS").state("retireFailed")), calls("retire FAILS again"), accepted("FAILS"), watches,
			loses("FAILS"), question("HARM", leaver.NotAsked, "retire is not supported"), fails,
		},
		"without people a refusal ends it, after one more look": {
			withoutPeople, sees(windows("A")), calls("all A"), refused("A", leaver.GraphForbidden, "no"), looks, sees(windows("A")), fails,
		},
		"without people a second administrator is waited for": {
			withoutPeople, policy(wipesWindows), sees(windows("A")), calls("wipe A"), queued("A", "c1"), watches,
			reads("c1", leaver.ApprovalRejected), question("A", leaver.NotAsked, "rejected in Intune"), fails,
		},
		"one that was given up and has left by itself is no exception": {
			sees(android("HARM")), chooses(leaver.GiveUp), looks,
			loses("HARM"), is("HARM", leaver.Gone), ends,
		},
		"one that was given up stays": {
			sees(android("HARM")), chooses(leaver.GiveUp), looks, sees(android("HARM")), is("HARM", leaver.GivenUp), ends,
		},
	})
}

// The limits are the tenant's, for each kind of action.
func TestADailyLimitThatIsUsedUpWaitsUntilTomorrow(t *testing.T) {
	t.Parallel()
	const tomorrow = 16 * time.Hour // monday begins at eight
	tell(t, stories{
		"what it refused was not asked, and is asked one by one: a day may never take one call for all": {
			sees(windows("A"), windows("B")), calls("all A B"), spent("A B"), is("A", leaver.NotAsked), notAsked("A"), notAsked("B"), watches, wakes(tomorrow),
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Contains(t, i.Detail, "waiting until tomorrow") }),
			after(tomorrow), calls("retire A", "retire B"), accepted("A"), accepted("B"), is("A", leaver.Leaving),
		},
		"a limit for wipes holds up no retirement, and is tried once a day": {
			policy(wipesWindows), sees(windows("A"), windows("B"), iphone("C")), calls("wipe A", "wipe B", "retire C"),
			accepted("A"), spent("B"), accepted("C"), is("A", leaver.Leaving), is("B", leaver.NotAsked), is("C", leaver.Leaving), watches,
			after(time.Hour), loses("A"), sees(windows("LATE"), iphone("LATE-TOO")), calls("retire LATE-TOO"), is("LATE", leaver.NotAsked),
			after(tomorrow), calls("wipe B", "wipe LATE"),
		},
		"both ways to wipe have one limit": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}, Personal: leaver.DeviceActions{Windows: leaver.WipeKeepUserData}}),
			sees(windows("A")), calls("wipe A"), spent("A"), sees(windows("B").owner("personal")), calls(), is("B", leaver.NotAsked),
		},
		"the one action and retirements have one limit": {
			sees(windows("A")), calls("all A"), spent("A"), sees(android("HARM")), calls(),
		},
		"deletions have one": {
			policy(deletesAll), sees(windows("A"), windows("B")), calls("deleteRecord A", "deleteRecord B"), accepted("A"), spent("B"), is("B", leaver.NotAsked), wakes(tomorrow), watches,
		},
		"a device that leaves by itself meanwhile does not say that it waits": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), spent("A"), sees(windows("A").state("retirePending")), is("A", leaver.Leaving),
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Empty(t, i.Detail) }), after(tomorrow), calls(),
		},
		"what a person chose waits too, is shown, and can be taken back": {
			sees(android("H1"), android("H2"), android("H3")), chooses(wipe, "H1", "H2"), calls("wipe H1", "wipe H2"), accepted("H1"), spent("H2"),
			is("H2", leaver.NotAsked), question("H3", leaver.NotAsked, ""), asked("H1", leaver.Wipe), watches,
			saysOf("H2", func(t *testing.T, i leaver.Item) {
				assert.Equal(t, wipe, i.Choice)
				assert.Contains(t, i.Detail, "daily limit")
			}),
			chooses(leaver.GiveUp, "H2"), is("H2", leaver.GivenUp), after(tomorrow), calls(),
		},
		"after the deadline no look is made until tomorrow": {
			sees(windows("A")), calls("all A"), accepted("A"), after(deadline), sees(windows("A")), chooses(wipe, "A"), calls("wipe A"), spent("A"),
			watches, wakes(tomorrow), after(time.Hour), watches, is("A", leaver.Leaving),
		},
		"a day that is over at once is not tried without end": {
			sees(windows("A")), calls("all A"), hears("A", devices.Outcome{Answer: devices.Spent}), calls(), after(time.Minute), calls("all A"),
		},
		"it holds up no approval": {
			policy(wipesWindows), sees(windows("A"), iphone("B")), calls("wipe A", "retire B"), queued("A", "c1"), queued("B", "c2"),
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), spent("A"), watches,
			reads("c2", leaver.ApprovalApproved), calls("retire B with c2"), accepted("B"),
			after(tomorrow), calls("wipe A with c1"),
		},
	})
}

// Where the tenant takes no call at all, one refusal is enough to know it.
func TestARefusalThatConcernsEveryDeviceAlikeIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	blocked := []event{
		policy(wipesWindows), sees(windows("A")), calls("wipe A"), refused("A", leaver.IntuneNotLicensed, "the tenant has no licence"),
		sees(windows("B")), calls(), question("A", leaver.NotAsked, "no licence"), question("B", leaver.NotAsked, "no licence"), notAsked("A"), watches,
	}
	tell(t, stories{
		"and tried again when a person has decided something": then(blocked, chooses(leaver.Retry), looks, sees(windows("A"), windows("B")), calls("wipe A", "wipe B")),
	})
}
