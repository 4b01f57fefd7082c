package activities

import (
	"context"
	"strings"

	"github.com/leaver-dev/leaver"
)

// DeleteAutopilotIdentities takes the devices that have left Intune out of
// Windows Autopilot, and looks until that is so. A serial number alone is no
// proof, some makers give the same to many: the identity must name the device by
// one of its ids too, and no other device that Intune manages.
//
// Microsoft: DELETE /deviceManagement/windowsAutopilotDeviceIdentities/{id}.
func (a *Activities) DeleteAutopilotIdentities(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	return a.leftovers(ctx, step, leftover{
		look:          func(context.Context) (finder, error) { return a.inAutopilot, nil },
		change:        a.devices.DeleteAutopilotIdentity,
		onceAnAttempt: true,
	})
}

// inAutopilot finds a device's Autopilot identity.
func (a *Activities) inAutopilot(ctx context.Context, d *leaver.Device, managedDeviceID string) (id, why string, err error) {
	if !isWindows(d) || d.SerialNumber == "" {
		return "", "not in Autopilot", nil
	}
	identities, err := a.devices.AutopilotIdentities(ctx, d.SerialNumber)
	for _, identity := range identities {
		if identity.ManagedDeviceID == managedDeviceID || !isID(identity.ManagedDeviceID) && d.AzureADDeviceID != "" && strings.EqualFold(identity.AzureADDeviceID, d.AzureADDeviceID) {
			return identity.ID, "", nil
		}
	}
	if len(identities) > 0 {
		return "", "Autopilot has its serial number with another device, which was not touched", nil
	}
	return "", "not in Autopilot", err
}

func isWindows(d *leaver.Device) bool {
	return strings.HasPrefix(strings.ToLower(d.OperatingSystem), "windows")
}
