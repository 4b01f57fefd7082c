package activities

import (
	"context"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// DisableEntraDevices keeps the devices that have left Intune from signing in to
// Entra, and reads that back. It touches a device only where Entra has it
// registered for the leaver.
//
// Microsoft: PATCH /devices/{id}. Applications may do this to Windows only.
func (a *Activities) DisableEntraDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	return a.leftovers(ctx, step, leftover{
		look: a.inEntra(step.UserID, func(d graph.EntraDevice) bool { return d.AccountEnabled }), change: a.devices.DisableEntraDevice,
	})
}

// DeleteEntraDevices deletes the device objects of the devices that have left
// Intune, as DisableEntraDevices disables them.
//
// Microsoft: DELETE /devices/{id}.
func (a *Activities) DeleteEntraDevices(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	return a.leftovers(ctx, step, leftover{
		look: a.inEntra(step.UserID, func(graph.EntraDevice) bool { return true }), change: a.devices.DeleteEntraDevice,
	})
}

// inEntra finds the device objects that are registered for a user.
func (a *Activities) inEntra(userID string, toChange func(graph.EntraDevice) bool) func(context.Context) (finder, error) {
	return func(ctx context.Context) (finder, error) {
		registered, err := a.devices.RegisteredDevices(ctx, userID)
		return func(_ context.Context, d *leaver.Device, _ string) (id, why string, err error) {
			for _, r := range registered {
				switch {
				case d.AzureADDeviceID == "" || !strings.EqualFold(r.DeviceID, d.AzureADDeviceID):
				case toChange(r):
					return r.ID, "", nil
				default:
					return "", "it was disabled before", nil
				}
			}
			return "", "Entra has no such device registered for the leaver", nil
		}, err
	}
}
