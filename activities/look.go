package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"
)

const (
	// sideBySide is how many devices, or recovery keys, are read at a time.
	sideBySide = 10
	// grace is how long a look is tried again because a single device, or the requests for approval, cannot
	// be read. After that the look tells what it has seen: one device holds up no other.
	grace = time.Minute
	// margin is what an attempt keeps of its time to tell what it has seen.
	margin = 10 * time.Second
)

// LookAtDevices looks at all devices of the leaver, and at the requests for approval that may have been
// decided, and returns what differs from what is known. Where it is to wait, it fails as expected until
// something differs, so that Temporal does the waiting and no history grows.
//
// A device is gone when Intune neither lists it for the leaver nor knows it by its id: a list that is read
// page by page may miss a device, and a device that was given to another user is not gone.
//
// Microsoft: GET /users/{id}/managedDevices, GET /deviceManagement/managedDevices/{id}
// and GET /beta/deviceManagement/operationApprovalRequests.
func (a *Activities) LookAtDevices(ctx context.Context, request devices.LookRequest) (devices.Sight, error) {
	if request.Wait && activity.GetInfo(ctx).Attempt == 1 {
		return devices.Sight{}, a.notYet(ctx, request) // the devices were looked at just now
	}
	sight, partial, err := a.see(ctx, request)
	empty := len(sight.Listed)+len(sight.Unlisted)+len(sight.Gone)+len(sight.Approvals) == 0 && (sight.ApprovalsUnread == "") == (request.ApprovalsUnread == "")
	switch {
	case err != nil:
		return devices.Sight{}, failure(ctx, err)
	case request.Wait && empty:
		return devices.Sight{}, a.notYet(ctx, request)
	case !request.Wait && partial != nil && time.Since(activity.GetInfo(ctx).ScheduledTime) < grace:
		return devices.Sight{}, failure(ctx, partial)
	}
	return sight, nil
}

// notYet asks for another look. It says itself when, so that the rhythm is the same
// whatever retry policy the caller has.
func (a *Activities) notYet(ctx context.Context, request devices.LookRequest) error {
	wait, longest := time.Duration(request.First), time.Duration(request.Longest)
	for n := int32(1); n < activity.GetInfo(ctx).Attempt && wait < longest; n++ {
		wait *= 2
	}
	states := map[string]int{}
	for _, k := range request.Known {
		states[k.State]++
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		parts = append(parts, fmt.Sprintf("%s %d", state, states[state]))
	}
	return leaver.Failure{Type: leaver.DevicesRemain, Waits: true, Expected: true, After: min(wait, max(longest, time.Millisecond)),
		Message: fmt.Sprintf("LookAtDevices: nothing differs: %s still managed (%s)", countDevices(len(request.Known)), strings.Join(parts, ", "))}.Err()
}

// see makes a look. It returns what it has seen also with an error that concerns single
// devices or the requests for approval alone; partial says so.
func (a *Activities) see(ctx context.Context, request devices.LookRequest) (sight devices.Sight, partial, err error) {
	listed, err := a.devices.ManagedDevices(ctx, request.UserID)
	if err != nil {
		return devices.Sight{}, nil, err
	}
	deadline, _ := ctx.Deadline() // each attempt has one
	reading, cancel := context.WithDeadline(ctx, deadline.Add(-margin))
	defer cancel()
	var group errgroup.Group
	group.SetLimit(sideBySide)

	seen := make([]devices.Seen, len(listed))
	for i, device := range listed {
		seen[i] = describe(device)
		at := slices.IndexFunc(request.Known, func(k devices.Known) bool { return k.ID == device.ID })
		if needsKey := at < 0 && request.Keys || at >= 0 && request.Known[at].NeedsKey; needsKey && devices.IsWindows(device.OperatingSystem) {
			group.Go(func() error { return a.readKey(reading, &seen[i]) })
		}
	}
	unlisted := slices.DeleteFunc(slices.Clone(request.Known), func(k devices.Known) bool {
		return slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == k.ID })
	})
	byID := make([]devices.Seen, len(unlisted))
	for i, k := range unlisted {
		group.Go(func() (err error) {
			byID[i], err = a.readDevice(reading, k.ID)
			return err
		})
	}
	group.Go(func() (err error) {
		sight.Approvals, sight.ApprovalsUnread, err = a.readApprovals(reading, request)
		return err
	})
	partial = group.Wait()
	if ctx.Err() != nil {
		return devices.Sight{}, nil, ctx.Err()
	}
	for _, s := range seen {
		at := slices.IndexFunc(request.Known, func(k devices.Known) bool { return k.ID == s.ID })
		if at < 0 {
			sight.Listed = append(sight.Listed, s)
		} else if k := request.Known[at]; k.Unlisted || differs(k, s) {
			sight.Listed = append(sight.Listed, brief(s))
		}
	}
	for i, k := range unlisted {
		switch s := byID[i]; {
		case s.ID == "":
			sight.Unreached = append(sight.Unreached, k.ID)
		case s.Unread == gone:
			sight.Gone = append(sight.Gone, k.ID)
		case !k.Unlisted || differs(k, s):
			sight.Unlisted = append(sight.Unlisted, brief(s))
		}
	}
	return sight, partial, nil
}

// differs reports whether something is seen of a device that was not known. That it has
// checked in since it was asked is news; the check-ins after that are none. That it cannot
// be read is news; why is not, as Graph words it anew each time.
func differs(k devices.Known, s devices.Seen) bool {
	if s.Unread != "" {
		return k.Unread == ""
	}
	return k.State != s.ManagementState || k.OwnerType != s.OwnerType || k.Unread != "" || k.NeedsKey && s.RecoveryKey != "" ||
		!k.AskedAt.IsZero() && !s.LastSyncDateTime.Before(k.AskedAt.Truncate(time.Second))
}

func describe(d graph.ManagedDevice) devices.Seen {
	seen := devices.Seen{ID: d.ID, DeviceFacts: leaver.DeviceFacts{
		Name: d.DeviceName, OperatingSystem: d.OperatingSystem, OwnerType: d.ManagedDeviceOwnerType,
		ManagementState: d.ManagementState, LastSyncDateTime: d.LastSyncDateTime, SerialNumber: d.SerialNumber,
	}}
	if isID(d.AzureADDeviceID) {
		seen.AzureADDeviceID = d.AzureADDeviceID
	}
	return seen
}

// brief leaves out what does not change of a device that is known.
func brief(s devices.Seen) devices.Seen {
	s.Name, s.AzureADDeviceID, s.SerialNumber = "", "", ""
	return s
}

// isID tells an id from the zeros that Intune writes for what it does not know: they are
// no id, but one that many devices share.
func isID(id string) bool { return id != "" && id != uuid.Nil.String() }

const gone = "gone"

// readDevice reads a device that Intune does not list for the leaver. What Intune
// refuses to tell is noted with the device.
func (a *Activities) readDevice(ctx context.Context, id string) (devices.Seen, error) {
	device, err := a.devices.ManagedDevice(ctx, id)
	switch {
	case notFound(err):
		return devices.Seen{ID: id, Unread: gone}, nil
	case waits(err):
		return devices.Seen{}, err
	case err != nil:
		return devices.Seen{ID: id, Unread: explain(err).Message}, nil
	}
	return describe(device), nil
}

// readKey notes whether a BitLocker recovery key is on record for a Windows device.
//
// Microsoft: https://learn.microsoft.com/graph/api/bitlocker-list-recoverykeys
func (a *Activities) readKey(ctx context.Context, seen *devices.Seen) error {
	if seen.AzureADDeviceID == "" {
		seen.RecoveryKey, seen.KeyUnread = leaver.RecoveryKeyUnknown, "Entra does not know the device"
		return nil
	}
	onRecord, err := a.graph.HasRecoveryKey(ctx, seen.AzureADDeviceID)
	switch {
	case waits(err):
		seen.KeyUnread = explain(err).Message
		return err
	case err != nil:
		seen.RecoveryKey, seen.KeyUnread = leaver.RecoveryKeyUnknown, explain(err).Message
	case onRecord:
		seen.RecoveryKey = leaver.RecoveryKeyOnRecord
	default:
		seen.RecoveryKey = leaver.RecoveryKeyMissing
	}
	return nil
}

// readApprovals reads what has become of requests for approval. Where the worker may
// not read them it says why.
func (a *Activities) readApprovals(ctx context.Context, request devices.LookRequest) (map[string]leaver.ApprovalStatus, string, error) {
	if len(request.Approvals) == 0 {
		return nil, "", nil
	}
	requests, err := a.devices.ApprovalRequests(ctx)
	switch {
	case waits(err):
		return nil, request.ApprovalsUnread, err
	case err != nil:
		return nil, "the worker may not read how the approvals stand, so tell it with answer and approved: " + explain(err).Message, nil
	}
	decided := map[string]leaver.ApprovalStatus{}
	for _, r := range requests {
		for code, status := range request.Approvals {
			if now := leaver.ApprovalStatus(r.Status); (r.ID == code || r.RequestID == code) && now.IsKnown() && now != status {
				decided[code] = now
			}
		}
	}
	return decided, "", nil
}

func countDevices(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}
