package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// RemoveAllDevices asks every device that Intune manages for the leaver to
// leave, each as the policy says; without one, all are retired.
//
// Graph answers before a device has heard of it: the step is done when Graph
// has accepted, and AwaitDevicesRemoved proves the rest. A leaver without
// devices is AlreadyDone, and nothing is posted. Where every device is to be
// retired, the one action for all does it, unless the tenant refuses that; else
// each device is asked by a call of its own. A device that the policy would do
// harm to is not touched: when all others were asked, the step fails with
// DevicesRemain and offers choices for it.
//
// Microsoft: POST /users/{id}/removeAllDevicesFromManagement,
// https://learn.microsoft.com/graph/api/intune-devices-user-removealldevicesfrommanagement
func (a *Activities) RemoveAllDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	devices, err := a.devices.ManagedDevices(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	// An earlier attempt that died may have been heard: what it listed is still
	// to be proven gone, and what has left since was its doing.
	var items []leaver.Item
	switch {
	case acted(ctx):
		if err := activity.GetHeartbeatDetails(ctx, &items); err != nil {
			return leaver.StepResult{}, fmt.Errorf("RemoveAllDevices: read what the last attempt listed: %w", err)
		}
	case slices.ContainsFunc(step.Items, func(i leaver.Item) bool { return i.Choice != "" }):
		items = step.Items
	}
	for _, device := range devices {
		items = upsert(items, device)
	}
	if err := a.choose(ctx, items, devices); err != nil {
		return leaver.StepResult{}, err
	}
	if len(items) == 0 {
		return alreadyDone("no managed devices"), nil
	}
	policy := policyOf(step)
	todo := triage(items, devices, policy)
	together := policy.RetiresAll() && !slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Outcome != "" || i.Device.OwnCalls > 0 })
	how := ""
	if len(todo) > 0 && together {
		how, err = a.retireAll(ctx, step.UserID, items, todo)
	} else {
		err = a.askEach(ctx, items, todo, nil)
	}
	if err != nil {
		return leaver.StepResult{}, err
	}
	return removal(ctx, items, how)
}

func policyOf(step leaver.StepRequest) leaver.DevicePolicy {
	if step.Devices == nil {
		return leaver.DevicePolicy{}
	}
	return *step.Devices
}

// triage returns the ids of the devices that are to be asked, and notes with the
// others why they are not.
func triage(items []leaver.Item, devices []graph.ManagedDevice, policy leaver.DevicePolicy) (todo []string) {
	for _, device := range devices {
		tracked := find(items, device.ID)
		if !staysManaged(device) || tracked.Device.OwnCalls > 0 || tracked.Outcome == leaver.Skipped {
			continue
		}
		if judge(tracked, policy); tracked.Outcome == "" {
			todo = append(todo, tracked.ID)
		}
	}
	return todo
}

// retireAll retires every device by the one action, or each by itself where the
// tenant refuses that; how says so.
func (a *Activities) retireAll(ctx context.Context, userID string, items []leaver.Item, todo []string) (how string, err error) {
	for _, id := range todo {
		asked(find(items, id), leaver.Retire)
	}
	if err := act(ctx, items); err != nil {
		return "", err
	}
	err = a.devices.RemoveAllDevicesFromManagement(ctx, userID)
	if refusedAltogether(err) {
		return "the tenant refuses removeAllDevicesFromManagement, so each device was asked by a call of its own; ", a.askEach(ctx, items, todo, err)
	}
	if err != nil {
		return "", failure(ctx, err)
	}
	return "", nil
}

// askEach asks the devices one by one. refusal is how the tenant refused the one
// action for all, if that was tried.
func (a *Activities) askEach(ctx context.Context, items []leaver.Item, todo []string, refusal error) error {
	for _, id := range todo {
		tracked := find(items, id)
		err := a.ask(ctx, items, tracked, tracked.Device.Planned)
		if refusal != nil && refusedAltogether(err) {
			// Neither way is open; what the first one lacks is what to mend.
			return failure(ctx, refusal)
		}
		if err != nil {
			return failure(ctx, err, items...)
		}
		refusal = nil
	}
	return nil
}

// removal says how the step ends: with a question about the devices that were
// not touched, else with what was asked.
func removal(ctx context.Context, items []leaver.Item, how string) (leaver.StepResult, error) {
	if err := untouched(ctx, items); err != nil {
		return leaver.StepResult{}, err
	}
	left := 0
	touched, what := acted(ctx), "Intune accepted the retirement of "
	for _, i := range items {
		switch {
		case i.Outcome == leaver.Skipped:
			left++
		case i.Device.Action != "" && i.Device.Action != leaver.Retire:
			touched, what = true, "Intune accepted what was asked of "
		case i.Device.Action != "":
			touched = true
		}
	}
	var parts []string
	if n := count(len(items) - left); len(items) > left && touched {
		parts = append(parts, how+what+n+"; whether they left is seen by "+leaver.StepAwaitDevicesRemoved)
	} else if len(items) > left {
		parts = append(parts, n+" already leaving")
	}
	if left > 0 {
		parts = append(parts, count(left)+" left as decided")
	}
	result := leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: strings.Join(parts, "; "), Items: items}
	if touched {
		result.Outcome = leaver.Done
	}
	return result, nil
}

// ask asks something of one device and notes it. One that has left meanwhile is
// no error.
func (a *Activities) ask(ctx context.Context, items []leaver.Item, tracked *leaver.Item, action leaver.DeviceAction) error {
	// What is asked and then lost with its answer must still be followed.
	err := act(ctx, items)
	if err != nil {
		return err
	}
	switch action {
	case leaver.Wipe, leaver.WipeKeepUserData:
		err = a.devices.WipeDevice(ctx, tracked.ID, action == leaver.WipeKeepUserData)
	case leaver.DeleteRecord:
		err = a.devices.DeleteDevice(ctx, tracked.ID)
	default:
		err = a.devices.RetireDevice(ctx, tracked.ID)
	}
	if err != nil && !notFound(err) {
		return err
	}
	asked(tracked, action)
	tracked.Device.OwnCalls++
	tracked.Choice = ""
	activity.RecordHeartbeat(ctx, items)
	return nil
}

// asked notes what a device is being asked.
func asked(tracked *leaver.Item, action leaver.DeviceAction) {
	now := time.Now().UTC()
	tracked.Device.Action, tracked.Device.ActionAt, tracked.Device.Verdict = action, &now, leaver.Leaving
}

// staysManaged reports whether nothing is on its way that removes the device.
func staysManaged(d graph.ManagedDevice) bool {
	switch d.ManagementState {
	case "retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending":
		return false
	}
	return true
}

func item(d graph.ManagedDevice) leaver.Item {
	device := leaver.Device{
		Name: d.DeviceName, OperatingSystem: d.OperatingSystem,
		OwnerType: d.ManagedDeviceOwnerType, ManagementState: d.ManagementState,
	}
	if !d.LastSyncDateTime.IsZero() {
		device.LastSyncDateTime = &d.LastSyncDateTime
	}
	return leaver.Item{ID: d.ID, Device: &device}
}

// upsert brings the item of a device up to date, or adds one. What was asked of
// the device stays.
func upsert(items []leaver.Item, d graph.ManagedDevice) []leaver.Item {
	fresh := item(d)
	tracked := find(items, d.ID)
	if tracked == nil {
		return append(items, fresh)
	}
	fresh.Choice = tracked.Choice
	if before := tracked.Device; before != nil {
		fresh.Device.Planned, fresh.Device.Action, fresh.Device.ActionAt, fresh.Device.OwnCalls = before.Planned, before.Action, before.ActionAt, before.OwnCalls
		if tracked.Outcome == leaver.Skipped {
			fresh.Outcome, fresh.Detail, fresh.Device.Verdict = tracked.Outcome, tracked.Detail, before.Verdict
		}
	}
	*tracked = fresh
	return items
}

func find(items []leaver.Item, id string) *leaver.Item {
	for i := range items {
		if items[i].ID == id {
			return &items[i]
		}
	}
	return nil
}

func count(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
