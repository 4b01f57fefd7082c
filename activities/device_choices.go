package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
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
func (a *Activities) choose(ctx context.Context, items []leaver.Item, listed []graph.ManagedDevice) error {
	var refused error
	for i := range items {
		tracked := &items[i]
		if tracked.Choice == "" {
			continue
		}
		err := a.carryOut(ctx, items, tracked, listed)
		if waits(err) {
			activity.RecordHeartbeat(ctx, items)
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
	return failure(ctx, refused, items...)
}

func (a *Activities) carryOut(ctx context.Context, items []leaver.Item, tracked *leaver.Item, listed []graph.ManagedDevice) error {
	switch {
	case tracked.Outcome == leaver.Done, tracked.Choice == leaver.WaitLonger:
		return nil
	case tracked.Choice == leaver.GiveUp:
		tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Skipped, "left as it is, by a decision", leaver.GivenUp
		return nil
	case !slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == tracked.ID }):
		return errHarm("the device is no longer listed for the leaver and may be another user's: decide about it in Intune, then choose giveUp")
	}
	action := leaver.DeviceAction(tracked.Choice)
	if why := harm(action, tracked.Device); why != "" {
		return errHarm(why)
	}
	return a.ask(ctx, items, tracked, action)
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

// untouched is the question about devices that the policy would do harm to, or
// nil when there is none. Waiting longer would change nothing for them.
func untouched(ctx context.Context, items []leaver.Item) error {
	refused := 0
	for _, i := range items {
		if i.Outcome == leaver.Failed {
			refused++
		}
	}
	if refused == 0 {
		return nil
	}
	return leaver.Failure{
		Type: leaver.DevicesRemain,
		Message: fmt.Sprintf("%s: %s not touched, because the policy would do harm or nothing; answer for each, or skipStep to leave them",
			activity.GetInfo(ctx).ActivityType.Name, count(refused)),
		Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: items, Choices: deviceChoices[1:]}},
	}.Err()
}
