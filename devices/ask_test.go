package devices_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
)

// What the policy asks of a device, and why it is not asked. Deleting its record resets a
// corporate Android device: only where the policy says wipe is that no harm.
func TestWhatWouldDoHarmIsAskedOfNoDevice(t *testing.T) {
	all := stories{
		"the policy says wipe: the record may be deleted": {policy(`{"company": {"android": "wipe"}}`),
			sees("A Android"), makes("wipe A"), after(deadline), sees("A Android"), chooses("deleteRecord"), calls("deleteRecord A")},
		"the policy says something else": {sees("A Android"), declines("deleteRecord", "resets it to factory settings", "A")},
	}
	for harm, cases := range map[string][]string{
		"": {"Android/company/wipe", "Android/personal/retire", "Android/personal/deleteRecord",
			"AndroidForWork/unknown/retire", "Windows/company/wipeKeepUserData", "windows 10/personal/wipeKeepUserData",
			"Windows/unknown/wipe", "iOS/unknown/wipe", "macOS/company/deleteRecord", "Linux/company/retire", "//retire"},
		"retire is not supported for a corporate Android device: choose wipe":                                           {"Android/company/retire"},
		"a personal Android device has a work profile only, which Graph cannot wipe: choose retire":                     {"Android/personal/wipe"},
		"deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant": {"Android/company/deleteRecord"},
		"set its owner in Intune, or choose retire": {
			"AndroidForWork/unknown/wipe", "androidEnterprise//deleteRecord"},
		"user data can be kept on Windows only: choose wipe or retire": {"Android/company/wipeKeepUserData",
			"Android/personal/wipeKeepUserData", "iOS/company/wipeKeepUserData", "macOS/personal/wipeKeepUserData"},
	} {
		for _, ask := range cases {
			words := strings.Split(ask, "/")
			device := devices.Seen{ID: "A", DeviceFacts: leaver.DeviceFacts{OperatingSystem: words[0], OwnerType: words[1], ManagementState: "managed"}}
			action := words[2]
			call := strings.Replace(action, "retire", "all", 1) + " A"
			all[ask] = []event{policy(`{"company": {"default": "` + action + `"}, "personal": {"default": "` + action + `"}}`),
				look(devices.Sight{Listed: []devices.Seen{device}})}
			if harm == "" {
				all[ask] = then(all[ask], calls(call))
			} else {
				all[ask] = then(all[ask], asks("A notAsked", harm), calls(), watches, declines(leaver.Choice(action), harm, "A"))
			}
		}
	}
	tell(t, all)
}

func TestAFleetIsForeseenAndCounted(t *testing.T) {
	tell(t, stories{
		"a plan shows what will happen to each device": {
			policy(`{"requireRecoveryKey": true, "company": {"windows": "wipe", "android": "deleteRecord"}, "personal": {"android": "wipe", "windows": "keep"}}`),
			sees("A key=onRecord", "B macOS", "C Android", "D Android personal", "E personal", "F iOS retirePending", "G key=missing", "H key=unknown"),
			func(s *scene) {
				const resets = "deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant"
				const saveIt = ", and the policy requires one: save it, then retry, or choose"
				for i, want := range []struct {
					planned leaver.DeviceAction
					detail  string
				}{
					{"wipe", ""},
					{"retire", ""},
					{"deleteRecord", "a person will be asked: " + resets},
					{"wipe", "a person will be asked: a personal Android device has a work profile only, which Graph cannot wipe: choose retire"},
					{"keep", "left as it is, as the policy says"},
					{"retire", "already leaving"},
					{"wipe", "a person will be asked: no BitLocker recovery key is on record" + saveIt},
					{"wipe", "a person will be asked: whether a BitLocker recovery key is on record is not known: grant BitlockerKey.ReadBasic.All" + saveIt},
				} {
					item := s.fleet.Foreseen(s.now)[i]
					nothing := leaver.Device{DeviceFacts: item.Device.DeviceFacts, Planned: want.planned}
					assert.Equal(s, leaver.Item{ID: item.ID, Detail: want.detail, Device: &nothing}, item, "nothing has happened yet")
				}
			}},
		"devices are counted by how they stand": {policy(`{"company": {"windows": "wipe"}, "personal": {"default": "keep"}}`),
			sees("GONE", "WAITS", "SPENT", "LEAVES iOS", "ANYWAY iOS retirePending", "HARM Android", "LEFT Android", "KEPT personal"),
			calls("wipe GONE", "wipe WAITS", "wipe SPENT", "retire LEAVES"),
			accepted("GONE"), queued("WAITS c1"), spent("SPENT"), accepted("LEAVES"), loses("GONE"), chooses("giveUp", "LEFT"),
			func(s *scene) {
				want := devices.Count{Gone: 1, GivenUp: 1, Kept: 1, Questions: 1, AwaitApproval: 1, Leaving: 2, Asked: 2, SpentUntil: monday.Truncate(day).Add(day)}
				assert.Equal(s, want, s.fleet.Count(s.now))
			}},
	})
}

// BitLocker is suspended by a retirement and by a wipe, and without its recovery key
// nobody reads the disk again.
func TestAWindowsDeviceNeedsARecoveryKeyOnRecordWhereThePolicySaysSo(t *testing.T) {
	const none = "no BitLocker recovery key is on record, and the policy requires one"
	tell(t, stories{
		"it is on record":                     {wantsKeys, sees("A key=onRecord", "B iOS"), calls("all A B")},
		"it is missing, and nobody wants one": {sees("A key=missing"), calls("all A")},
		"it is missing: the device is a question, and the others go on": {wantsKeys,
			sees("A key=missing", "B key=onRecord", "C iOS"), asks("A notAsked", none), calls("retire B", "retire C"), asked("A nothing")},
		"it is missing, and the device is kept or only its record is deleted": {
			policy(`{"requireRecoveryKey": true, "company": {"windows": "deleteRecord"}, "personal": {"windows": "keep"}}`),
			sees("A key=missing", "B personal"), calls("deleteRecord A"), is("B kept")},
		"it is missing, and a person wants the device wiped all the same": {wantsKeys,
			sees("A key=missing"), chooses("wipe"), makes("wipe A"), is("A leaving"), sees("A wipeFailed"), calls("wipe A again")},
		"it is missing, and a person wants the device wiped by a request that expires": {wantsKeys,
			sees("A key=missing"), chooses("wipe"), calls("wipe A"), queued("A c1"), reads("c1 expired"), calls("wipe A")},
		"it is saved, and a person retries": {wantsKeys, sees("A key=missing"), chooses("retry"), looks, sees("A key=onRecord"), calls("all A")},
		"it is missing still when a person retries": {wantsKeys,
			sees("A key=missing"), chooses("retry"), looks, sees("A key=missing"), asks("A notAsked", none), calls(), watches},
		"it may not be read: the device is a question, and says why": {wantsKeys,
			sees("A key=unknown", "B iOS"), asks("A notAsked", "is not known: grant BitlockerKey.ReadBasic.All"), calls("retire B")},
		"it cannot be read for a moment: one call does for all once it can": {wantsKeys, sees("A", "B iOS"),
			calls(), is("A notAsked"), wakes(minute), watches, after(30 * time.Second), sees("A key=onRecord"), calls("all A B")},
		"it cannot be read for longer: that holds up no phone": {wantsKeys,
			sees("A", "B iOS"), calls(), after(minute), makes("retire B"), is("A notAsked"), wakes(day - minute), watches,
			shows("A", leaver.Item{Detail: "looks for its BitLocker recovery key"}), after(hour), sees("A key=onRecord"), calls("retire A")},
		"it cannot be read for a day: the device is a question": {wantsKeys,
			sees("A"), after(day), asks("A notAsked", "it could not be read for a day"), watches, chooses("giveUp"), is("A givenUp")},
		"one that is enrolled while a request for all waits needs a key too": {wantsKeys, sees("B iOS"), calls("all B"), queued("B c1"),
			sees("A key=missing"), asks("A notAsked", none), is("B awaitingApproval"), reads("c1 approved"), calls("retire B"), asked("A nothing")},
		"one that is enrolled then, and whose key cannot be read, does not join": {wantsKeys,
			sees("B iOS"), calls("all B"), queued("B c1"), mayNotReadApprovals,
			sees("A"), is("A notAsked", "B awaitingApproval"), chooses("approved"), calls(), after(minute), calls("retire B"), asked("A nothing")},
		"one that is enrolled then, and whose key is found in time, joins": {wantsKeys, sees("B iOS"), calls("all B"), queued("B c1"),
			sees("A"), reads("c1 approved"), calls(), sees("A key=onRecord"), calls("all B A with c1")},
		"it is looked for while a day is used up for wipes: the sooner wakes": {policy(`{"requireRecoveryKey": true, "personal": {"iOS": "keep"}}`),
			sees("A Android"), chooses("wipe"), calls("wipe A"), spent("A"), wakes(16 * hour),
			after(8 * hour), sees("B"), wakes(8 * hour), after(8 * hour), makes("wipe A"), wakes(16 * hour), is("B notAsked")},
		"one that leaves anyway needs none": {wantsKeys, sees("A key=missing retirePending"), is("A leaving"), watches},
		"one that fails is asked once more with the key that was found": {wantsKeys,
			sees("A key=onRecord"), makes("all A"), sees("A retireFailed"), calls("retire A again")},
	})
}
