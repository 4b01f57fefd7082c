package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/activity"
)

// deviceChoices are what a person may decide about a device that remains.
var deviceChoices = []leaver.Choice{
	leaver.WaitLonger, leaver.Choice(leaver.Retire), leaver.Choice(leaver.Wipe), leaver.Choice(leaver.WipeKeepUserData),
	leaver.Choice(leaver.DeleteRecord), leaver.GiveUp,
}

// choose does what a person decided about each device since the last look. A
// decision that cannot be carried out is asked about again, after all the others
// were; what waiting can mend is tried again.
func (f *fleet) choose(ctx context.Context) error {
	var refused error
	for i := range f.items {
		tracked := &f.items[i]
		if tracked.Choice == "" {
			continue
		}
		err := f.carryOut(ctx, tracked)
		if waits(err) {
			f.note(ctx)
			return failure(ctx, err)
		}
		tracked.Choice = ""
		if err != nil {
			tracked.Outcome, tracked.Detail = leaver.Failed, explain(err).Message
			refused = err
		}
	}
	if refused == nil {
		return nil
	}
	return failure(ctx, refused, f.items...)
}

func (f *fleet) carryOut(ctx context.Context, tracked *leaver.Item) error {
	if tracked.Outcome == leaver.Done {
		return nil
	}
	if tracked.Choice == leaver.Approved {
		tracked.Approval.Status = leaver.ApprovalApproved
		return nil
	}
	tracked.Approval = nil
	switch tracked.Choice {
	case leaver.WaitLonger:
		return nil
	case leaver.GiveUp:
		tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Skipped, "left as it is, by a decision", leaver.GivenUp
		return nil
	}
	if _, listed := f.listing(tracked.ID); !listed {
		return errHarm("the device is no longer listed for the leaver and may be another user's: decide about it in Intune, then choose giveUp")
	}
	action := leaver.DeviceAction(tracked.Choice)
	if why := harm(action, tracked.Device); why != "" {
		return errHarm(why)
	}
	return f.ask(ctx, tracked, action)
}

// errHarm is why an action would do harm unseen, or nothing; it was not asked.
type errHarm string

func (e errHarm) Error() string { return string(e) }

// harm says why an action must not be asked of a device, or "".
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/remote-actions/device-management
func harm(action leaver.DeviceAction, d *leaver.Device) string {
	system := strings.ToLower(d.OperatingSystem)
	if action == leaver.WipeKeepUserData && !strings.HasPrefix(system, "windows") {
		return "user data can be kept on Windows only: choose wipe or retire"
	}
	if !strings.HasPrefix(system, "android") {
		return ""
	}
	switch company := d.OwnerType == "company"; {
	case action == leaver.Wipe && !company:
		return "a personal Android device has a work profile only, which Graph cannot wipe: choose retire"
	case action == leaver.Retire && company:
		return "retire is not supported for a corporate Android device: choose wipe"
	case action == leaver.DeleteRecord && company:
		return "deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant"
	}
	return ""
}

// judge notes what the policy says about a device: nothing is to be done with
// one that it keeps, and with one that it would do harm to.
func judge(tracked *leaver.Item, policy leaver.DevicePolicy) {
	d := tracked.Device
	d.Planned = policy.For(d.OwnerType, d.OperatingSystem)
	switch why := harm(d.Planned, d); {
	case d.Planned == leaver.Keep:
		tracked.Outcome, tracked.Detail, d.Verdict = leaver.Skipped, "left as it is, as the policy says", leaver.Kept
	case why != "":
		tracked.Outcome, tracked.Detail = leaver.Failed, why
	}
}

// question is what a person is asked about devices that were not touched, or
// nil: whether a second administrator approved, and what to do with those that
// the policy would do harm to.
func (f *fleet) question(ctx context.Context) error {
	if err := f.awaitsApproval(ctx); err != nil {
		return err
	}
	refused := 0
	for _, i := range f.items {
		if i.Outcome == leaver.Failed {
			refused++
		}
	}
	if refused == 0 {
		return nil
	}
	return leaver.Failure{
		Type: leaver.DevicesRemain,
		Message: fmt.Sprintf("%s: %s not touched, each says why; answer for each, or skipStep to leave them",
			activity.GetInfo(ctx).ActivityType.Name, count(refused)),
		// Waiting longer would change nothing.
		Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: f.items, Choices: deviceChoices[1:]}},
	}.Err()
}
