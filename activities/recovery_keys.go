package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// recoveryKey notes whether a BitLocker recovery key is on record for a Windows
// device that is to be retired or wiped: BitLocker is suspended by that, and
// without a key nobody reads the disk again. For others it notes nothing.
//
// Microsoft: https://learn.microsoft.com/graph/api/bitlocker-list-recoverykeys
func (a *Activities) recoveryKey(ctx context.Context, tracked *leaver.Item) error {
	d := tracked.Device
	if !isWindows(d) {
		return nil
	}
	switch d.Planned {
	case leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData:
	default:
		return nil
	}
	onRecord, err := a.graph.HasRecoveryKey(ctx, d.AzureADDeviceID)
	switch {
	case err != nil:
		d.RecoveryKey = leaver.RecoveryKeyUnknown
	case onRecord:
		d.RecoveryKey = leaver.RecoveryKeyOnRecord
	default:
		d.RecoveryKey = leaver.RecoveryKeyMissing
	}
	return err
}

// withoutKey says what is known of a device's recovery key, when that is not
// that there is one.
func withoutKey(d *leaver.Device, err error) string {
	switch {
	case d.RecoveryKey == leaver.RecoveryKeyMissing:
		return "no BitLocker recovery key is on record"
	case d.RecoveryKey == leaver.RecoveryKeyUnknown && d.AzureADDeviceID == "":
		return "whether a BitLocker recovery key is on record is not known: Entra does not know the device"
	case d.RecoveryKey == leaver.RecoveryKeyUnknown:
		return "whether a BitLocker recovery key is on record is not known: " + explain(err).Message
	}
	return ""
}

// requireKey leaves a device to a person when policy wants a recovery key and
// there is none.
func (f *fleet) requireKey(ctx context.Context, tracked *leaver.Item) error {
	if !f.policy.RequireRecoveryKey || tracked.Outcome != "" || tracked.Device.RecoveryKey == leaver.RecoveryKeyOnRecord {
		return nil
	}
	err := f.recoveryKey(ctx, tracked)
	if waits(err) {
		return err
	}
	if why := withoutKey(tracked.Device, err); why != "" {
		fail(tracked, why+", and the policy requires one: save it, then retryStep, or choose")
	}
	return nil
}
