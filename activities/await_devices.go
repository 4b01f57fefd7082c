package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// AwaitDevicesRemoved follows every device that RemoveAllDevices listed to its
// end. While one remains it fails as expected, so that Temporal does the waiting
// and no history grows. A device that failed to leave, and one that was enrolled
// in the meantime, is retired by a call of its own, once. When all that remain
// have failed again, and at the deadline, it fails for good with DevicesRemain,
// and its details say what has become of each.
//
// Called alone, without the result of RemoveAllDevices, it follows what is
// managed when it begins, and asks nothing of any device.
//
// A device counts as gone when it is neither in the leaver's list nor known to
// Intune by its id: a list read page by page may miss one, and a device that
// was given to another user is not gone.
//
// Microsoft: GET /users/{id}/managedDevices,
// GET /deviceManagement/managedDevices/{id} and
// POST /deviceManagement/managedDevices/{id}/retire.
func (a *Activities) AwaitDevicesRemoved(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	listed, err := a.devices.ManagedDevices(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	removal, asked := step.Results[leaver.StepRemoveAllDevices]
	items := removal.Items
	switch {
	case activity.HasHeartbeatDetails(ctx):
		if err := activity.GetHeartbeatDetails(ctx, &items); err != nil {
			return leaver.StepResult{}, fmt.Errorf("AwaitDevicesRemoved: read what the last attempt saw: %w", err)
		}
	case len(step.Items) > 0:
		items = step.Items
	case !asked:
		for _, device := range listed {
			items = append(items, item(device))
		}
	}
	for i := range items {
		if items[i].Device == nil {
			items[i].Device = &leaver.Device{}
		}
	}
	if items, err = a.look(ctx, items, listed); err != nil {
		return leaver.StepResult{}, failure(ctx, err, items...)
	}
	if err := a.choose(ctx, items, listed); err != nil {
		return leaver.StepResult{}, err
	}
	if asked {
		if items, err = a.askAgain(ctx, items, listed, policyOf(step)); err != nil {
			return leaver.StepResult{}, failure(ctx, err, items...)
		}
		if err := untouched(ctx, items); err != nil {
			return leaver.StepResult{}, err
		}
	}
	left := remaining(items)
	switch {
	case len(items) == 0:
		return alreadyDone("no managed devices"), nil
	case len(left) == 0:
		return done(ended(items, listed), items...), nil
	}
	activity.RecordHeartbeat(ctx, items)
	return leaver.StepResult{}, notYet(ctx, a.rhythm(step), items, left)
}

// ended says what has become of the devices. Called alone, the activity leaves
// those that were enrolled since to whoever called it.
func ended(items []leaver.Item, listed []graph.ManagedDevice) string {
	left := 0
	for _, i := range items {
		if i.Outcome == leaver.Skipped {
			left++
		}
	}
	text := count(len(items)-left) + " gone"
	if left > 0 {
		text += fmt.Sprintf("; %s left as decided", count(left))
	}
	unknown := 0
	for _, device := range listed {
		if find(items, device.ID) == nil {
			unknown++
		}
	}
	if unknown > 0 {
		text += fmt.Sprintf("; %s enrolled since and not touched", count(unknown))
	}
	return text
}

// look brings items up to date: with what is listed, and by id where it is not.
func (a *Activities) look(ctx context.Context, items []leaver.Item, listed []graph.ManagedDevice) ([]leaver.Item, error) {
	for i := range items {
		tracked := &items[i]
		at := slices.IndexFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == tracked.ID })
		switch {
		case tracked.Outcome == leaver.Skipped:
		case at >= 0:
			items = upsert(items, listed[at])
			tracked.Device.Verdict = verdict(tracked.Device)
		case tracked.Outcome == leaver.Done:
		default:
			device, err := a.devices.ManagedDevice(ctx, tracked.ID)
			if notFound(err) {
				tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Done, "gone", leaver.Gone
				break
			}
			if err != nil {
				return items, err
			}
			items = upsert(items, device)
			tracked.Detail = "still managed, no longer listed for the leaver"
			tracked.Device.Verdict = verdict(tracked.Device)
		}
	}
	return items, nil
}

// verdict is for a device that is still managed. A failure is final when the
// device has checked in since it was asked by a call of its own: until then it
// is the failure of before.
func verdict(d *leaver.Device) leaver.Verdict {
	if d.OwnCalls > 0 && checkedIn(d) {
		switch d.ManagementState {
		case "retireFailed", "wipeFailed":
			return leaver.RemovalFailed
		case "retireCanceled", "wipeCanceled":
			return leaver.RemovalCanceled
		}
	}
	return leaver.Leaving
}

// checkedIn reports whether a device was heard of since it was asked. Intune
// tells the second.
func checkedIn(d *leaver.Device) bool {
	return d.LastSyncDateTime != nil && (d.ActionAt == nil || !d.LastSyncDateTime.Before(d.ActionAt.Truncate(time.Second)))
}

// askAgain asks each device that failed to leave once more, and each that was
// enrolled since as the policy says, by a call of its own and once.
func (a *Activities) askAgain(ctx context.Context, items []leaver.Item, listed []graph.ManagedDevice, policy leaver.DevicePolicy) ([]leaver.Item, error) {
	for _, device := range listed {
		action := leaver.Retire
		tracked := find(items, device.ID)
		if tracked == nil {
			items = append(items, item(device))
			tracked = find(items, device.ID)
			tracked.Detail, tracked.Device.Verdict = "enrolled since", leaver.Leaving
			judge(tracked, policy)
			action = tracked.Device.Planned
		} else if failedToLeave(device) {
			action = cmp.Or(tracked.Device.Action, action)
		} else {
			continue
		}
		if tracked.Outcome != "" || tracked.Device.OwnCalls > 0 || !staysManaged(device) {
			continue
		}
		if err := a.ask(ctx, items, tracked, action); err != nil {
			return items, err
		}
	}
	return items, nil
}

func failedToLeave(d graph.ManagedDevice) bool {
	switch d.ManagementState {
	case "retireFailed", "retireCanceled", "wipeFailed", "wipeCanceled":
		return true
	}
	return false
}

func (a *Activities) rhythm(step leaver.StepRequest) leaver.Poll {
	if step.Poll != nil {
		return *step.Poll
	}
	return a.poll
}

// notYet asks for another look, the last one at the deadline; or for a person.
func notYet(ctx context.Context, poll leaver.Poll, items, left []leaver.Item) error {
	f := leaver.Failure{Type: leaver.DevicesRemain}
	f.Message = fmt.Sprintf("AwaitDevicesRemoved: %d of %s still managed (%s)", len(left), count(len(items)), states(left))
	info := activity.GetInfo(ctx)
	untilDeadline := time.Until(info.ScheduledTime.Add(time.Duration(poll.Deadline)))
	hopeless := !slices.ContainsFunc(left, func(i leaver.Item) bool { return i.Device.Verdict == leaver.Leaving })
	if untilDeadline <= 0 || hopeless {
		for _, remains := range left {
			tracked := find(items, remains.ID)
			tracked.Outcome = leaver.Failed
			if d := tracked.Device; d.Verdict == leaver.Leaving && !checkedIn(d) {
				d.Verdict = leaver.Silent
			}
		}
		f.Details = []any{leaver.StepResult{Outcome: leaver.Failed, Detail: f.Message, Items: items, Choices: deviceChoices}}
		if hopeless {
			f.Message += "; each was asked twice: see in Intune why it refuses, then retryStep to ask again, skipStep to leave them"
		} else {
			f.Message += "; the deadline has passed: retire them in Intune or wait for their check-in, then retryStep, skipStep to leave them"
		}
		f.Message += ", or answer for each"
		return f.Err()
	}
	// The wait is asked for here, not left to the caller's retry policy, so
	// that the rhythm is the same in anybody's workflow.
	wait, longest := time.Duration(poll.First), time.Duration(poll.Longest)
	for n := int32(1); n < info.Attempt && wait < longest; n++ {
		wait *= 2
	}
	f.Waits, f.Expected = true, true
	f.After = min(wait, longest, untilDeadline)
	return f.Err()
}

func remaining(items []leaver.Item) []leaver.Item {
	return slices.DeleteFunc(slices.Clone(items), func(i leaver.Item) bool { return i.Outcome == leaver.Done || i.Outcome == leaver.Skipped })
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
