package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"
)

// Removal is what RemoveAllDevices returns: to anybody a StepResult, and to the device
// core besides what came of the call.
type Removal struct {
	leaver.StepResult
	devices.Outcome
}

// RemoveAllDevices retires every device that Intune manages for the leaver by one call,
// and returns the devices that it was made for.
//
// Graph answers before a device has heard of it: done means that Graph has accepted. A
// leaver without devices, or with devices that are all leaving already, is AlreadyDone,
// and nothing is posted. Anybody's workflow may call it with a leaver.StepRequest; it
// then fails with ApprovalRequired where a second administrator is to approve first.
//
// The device core names the devices that it has decided about. Where Intune lists
// another one by now, nothing is posted.
//
// Microsoft: POST /users/{id}/removeAllDevicesFromManagement,
// https://learn.microsoft.com/graph/api/intune-devices-user-removealldevicesfrommanagement
func (a *Activities) RemoveAllDevices(ctx context.Context, request devices.WriteRequest) (Removal, error) {
	if len(request.Judged) != len(request.IDs) {
		return Removal{}, invalid(ctx, "judged: want one for each of ids")
	}
	var listed []graph.ManagedDevice
	enabled, err := a.beside(ctx, request, func(ctx context.Context) (err error) {
		listed, err = a.listDevices(ctx, request.UserID)
		return err
	})
	switch alone := len(request.IDs) == 0; {
	case alone && err != nil:
		return Removal{}, failure(ctx, err)
	case alone && enabled:
		return Removal{}, accountEnabled(ctx)
	case alone:
		return a.removeAllAlone(ctx, request, listed)
	}
	var at time.Time
	if err == nil {
		switch outcome, err := judgeAll(ctx, request, listed); {
		case err != nil || outcome.Answer != "":
			return Removal{Outcome: outcome}, err
		case enabled:
			return Removal{Outcome: held(ctx)}, nil
		}
		if at, err = a.devices.RemoveAllDevicesFromManagement(ctx, request.UserID, justified(request.Reason, request.Code)); refusedAltogether(err) {
			return Removal{Outcome: devices.Outcome{Answer: devices.NoRoute, Failure: explain(err).Type, Why: explain(err).Message}}, nil
		}
	}
	outcome, err := answer(ctx, request, at, err)
	return Removal{Outcome: outcome}, err
}

// removeAllAlone is RemoveAllDevices for anybody's workflow. Only the first attempt can tell that nothing was
// left to be asked: a later one may see what an attempt did whose answer was lost.
func (a *Activities) removeAllAlone(ctx context.Context, request devices.WriteRequest, listed []graph.ManagedDevice) (Removal, error) {
	managed := slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return !devices.IsLeaving(d.ManagementState) })
	items := make([]leaver.Item, len(listed))
	for i, d := range listed {
		items[i] = leaver.Item{ID: d.ID, Device: &leaver.Device{DeviceFacts: describe(d).DeviceFacts, Verdict: leaver.Leaving}}
	}
	switch later := activity.GetInfo(ctx).Attempt > 1; {
	case !managed && later:
		return Removal{StepResult: done(countDevices(len(listed))+" still leaving", items...)}, nil
	case len(listed) == 0:
		return Removal{StepResult: alreadyDone("no managed devices")}, nil
	case !managed:
		return Removal{StepResult: alreadyDone(countDevices(len(listed))+" already leaving", items...)}, nil
	}
	if _, err := a.devices.RemoveAllDevicesFromManagement(ctx, request.UserID, justified(request.Reason, request.Code)); err != nil {
		return Removal{}, failure(ctx, err)
	}
	return Removal{StepResult: done(fmt.Sprintf("Intune accepted the retirement of %s; a device leaves when it checks in", countDevices(len(listed))), items...),
		Outcome: devices.Outcome{Answer: devices.Accepted}}, nil
}

// judgeAll looks whether the devices are still those that were decided about. A later
// attempt may find that an earlier one was heard, whose answer was lost.
func judgeAll(ctx context.Context, request devices.WriteRequest, listed []graph.ManagedDevice) (devices.Outcome, error) {
	heard, silent := 0, 0
	for _, d := range listed {
		at := slices.Index(request.IDs, d.ID)
		switch {
		case at < 0 || isAnother(request.Judged[at], d) || becameAnothers(request, request.Judged[at], d):
			return devices.Outcome{Answer: devices.Unfit}, nil
		case showsCall(request.Judged[at], d):
			heard++
		case !devices.IsLeaving(d.ManagementState):
			silent++
		}
	}
	switch later := activity.GetInfo(ctx).Attempt > 1; {
	case later && (len(listed) == 0 || heard > 0 && silent == 0):
		return devices.Outcome{Answer: devices.Unknown, Why: answerLost}, nil
	case len(listed) == 0:
		return devices.Outcome{Answer: devices.Unfit}, nil
	case later && heard > 0 && request.Code != "":
		return devices.Outcome{}, failure(ctx, errNotYet("the call may have been heard; looking again"))
	}
	return devices.Outcome{}, nil
}

// isAnother reports whether a device is another than it was decided about: what would do
// it harm hangs on what it is and whose.
func isAnother(judged devices.Judged, d graph.ManagedDevice) bool {
	return d.OperatingSystem != judged.OperatingSystem || d.ManagedDeviceOwnerType != judged.OwnerType
}

// becameAnothers reports whether the list names somebody else as the user of a device, which it did not when that was
// decided about.
func becameAnothers(request devices.WriteRequest, judged devices.Judged, d graph.ManagedDevice) bool {
	return judged.Special != leaver.OtherUser && special(d, request.UserID, request.UserPrincipalName) == leaver.OtherUser
}

// showsCall reports whether a device's state differs from the one it was decided about,
// as it does once a call was heard.
func showsCall(judged devices.Judged, d graph.ManagedDevice) bool {
	state := d.ManagementState
	return state != judged.State && (devices.IsLeaving(state) || strings.HasSuffix(state, "Failed") || strings.HasSuffix(state, "Canceled"))
}

const answerLost = "the answer to the call was lost; Intune shows that it may have been heard"

// RetireDevice retires one device, which leaves when it next checks in.
//
// Microsoft: POST /deviceManagement/managedDevices/{id}/retire.
func (a *Activities) RetireDevice(ctx context.Context, request devices.WriteRequest) (devices.Outcome, error) {
	return a.write(ctx, request, a.devices.RetireDevice)
}

// WipeDevice resets one device when it next checks in; user data is kept where the action says so.
//
// Microsoft: POST /deviceManagement/managedDevices/{id}/wipe.
func (a *Activities) WipeDevice(ctx context.Context, request devices.WriteRequest) (devices.Outcome, error) {
	return a.write(ctx, request, func(ctx context.Context, id string, approval graph.Approval) (time.Time, error) {
		wipe := graph.Wipe{KeepUserData: request.Action == leaver.WipeKeepUserData, KeepEnrollmentData: request.Wipe.KeepEnrollmentData, PersistEsimDataPlan: request.Wipe.PersistEsimDataPlan}
		if leaver.Platform(request.Judged[0].OperatingSystem) == "macOS" {
			wipe.MacOSUnlockCode = a.unlockCode
		}
		return a.devices.WipeDevice(ctx, id, wipe, approval)
	})
}

// DeleteDeviceRecord deletes Intune's record of one device, at once.
//
// Microsoft: DELETE /deviceManagement/managedDevices/{id}.
func (a *Activities) DeleteDeviceRecord(ctx context.Context, request devices.WriteRequest) (devices.Outcome, error) {
	return a.write(ctx, request, a.devices.DeleteDevice)
}

// write reads the device that is to be asked, and asks it when it is still as it was decided about.
func (a *Activities) write(ctx context.Context, request devices.WriteRequest, call func(context.Context, string, graph.Approval) (time.Time, error)) (devices.Outcome, error) {
	if len(request.IDs) != 1 || len(request.Judged) != 1 {
		return devices.Outcome{}, invalid(ctx, "ids, judged: want one device")
	}
	var outcome devices.Outcome
	enabled, err := a.beside(ctx, request, func(ctx context.Context) (err error) {
		outcome, err = a.judge(ctx, request)
		return err
	})
	switch {
	case err == nil && outcome.Answer != "":
		return outcome, nil
	case err == nil && enabled:
		return held(ctx), nil
	}
	var at time.Time
	if err == nil {
		at, err = call(ctx, request.IDs[0], justified(request.Reason, request.Code))
	}
	return answer(ctx, request, at, err)
}

// beside reads whether somebody has enabled the account again, beside what else is read before a write.
func (a *Activities) beside(ctx context.Context, request devices.WriteRequest, read func(context.Context) error) (enabled bool, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return read(ctx) })
	group.Go(func() (err error) {
		enabled, err = a.isEnabledAgain(ctx, request.AccountDisabled, request.UserID)
		return err
	})
	err = group.Wait()
	return enabled, err
}

// judge reads a device and compares it with what was decided about. A later attempt may
// find that an earlier one was heard, whose answer was lost.
func (a *Activities) judge(ctx context.Context, request devices.WriteRequest) (devices.Outcome, error) {
	id, judged, later := request.IDs[0], request.Judged[0], activity.GetInfo(ctx).Attempt > 1
	device, err := a.devices.ManagedDevice(ctx, id)
	missing, owned, shows := notFound(err), false, showsCall(judged, device)
	if err == nil {
		owned, err = a.owns(ctx, request.UserID, device)
	}
	switch {
	case err != nil && !missing:
		return devices.Outcome{}, err
	case later && (missing || shows):
		return devices.Outcome{Answer: devices.Unknown, Why: answerLost}, nil
	case missing, !owned, isAnother(judged, device), shows && devices.IsLeaving(device.ManagementState):
		return devices.Outcome{Answer: devices.Unfit}, nil
	}
	return devices.Outcome{}, nil
}

// owns reports whether a device is the leaver's. Where Intune does not say whose it is,
// the leaver's list does.
func (a *Activities) owns(ctx context.Context, userID string, device graph.ManagedDevice) (bool, error) {
	if device.UserID != "" {
		return ascii.EqualFold(device.UserID, userID), nil
	}
	listed, err := a.listDevices(ctx, userID)
	return slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == device.ID }), err
}

// answer says what came of a write, and when by Graph's clock. What waiting can mend is an error, which
// Temporal retries.
func answer(ctx context.Context, request devices.WriteRequest, at time.Time, err error) (devices.Outcome, error) {
	if err == nil {
		return devices.Outcome{Answer: devices.Accepted, HeardAt: at}, nil
	}
	refusal, answered := errors.AsType[*graph.Error](err)
	switch {
	case halted(err):
		return devices.Outcome{}, err
	case answered && refusal.ApprovalCode != "" && refusal.ApprovalCode == request.Code && !request.Told:
		return devices.Outcome{}, failure(ctx, errApprovalLags)
	case answered && refusal.ApprovalCode != "":
		return devices.Outcome{Answer: devices.Queued, Code: refusal.ApprovalCode}, nil
	case answered && isDailyLimit(refusal):
		return devices.Outcome{Answer: devices.Spent, After: leaver.Duration(explain(err).After)}, nil
	}
	why := attempted(ctx, err)
	if why.Waits {
		return devices.Outcome{}, named(ctx, why)
	}
	return devices.Outcome{Answer: devices.Refused, Failure: why.Type, Why: why.Message}, nil
}
