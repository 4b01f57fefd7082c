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
	// alone says that AwaitDevicesRemoved follows what somebody else has asked.
	alone bool
	// written says that this attempt has made its one write, and decided that it
	// has carried out what a person decided.
	written, decided bool
}

// fleet looks at the leaver's devices.
func (a *Activities) fleet(ctx context.Context, step leaver.StepRequest) (*fleet, error) {
	if step.NotBefore != nil && time.Until(*step.NotBefore) > 0 {
		return nil, leaver.Failure{Type: leaver.GraphThrottled, Waits: true, Expected: true, After: time.Until(*step.NotBefore),
			Message: activity.GetInfo(ctx).ActivityType.Name + ": waiting as long as Graph has asked to"}.Err()
	}
	listed, err := a.devices.ManagedDevices(ctx, step.UserID)
	if err != nil {
		return nil, failure(ctx, err)
	}
	f := &fleet{Activities: a, step: step, listed: listed, began: time.Now()}
	if step.Devices != nil {
		f.policy = *step.Devices
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
func (f *fleet) tells() bool { return f.step.HandsOver || f.step.Poll != nil && f.step.Poll.Changes }

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
	turn := errors.Is(err, errNextTurn) && f.step.HandsOver // is soon over
	if turn || !waits(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || !f.hasNews(ctx) {
		return leaver.StepResult{}, failure(ctx, err, f.items...)
	}
	why := explain(err)
	result := leaver.StepResult{Outcome: leaver.Ongoing, Detail: why.Message, Items: f.items, Choices: offered(f.items, deviceChoices)}
	if why.After > time.Second {
		at := time.Now().Add(why.After)
		result.NotBefore = &at
	}
	return result, nil
}

// note keeps what is known for an attempt that follows this one.
func (f *fleet) note(ctx context.Context) { activity.RecordHeartbeat(ctx, f.items) }

// errNextTurn ends an attempt that has made its write while there is more to do.
//
// Intune takes 200 writes in 20 seconds from an application. How many attempts
// are made is what Temporal can limit, over all workers, so none makes two.
var errNextTurn = errors.New("the next device is asked by the next attempt")

// ask asks something of one device, as the only write of this attempt. One that
// has left meanwhile is no error, and neither is a tenant that wants a second
// administrator to approve it first.
func (f *fleet) ask(ctx context.Context, tracked *leaver.Item, action leaver.DeviceAction) error {
	if f.written {
		return errNextTurn
	}
	// A failure is followed by another try, whoever approved the first.
	if tracked.Approval != nil && tracked.Approval.Status == leaver.ApprovalCompleted {
		tracked.Approval = nil
	}
	// What is asked and then lost with its answer must still be followed.
	if err := act(ctx, f.items); err != nil {
		return err
	}
	f.written = true
	var err error
	switch approval := f.approval(tracked); action {
	case leaver.Wipe, leaver.WipeKeepUserData:
		err = f.devices.WipeDevice(ctx, tracked.ID, action == leaver.WipeKeepUserData, approval)
	case leaver.DeleteRecord:
		err = f.devices.DeleteDevice(ctx, tracked.ID, approval)
	default:
		err = f.devices.RetireDevice(ctx, tracked.ID, approval)
	}
	if code := approvalCode(err); code != "" {
		queue(tracked, action, code)
		err = nil
	} else if err == nil || notFound(err) {
		asked(tracked, action)
		tracked.Device.OwnCalls++
		complete(tracked)
		err = nil
	}
	if err == nil {
		tracked.Choice = ""
		f.note(ctx)
	}
	return err
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
	tracked.Outcome, tracked.Detail = leaver.Failed, why
	switch d := tracked.Device; {
	case d.Action == "":
		d.Verdict = leaver.NotAsked
	case d.Verdict == leaver.Leaving, d.Verdict == leaver.AwaitingApproval:
		d.Verdict = leaver.RemovalFailed
	}
}

// asked notes what a device was asked.
func asked(tracked *leaver.Item, action leaver.DeviceAction) {
	now := time.Now().UTC()
	tracked.Device.Action, tracked.Device.ActionAt, tracked.Device.Verdict = action, &now, leaver.Leaving
}

// unasked takes back what was noted about a device before Graph refused it.
func unasked(tracked *leaver.Item) {
	tracked.Device.Action, tracked.Device.ActionAt, tracked.Device.Verdict = "", nil, leaver.NotAsked
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
	if before := tracked.Device; before != nil {
		now := fresh.Device
		now.RecoveryKey = before.RecoveryKey
		now.Planned, now.Action, now.ActionAt, now.OwnCalls, now.Because = before.Planned, before.Action, before.ActionAt, before.OwnCalls, before.Because
		now.DecidedAt, now.Verdict = before.DecidedAt, before.Verdict
		if tracked.Outcome == leaver.Skipped || tracked.Outcome == leaver.Failed {
			fresh.Outcome, fresh.Detail, fresh.Failure = tracked.Outcome, tracked.Detail, tracked.Failure
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
	// Intune writes zeros for a device that Entra does not know: no id, but one
	// that many devices share.
	if d.AzureADDeviceID != uuid.Nil.String() {
		device.AzureADDeviceID = d.AzureADDeviceID
	}
	if !d.LastSyncDateTime.IsZero() {
		device.LastSyncDateTime = &d.LastSyncDateTime
	}
	return leaver.Item{ID: d.ID, Device: &device}
}

// onItsWay reports whether a device is leaving, as far as is known.
func onItsWay(i leaver.Item) bool {
	return i.Outcome == "" && i.Device.Verdict == leaver.Leaving && !i.AwaitsApproval()
}

// staysManaged reports whether nothing is on its way that removes the device.
func staysManaged(d graph.ManagedDevice) bool {
	switch d.ManagementState {
	case "retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending":
		return false
	}
	return true
}

func count(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
