package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// RemoveAllDevices retires every device that Intune manages for the leaver.
//
// Graph answers before a device has heard of it: the step is done when Graph
// has accepted, and AwaitDevicesRemoved proves the rest. A leaver without
// devices is AlreadyDone, and nothing is posted. Where the tenant refuses the
// one action for all, each device is retired by a call of its own.
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
	if acted(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &items); err != nil {
			return leaver.StepResult{}, fmt.Errorf("RemoveAllDevices: read what the last attempt listed: %w", err)
		}
	}
	for _, device := range devices {
		items = upsert(items, device)
	}
	switch {
	case len(items) == 0:
		return alreadyDone("no managed devices"), nil
	case slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Device.OwnCalls > 0 }):
		return a.retireEach(ctx, items, devices, nil)
	case !slices.ContainsFunc(devices, staysManaged) && acted(ctx):
		return done(accepted(len(items)), items...), nil
	case !slices.ContainsFunc(devices, staysManaged):
		result := alreadyDone(fmt.Sprintf("%s already leaving", count(len(items))))
		result.Items = items
		return result, nil
	}
	for _, device := range devices {
		if staysManaged(device) {
			asked(find(items, device.ID), leaver.Retire)
		}
	}
	if err := act(ctx, items); err != nil {
		return leaver.StepResult{}, err
	}
	switch err := a.devices.RemoveAllDevicesFromManagement(ctx, step.UserID); {
	case refusedAltogether(err):
		return a.retireEach(ctx, items, devices, err)
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	return done(accepted(len(items)), items...), nil
}

// retireEach retires the devices one by one, after the one action for all was
// refused; refusal is nil when an earlier attempt found that out.
func (a *Activities) retireEach(ctx context.Context, items []leaver.Item, devices []graph.ManagedDevice, refusal error) (leaver.StepResult, error) {
	for _, device := range devices {
		tracked := find(items, device.ID)
		if !staysManaged(device) || tracked.Device.OwnCalls > 0 {
			continue
		}
		err := a.ask(ctx, items, tracked, leaver.Retire)
		if refusal != nil && refusedAltogether(err) {
			// Neither way is open; what the first one lacks is what to mend.
			return leaver.StepResult{}, failure(ctx, refusal)
		}
		if err != nil {
			return leaver.StepResult{}, failure(ctx, err, items...)
		}
		refusal = nil
	}
	return done("the tenant refuses removeAllDevicesFromManagement, so each device was asked by a call of its own; "+accepted(len(items)), items...), nil
}

// ask asks something of one device and notes it. One that has left meanwhile is
// no error.
func (a *Activities) ask(ctx context.Context, items []leaver.Item, tracked *leaver.Item, action leaver.DeviceAction) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	switch action {
	case leaver.Wipe:
		err = a.devices.WipeDevice(ctx, tracked.ID)
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

func accepted(n int) string {
	return "Intune accepted the retirement of " + count(n) + "; whether they left is seen by " + leaver.StepAwaitDevicesRemoved
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
		fresh.Device.Action, fresh.Device.ActionAt, fresh.Device.OwnCalls = before.Action, before.ActionAt, before.OwnCalls
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
