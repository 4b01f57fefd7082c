package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
)

func TestOneCallDoesForAllWhereEveryDeviceIsToBeRetired(t *testing.T) {
	tell(t, stories{
		"of every kind":       {sees("A", "B iOS", "C Android personal"), makes("all A B C"), asked("A retire", "C retire")},
		"one of them leaving": {sees("A", "B wipePending"), calls("all A B")},
		"one of them gone":    {sees("A", "B"), loses("B"), calls("all A")},
		"all of them leaving": {sees("A wipePending", "B retirePending"), calls(), watches},
		"but not where the policy keeps any, which may be enrolled just then": {policy(`{"personal": {"default": "keep"}}`),
			sees("A", "B"), calls("retire A", "retire B")},
		"but not where the policy wants more: each device is treated as it says": {
			policy(`{"company": {"windows": "wipeKeepUserData", "macOS": "deleteRecord", "android": "wipe"}, "personal": {"windows": "keep"}}`),
			sees("PC", "MAC macOS", "PHONE Android", "OWN-PHONE Android personal", "OWN-PC personal"),
			makes("wipeKeepUserData PC", "deleteRecord MAC", "wipe PHONE", "retire OWN-PHONE"), is("OWN-PC kept"),
			after(hour), sees("LATE-PHONE Android", "LATE-PAD iOS", "LATE-OWN-PC personal", "LATE-LEAVING personal wipePending"),
			calls("wipe LATE-PHONE", "retire LATE-PAD"), is("LATE-OWN-PC kept", "LATE-LEAVING leaving")},
		"but not where it does harm to one": {sees("A", "B Android", "C iOS"),
			calls("retire A", "retire C"), asks("B notAsked", "retire is not supported")},
		"but not where a person has given one up, or chosen for it": {sees("A", "B"), calls("all A B"), refused("A B", "no"),
			chooses("giveUp", "A"), chooses("retry", "B"), looks, sees("A", "B"), calls("retire B")},
		"but not where the tenant does not take it: then each is asked by itself, and what leaves is left alone": {sees("A", "B wipePending", "C"),
			calls("all A B C"), noRoute("A B C"), asked("A nothing"), is("B leaving"), makes("retire A", "retire C"),
			sees("LATE iOS"), calls("retire LATE")},
		"but not where the tenant does not take it and does not say why": {sees("A"),
			calls("all A"), hears(devices.Outcome{Answer: devices.NoRoute}, "A"), calls("retire A")},
		"and once more where a person retries what was refused": {sees("A", "B retirePending"),
			calls("all A B"), refusedAs(leaver.GraphBadRequest, "A B", "Graph refuses it"), asks("A notAsked", "Graph refuses it"),
			is("B leaving"), asked("A nothing", "B nothing"), chooses("retry"), looks, sees("A"), makes("all A B"), asked("A retire")},
	})
}

func TestAtMostTenCallsAreMadeAtOnceAndASlowOneHoldsUpNoOther(t *testing.T) {
	var ids []string
	for i := range 25 {
		ids = append(ids, fmt.Sprintf("D%02d", i))
	}
	wipes := func(ids []string) event { return calls(strings.Split("wipe "+strings.Join(ids, ",wipe "), ",")...) }
	tell(t, stories{
		"one answer makes room for one": {wipesWindows, sees(ids...), wipes(ids[:10]), calls(), accepted("D03"), wipes(ids[10:11]), calls()},
		"after a minute a call counts no more": {wipesWindows, sees(ids...), wipes(ids[:10]), wakes(minute),
			after(minute), wipes(ids[10:20]), after(minute), wipes(ids[20:]), looksNot, after(minute), watches},
		"the devices are watched as soon as nothing is being asked, or takes longer": {wipesWindows,
			sees(ids[:1]...), wipes(ids[:1]), looksNot, after(minute), watches},
	})
}

// One device that is refused, or for which Intune fails, keeps no other from being asked.
func TestOneDeviceHoldsUpNoOther(t *testing.T) {
	tell(t, stories{
		"refused": {wipesWindows,
			sees("A", "B"), calls("wipe A", "wipe B"), refusedAs(leaver.GraphBadRequest, "A", "The action is not supported for this device."),
			accepted("B"), asks("A notAsked", "not supported for this device"), asked("A nothing"), is("B leaving"), watches,
			shows("A", leaver.Item{Outcome: leaver.Failed, Failure: leaver.GraphBadRequest, Detail: "The action is not supported for this device."}),
			chooses("retire", "A"), makes("retire A"), is("A leaving"), asked("A retire")},
		"refused without a reason": {wipesWindows,
			sees("A"), calls("wipe A"), hears(devices.Outcome{Answer: devices.Refused}, "A"), asks("A notAsked", "")},
		"not known by the call, though listed": {wipesWindows,
			sees("A", "B"), calls("wipe A", "wipe B"), lost("A"), accepted("B"), is("B leaving")},
		"a refusal that concerns every device alike is asked about once, and tried again when a person has decided something": {wipesWindows,
			sees("A"), calls("wipe A"), refusedAs(leaver.IntuneNotLicensed, "A", "the tenant has no licence"),
			sees("B"), calls(), asks("A notAsked", "no licence"), asks("B notAsked", "no licence"), asked("A nothing"), watches,
			chooses("retry"), looks, sees("A", "B"), calls("wipe A", "wipe B")},
		"a question of its own": {sees("GONE", "FAILS", "SILENT macOS", "HARM Android"), makes("retire GONE", "retire FAILS", "retire SILENT"),
			loses("GONE"), sees("FAILS retireFailed"), makes("retire FAILS again"), after(hour), sees("FAILS retireFailed checkedIn"),
			is("GONE gone"), asks("FAILS failed", ""), is("SILENT leaving"), asks("HARM notAsked", ""), watches, chooses("wipe", "HARM"),
			makes("wipe HARM"), is("HARM leaving"), asks("FAILS failed", ""), chooses("giveUp"), is("FAILS givenUp", "SILENT leaving"),
			loses("HARM", "SILENT"), ends, shows("FAILS", leaver.Item{Outcome: leaver.Skipped, Detail: "left as it is, by a decision"})},
	})
}

func TestTheFleetIsFollowedToItsEnd(t *testing.T) {
	tell(t, stories{
		"while only questions are open, it is watched still": {sees("HARM Android"), asks("HARM notAsked", ""), watches, loses("HARM"), ends},
		"without people nothing is asked, and all that can leave is followed": {withoutPeople,
			sees("FAILS", "HARM Android"), makes("retire FAILS"), sees("FAILS retireFailed"), makes("retire FAILS again"), watches,
			loses("FAILS"), asks("HARM notAsked", "retire is not supported"), fails},
		"without people a refusal ends it, after one more look": {withoutPeople,
			sees("A"), calls("all A"), refused("A", "no"), looks, sees("A"), fails},
		"without people a second administrator is waited for": {withoutPeople, wipesWindows,
			sees("A"), calls("wipe A"), queued("A c1"), watches, reads("c1 rejected"), asks("A notAsked", "rejected in Intune"), fails},
		"one that was given up and has left by itself is no exception": {sees("HARM Android"),
			chooses("giveUp"), looks, loses("HARM"), is("HARM gone"), ends},
		"one that was given up stays": {sees("HARM Android"), chooses("giveUp"), looks, sees("HARM Android"), is("HARM givenUp"), ends},
	})
}

// The limits are the tenant's, for each kind of action.
func TestADailyLimitThatIsUsedUpWaitsUntilTomorrow(t *testing.T) {
	const tomorrow = 16 * hour // monday begins at eight
	tell(t, stories{
		"what it refused was not asked, and is asked one by one: a day may never take one call for all": {sees("A", "B"),
			calls("all A B"), spent("A B"), is("A notAsked"), asked("A nothing", "B nothing"), watches,
			wakes(tomorrow), shows("A", leaver.Item{Detail: devices.SpentToday}), after(tomorrow), makes("retire A", "retire B"), is("A leaving")},
		"a limit for wipes holds up no retirement, and is tried once a day": {wipesWindows,
			sees("A", "B", "C iOS"), calls("wipe A", "wipe B", "retire C"),
			accepted("A"), spent("B"), accepted("C"), is("A leaving", "B notAsked", "C leaving"), watches, after(hour),
			loses("A"), sees("LATE", "LATE-TOO iOS"), calls("retire LATE-TOO"), is("LATE notAsked"), after(tomorrow), calls("wipe B", "wipe LATE")},
		"both ways to wipe have one limit": {policy(`{"company": {"default": "wipe"}, "personal": {"windows": "wipeKeepUserData"}}`),
			sees("A"), calls("wipe A"), spent("A"), sees("B personal"), calls(), is("B notAsked")},
		"the one action and retirements have one limit": {sees("A"), calls("all A"), spent("A"), sees("HARM Android"), calls()},
		"deletions have one": {deletesAll,
			sees("A", "B"), calls("deleteRecord A", "deleteRecord B"), accepted("A"), spent("B"), is("B notAsked"), wakes(tomorrow), watches},
		"a device that leaves by itself meanwhile does not say that it waits": {wipesWindows,
			sees("A"), calls("wipe A"), spent("A"), sees("A retirePending"), is("A leaving"), shows("A", leaver.Item{}), after(tomorrow), calls()},
		"what a person chose waits too, is shown, and can be taken back": {sees("H1 Android", "H2 Android", "H3 Android"),
			chooses("wipe", "H1", "H2"), calls("wipe H1", "wipe H2"), accepted("H1"), spent("H2"), is("H2 notAsked"),
			asks("H3 notAsked", ""), asked("H1 wipe"), watches, shows("H2", leaver.Item{Choice: "wipe", Detail: devices.SpentToday}),
			chooses("giveUp", "H2"), is("H2 givenUp"), after(tomorrow), calls()},
		"after the deadline no look is made until tomorrow": {sees("A"), makes("all A"), after(deadline),
			sees("A"), chooses("wipe", "A"), calls("wipe A"), spent("A"), watches, wakes(tomorrow), after(hour), watches, is("A leaving")},
		"a day that is over at once is not tried without end": {sees("A"),
			calls("all A"), hears(devices.Outcome{Answer: devices.Spent}, "A"), calls(), after(minute), calls("all A")},
		"it holds up no approval": {wipesWindows, sees("A", "B iOS"), calls("wipe A", "retire B"), queued("A c1"), queued("B c2"),
			reads("c1 approved"), calls("wipe A with c1"), spent("A"), watches,
			reads("c2 approved"), makes("retire B with c2"), after(tomorrow), calls("wipe A with c1")},
	})
}
