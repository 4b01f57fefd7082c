package devices

import (
	"time"

	"github.com/leaver-dev/leaver"
)

// Items says of each device how it stands, as reports and progress show it.
func (f *Fleet) Items(now time.Time) []leaver.Item {
	items := make([]leaver.Item, len(f.Devices))
	for i, d := range f.Devices {
		items[i] = f.item(d, now)
	}
	return items
}

func (f *Fleet) item(d *Device, now time.Time) leaver.Item {
	s := f.stand(d, now)
	item := leaver.Item{ID: d.ID, Detail: s.Detail, Failure: s.Failure,
		Device: &leaver.Device{DeviceFacts: d.DeviceFacts, Planned: f.planned(d), Calls: d.Calls, Verdict: s.Verdict}}
	if !s.Ended {
		item.Choice = leaver.Choice(d.chosenAction())
	}
	switch {
	case s.Verdict == leaver.Gone:
		item.Outcome = leaver.Done
	case s.Ended:
		item.Outcome = leaver.Skipped
	case s.Question != "":
		item.Outcome = leaver.Failed
	}
	if request := f.requestOf(d, now); request != nil && (len(d.Calls) > 0 || s.Verdict == leaver.AwaitingApproval) {
		copied := *request
		item.Approval = &copied
	}
	return item
}

// Foreseen says what the policy has planned for each device, before anything is asked.
func (f *Fleet) Foreseen(now time.Time) []leaver.Item {
	items := f.Items(now)
	for i, d := range f.Devices {
		s := f.stand(d, now)
		switch {
		case d.isLeaving():
			items[i].Detail = "already leaving"
		case s.Question != "":
			items[i].Detail = "a person will be asked: " + s.Question
		case s.Ended: // nothing is asked of a device that is kept, and no key is needed
		case d.RecoveryKey == leaver.RecoveryKeyMissing:
			items[i].Detail = "no BitLocker recovery key is on record"
		case d.RecoveryKey == leaver.RecoveryKeyUnknown:
			items[i].Detail = "whether a BitLocker recovery key is on record is not known: " + d.KeyUnread
		}
		// Nothing has been done, or left undone, yet.
		items[i].Outcome, items[i].Failure, items[i].Device.Verdict = "", "", ""
	}
	return items
}

// Count is how many devices stand in which way.
type Count struct {
	// All but Asked are counted by how they stand. Leaving are those that nobody has to
	// decide about: on their way, being asked, or to be asked soon. Asked are the devices
	// of which something was asked.
	Gone, Kept, GivenUp, Questions, AwaitApproval, Asked, Leaving int
	// SpentUntil is when the first call is made that a used-up daily limit holds back.
	SpentUntil time.Time
}

// Count counts the devices.
func (f *Fleet) Count(now time.Time) Count {
	var c Count
	for _, d := range f.Devices {
		s := f.stand(d, now)
		switch {
		case s.Verdict == leaver.Gone:
			c.Gone++
		case s.Verdict == leaver.GivenUp:
			c.GivenUp++
		case s.Ended:
			c.Kept++
		case s.Question != "":
			c.Questions++
		case s.Verdict == leaver.AwaitingApproval:
			c.AwaitApproval++
		case s.Spent:
			c.SpentUntil = sooner(c.SpentUntil, s.Until)
		default:
			c.Leaving++
		}
		if d.asked() != nil {
			c.Asked++
		}
	}
	return c
}
