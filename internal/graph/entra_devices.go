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
}

var (
	listRegisteredDevices = call{"list registeredDevices", "User.Read.All and Device.Read.All"}
	disableEntraDevice    = call{"disable device", "Device.ReadWrite.All (delegated: Directory.AccessAsUser.All)"}
	deleteEntraDevice     = call{"delete device", disableEntraDevice.permission}
)

// RegisteredDevices lists the devices that are registered for a user in Entra,
// all pages.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-registereddevices
func (c *Client) RegisteredDevices(ctx context.Context, userID string) ([]EntraDevice, error) {
	endpoint, err := c.user(userID, "/registeredDevices?$select=id,deviceId,operatingSystem,accountEnabled")
	if err != nil {
		return nil, err
	}
	// Graph gives a caller without Device.Read.All the ids alone. Such an answer
	// must not be taken for devices that are unknown or disabled.
	answers, err := list[struct {
		EntraDevice
		DeviceID       *string `json:"deviceId"`
		AccountEnabled *bool   `json:"accountEnabled"`
	}](ctx, c, listRegisteredDevices, endpoint)
	if err != nil {
		return nil, err
	}
	devices := make([]EntraDevice, 0, len(answers))
	for _, answer := range answers {
		if answer.DeviceID == nil || answer.AccountEnabled == nil {
			return nil, &Error{Call: listRegisteredDevices.name, Permission: listRegisteredDevices.permission, Status: http.StatusForbidden, Token: c.token.Kind(),
				Message: "the devices' properties are hidden"}
		}
		answer.EntraDevice.DeviceID, answer.EntraDevice.AccountEnabled = *answer.DeviceID, *answer.AccountEnabled
		devices = append(devices, answer.EntraDevice)
	}
	return devices, nil
}

// DisableEntraDevice keeps a device, by its object id, from signing in.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-update
func (c *Client) DisableEntraDevice(ctx context.Context, id string) error {
	body := struct {
		AccountEnabled bool `json:"accountEnabled"`
	}{}
	return c.at(ctx, disableEntraDevice, http.MethodPatch, "/devices/", id, "", body, nil)
}

// DeleteEntraDevice deletes a device object by its object id.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-delete
func (c *Client) DeleteEntraDevice(ctx context.Context, id string) error {
	return c.at(ctx, deleteEntraDevice, http.MethodDelete, "/devices/", id, "", nil, nil)
}
