package graph

import (
	"context"
	"net/http"
)

// EntraDevice is a device object of Microsoft Entra.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/device
type EntraDevice struct {
	// ID is the object id; DeviceID is what Intune calls azureADDeviceId.
	ID              string `json:"id"`
	DeviceID        string `json:"deviceId"`
	OperatingSystem string `json:"operatingSystem"`
	AccountEnabled  bool   `json:"accountEnabled"`
	// Hidden says that the caller may not read the device's properties: it could be any
	// device.
	Hidden bool `json:"-"`
}

var (
	listRegisteredDevices = call{http.MethodGet, "list registeredDevices", "User.Read.All and Device.Read.All"}
	disableEntraDevice    = call{http.MethodPatch, "disable device", "Device.ReadWrite.All (delegated: Directory.AccessAsUser.All)"}
	deleteEntraDevice     = call{http.MethodDelete, "delete device", disableEntraDevice.permission}
)

// RegisteredDevices lists the devices that are registered for a user in Entra,
// all pages.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-registereddevices
func (c *Client) RegisteredDevices(ctx context.Context, userID string) ([]EntraDevice, error) {
	// Graph gives a caller without Device.Read.All the ids alone, and lists a device that
	// a restricted administrative unit protects so to others too. Such a row must not be
	// taken for a device that is unknown or disabled.
	answers, err := list[struct {
		EntraDevice
		DeviceID       *string `json:"deviceId"`
		AccountEnabled *bool   `json:"accountEnabled"`
	}](ctx, c, listRegisteredDevices, c.user(userID, "/registeredDevices?$select=id,deviceId,operatingSystem,accountEnabled"))
	if err != nil {
		return nil, err
	}
	devices := make([]EntraDevice, 0, len(answers))
	for _, answer := range answers {
		if answer.ID == "" || answer.DeviceID == nil || answer.AccountEnabled == nil {
			answer.Hidden = true
		} else {
			answer.EntraDevice.DeviceID, answer.EntraDevice.AccountEnabled = *answer.DeviceID, *answer.AccountEnabled
		}
		devices = append(devices, answer.EntraDevice)
	}
	return devices, nil
}

// DisableEntraDevice keeps a device, by its object id, from signing in.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-update
func (c *Client) DisableEntraDevice(ctx context.Context, id string) error {
	return c.do(ctx, disableEntraDevice, c.object("/devices", id, ""), map[string]bool{"accountEnabled": false}, nil)
}

// DeleteEntraDevice deletes a device object by its object id.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-delete
func (c *Client) DeleteEntraDevice(ctx context.Context, id string) error {
	return c.do(ctx, deleteEntraDevice, c.object("/devices", id, ""), nil, nil)
}
