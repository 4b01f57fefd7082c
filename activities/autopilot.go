package activities

import (
	"cmp"
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// ListAutopilotIdentities lists what Windows Autopilot keeps of the devices that have left Intune.
//
// Microsoft: GET /deviceManagement/windowsAutopilotDeviceIdentities,
// https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-list
func (a *Activities) ListAutopilotIdentities(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	left, result, err := leftDevices(ctx, step)
	if err != nil {
		return leaver.StepResult{}, err
	}
	result.Items = make([]leaver.Item, len(left))
	err = readEach(ctx, len(left), func(ctx context.Context, i int) (err error) {
		result.Items[i], err = a.inAutopilot(ctx, left[i], "")
		return err
	})
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	return a.listed(ctx, step, result)
}

// DeleteAutopilotIdentity takes one device that has left Intune out of Autopilot, and reads that back.
//
// Microsoft: DELETE /deviceManagement/windowsAutopilotDeviceIdentities/{id},
// https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-delete
func (a *Activities) DeleteAutopilotIdentity(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	look := func() (leaver.Item, error) { return a.inAutopilot(ctx, request.Item.Device, request.Item.ID) }
	return a.changeLeft(ctx, request, look, a.devices.DeleteAutopilotIdentity)
}

// inAutopilot finds a device's Autopilot identity: the one with an id, or any one where the id is empty. An
// identity with the device's serial number that does not name the device is another device's.
func (a *Activities) inAutopilot(ctx context.Context, device *leaver.Device, id string) (leaver.Item, error) {
	item := leaver.Item{ID: cmp.Or(id, device.ManagedDeviceID), Device: device, Outcome: leaver.AlreadyDone, Detail: "not in Autopilot"}
	if !devices.IsWindows(device.OperatingSystem) || device.SerialNumber == "" {
		return item, nil
	}
	identities, err := a.devices.AutopilotIdentities(ctx, device.SerialNumber)
	if err != nil {
		return leaver.Item{}, err
	}
	for _, identity := range identities {
		switch {
		case id != "" && identity.ID != id:
		case names(identity, device) && identity.ID == "":
			item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.GraphBadResponse, "Autopilot lists it without an id that can be used: see there"
		case names(identity, device):
			return leaver.Item{ID: identity.ID, Device: device}, nil
		default:
			item.Outcome, item.Detail = leaver.Skipped, "Autopilot has its serial number with another device, which was not touched"
		}
	}
	return item, nil
}

// names reports whether an Autopilot identity names a device, and no other one that
// Intune manages. The serial number is no proof: some makers give the same to many.
func names(identity graph.AutopilotIdentity, device *leaver.Device) bool {
	if isID(identity.ManagedDeviceID) {
		return ascii.EqualFold(identity.ManagedDeviceID, device.ManagedDeviceID)
	}
	return isID(device.AzureADDeviceID) && ascii.EqualFold(identity.AzureADDeviceID, device.AzureADDeviceID)
}
