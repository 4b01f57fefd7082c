package devices_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

// BitLocker is suspended by a retirement and by a wipe, and without its recovery key
// nobody reads the disk again.
func TestAWindowsDeviceNeedsARecoveryKeyOnRecordWhereThePolicySaysSo(t *testing.T) {
	t.Parallel()
	onRecord, missing := windows("A").key(leaver.RecoveryKeyOnRecord), windows("A").key(leaver.RecoveryKeyMissing)
	const none = "no BitLocker recovery key is on record, and the policy requires one"
	tell(t, stories{
		"it is on record":                     {policy(wantsKeys), sees(onRecord, iphone("B")), calls("all A B")},
		"it is missing, and nobody wants one": {sees(missing), calls("all A")},
		"it is missing: the device is a question, and the others go on": {
			policy(wantsKeys), sees(missing, windows("B").key(leaver.RecoveryKeyOnRecord), iphone("C")), question("A", leaver.NotAsked, none), calls("retire B", "retire C"), notAsked("A"),
		},
		"it is missing, and the device is kept or only its record is deleted": {
			policy(leaver.DevicePolicy{RequireRecoveryKey: true, Company: leaver.DeviceActions{Windows: leaver.DeleteRecord}, Personal: leaver.DeviceActions{Windows: leaver.Keep}}),
			sees(missing, windows("B").owner("personal")), calls("deleteRecord A"), is("B", leaver.Kept),
		},
		"it is missing, and a person wants the device wiped all the same": {
			policy(wantsKeys), sees(missing), chooses(wipe), calls("wipe A"), accepted("A"), is("A", leaver.Leaving),
			sees(windows("A").state("wipeFailed")), calls("wipe A again"),
		},
		"it is missing, and a person wants the device wiped by a request that expires": {
			policy(wantsKeys), sees(missing), chooses(wipe), calls("wipe A"), queued("A", "c1"), reads("c1", leaver.ApprovalExpired), calls("wipe A"),
		},
		"it is saved, and a person retries": {
			policy(wantsKeys), sees(missing), chooses(leaver.Retry), looks, sees(onRecord), calls("all A"),
		},
		"it is missing still when a person retries": {
			policy(wantsKeys), sees(missing), chooses(leaver.Retry), looks, sees(missing), question("A", leaver.NotAsked, none), calls(), watches,
		},
		"it may not be read: the device is a question, and says why": {
			policy(wantsKeys), sees(windows("A").key(leaver.RecoveryKeyUnknown).keyUnread("grant BitlockerKey.ReadBasic.All"), iphone("B")),
			question("A", leaver.NotAsked, "is not known: grant BitlockerKey.ReadBasic.All"), calls("retire B"),
		},
		"it cannot be read for a moment: one call does for all once it can": {
			policy(wantsKeys), sees(windows("A"), iphone("B")), calls(), is("A", leaver.NotAsked), wakes(time.Minute), watches,
			after(30 * time.Second), sees(onRecord), calls("all A B"),
		},
		"it cannot be read for longer: that holds up no phone": {
			policy(wantsKeys), sees(windows("A"), iphone("B")), calls(), after(time.Minute), calls("retire B"), accepted("B"), is("A", leaver.NotAsked), wakes(day - time.Minute), watches,
			saysOf("A", func(t *testing.T, i leaver.Item) {
				assert.Contains(t, i.Detail, "looks for its BitLocker recovery key")
			}),
			after(time.Hour), sees(onRecord), calls("retire A"),
		},
		"it cannot be read for a day: the device is a question": {
			policy(wantsKeys), sees(windows("A")), after(day), question("A", leaver.NotAsked, "it could not be read for a day"), watches,
			chooses(leaver.GiveUp), is("A", leaver.GivenUp),
		},
		"one that is enrolled while a request for all waits needs a key too": {
			policy(wantsKeys), sees(iphone("B")), calls("all B"), queued("B", "c1"), sees(missing), question("A", leaver.NotAsked, none), is("B", leaver.AwaitingApproval),
			reads("c1", leaver.ApprovalApproved), calls("retire B"), notAsked("A"),
		},
		"one that is enrolled then, and whose key cannot be read, does not join": {
			policy(wantsKeys), sees(iphone("B")), calls("all B"), queued("B", "c1"), mayNotReadApprovals, sees(windows("A")), is("A", leaver.NotAsked), is("B", leaver.AwaitingApproval),
			chooses(leaver.Approved), calls(), after(time.Minute), calls("retire B"), notAsked("A"),
		},
		"one that is enrolled then, and whose key is found in time, joins": {
			policy(wantsKeys), sees(iphone("B")), calls("all B"), queued("B", "c1"), sees(windows("A")), reads("c1", leaver.ApprovalApproved), calls(),
			sees(onRecord), calls("all B A with c1"),
		},
		"one that leaves anyway needs none": {policy(wantsKeys), sees(missing.state("retirePending")), is("A", leaver.Leaving), watches},
		"one that fails is asked once more with the key that was found": {
			policy(wantsKeys), sees(onRecord), calls("all A"), accepted("A"), sees(windows("A").state("retireFailed")), calls("retire A again"),
		},
	})
}

// A used-up day for wipes and a key that is looked for: the sooner counts.
func TestTheSoonestWakes(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"": {
			policy(leaver.DevicePolicy{RequireRecoveryKey: true, Personal: leaver.DeviceActions{IOS: leaver.Keep}}),
			sees(android("A")), chooses(wipe), calls("wipe A"), spent("A"), wakes(16 * time.Hour),
			after(8 * time.Hour), sees(windows("B")), wakes(8 * time.Hour), after(8 * time.Hour), calls("wipe A"), accepted("A"), wakes(16 * time.Hour), is("B", leaver.NotAsked),
		},
	})
}

func TestWhatALookIsToFindOut(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"": {
			policy(wantsKeys), sees(windows("A"), windows("B").key(leaver.RecoveryKeyOnRecord), iphone("C")),
			func(s *scene) {
				var needs []bool
				for _, k := range s.fleet.Known() {
					needs = append(needs, k.NeedsKey)
				}
				assert.Equal(s, []bool{true, false, false}, needs, "whose keys are looked for")
			},
			after(time.Minute), calls("retire B", "retire C"), accepted("B"), accepted("C"),
			func(s *scene) {
				for _, k := range s.fleet.Known() {
					assert.Equal(s, k.ID != "A", !k.AskedAt.IsZero(), "that %s checks in is news once it was asked", k.ID)
				}
			},
			sees(iphone("C").checkedIn()),
			func(s *scene) { assert.Zero(s, s.fleet.Known()[2].AskedAt, "its later check-ins are none") },
		},
		"the codes that may change": {
			policy(wipesWindows), sees(windows("A"), windows("B"), windows("C")), calls("wipe A", "wipe B", "wipe C"), queued("A", "c1"), queued("B", "c2"), queued("C", "c3"),
			func(s *scene) {
				assert.ElementsMatch(s, []string{"c1", "c2", "c3"}, slices.Collect(maps.Keys(s.fleet.Awaits())))
			},
			reads("c1", leaver.ApprovalRejected), chooses(leaver.GiveUp, "B"), loses("C"),
			func(s *scene) { assert.Empty(s, s.fleet.Awaits()) },
		},
	})
}
