package activities

import (
	"cmp"
	"context"
	"errors"
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
// and no history grows. A device that failed to leave is asked once more, and one
// that was enrolled in the meantime as the policy says, by a call of its own. When
// none is on its way any more, and at the deadline, it fails for good with
// DevicesRemain, or with ApprovalRequired, and its details say what has become of
// each. Where Poll.Changes is set, it ends with Ongoing as soon as there is news:
// also of a device that is for a person by now, while it follows the others.
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
	noted := f.items
	removal, after := step.Results[leaver.StepRemoveAllDevices]
	f.alone = !after
	// Where somebody has left the removal out half-way, what was asked is followed
	// and nothing more is asked.
	asks := removal.Outcome == leaver.Done || removal.Outcome == leaver.AlreadyDone
	f.follow(removal.Items, asks)
	f.known = seen(f.items)
	switch {
	case acted(ctx):
		f.items = noted
	case !after && len(step.Items) == 0:
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
		return f.pause(ctx, err)
	}
	if err := f.hearOfApprovals(ctx); err != nil {
		return f.pause(ctx, err)
	}
	err = f.turns(func() error { return f.choose(ctx) }, func() error {
		if !after {
			return nil
		}
		return f.askAgain(ctx, asks)
	})
	if err != nil {
		return f.pause(ctx, err)
	}
	left := remaining(f.items)
	why := f.overdue(ctx, left)
	if !f.tells() || !slices.ContainsFunc(f.items, onItsWay) {
		if err := f.question(ctx, why, deviceChoices); err != nil {
			return leaver.StepResult{}, err
		}
	}
	switch {
	case len(f.items) == 0:
		return alreadyDone("no managed devices"), nil
	case len(left) == 0:
		return done(f.ended(), f.items...), nil
	}
	f.note(ctx)
	if f.hasNews(ctx) {
		return leaver.StepResult{Outcome: leaver.Ongoing, Detail: f.stillManaged(left) + f.waitsFor(), Items: f.items, Choices: offered(f.items, deviceChoices)}, nil
	}
	return leaver.StepResult{}, f.notYet(ctx, left)
}

// hearOfApprovals looks what a second administrator has decided meanwhile. A worker
// that may not read that is told, or goes by a request's age.
func (f *fleet) hearOfApprovals(ctx context.Context) error {
	if !slices.ContainsFunc(f.items, leaver.Item.AwaitsApproval) {
		return nil
	}
	requests, err := f.devices.ApprovalRequests(ctx)
	if waits(err) {
		return err
	}
	decisions(f.items, requests)
	return nil
}

// follow begins with what is known: what became of each device that the removal
// listed, and what this step has said of it since.
func (f *fleet) follow(removal []leaver.Item, all bool) {
	f.items = slices.DeleteFunc(slices.Clone(removal), func(i leaver.Item) bool { return !all && !i.Asked() })
	for _, i := range f.step.Items {
		if known := f.find(i.ID); known != nil {
			*known = i
		} else {
			f.items = append(f.items, i)
		}
	}
}

// seen tells two looks apart. That a device has checked in since it was asked is
// news; the check-ins after that are none.
func seen(items []leaver.Item) string {
	var b strings.Builder
	for _, i := range items {
		d := cmp.Or(i.Device, &leaver.Device{})
		fmt.Fprintln(&b, i.ID, i.Outcome, i.Detail, i.Choice, d.ManagementState, d.Verdict, d.Action, d.OwnCalls, d.Action != "" && checkedIn(d, d.ActionAt))
		if i.Approval != nil {
			fmt.Fprintln(&b, i.Approval.Code, i.Approval.Status)
		}
	}
	return b.String()
}

// ended says what has become of the devices. Called alone, the activity leaves
// those that were enrolled since to whoever called it; and where the removal was
// left out half-way, those that it did not ask.
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
		text += fmt.Sprintf("; %d more still managed and not touched", unknown)
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
			switch {
			case tracked.Outcome != "" || tracked.AwaitsApproval():
			case f.alone || tracked.Asked() || !staysManaged(listed):
				tracked.Device.Verdict = verdict(tracked.Device)
			default:
				tracked.Device.Verdict = leaver.NotAsked
			}
		case tracked.Outcome == leaver.Done:
		default:
			device, err := f.devices.ManagedDevice(ctx, tracked.ID)
			if notFound(err) {
				if tracked.Device.Asking != "" {
					heard(tracked)
				}
				tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Done, "gone", leaver.Gone
				tracked.Held = nil
				break
			}
			if err != nil && tracked.Choice == leaver.GiveUp {
				break
			}
			if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Status >= 500 {
				f.held = cmp.Or(f.held, err) // the others are looked at all the same
				break
			}
			if err != nil {
				if err := f.refused(ctx, tracked, err); err != nil {
					return err
				}
				break
			}
			again := tracked.Detail == unlisted
			f.upsert(device)
			switch {
			case tracked.Outcome != "":
			case f.alone || tracked.Asked():
				tracked.Detail, tracked.Device.Verdict = unlisted, verdict(tracked.Device)
			case tracked.AwaitsApproval():
				tracked.Detail = unlisted
			case !again:
				tracked.Detail, tracked.Device.Verdict = unlisted, leaver.NotAsked
			default:
				fail(tracked, unlisted+", and was not asked: decide about it in Intune, then choose giveUp")
			}
		}
	}
	return nil
}

const unlisted = "still managed, no longer listed for the leaver"

// verdict is for a device that is still managed. A failure is final when the
// device was asked again after one before, and has checked in since: until then
// it is the failure of before.
func verdict(d *leaver.Device) leaver.Verdict {
	if d.Because == failedBefore && isNews(d) {
		switch d.ManagementState {
		case "retireFailed", "wipeFailed":
			return leaver.RemovalFailed
		case "retireCanceled", "wipeCanceled":
			return leaver.RemovalCanceled
		}
	}
	return leaver.Leaving
}

// checkedIn reports whether a device was heard of since a moment, if there was
// one. Intune tells the second.
func checkedIn(d *leaver.Device, since *time.Time) bool {
	return d.LastSyncDateTime != nil && (since == nil || !d.LastSyncDateTime.Before(since.Truncate(time.Second)))
}

// isNews reports whether what Intune says of a device came after it was asked, and
// after a person decided about it.
func isNews(d *leaver.Device) bool { return checkedIn(d, d.ActionAt) && checkedIn(d, d.DecidedAt) }

// askAgain asks each device that failed to leave once more, and as the policy
// says each that was enrolled since or that was leaving and is no more; by a call
// of its own. Where the removal was left out half-way, these are left alone.
func (f *fleet) askAgain(ctx context.Context, all bool) error {
	var unasked []*leaver.Item
	if all {
		for _, device := range f.listed {
			if f.find(device.ID) == nil {
				tracked := f.upsert(device)
				tracked.Device.Because, tracked.Device.Verdict = enrolledSince, leaver.NotAsked
				if !staysManaged(device) {
					tracked.Device.Verdict = leaver.Leaving
				}
			}
		}
		for _, device := range f.listed {
			tracked := f.find(device.ID)
			if tracked.Device.Action != "" || tracked.Outcome != "" || tracked.Choice != "" || tracked.Approval != nil || !staysManaged(device) || f.passes(tracked) {
				continue
			}
			if tracked.Device.Planned == "" {
				tracked.Device.Because = cmp.Or(tracked.Device.Because, stayedAfterAll)
			}
			err := f.judge(ctx, tracked)
			if err := f.hold(ctx, tracked, err); err != nil {
				return err
			}
			if tracked.Outcome == "" && err == nil {
				unasked = append(unasked, tracked)
			}
		}
	}
	if err := f.resume(ctx, unasked); err != nil {
		return err
	}
	for _, device := range f.listed {
		tracked := f.find(device.ID)
		if tracked == nil || tracked.Outcome != "" || tracked.Choice != "" || tracked.AwaitsApproval() || !staysManaged(device) {
			continue
		}
		d := tracked.Device
		switch {
		case d.Action == "" && !all:
		case d.Action == "":
			if d.Planned == leaver.Retire && !f.passes(tracked) && f.join(tracked) {
				continue
			}
			if err := f.hold(ctx, tracked, f.refused(ctx, tracked, f.ask(ctx, tracked, d.Planned))); err != nil {
				return err
			}
		case failedToLeave(device) && d.Because != failedBefore && (d.OwnCalls == 0 || isNews(d)):
			because := d.Because
			d.Because = failedBefore
			err := f.ask(ctx, tracked, d.Action)
			if err != nil && d.Asking == "" {
				d.Because = because
			}
			if err := f.hold(ctx, tracked, f.refused(ctx, tracked, err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Why a device was asked by a call of its own, where neither the policy nor a
// person wanted it so.
const (
	enrolledSince  = "it was enrolled since"
	stayedAfterAll = "it was leaving and is no more"
	failedBefore   = "it failed to leave"
)

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

// rhythm is the request's, else the worker's.
func (f *fleet) rhythm() leaver.Poll {
	poll := f.poll
	if f.step.Poll != nil {
		poll = *f.step.Poll
	}
	if slices.ContainsFunc(f.items, leaver.Item.AwaitsApproval) {
		poll = forApproval(poll)
	}
	return poll
}

func (f *fleet) untilDeadline(ctx context.Context) time.Duration {
	return time.Until(activity.GetInfo(ctx).ScheduledTime.Add(time.Duration(f.rhythm().Deadline)))
}

// overdue makes devices that remain a question, and says why, or "": at the
// deadline, when none is on its way any more, and where the caller is told as soon
// as one has failed for good.
func (f *fleet) overdue(ctx context.Context, left []leaver.Item) string {
	late := f.untilDeadline(ctx) <= 0
	hopeless := !slices.ContainsFunc(f.items, func(i leaver.Item) bool { return onItsWay(i) || i.AwaitsApproval() || i.Held != nil })
	why := ""
	for i := range f.items {
		tracked := &f.items[i]
		d := tracked.Device
		final := d.Verdict == leaver.RemovalFailed || d.Verdict == leaver.RemovalCanceled
		switch {
		case tracked.Outcome != "" || tracked.AwaitsApproval() || !late && !hopeless && !(final && f.tells()):
			continue
		case tracked.Choice != "" || !f.alone && tracked.Detail == unlisted && !tracked.Asked():
			continue // a decision is to be carried out, or a second look tells more
		case d.ActionAt != nil && !d.ActionAt.Before(f.began):
			continue // what was asked just now gets its time
		}
		tracked.Outcome, tracked.Held, why = leaver.Failed, nil, f.stillManaged(left)
		if final {
			tracked.Detail = askedTwice
		}
		if d.Verdict == leaver.Leaving && !checkedIn(d, d.ActionAt) {
			d.Verdict = leaver.Silent
		}
	}
	switch {
	case why == "":
		return ""
	case late:
		return why + "; the deadline has passed: retire them in Intune or wait for their check-in, then retryStep, skipStep to leave them, or answer for each"
	}
	return why + "; each " + askedTwice + ", then retryStep to ask again, skipStep to leave them, or answer for each"
}

const askedTwice = "was asked twice: see in Intune why it refuses"

// notYet asks for another look, the last one at the deadline.
func (f *fleet) notYet(ctx context.Context, left []leaver.Item) error {
	return leaver.Failure{Type: leaver.DevicesRemain, Waits: true, Expected: true,
		Message: "AwaitDevicesRemoved: " + f.stillManaged(left) + f.waitsFor(), After: f.nextLook(ctx),
	}.Err()
}

// waitsFor says what keeps something from being done that is to be done.
func (f *fleet) waitsFor() string {
	if err := f.waiting(); err != nil && err != errNextTurn {
		return "; " + explain(err).Message
	}
	return ""
}

func (f *fleet) nextLook(ctx context.Context) time.Duration {
	next := wait(ctx, f.rhythm())
	if err := f.waiting(); err != nil {
		if after := explain(err).After; after > 0 {
			next = min(next, max(after, time.Second))
		}
	}
	if left := f.untilDeadline(ctx); left > 0 {
		next = min(next, max(left, time.Second))
	}
	return next
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
