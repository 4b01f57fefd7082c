package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/activity"
)

// RemoveAllDevices asks every device that Intune manages for the leaver to
// leave, each as the policy says; without one, all are retired.
//
// Graph answers before a device has heard of it: the step is done when Graph
// has accepted, and AwaitDevicesRemoved proves the rest. A leaver without
// devices is AlreadyDone, and nothing is posted. Where every device is to be
// retired, the one action for all does it, unless the tenant refuses that; else
// each device is asked by a call of its own, and each attempt asks one: an
// attempt that fails with DevicesRemain and waits goes on with the next.
//
// It fails for good with ApprovalRequired while a second administrator is to
// approve, and with DevicesRemain or why Graph refuses when all were asked but
// some. Its details are a StepResult with every device. With HandsOver it leaves
// these to AwaitDevicesRemoved, once others are on their way.
//
// Microsoft: POST /users/{id}/removeAllDevicesFromManagement,
// https://learn.microsoft.com/graph/api/intune-devices-user-removealldevicesfrommanagement
func (a *Activities) RemoveAllDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	f, err := a.fleet(ctx, step)
	if err != nil {
		return leaver.StepResult{}, err
	}
	f.known = seen(step.Items)
	if !acted(ctx) {
		f.items = step.Items
	}
	for _, device := range f.listed {
		if tracked := f.upsert(device); !staysManaged(device) && tracked.Outcome == "" {
			tracked.Device.Verdict = leaver.Leaving
			if tracked.Choice == "" {
				tracked.Held, tracked.Detail = nil, ""
			}
		}
	}
	f.dropRefusals()
	if err := f.hearOfApprovals(ctx); err != nil {
		return f.pause(ctx, err)
	}
	if err := f.turns(func() error { return f.choose(ctx) }, func() error { return f.remove(ctx) }); err != nil {
		return f.pause(ctx, err)
	}
	if err := f.waiting(); err != nil && (err == errNextTurn || !f.leavesHeld()) {
		return f.pause(ctx, err)
	}
	if len(f.items) == 0 {
		return alreadyDone("no managed devices"), nil
	}
	if step.HandsOver && slices.ContainsFunc(f.items, onItsWay) {
		return f.accepted(acted(ctx)), nil
	}
	// Waiting longer would change nothing.
	if err := f.question(ctx, "", deviceChoices[1:]); err != nil {
		return leaver.StepResult{}, err
	}
	return f.accepted(acted(ctx)), nil
}

// leavesHeld reports whether AwaitDevicesRemoved can ask the devices that are held,
// so that those on their way are followed meanwhile. What may soon be over is waited
// for here.
func (f *fleet) leavesHeld() bool {
	return f.step.HandsOver && slices.ContainsFunc(f.items, onItsWay) && !slices.ContainsFunc(f.items, func(i leaver.Item) bool {
		return i.Held != nil && i.Held.NotBefore == nil && i.Held.Tries < hiccup
	})
}

// dropRefusals leaves to AwaitDevicesRemoved what has become of the devices that
// were refused something and that are listed no more. What a person has chosen
// for one of them stays a question.
func (f *fleet) dropRefusals() {
	for i := range f.items {
		tracked := &f.items[i]
		if _, listed := f.listing(tracked.ID); !listed && tracked.Outcome == leaver.Failed && tracked.Failure != leaver.InvalidRequest {
			tracked.Outcome, tracked.Detail, tracked.Failure = "", "", ""
		}
	}
}

// remove asks what is still to be asked.
func (f *fleet) remove(ctx context.Context) error {
	// What was enrolled while a request waited is looked at before that is carried
	// out: it may have to be left alone.
	todo, err := f.triage(ctx)
	if err != nil {
		return err
	}
	if err := f.resume(ctx, todo); err != nil {
		return err
	}
	if todo, err = f.triage(ctx); err != nil || len(todo) == 0 {
		return err
	}
	if f.join(todo...) {
		return nil
	}
	if f.written {
		return errNextTurn
	}
	if f.policy.RetiresAll() && !f.anyApart() {
		return f.retireAll(ctx, todo, f.approval(nil))
	}
	return f.askEach(ctx, todo, nil)
}

// join lets devices share a request for approval that waits, when it is for
// whatever devices there are.
func (f *fleet) join(todo ...*leaver.Item) bool {
	at := slices.IndexFunc(f.items, func(i leaver.Item) bool { return i.AwaitsApproval() && i.Approval.Operation == leaver.RemoveAll })
	if at < 0 {
		return false
	}
	for _, tracked := range todo {
		shared := *f.items[at].Approval
		tracked.Approval, tracked.Device.Verdict = &shared, leaver.AwaitingApproval
		tracked.Held, tracked.Detail = nil, ""
	}
	return true
}

// anyApart reports whether a device takes a way of its own, so that the one
// action for all would be too much, or whether the tenant has refused that one.
func (f *fleet) anyApart() bool {
	return slices.ContainsFunc(f.items, func(i leaver.Item) bool {
		_, listed := f.listing(i.ID)
		// A list that is read page by page may miss one that must not be touched.
		return i.Device.Because == refusedAll || i.Held != nil || i.Outcome == leaver.Skipped || i.Outcome == leaver.Failed || listed && (i.Device.OwnCalls > 0 || i.Approval != nil && i.Approval.Operation != leaver.RemoveAll)
	})
}

// triage returns the devices that are to be asked, and notes with the others
// why they are not.
func (f *fleet) triage(ctx context.Context) (todo []*leaver.Item, err error) {
	for _, device := range f.listed {
		tracked := f.find(device.ID)
		hasLeft := tracked.Held != nil && tracked.Device.Verdict == leaver.Leaving && !tracked.Asked() // and the list lags
		if !staysManaged(device) || hasLeft || tracked.Device.OwnCalls > 0 || tracked.Outcome != "" || tracked.Approval != nil {
			continue
		}
		if f.passes(tracked) {
			continue
		}
		err := f.judge(ctx, tracked)
		// No reason yet to ask each device by itself, where one call would do for all.
		if f.policy.RetiresAll() && activity.GetInfo(ctx).Attempt < hiccup {
			if err != nil {
				return nil, err
			}
		} else if other := f.hold(ctx, tracked, err); other != nil {
			return nil, other
		}
		if tracked.Outcome == "" && err == nil {
			todo = append(todo, tracked)
		}
	}
	return todo, nil
}

// retireAll retires every device by the one action, or each by itself where the
// tenant refuses that.
func (f *fleet) retireAll(ctx context.Context, todo []*leaver.Item, approval approval) error {
	before := make([]leaver.Device, len(todo))
	for n, tracked := range todo {
		before[n] = *tracked.Device
		asked(tracked, leaver.Retire)
	}
	err := act(ctx, f.items)
	if err == nil {
		f.written = true
		err = f.devices.RemoveAllDevicesFromManagement(ctx, f.step.UserID, approval)
	}
	if err != nil && (!f.written || !mayBeHeard(err)) {
		for n, tracked := range todo {
			*tracked.Device = before[n]
			if tracked.Device.Action == "" {
				tracked.Device.Verdict = leaver.NotAsked
			}
		}
	}
	switch code := approvalCode(err); {
	case err == nil:
		for _, tracked := range todo {
			complete(tracked)
		}
	case code != "" && code == approval.Code:
		if !f.toldTooEarly(code) {
			return errApprovalLags
		}
		f.note(ctx)
	case code != "":
		for _, tracked := range todo {
			queue(tracked, leaver.RemoveAll, code)
		}
		f.note(ctx)
	case refusedAltogether(err):
		for _, tracked := range todo {
			tracked.Device.Because, tracked.Approval = refusedAll, nil
		}
		f.written = false
		return f.askEach(ctx, todo, err)
	case approval.Code != "":
		// Whoever decides about them now has the request filed anew.
		for _, tracked := range todo {
			if err := f.refused(ctx, tracked, err); err != nil {
				return err
			}
		}
	default:
		return err
	}
	return nil
}

// refusedAll is why devices are asked by calls of their own though one call
// would have done.
const refusedAll = "the tenant refuses removeAllDevicesFromManagement"

// askEach asks the devices one by one. refusal is how the tenant refused the one
// action for all, if that was tried.
func (f *fleet) askEach(ctx context.Context, todo []*leaver.Item, refusal error) error {
	for _, tracked := range todo {
		err := f.ask(ctx, tracked, tracked.Device.Planned)
		if refusal != nil && refusedAltogether(err) {
			// Neither way is open. A permission is what can be mended.
			if isForbidden(refusal) {
				return refusal
			}
			return err
		}
		if err := f.hold(ctx, tracked, f.refused(ctx, tracked, err)); err != nil {
			return err
		}
		refusal = nil
	}
	return nil
}

// accepted says how the step ends when no question is left; touched says that an
// earlier attempt may have been heard.
func (f *fleet) accepted(touched bool) leaver.StepResult {
	asked, leaving, left, waiting, open, unseen, held, how, what := 0, 0, 0, 0, 0, 0, 0, "", "Intune accepted the retirement of "
	for _, i := range f.items {
		if i.Device.Because == refusedAll {
			how = refusedAll + ", so each device was asked by a call of its own; "
		}
		switch {
		case i.Outcome == leaver.Skipped:
			left++
		case i.Outcome == leaver.Failed:
			open++
		case i.AwaitsApproval():
			waiting++
		case i.Held != nil:
			held++
		case !i.Asked() && i.Device.Verdict == leaver.Leaving:
			leaving++
		case !i.Asked():
			unseen++
		default:
			asked++
			if i.Device.Action != leaver.Retire {
				what = "Intune accepted what was asked of "
			}
		}
	}
	result := leaver.StepResult{Outcome: leaver.AlreadyDone, Items: f.items}
	if asked > 0 || touched && leaving > 0 {
		result.Outcome = leaver.Done
	}
	var parts []string
	for _, part := range []struct {
		n          int
		head, tail string
	}{
		{asked, how + what, "; whether they left is seen by " + leaver.StepAwaitDevicesRemoved},
		{leaving, "", " already leaving"}, {left, "", " left as decided"},
		{held, "", " still to be asked, by " + leaver.StepAwaitDevicesRemoved}, {unseen, "", " no longer listed for the leaver and not asked"},
		{waiting, "a second administrator's approval is awaited for ", ""}, {open, "", " for a person to decide about"},
	} {
		if part.n > 0 {
			parts = append(parts, part.head+count(part.n)+part.tail)
		}
	}
	result.Detail = strings.Join(parts, "; ")
	return result
}
