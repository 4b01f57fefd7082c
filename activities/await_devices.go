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
	f, err := a.fleet(ctx, step)
	if err != nil {
		return leaver.StepResult{}, err
	}
	removal, asked := step.Results[leaver.StepRemoveAllDevices]
	f.items = removal.Items
	if len(step.Items) > 0 {
		f.items = step.Items
	}
	known := seen(f.items)
	switch {
	case activity.HasHeartbeatDetails(ctx):
		if err := f.recall(ctx); err != nil {
			return leaver.StepResult{}, err
		}
	case !asked && len(step.Items) == 0:
		for _, device := range f.listed {
			f.upsert(device)
		}
	}
	for i := range f.items {
		if f.items[i].Device == nil {
			f.items[i].Device = &leaver.Device{}
		}
	}
	if err := f.look(ctx); err != nil {
		return leaver.StepResult{}, failure(ctx, err, f.items...)
	}
	if err := f.choose(ctx); err != nil {
		return leaver.StepResult{}, err
	}
	if asked {
		if err := f.askAgain(ctx); err != nil {
			f.note(ctx)
			return leaver.StepResult{}, failure(ctx, err, f.items...)
		}
		if err := f.question(ctx); err != nil {
			return leaver.StepResult{}, err
		}
	}
	left := remaining(f.items)
	switch {
	case len(f.items) == 0:
		return alreadyDone("no managed devices"), nil
	case len(left) == 0:
		return done(f.ended(), f.items...), nil
	}
	f.note(ctx)
	if step.Poll != nil && step.Poll.Changes && seen(f.items) != known {
		return leaver.StepResult{Outcome: leaver.Ongoing, Detail: f.stillManaged(left), Items: f.items}, nil
	}
	return leaver.StepResult{}, f.notYet(ctx, left)
}

// seen tells two looks apart: a check-in alone is no news.
func seen(items []leaver.Item) string {
	var b strings.Builder
	for _, i := range items {
		d := cmp.Or(i.Device, &leaver.Device{})
		fmt.Fprintln(&b, i.ID, i.Outcome, i.Detail, d.ManagementState, d.Verdict, d.Action, d.OwnCalls)
	}
	return b.String()
}

// ended says what has become of the devices. Called alone, the activity leaves
// those that were enrolled since to whoever called it.
func (f *fleet) ended() string {
	left := 0
	for _, i := range f.items {
		if i.Outcome == leaver.Skipped {
			left++
		}
	}
	text := count(len(f.items)-left) + " gone"
	if left > 0 {
		text += fmt.Sprintf("; %s left as decided", count(left))
	}
	unknown := 0
	for _, device := range f.listed {
		if f.find(device.ID) == nil {
			unknown++
		}
	}
	if unknown > 0 {
		text += fmt.Sprintf("; %s enrolled since and not touched", count(unknown))
	}
	return text
}

// look brings items up to date: with what is listed, and by id where it is not.
func (f *fleet) look(ctx context.Context) error {
	for i := range f.items {
		tracked := &f.items[i]
		listed, isListed := f.listing(tracked.ID)
		switch {
		case tracked.Outcome == leaver.Skipped:
		case isListed:
			f.upsert(listed)
			tracked.Device.Verdict = verdict(tracked.Device)
		case tracked.Outcome == leaver.Done:
		default:
			device, err := f.devices.ManagedDevice(ctx, tracked.ID)
			if notFound(err) {
				tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Done, "gone", leaver.Gone
				break
			}
			if err != nil {
				return err
			}
			f.upsert(device)
			tracked.Detail = "still managed, no longer listed for the leaver"
			tracked.Device.Verdict = verdict(tracked.Device)
		}
	}
	return nil
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
func (f *fleet) askAgain(ctx context.Context) error {
	if err := f.resume(ctx); err != nil {
		return err
	}
	for _, device := range f.listed {
		tracked := f.find(device.ID)
		if tracked == nil {
			tracked = f.upsert(device)
			tracked.Device.Because, tracked.Device.Verdict = enrolledSince, leaver.Leaving
		}
		action := cmp.Or(tracked.Device.Action, leaver.Retire)
		switch {
		case tracked.Device.Because == enrolledSince && tracked.Device.Action == "" && tracked.Outcome == "":
			judge(tracked, f.policy)
			if err := f.requireKey(ctx, tracked); err != nil {
				return err
			}
			action = tracked.Device.Planned
		case failedToLeave(device):
			if tracked.Device.OwnCalls == 0 {
				tracked.Device.Because = "it failed to leave"
			}
		default:
			continue
		}
		if tracked.Outcome != "" || tracked.Device.OwnCalls > 0 || tracked.Approval != nil || !staysManaged(device) {
			continue
		}
		if err := f.ask(ctx, tracked, action); err != nil {
			return err
		}
	}
	return nil
}

const enrolledSince = "it was enrolled since"

func failedToLeave(d graph.ManagedDevice) bool {
	switch d.ManagementState {
	case "retireFailed", "retireCanceled", "wipeFailed", "wipeCanceled":
		return true
	}
	return false
}

func (f *fleet) stillManaged(left []leaver.Item) string {
	return fmt.Sprintf("%d of %s still managed (%s)", len(left), count(len(f.items)), states(left))
}

// notYet asks for another look, the last one at the deadline; or for a person.
func (f *fleet) notYet(ctx context.Context, left []leaver.Item) error {
	poll := f.poll
	if f.step.Poll != nil {
		poll = *f.step.Poll
	}
	why := leaver.Failure{Type: leaver.DevicesRemain, Message: "AwaitDevicesRemoved: " + f.stillManaged(left)}
	untilDeadline := time.Until(activity.GetInfo(ctx).ScheduledTime.Add(time.Duration(poll.Deadline)))
	hopeless := !slices.ContainsFunc(left, func(i leaver.Item) bool { return i.Device.Verdict == leaver.Leaving })
	if untilDeadline <= 0 || hopeless {
		for _, remains := range left {
			tracked := f.find(remains.ID)
			tracked.Outcome = leaver.Failed
			if d := tracked.Device; d.Verdict == leaver.Leaving && !checkedIn(d) {
				d.Verdict = leaver.Silent
			}
		}
		why.Details = []any{leaver.StepResult{Outcome: leaver.Failed, Detail: why.Message, Items: f.items, Choices: deviceChoices}}
		if hopeless {
			why.Message += "; each was asked twice: see in Intune why it refuses, then retryStep to ask again, skipStep to leave them"
		} else {
			why.Message += "; the deadline has passed: retire them in Intune or wait for their check-in, then retryStep, skipStep to leave them"
		}
		why.Message += ", or answer for each"
		return why.Err()
	}
	why.Waits, why.Expected, why.After = true, true, min(wait(ctx, poll), untilDeadline)
	return why.Err()
}

// wait is how long until the next look. It is asked for here, not left to the
// caller's retry policy, so that the rhythm is the same in anybody's workflow.
func wait(ctx context.Context, poll leaver.Poll) time.Duration {
	wait, longest := time.Duration(poll.First), time.Duration(poll.Longest)
	for n := int32(1); n < activity.GetInfo(ctx).Attempt && wait < longest; n++ {
		wait *= 2
	}
	return min(wait, longest)
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
