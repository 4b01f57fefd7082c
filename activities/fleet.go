package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// fleet is the leaver's devices during one attempt of an activity.
type fleet struct {
	*Activities
	step   leaver.StepRequest
	policy leaver.DevicePolicy
	// listed is what Intune lists for the leaver now, and items what is known of
	// each device that this offboarding follows.
	listed []graph.ManagedDevice
	items  []leaver.Item
	// known is how the items are known to the caller.
	known string
	began time.Time
	// held is the first of what waiting can mend and concerns one device alone. See
	// turns for the others.
	held               error
	again              bool
	passedOver, fewest int
	tomorrow           *time.Time
	// alone says that AwaitDevicesRemoved follows what somebody else has asked.
	alone bool
	// written says that this attempt has made its one write, and decided that it
	// has carried out what a person decided.
	written, decided bool
	// action is what this attempt asked of a device.
	action leaver.DeviceAction
}

// fleet looks at the leaver's devices.
func (a *Activities) fleet(ctx context.Context, step leaver.StepRequest) (*fleet, error) {
	if err := tooEarly(ctx, step); err != nil {
		return nil, err
	}
	f := &fleet{Activities: a, step: step, began: time.Now()}
	if step.Devices != nil {
		f.policy = *step.Devices
	}
	// An earlier attempt that died may have been heard: what it did must outlive
	// whatever happens to this one.
	var err error
	if acted(ctx) {
		if f.items, err = recall(ctx); err != nil {
			return nil, err
		}
	}
	if f.listed, err = a.devices.ManagedDevices(ctx, step.UserID); err != nil {
		return nil, f.failure(ctx, err)
	}
	return f, nil
}

// recall is what an earlier attempt noted last with the items.
func recall(ctx context.Context) (noted []leaver.Item, err error) {
	if err := activity.GetHeartbeatDetails(ctx, &noted); err != nil {
		return nil, fmt.Errorf("%s: read what the last attempt noted: %w", activity.GetInfo(ctx).ActivityType.Name, err)
	}
	return noted, nil
}

// tells reports whether the caller is told of news while the activity goes on.
func (f *fleet) tells() bool {
	return f.step.HandsOver || f.step.Changes || f.step.Poll != nil && f.step.Poll.Changes
}

// hasNews reports whether the caller is to be told now: of what it does not know
// yet. What was merely seen is told by the second look at the earliest, so that
// a Graph whose replicas disagree fills no history.
func (f *fleet) hasNews(ctx context.Context) bool {
	first := len(f.step.Items) == 0
	return f.tells() && (first || seen(f.items) != f.known) && (first || f.written || f.decided || activity.GetInfo(ctx).Attempt > 1)
}

// pause ends an attempt that cannot go on now. What it has done and seen until
// then is told, or it would be lost if somebody decided something meanwhile.
func (f *fleet) pause(ctx context.Context, err error) (leaver.StepResult, error) {
	f.note(ctx)
	if isSpent(err) && explain(err).After > approvalRhythm && slices.ContainsFunc(f.items, leaver.Item.AwaitsApproval) {
		// An approval may come before the day is over.
		err = errSpent{until: time.Now().Add(approvalRhythm)}
	}
	if errors.Is(err, errNextTurn) && !f.tellsTurn(ctx) || !waits(err) || halted(err) || !f.hasNews(ctx) {
		return leaver.StepResult{}, f.failure(ctx, err)
	}
	return ongoing(err, f.items, offered(f.items, deviceChoices)), nil
}

// tellsTurn reports whether a write is told at once, before the next device has its
// turn: what is known to heartbeats alone is lost when the step is cancelled between
// two attempts. All items are told each time, so with very many devices only some
// of the writes are, or the history would grow with the square of their number.
func (f *fleet) tellsTurn(ctx context.Context) bool {
	if !f.step.Changes {
		return !f.step.HandsOver // as in plans made before
	}
	return tellsTurn(ctx, len(f.items))
}

func tellsTurn(ctx context.Context, items int) bool {
	every := 1 + items*items/10_000
	return int(activity.GetInfo(ctx).Attempt)%every == 0
}

func (f *fleet) failure(ctx context.Context, err error) error {
	return failureWith(ctx, err, leaver.StepResult{Outcome: leaver.Failed, Items: f.items, Choices: offered(f.items, deviceChoices)})
}

// note keeps what is known for an attempt that follows this one.
func (f *fleet) note(ctx context.Context) { activity.RecordHeartbeat(ctx, f.items) }

// ask asks something of one device, as the only write of this attempt. One that
// has left meanwhile is no error, and neither is a tenant that wants a second
// administrator to approve it first.
func (f *fleet) ask(ctx context.Context, tracked *leaver.Item, action leaver.DeviceAction) error {
	switch {
	case f.passes(tracked):
		return errPassedOver
	case f.written:
		return errNextTurn
	}
	// A failure is followed by another try, whoever approved the first.
	if tracked.Approval != nil && tracked.Approval.Status == leaver.ApprovalCompleted {
		tracked.Approval = nil
	}
	// What is asked and then lost with its answer must still be followed.
	now := time.Now().UTC()
	tracked.Device.Asking, tracked.Device.AskingAt = action, &now
	if err := act(ctx, f.items); err != nil {
		tracked.Device.Asking, tracked.Device.AskingAt = "", nil
		return err
	}
	f.written, f.action = true, action
	carried := f.approval(tracked)
	err := f.call(ctx, tracked.ID, action, carried)
	if !mayBeHeard(err) {
		tracked.Device.Asking, tracked.Device.AskingAt = "", nil
	}
	switch code := approvalCode(err); {
	case code != "" && code == carried.Code:
		if !f.toldTooEarly(code) {
			return errApprovalLags
		}
	case code != "":
		queue(tracked, action, code)
	case err == nil:
		asked(tracked, action)
		tracked.Device.OwnCalls++
		complete(tracked)
	case !notFound(err):
		return err
	case f.isGone(ctx, tracked.ID):
		tracked.Device.Verdict = leaver.Leaving
		return errNotYet("Intune lists a device that has left, looking again")
	case isMissing(err):
		return errNotYet("Intune lists a device and does not find it for this call yet, trying again")
	default:
		return err
	}
	tracked.Choice, tracked.Held, tracked.Detail = "", nil, ""
	f.note(ctx)
	return nil
}

func (f *fleet) call(ctx context.Context, id string, action leaver.DeviceAction, carried approval) error {
	switch action {
	case leaver.Wipe, leaver.WipeKeepUserData:
		return f.devices.WipeDevice(ctx, id, action == leaver.WipeKeepUserData, carried)
	case leaver.DeleteRecord:
		return f.devices.DeleteDevice(ctx, id, carried)
	}
	return f.devices.RetireDevice(ctx, id, carried)
}

// heard notes that a device has heard of a call whose answer was lost.
func heard(tracked *leaver.Item) {
	d := tracked.Device
	d.Action, d.ActionAt, d.Verdict = d.Asking, d.AskingAt, leaver.Leaving
	d.OwnCalls++
	d.Asking, d.AskingAt = "", nil
	if tracked.Failure == leaver.GraphUnavailable {
		tracked.Outcome, tracked.Failure = "", ""
	}
	tracked.Choice, tracked.Held, tracked.Detail = "", nil, ""
	complete(tracked)
}

// shows reports whether a device's managementState is what follows an action.
func shows(state string, action leaver.DeviceAction) bool {
	switch action {
	case leaver.Retire:
		return state == "retirePending" || state == "retireIssued"
	case leaver.Wipe, leaver.WipeKeepUserData:
		return state == "wipePending" || state == "wipeIssued"
	case leaver.DeleteRecord:
		return state == "deletePending"
	}
	return false
}

// refused notes with a device that what was asked of it was refused for good, so
// that the others have their turn and a person decides about this one. Anything
// else is returned: what waiting can mend, and what concerns every device alike.
func (f *fleet) refused(ctx context.Context, tracked *leaver.Item, err error) error {
	why, final := refusal(err)
	if !final || why.Type == leaver.GraphUnauthorized || why.Type == leaver.IntuneNotLicensed {
		return err
	}
	fail(tracked, why.Message)
	tracked.Choice, tracked.Failure = "", why.Type
	f.note(ctx)
	return nil
}

// fail makes a device a question, with the reason.
func fail(tracked *leaver.Item, why string) {
	tracked.Outcome, tracked.Detail, tracked.Held = leaver.Failed, why, nil
	switch d := tracked.Device; {
	case d.Action == "":
		d.Verdict = leaver.NotAsked
	case d.Verdict == leaver.AwaitingApproval && !checkedIn(d, d.ActionAt):
		d.Verdict = leaver.Silent
	case d.Verdict == leaver.Leaving, d.Verdict == leaver.AwaitingApproval:
		d.Verdict = leaver.RemovalFailed
	}
}

// asked notes what a device was asked.
func asked(tracked *leaver.Item, action leaver.DeviceAction) {
	now := time.Now().UTC()
	tracked.Device.Action, tracked.Device.ActionAt, tracked.Device.Verdict = action, &now, leaver.Leaving
}

// listing is a device as Intune lists it for the leaver: one that it does not
// list may be another user's by now, and is never written to.
func (f *fleet) listing(id string) (device graph.ManagedDevice, listed bool) {
	at := slices.IndexFunc(f.listed, func(d graph.ManagedDevice) bool { return d.ID == id })
	if at < 0 {
		return device, false
	}
	return f.listed[at], true
}

func (f *fleet) find(id string) *leaver.Item {
	for i := range f.items {
		if f.items[i].ID == id {
			return &f.items[i]
		}
	}
	return nil
}

// upsert brings the item of a device up to date, or adds one. What was decided
// about the device and asked of it stays.
func (f *fleet) upsert(d graph.ManagedDevice) *leaver.Item {
	fresh := item(d)
	tracked := f.find(d.ID)
	if tracked == nil {
		f.items = append(f.items, fresh)
		return &f.items[len(f.items)-1]
	}
	fresh.Choice, fresh.Approval = tracked.Choice, tracked.Approval
	if fresh.Held = tracked.Held; fresh.Held != nil {
		fresh.Detail = tracked.Detail
	}
	if before := tracked.Device; before != nil {
		now := fresh.Device
		now.RecoveryKey = before.RecoveryKey
		now.Planned, now.Action, now.ActionAt, now.OwnCalls, now.Because = before.Planned, before.Action, before.ActionAt, before.OwnCalls, before.Because
		now.Asking, now.AskingAt = before.Asking, before.AskingAt
		now.DecidedAt, now.Verdict = before.DecidedAt, before.Verdict
		if tracked.Outcome == leaver.Skipped || tracked.Outcome == leaver.Failed {
			fresh.Outcome, fresh.Detail, fresh.Failure = tracked.Outcome, tracked.Detail, tracked.Failure
		}
		// Where it was so before, that tells nothing.
		if shows(now.ManagementState, now.Asking) && !shows(before.ManagementState, now.Asking) {
			heard(&fresh)
		}
	}
	*tracked = fresh
	return tracked
}

func item(d graph.ManagedDevice) leaver.Item {
	device := leaver.Device{
		Name: d.DeviceName, OperatingSystem: d.OperatingSystem,
		OwnerType: d.ManagedDeviceOwnerType, ManagementState: d.ManagementState,
		SerialNumber: d.SerialNumber,
	}
	if isID(d.AzureADDeviceID) {
		device.AzureADDeviceID = d.AzureADDeviceID
	}
	if !d.LastSyncDateTime.IsZero() {
		device.LastSyncDateTime = &d.LastSyncDateTime
	}
	return leaver.Item{ID: d.ID, Device: &device}
}

// isID tells an id from the zeros that Intune writes for what it does not know: they
// are no id, but one that many devices share.
func isID(id string) bool { return id != "" && id != uuid.Nil.String() }

// onItsWay reports whether a device is leaving, as far as is known.
func onItsWay(i leaver.Item) bool {
	return i.Outcome == "" && i.Device.Verdict == leaver.Leaving && !i.AwaitsApproval()
}

// staysManaged reports whether nothing is on its way that removes the device.
func staysManaged(d graph.ManagedDevice) bool {
	return !slices.ContainsFunc([]leaver.DeviceAction{leaver.Retire, leaver.Wipe, leaver.DeleteRecord}, func(action leaver.DeviceAction) bool {
		return shows(d.ManagementState, action)
	})
}

func count(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
