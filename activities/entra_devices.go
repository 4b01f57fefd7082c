package activities

import (
	"cmp"
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// ListEnabledEntraDevices lists the devices that have left Intune and can still sign in to Entra.
//
// Microsoft: GET /users/{id}/registeredDevices, https://learn.microsoft.com/graph/api/user-list-registereddevices
func (a *Activities) ListEnabledEntraDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	return a.listRegistered(ctx, step, whileEnabled)
}

// DisableEntraDevice keeps one device that has left Intune from signing in to Entra,
// and reads that back. Applications may do this to Windows only.
//
// Microsoft: PATCH /devices/{id}, https://learn.microsoft.com/graph/api/device-update
func (a *Activities) DisableEntraDevice(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	return a.changeLeft(ctx, request, a.registered(ctx, request, whileEnabled), unapproved(a.devices.DisableEntraDevice))
}

// ListEntraDevices lists the devices that have left Intune and that Entra still has.
//
// Microsoft: GET /users/{id}/registeredDevices, https://learn.microsoft.com/graph/api/user-list-registereddevices
func (a *Activities) ListEntraDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	return a.listRegistered(ctx, step, always)
}

// DeleteEntraDevice deletes the device object of one device that has left Intune, and reads that back.
// Applications may do this to Windows only, and nobody to a device that Autopilot still has.
//
// Microsoft: DELETE /devices/{id}, https://learn.microsoft.com/graph/api/device-delete
func (a *Activities) DeleteEntraDevice(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	return a.changeLeft(ctx, request, a.registered(ctx, request, always), unapproved(a.devices.DeleteEntraDevice))
}

// whileEnabled and always say when a device object is to be changed.
const whileEnabled, always = true, false

// unapproved is a write of Entra's, which knows no approval by a second administrator.
func unapproved(write func(context.Context, string) error) func(context.Context, string, graph.Approval) error {
	return func(ctx context.Context, id string, _ graph.Approval) error { return write(ctx, id) }
}

// listRegistered lists the devices that have left Intune, with the device objects
// that Entra has registered for the leaver.
func (a *Activities) listRegistered(ctx context.Context, step leaver.StepRequest, enabledOnly bool) (leaver.StepResult, error) {
	left, result, err := leftDevices(ctx, step)
	if err != nil || len(left) == 0 {
		return result, err
	}
	all, err := a.devices.RegisteredDevices(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err):
		for _, device := range left {
			result.Items = append(result.Items, leaver.Item{ID: device.ManagedDeviceID, Device: device, Outcome: leaver.Failed, Detail: registrationsDeleted})
		}
		return result, nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	for _, device := range left {
		result.Items = append(result.Items, inEntra(all, device, "", enabledOnly))
	}
	return a.listed(ctx, step, result)
}

const registrationsDeleted = "Entra knows the account no more, and so does not tell which devices were registered for it: see the device there"

// registered looks at the device object that an item names.
func (a *Activities) registered(ctx context.Context, request leaver.ItemRequest, enabledOnly bool) func() (leaver.Item, error) {
	return func() (leaver.Item, error) {
		all, err := a.devices.RegisteredDevices(ctx, request.UserID)
		if a.isDeleted(ctx, request.UserID, err) {
			return leaver.Item{Outcome: leaver.Failed, Failure: leaver.UserNotFound, Detail: registrationsDeleted}, nil
		}
		return inEntra(all, request.Item.Device, request.Item.ID, enabledOnly), err
	}
}

// inEntra finds a device's object among those that are registered for the leaver: the
// one with an id, or any one where the id is empty.
func inEntra(registered []graph.EntraDevice, device *leaver.Device, id string, enabledOnly bool) leaver.Item {
	item := leaver.Item{ID: cmp.Or(id, device.ManagedDeviceID), Device: device, Outcome: leaver.AlreadyDone, Detail: "Entra has no such device registered for the leaver"}
	hidden := false
	for _, r := range registered {
		hidden = hidden || r.Hidden && (id == "" || r.ID == id)
		if r.Hidden || !isID(device.AzureADDeviceID) || !ascii.EqualFold(r.DeviceID, device.AzureADDeviceID) || id != "" && r.ID != id {
			continue
		}
		if enabledOnly && !r.AccountEnabled {
			return leaver.Item{ID: r.ID, Device: device, Outcome: leaver.AlreadyDone, Detail: "it is disabled in Entra"}
		}
		return leaver.Item{ID: r.ID, Device: device}
	}
	if hidden && isID(device.AzureADDeviceID) {
		item.Outcome, item.Failure = leaver.Failed, leaver.GraphForbidden
		item.Detail = "Entra hides the properties of a device that is registered for the leaver, and it could be this one: see there, or grant the permission Device.Read.All, then retry"
	}
	return item
}
