package devices_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// B30: Intune accepts the call, the device checks in, and nothing happens.
func TestACallOfWhichADeviceShowsNothingIsDoubted(t *testing.T) {
	checksIn := []event{after(8 * time.Hour), sees("A checkedIn")}
	once := []event{sees("A", "B"), makes("all A B"), after(8 * time.Hour), sees("A checkedIn", "B retirePending"), is("A leaving"), watches}
	twice := then(once, after(8*time.Hour), sees("A checkedIn"), makes("retire A again"), is("A leaving"), watches)
	doubts := then(then(then(twice, checksIn...), is("A leaving"), watches), append(checksIn, asks("A leaving", "checked in twice since each call"), is("B leaving"))...)
	tell(t, stories{
		"it is asked once more, by its own call, and leaves":         then(twice, after(8*time.Hour), loses("A"), is("A gone")),
		"it is asked once more, and then a person is":                doubts,
		"a person waits longer":                                      then(doubts, chooses("waitLonger", "A"), is("A leaving"), watches, after(9*day), is("A leaving"), after(2*day), looks),
		"a person retries: it is asked again, and once more":         then(then(doubts, chooses("retry", "A"), looks, sees("A"), makes("retire A"), is("A leaving"), after(time.Hour), sees("A checkedIn"), after(time.Hour), sees("A checkedIn")), makes("retire A again")),
		"a device that is leaving may check in as often as it wants": {sees("A"), makes("all A"), after(time.Hour), sees("A retirePending checkedIn"), after(time.Hour), sees("A retirePending checkedIn"), after(time.Hour), sees("A retirePending checkedIn"), is("A leaving"), watches},
		"the same check-in, seen twice, is one":                      then(once, after(time.Hour), sees("A"), after(time.Hour), sees("A"), is("A leaving"), watches),
	})
}

// Intune's clock is compared with Intune's: here it is an hour behind ours.
func TestACheckInIsComparedWithTheMomentInWhichIntuneHeardTheCall(t *testing.T) {
	heard := func(by time.Duration) event {
		return func(s *scene) { hears(devices.Outcome{Answer: devices.Accepted, HeardAt: s.now.Add(by)}, "A")(s) }
	}
	doubts := []event{sees("A"), calls("all A")}
	tell(t, stories{
		"behind: it has checked in since": then(then(doubts, heard(-time.Hour), sees("A checkedIn")), after(11*day), sees("A"), asks("A leaving", "has checked in meanwhile")),
		"ahead: it has not":               then(then(doubts, heard(time.Hour), sees("A checkedIn")), after(11*day), sees("A"), asks("A silent", "not checked in")),
	})
}

// B33: the one action for all is out of order for long, and others work.
func TestAnActionForAllThatIsNotAnsweredIsFollowedByEachDevicesOwnCall(t *testing.T) {
	failed := hears(devices.Outcome{Answer: devices.Unknown, Failure: leaver.GraphUnavailable, Why: "no answer for half an hour"}, "A B")
	tell(t, stories{
		"none has heard it": {sees("A", "B"), calls("all A B"), failed, looks, sees("A", "B"), makes("retire A", "retire B"), is("A leaving", "B leaving")},
		"one has heard it":  {sees("A", "B"), calls("all A B"), failed, looks, sees("A retirePending", "B"), makes("retire B"), is("A leaving", "B leaving")},
	})
}

// B54: bulk took long. The rate is that of ten calls at a time whatever the number of devices, so that the limit of the
// task queue alone, nine a second, holds calls back that take a second each.
func TestAThousandDevicesAreAskedAtTheRateOfAFew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{30, 300, leaver.MaxDevices} {
		fleet, now, sight := &devices.Fleet{Policy: leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}, Deadline: leaver.Duration(24 * time.Hour)}, monday, devices.Sight{}
		for i := range n {
			sight.Listed = append(sight.Listed, devices.Seen{ID: fmt.Sprint(i), DeviceFacts: leaver.DeviceFacts{OperatingSystem: "Windows", OwnerType: "company", ManagementState: "managed", LastSyncDateTime: monday.Add(-time.Hour)}})
		}
		fleet.Saw(sight, now)
		asked := 0
		for asked < n {
			todo := fleet.Next(now)
			require.NotEmpty(t, todo.Writes, "%d of %d are asked, and nothing waits", asked, n)
			fleet.Begin(todo.Writes, now)
			now = now.Add(time.Second)
			for _, w := range todo.Writes {
				assert.Equal(t, leaver.Wipe, w.Action)
				fleet.Heard(w, devices.Outcome{Answer: devices.Accepted}, now)
			}
			asked += len(todo.Writes)
		}
		assert.GreaterOrEqual(t, float64(asked)/now.Sub(monday).Seconds(), 9.0, "%d devices", n)
	}
}

// B46, B47 and B48: whose the device is, and what kind.
func TestADeviceThatIsNotSimplyTheLeaversAndIntunesIsNotAsked(t *testing.T) {
	tell(t, stories{
		"a Cloud PC":               {sees("A special=cloudPC", "B"), makes("retire B"), shows("A", leaver.Item{Outcome: leaver.Skipped, Detail: "a Cloud PC ends with its Windows 365 licence: take that away"}), is("A notIntunes")},
		"of Configuration Manager": {wipesWindows, sees("A special=configurationManager"), is("A notIntunes"), ends},
		"of Defender":              {sees("A special=defender"), is("A notIntunes"), ends},
		"of Exchange":              {sees("A special=exchange iOS"), is("A notIntunes"), ends},
		"of somebody else": {sees("A special=otherUser", "B"), makes("retire B"), asks("A notAsked", "names somebody else as its user"), watches,
			chooses("retire", "A"), makes("retire A"), is("A leaving")},
		"of somebody else, and left": {sees("A special=otherUser"), asks("A notAsked", "somebody else"), chooses("giveUp", "A"), is("A givenUp"), looks},
		"of somebody else, and kept": {policy(`{"company": {"default": "keep"}}`), sees("A special=otherUser"), is("A kept"), ends},
		"it is the leaver's by now":  {sees("A special=otherUser"), asks("A notAsked", "somebody else"), sees("A"), makes("all A")},
	})
}
