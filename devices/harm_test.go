package devices_test

import (
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

// What the policy asks of a device, and why it is not asked.
func TestWhatWouldDoHarmIsAskedOfNoDevice(t *testing.T) {
	t.Parallel()
	const (
		notSupported = "retire is not supported for a corporate Android device: choose wipe"
		workProfile  = "a personal Android device has a work profile only, which Graph cannot wipe: choose retire"
		resets       = "deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant"
		setOwner     = "set its owner in Intune, or choose retire"
		windowsOnly  = "user data can be kept on Windows only: choose wipe or retire"
	)
	for _, c := range []struct {
		system, owner string
		action        leaver.DeviceAction
		harm          string
	}{
		{"Android", "company", leaver.Retire, notSupported},
		{"Android", "company", leaver.Wipe, ""},
		{"Android", "company", leaver.WipeKeepUserData, windowsOnly},
		{"Android", "company", leaver.DeleteRecord, resets},
		{"Android", "personal", leaver.Retire, ""},
		{"Android", "personal", leaver.Wipe, workProfile},
		{"Android", "personal", leaver.WipeKeepUserData, windowsOnly},
		{"Android", "personal", leaver.DeleteRecord, ""},
		{"AndroidForWork", "unknown", leaver.Retire, ""},
		{"AndroidForWork", "unknown", leaver.Wipe, setOwner},
		{"androidEnterprise", "", leaver.DeleteRecord, setOwner},
		{"Windows", "company", leaver.WipeKeepUserData, ""},
		{"windows 10", "personal", leaver.WipeKeepUserData, ""},
		{"Windows", "unknown", leaver.Wipe, ""},
		{"iOS", "company", leaver.WipeKeepUserData, windowsOnly},
		{"macOS", "personal", leaver.WipeKeepUserData, windowsOnly},
		{"iOS", "unknown", leaver.Wipe, ""},
		{"macOS", "company", leaver.DeleteRecord, ""},
		{"Linux", "company", leaver.Retire, ""},
		{"", "", leaver.Retire, ""},
	} {
		events := []event{policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Default: c.action}, Personal: leaver.DeviceActions{Default: c.action}}), sees(company("A", c.system).owner(c.owner))}
		switch {
		case c.harm != "":
			events = append(events, question("A", leaver.NotAsked, c.harm), calls(), watches, declines(leaver.Choice(c.action), c.harm, "A"))
		case c.action == leaver.Retire:
			events = append(events, calls("all A"))
		default:
			events = append(events, calls(string(c.action)+" A"))
		}
		tell(t, stories{c.system + " " + c.owner + " " + string(c.action): events})
	}
}

// Deleting its record resets a corporate Android device: only where the policy says wipe
// is that no harm.
func TestTheRecordOfACorporateAndroidIsDeletedOnlyWhereThePolicySaysWipe(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"the policy says wipe": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Android: leaver.Wipe}}), sees(android("A")), calls("wipe A"), accepted("A"),
			after(deadline), sees(android("A")), chooses(deleteRecord), calls("deleteRecord A"),
		},
		"the policy says something else": {sees(android("A")), declines(deleteRecord, "resets it to factory settings", "A")},
	})
}

func TestAPlanShowsWhatWillHappenToEachDevice(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"": {
			policy(leaver.DevicePolicy{RequireRecoveryKey: true,
				Company:  leaver.DeviceActions{Windows: leaver.Wipe, Android: leaver.DeleteRecord},
				Personal: leaver.DeviceActions{Android: leaver.Wipe, Windows: leaver.Keep}}),
			sees(windows("A").key(leaver.RecoveryKeyOnRecord), company("B", "macOS"), android("C"), android("D").owner("personal"), windows("E").owner("personal"), iphone("F").state("retirePending"),
				windows("G").key(leaver.RecoveryKeyMissing), windows("H").key(leaver.RecoveryKeyUnknown).keyUnread("grant BitlockerKey.ReadBasic.All")),
			func(s *scene) {
				for i, want := range []struct {
					action leaver.DeviceAction
					detail string
				}{
					{leaver.Wipe, ""}, {leaver.Retire, ""},
					{leaver.DeleteRecord, "a person will be asked: deleting the record of a corporate Android device resets it to factory settings"},
					{leaver.Wipe, "a person will be asked: a personal Android device has a work profile only, which Graph cannot wipe"},
					{leaver.Keep, "left as it is, as the policy says"}, {leaver.Retire, "already leaving"},
					{leaver.Wipe, "a person will be asked: no BitLocker recovery key is on record"},
					{leaver.Wipe, "a person will be asked: whether a BitLocker recovery key is on record is not known: grant BitlockerKey.ReadBasic.All"},
				} {
					item := s.fleet.Foreseen(s.now)[i]
					assert.Equal(s, want.action, item.Device.Planned, item.ID)
					assert.True(s, item.Detail == want.detail || want.detail != "" && strings.HasPrefix(item.Detail, want.detail), item.Detail)
					assert.Empty(s, item.Outcome, "nothing has happened to %s yet", item.ID)
					assert.Empty(s, item.Device.Verdict, item.ID)
					assert.Empty(s, item.Device.Calls, item.ID)
				}
			},
		},
	})
}

func TestDevicesAreCountedByHowTheyStand(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.Keep}}),
			sees(windows("GONE"), windows("WAITS"), windows("SPENT"), iphone("LEAVES"), iphone("ANYWAY").state("retirePending"), android("HARM"), android("LEFT"), windows("KEPT").owner("personal")),
			calls("wipe GONE", "wipe WAITS", "wipe SPENT", "retire LEAVES"), accepted("GONE"), queued("WAITS", "c1"), spent("SPENT"), accepted("LEAVES"),
			loses("GONE"), chooses(leaver.GiveUp, "LEFT"),
			func(s *scene) {
				c := s.fleet.Count(s.now)
				assert.Equal(s, monday.Truncate(day).Add(day), c.SpentUntil)
				assert.Equal(s, [...]int{1, 1, 1, 1, 1, 2, 2}, [...]int{c.Gone, c.GivenUp, c.Kept, c.Questions, c.AwaitApproval, c.Leaving, c.Asked})
			},
		},
	})
}
