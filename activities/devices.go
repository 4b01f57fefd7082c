package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// RemoveAllDevices retires every device that Intune manages for the leaver.
//
// Graph answers before a device has heard of it: the step is done when Graph
// has accepted, and AwaitDevicesRemoved proves the rest. A leaver without
// devices is AlreadyDone, and nothing is posted.
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
		items = upsert(items, item(device))
	}
	switch {
	case len(items) == 0:
		return alreadyDone("no managed devices"), nil
	case !slices.ContainsFunc(devices, staysManaged) && acted(ctx):
		return done(accepted(len(items)), items...), nil
	case !slices.ContainsFunc(devices, staysManaged):
		result := alreadyDone(fmt.Sprintf("%s already leaving", count(len(items))))
		result.Items = items
		return result, nil
	}
	if err := act(ctx, items); err != nil {
		return leaver.StepResult{}, err
	}
	if err := a.devices.RemoveAllDevicesFromManagement(ctx, step.UserID); err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	return done(accepted(len(items)), items...), nil
}

func accepted(n int) string {
	return "Intune accepted the retirement of " + count(n) + "; whether they left is seen by " + leaver.StepAwaitDevicesRemoved
}

// AwaitDevicesRemoved is done when every device is gone that RemoveAllDevices
// listed or, when called alone, that is managed when it begins. Until then it
// fails as expected, so that Temporal does the waiting and no history grows. At the
// deadline it fails for good with DevicesRemain, and its details say which.
//
// A device counts as gone when it is neither in the leaver's list nor known to
// Intune by its id: a list read page by page may miss one, and a device that
// was given to another user is not gone.
//
// Microsoft: GET /users/{id}/managedDevices and
// GET /deviceManagement/managedDevices/{id}.
func (a *Activities) AwaitDevicesRemoved(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	listed, err := a.devices.ManagedDevices(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	items := step.Results[leaver.StepRemoveAllDevices].Items
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &items); err != nil {
			return leaver.StepResult{}, fmt.Errorf("AwaitDevicesRemoved: read what the last attempt saw: %w", err)
		}
	} else if len(items) == 0 {
		for _, device := range listed {
			items = append(items, item(device))
		}
	}
	if len(items) == 0 {
		return alreadyDone("no managed devices"), nil
	}
	items, err = a.look(ctx, items, listed)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	left := remaining(items)
	if len(left) == 0 {
		detail := count(len(items)) + " gone"
		if newcomers := len(listed); newcomers > 0 {
			detail += fmt.Sprintf("; %s enrolled since and not touched", count(newcomers))
		}
		return done(detail, items...), nil
	}
	activity.RecordHeartbeat(ctx, items)
	return leaver.StepResult{}, notYet(ctx, a.rhythm(step), items, left)
}

// look brings items up to date: with what is listed, and by id where it is not.
func (a *Activities) look(ctx context.Context, items []leaver.Item, listed []graph.ManagedDevice) ([]leaver.Item, error) {
	seen := make([]leaver.Item, 0, len(items))
	for _, tracked := range items {
		i := slices.IndexFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == tracked.ID })
		switch {
		case i >= 0:
			tracked = item(listed[i])
		case tracked.Outcome == leaver.Done:
		default:
			device, err := a.devices.ManagedDevice(ctx, tracked.ID)
			if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Status == http.StatusNotFound && !lagging(answer) {
				tracked.Outcome, tracked.Detail = leaver.Done, "gone"
				break
			}
			if err != nil {
				return nil, err
			}
			tracked = item(device)
			tracked.Detail = "still managed, no longer listed for the leaver"
		}
		seen = append(seen, tracked)
	}
	return seen, nil
}

func (a *Activities) rhythm(step leaver.StepRequest) leaver.Poll {
	if step.Poll != nil {
		return *step.Poll
	}
	return a.poll
}

// notYet asks for another look, the last one at the deadline.
func notYet(ctx context.Context, poll leaver.Poll, items, left []leaver.Item) error {
	f := leaver.Failure{Type: leaver.DevicesRemain, Waits: true, Expected: true}
	f.Message = fmt.Sprintf("AwaitDevicesRemoved: %d of %s still managed (%s)", len(left), count(len(items)), states(left))
	info := activity.GetInfo(ctx)
	untilDeadline := time.Until(info.ScheduledTime.Add(time.Duration(poll.Deadline)))
	if untilDeadline <= 0 {
		for i := range items {
			if items[i].Outcome != leaver.Done {
				items[i].Outcome = leaver.Failed
			}
		}
		f.Waits, f.Expected, f.Details = false, false, []any{leaver.StepResult{Outcome: leaver.Failed, Detail: f.Message, Items: items}}
		f.Message += "; the deadline has passed: retire them in Intune or wait for their check-in, then retryStep, or skipStep to leave them"
		return f.Err()
	}
	// The wait is asked for here, not left to the caller's retry policy, so
	// that the rhythm is the same in anybody's workflow.
	wait, longest := time.Duration(poll.First), time.Duration(poll.Longest)
	for n := int32(1); n < info.Attempt && wait < longest; n++ {
		wait *= 2
	}
	f.After = min(wait, longest, untilDeadline)
	return f.Err()
}

func remaining(items []leaver.Item) []leaver.Item {
	return slices.DeleteFunc(slices.Clone(items), func(i leaver.Item) bool { return i.Outcome == leaver.Done })
}

// states counts items by managementState, as in "retirePending 2, managed 1".
func states(items []leaver.Item) string {
	counts := map[string]int{}
	for _, i := range items {
		counts[i.Device.ManagementState]++
	}
	var parts []string
	for state, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", state, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
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

func upsert(items []leaver.Item, one leaver.Item) []leaver.Item {
	for i := range items {
		if items[i].ID == one.ID {
			items[i] = one
			return items
		}
	}
	return append(items, one)
}

func count(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
