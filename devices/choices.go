package devices

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// choices are what a person may decide about a device that is a question.
var choices = []leaver.Choice{
	leaver.WaitLonger, leaver.Retry, leaver.Choice(leaver.Retire), leaver.Choice(leaver.Wipe),
	leaver.Choice(leaver.WipeKeepUserData), leaver.Choice(leaver.DeleteRecord), leaver.GiveUp,
}

// Offered returns what may be decided about the devices as they stand.
func (f *Fleet) Offered(now time.Time) []leaver.Choice {
	var offered []leaver.Choice
	for _, choice := range append([]leaver.Choice{leaver.Approved}, choices...) {
		if slices.ContainsFunc(f.Devices, func(d *Device) bool { return f.refusal(choice, d, now) == nil }) {
			offered = append(offered, choice)
		}
	}
	return offered
}

// Takes returns the ids of the devices that a choice is for: those that are given, or
// without any all that it fits and that nothing has been decided about, or whose
// decision cannot be carried out. What others use must be given by its id. Its error says
// why it does not fit.
func (f *Fleet) Takes(choice leaver.Choice, ids []string, now time.Time) ([]string, error) {
	if len(ids) == 0 {
		for _, d := range f.Devices {
			if shared[d.Special] != "" && len(d.Calls) == 0 && choice != leaver.GiveUp {
				continue // it must be named
			}
			if !d.pending() && (d.chosenAction() == "" || f.stand(d, now).Question != "") && f.refusal(choice, d, now) == nil {
				ids = append(ids, d.ID)
			}
		}
		if len(ids) == 0 {
			return nil, f.fitsNone(choice, now)
		}
		return ids, nil
	}
	for _, id := range ids {
		d := f.find(id)
		if d == nil {
			return nil, fmt.Errorf("items: there is no item with one of these ids, want ids as %s shows them", leaver.QueryProgress)
		}
		if err := f.refusal(choice, d, now); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// fitsNone words why a choice is for no device at all. A single reason is told.
func (f *Fleet) fitsNone(choice leaver.Choice, now time.Time) error {
	offered := f.Offered(now)
	if len(offered) == 0 {
		return errors.New("step: asks nothing that a choice could answer")
	}
	for _, d := range slices.Backward(f.Devices) {
		if harm, ok := errors.AsType[harmful](f.refusal(choice, d, now)); ok {
			return harm
		}
	}
	names := strings.Fields(strings.Trim(fmt.Sprint(offered), "[]"))
	return fmt.Errorf("choice: is for none of the items, want one of %s", strings.Join(names, ", "))
}

// harmful is why a choice would do harm.
type harmful string

func (h harmful) Error() string { return "choice: " + string(h) }

// refusal says why a choice is not one for a device, or is nil.
func (f *Fleet) refusal(choice leaver.Choice, d *Device, now time.Time) error {
	s := f.stand(d, now)
	// An earlier choice may be replaced until it is carried out, and so may a call of the
	// device's own that Intune does not answer: the caller cancels it.
	unanswered := d.pending() && !d.lastCall().All && !d.lastCall().At.Add(Slow).After(now)
	waits := d.chosenAction() != "" && !s.Ended && !d.pending()
	switch action := actionOf(choice); {
	case s.Verdict == leaver.AwaitingApproval && (choice == leaver.Approved || choice == leaver.GiveUp):
		return nil
	case s.Verdict == leaver.AwaitingApproval:
		return fmt.Errorf("choice: %s is not for an item that awaits approval, want %s or %s", choice, leaver.Approved, leaver.GiveUp)
	case s.Question == "" && !waits && !unanswered:
		return errors.New("items: the step does not ask about all of these")
	case !slices.Contains(choices, choice):
		return fmt.Errorf("choice: %s is not for all of these items", choice)
	case choice == leaver.WaitLonger && d.asked() == nil && !d.isLeaving():
		return errors.New("choice: nothing was asked of the item that could be waited for, choose another answer")
	case action != "" && d.Unread != "":
		return harmful("Intune does not tell of the device, and nothing can be asked of it: see there, then choose retry or giveUp")
	case action != "" && d.UnlistedAt != 0:
		return harmful("the device is " + unlisted + ", and may be another user's: decide about it in Intune, then choose giveUp")
	case action != "" && f.harm(action, d) != "":
		return harmful(f.harm(action, d))
	}
	return nil
}
