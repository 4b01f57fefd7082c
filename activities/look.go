package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/ascii"
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
	answered(ctx)
	wait, longest := time.Duration(request.First), time.Duration(request.Longest)
	for n := int32(1); n < activity.GetInfo(ctx).Attempt && wait < longest; n++ {
		wait *= 2
	}
	states := map[string]int{}
	for _, k := range request.Known {
		states[cmp.Or(graph.CodeOf(k.State), "unknown")]++
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
	listed, err := a.listDevices(ctx, request.UserID)
	if err != nil {
		return devices.Sight{}, nil, err
	}
	deadline, _ := ctx.Deadline() // each attempt has one
	reading, cancel := context.WithDeadline(ctx, deadline.Add(-margin))
	defer cancel()
	var group errgroup.Group
	group.SetLimit(sideBySide)

	seen := make([]devices.Seen, len(listed))
	for _, i := range rand.Perm(len(listed)) {
		device := &listed[i]
		device.ID = cmp.Or(device.ID, withoutID(*device, i))
		seen[i] = describe(*device)
		seen[i].Special = special(*device, request.UserID, request.UserPrincipalName)
		if request.Enrolment {
			seen[i].Enrolment = &leaver.Enrolment{ManagementAgent: device.ManagementAgent, DeviceEnrollmentType: device.DeviceEnrollmentType, Model: device.Model,
				EnrolledDateTime: device.EnrolledDateTime, UserID: device.UserID, UserPrincipalName: device.UserPrincipalName}
		}
		at := slices.IndexFunc(request.Known, func(k devices.Known) bool { return k.ID == device.ID })
		if needsKey := at < 0 && request.Keys || at >= 0 && request.Known[at].NeedsKey; needsKey && devices.IsWindows(device.OperatingSystem) {
			group.Go(func() error { return a.readKey(reading, &seen[i]) })
		}
	}
	unlisted := slices.DeleteFunc(slices.Clone(request.Known), func(k devices.Known) bool {
		return slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == k.ID })
	})
	byID := make([]devices.Seen, len(unlisted))
	// In any order, so that a look that runs out of time tells of others the next time.
	for _, i := range rand.Perm(len(unlisted)) {
		k := unlisted[i]
		group.Go(func() (err error) {
			byID[i], err = a.readDevice(reading, request, k.ID)
			return err
		})
	}
	group.Go(func() (err error) {
		sight.Approvals, sight.ApprovalsUnread, err = a.readApprovals(reading, request)
		return err
	})
	partial = errors.Join(group.Wait(), a.confirm(reading, request, byID))
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

// confirm reads the devices once more that Graph has not found: a device is gone when
// Graph says so twice.
func (a *Activities) confirm(ctx context.Context, request devices.LookRequest, byID []devices.Seen) error {
	if !slices.ContainsFunc(byID, func(s devices.Seen) bool { return s.Unread == gone }) {
		return nil
	}
	select {
	case <-time.After(a.secondLook):
	case <-ctx.Done():
	}
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i, s := range byID {
		if s.Unread != gone {
			continue
		}
		group.Go(func() (err error) {
			byID[i], err = a.readDevice(ctx, request, s.ID)
			return err
		})
	}
	return group.Wait()
}

// listDevices lists the leaver's devices. Where Graph does not know the account any more,
// or Intune does not know the user, it asks for the devices that are associated with the
// object id: there may be none.
func (a *Activities) listDevices(ctx context.Context, userID string) ([]graph.ManagedDevice, error) {
	listed, err := a.devices.ManagedDevices(ctx, userID)
	if notFound(err) && uuid.Validate(userID) == nil {
		listed, err = a.devices.ManagedDevicesOf(ctx, userID)
	}
	if err == nil && len(listed) > leaver.MaxDevices {
		return nil, errTooManyDevices(len(listed))
	}
	return listed, err
}

// withoutID stands for the id of a device that Intune lists without one that can be
// used. No such id can be sent to Graph.
func withoutID(d graph.ManagedDevice, position int) string {
	return noID + cmp.Or(d.SerialNumber, d.DeviceName, strconv.Itoa(position+1))
}

const noID = "without id/"

// differs reports whether something is seen of a device that was not known. That it has
// checked in since it was asked is news; the check-ins after that are none. That it cannot
// be read is news; why is not, as Graph words it anew each time.
func differs(k devices.Known, s devices.Seen) bool {
	if s.Unread != "" {
		return k.Unread == ""
	}
	return k.State != s.ManagementState || k.OwnerType != s.OwnerType || k.Special != s.Special || k.Unread != "" || k.NeedsKey && s.RecoveryKey != "" ||
		!k.AskedAt.IsZero() && !s.LastSyncDateTime.Before(k.AskedAt.Truncate(time.Second))
}

func describe(d graph.ManagedDevice) devices.Seen {
	seen := devices.Seen{ID: d.ID, DeviceFacts: leaver.DeviceFacts{
		Name: d.DeviceName, OperatingSystem: d.OperatingSystem, OwnerType: d.ManagedDeviceOwnerType,
		ManagementState: d.ManagementState, LastSyncDateTime: d.LastSyncDateTime, SerialNumber: d.SerialNumber,
	}}
	if strings.HasPrefix(d.ID, noID) {
		seen.Unread = "Intune lists it without an id that can be used: see there what it is, then choose giveUp"
	}
	if isID(d.AzureADDeviceID) {
		seen.AzureADDeviceID = d.AzureADDeviceID
	}
	return seen
}

// agents are the values of managementAgent by which Intune does not manage a device.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-managementagenttype
var agents = map[string]leaver.Special{
	"eas": leaver.ExchangeManaged, "configurationManagerClient": leaver.ConfigurationManaged, "msSense": leaver.DefenderManaged,
}

// special says why a device is not simply the leaver's and Intune's. A name that Intune has not learned anew
// since the leaver was renamed looks like somebody else's, and is asked about.
func special(d graph.ManagedDevice, userID, userPrincipalName string) leaver.Special {
	// A deleted user's name has the id before it, also where Intune has learned it.
	d.UserPrincipalName = strings.TrimPrefix(d.UserPrincipalName, strings.ReplaceAll(userID, "-", ""))
	other := func(theirs, ours string) bool { return theirs != "" && ours != "" && !ascii.EqualFold(theirs, ours) }
	switch {
	case agents[d.ManagementAgent] != "":
		return agents[d.ManagementAgent]
	case strings.HasPrefix(d.Model, "Cloud PC"):
		return leaver.CloudPC
	case isID(d.UserID) && other(d.UserID, userID), other(d.UserPrincipalName, userPrincipalName):
		return leaver.OtherUser
	}
	return enrolments[d.DeviceEnrollmentType]
}

// enrolments are the values of deviceEnrollmentType by which a device is for others too. The last four are those of
// Graph's beta.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-deviceenrollmenttype
var enrolments = map[string]leaver.Special{
	"deviceEnrollmentManager": leaver.EnrolmentManager, "appleBulkWithoutUser": leaver.SharedDevice, "windowsBulkUserless": leaver.SharedDevice,
	"windowsAzureADJoinUsingDeviceAuth": leaver.SharedDevice, "androidEnterpriseDedicatedDevice": leaver.SharedDevice,
	"androidAOSPUserlessDevice": leaver.SharedDevice, "appleACMEBulkWithoutUser": leaver.SharedDevice, "appleSharedDevice": leaver.SharedDevice,
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
func (a *Activities) readDevice(ctx context.Context, request devices.LookRequest, id string) (devices.Seen, error) {
	if strings.HasPrefix(id, noID) {
		return devices.Seen{ID: id, Unread: gone}, nil // it is not listed any more
	}
	device, err := a.devices.ManagedDevice(ctx, id)
	switch {
	case notFound(err):
		return devices.Seen{ID: id, Unread: gone}, nil
	case waits(err):
		return devices.Seen{}, err
	case err != nil:
		return devices.Seen{ID: id, Unread: explain(err).Message}, nil
	}
	seen := describe(device)
	if s := special(device, request.UserID, request.UserPrincipalName); s != leaver.OtherUser { // that it is not listed says so
		seen.Special = s
	}
	return seen, nil
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
