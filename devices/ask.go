package devices

import (
	"cmp"
	"time"

	"github.com/leaver-dev/leaver"
)

const (
	// keyPatience is how long a recovery key is looked for before a person is asked.
	keyPatience = 24 * time.Hour
	// secondLook is how long after a list did not show a device the list is read
	// again: a list that is read page by page may miss one.
	secondLook = time.Minute
	// mostUnfit is how often a device may be found to be another than it was decided
	// about, before a person is asked.
	mostUnfit = 3
)

// ask has an action asked of a device, by the code of an approved request where there is
// one, unless something keeps it from being asked now. What the policy wants may also be
// to keep the device.
func (f *Fleet) ask(d *Device, action leaver.DeviceAction, code string, again bool, now time.Time) Stand {
	s := Stand{Verdict: f.soFar(d)}
	harm, spent, request := f.harm(action, d), f.SpentUntil[dailyLimit(action)], f.sharedRequest(now)
	switch {
	case action == leaver.Keep && d.asked() != nil: // the device's owner may have changed
		return f.question(d, "the policy says to keep it by now, and it may have been asked before: see in Intune, then choose", "", now)
	case action == leaver.Keep:
		if why := beyond[d.Special]; why != "" {
			return Stand{Verdict: leaver.NotIntunes, Ended: true, Detail: why}
		}
		return Stand{Verdict: leaver.Kept, Ended: true, Detail: "left as it is, as the policy says"}
	case d.UnlistedAt != 0:
		return f.unlisted(d, now)
	case harm != "":
		return f.question(d, harm, leaver.InvalidRequest, now)
	case f.Blocked != nil:
		return f.question(d, f.Blocked.Why, f.Blocked.Failure, now)
	case d.Unfit >= mostUnfit:
		return f.question(d, "Intune describes it otherwise each time: see there, then choose", "", now)
	case d.Unfit > 0 && f.Stale, d.choice() == leaver.Retry && f.Looks <= d.Choice.Looks:
		s.Look = true
	case f.needsKey(d, action) && d.RecoveryKey != leaver.RecoveryKeyOnRecord:
		return f.withoutKey(d, now)
	case spent.After(now):
		s.Until, s.Spent, s.Detail = spent, true, SpentToday
	case request != nil && action == leaver.Retire && code == "" && len(d.Calls) == 0 && d.chosenAction() == "":
		return f.awaits(d, request) // the request is for whatever devices there are
	default:
		s.Ask, s.Code, s.Again = action, code, again
	}
	return s
}

// unlisted is a device that Intune knows and does not list for the leaver. A second look
// tells a device that was given to another user from one that a list has missed.
func (f *Fleet) unlisted(d *Device, now time.Time) Stand {
	s := Stand{Verdict: f.soFar(d), Detail: unlisted}
	switch second := d.UnlistedAt.time().Add(secondLook); {
	case second.After(now):
		s.Until = second
	case f.LookedAt.Before(second):
		s.Look = true
	default:
		return f.question(d, unlisted+", and may be another user's: decide about it in Intune, then choose giveUp", "", now)
	}
	return s
}

const unlisted = "still managed, no longer listed for the leaver"

// listing says that a device is not listed, or nothing.
func (d *Device) listing() string {
	if d.UnlistedAt == 0 {
		return ""
	}
	return unlisted
}

// SpentToday says what a used-up daily limit means.
const SpentToday = "the tenant's daily limit for this is used up, waiting until tomorrow"

// needsKey reports whether a recovery key must be on record before an action: BitLocker
// is suspended by it, and without a key nobody reads the disk again. A person who
// chooses an action has decided about that.
func (f *Fleet) needsKey(d *Device, action leaver.DeviceAction) bool {
	return f.Policy.RequireRecoveryKey && action != leaver.DeleteRecord && IsWindows(d.OperatingSystem) &&
		d.chosenAction() == "" && (len(d.Calls) == 0 || !d.lastCall().Chosen)
}

// withoutKey is a device for which no recovery key is known to be on record.
func (f *Fleet) withoutKey(d *Device, now time.Time) Stand {
	const mend = ", and the policy requires one: save it, then retry, or choose"
	switch until := d.since(d.FoundAt.time()).Add(keyPatience); {
	case d.RecoveryKey == leaver.RecoveryKeyMissing:
		return f.question(d, "no BitLocker recovery key is on record"+mend, "", now)
	case d.RecoveryKey == leaver.RecoveryKeyUnknown, !until.After(now):
		return f.question(d, "whether a BitLocker recovery key is on record is not known: "+cmp.Or(d.KeyUnread, "it could not be read for a day")+mend, "", now)
	default:
		return Stand{Verdict: f.soFar(d), KeyAwaited: true, Until: until, Detail: "looks for its BitLocker recovery key"}
	}
}

// dailyLimit is the action by which Intune counts: both ways to wipe are one.
func dailyLimit(action leaver.DeviceAction) leaver.DeviceAction {
	switch action {
	case leaver.WipeKeepUserData:
		return leaver.Wipe
	case leaver.RemoveAll:
		return leaver.Retire
	}
	return action
}
