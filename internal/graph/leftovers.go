package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// EntraDevice is a device object of Microsoft Entra.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/device
type EntraDevice struct {
	// ID is the object's, DeviceID the one that Intune knows as azureADDeviceId.
	ID              string `json:"id"`
	DeviceID        string `json:"deviceId"`
	OperatingSystem string `json:"operatingSystem"`
	AccountEnabled  bool   `json:"accountEnabled"`
}

// AutopilotIdentity is a device that Windows Autopilot sets up anew.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-enrollment-windowsautopilotdeviceidentity
type AutopilotIdentity struct {
	ID              string `json:"id"`
	SerialNumber    string `json:"serialNumber"`
	ManagedDeviceID string `json:"managedDeviceId"`
	AzureADDeviceID string `json:"azureActiveDirectoryDeviceId"`
}

var (
	listRecoveryKeys        = call{"list recoveryKeys", "BitlockerKey.ReadBasic.All"}
	listRegisteredDevices   = call{"list registeredDevices", "User.Read.All and Device.Read.All"}
	disableEntraDevice      = call{"disable device", "Device.ReadWrite.All (delegated: Directory.AccessAsUser.All)"}
	deleteEntraDevice       = call{"delete device", disableEntraDevice.permission}
	listAutopilot           = call{"list windowsAutopilotDeviceIdentities", "DeviceManagementServiceConfig.Read.All"}
	deleteAutopilotIdentity = call{"delete windowsAutopilotDeviceIdentity", "DeviceManagementServiceConfig.ReadWrite.All"}
	listAppRegistrations    = call{"list managedAppRegistrations", "DeviceManagementApps.Read.All"}
	wipeAppRegistrations    = call{"wipeManagedAppRegistrationsByDeviceTag", "DeviceManagementApps.ReadWrite.All"}
)

// HasRecoveryKey reports whether a BitLocker recovery key is on record for a
// device, by its azureADDeviceId. No key is read.
//
// Microsoft: https://learn.microsoft.com/graph/api/bitlocker-list-recoverykeys
func (c *Client) HasRecoveryKey(ctx context.Context, azureADDeviceID string) (bool, error) {
	filter, err := equals("deviceId", azureADDeviceID)
	if err != nil {
		return false, err
	}
	keys, err := list[struct {
		DeviceID string `json:"deviceId"`
	}](ctx, c, listRecoveryKeys, c.root+"/informationProtection/bitlocker/recoveryKeys?"+filter)
	for _, key := range keys {
		if strings.EqualFold(key.DeviceID, azureADDeviceID) {
			return true, nil
		}
	}
	return false, err
}

// ManagedDevicesInEntraAs lists the devices, whoever's, that Intune manages and
// that Entra knows by an azureADDeviceId. Graph may ignore a filter and list all
// there are, so only those that have the id are returned.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevicesInEntraAs(ctx context.Context, azureADDeviceID string) ([]ManagedDevice, error) {
	filter, err := equals("azureADDeviceId", azureADDeviceID)
	if err != nil {
		return nil, err
	}
	devices, err := list[ManagedDevice](ctx, c, listManagedDevices, c.root+"/deviceManagement/managedDevices?"+filter+"&$select="+deviceFields)
	return slices.DeleteFunc(devices, func(d ManagedDevice) bool { return !strings.EqualFold(d.AzureADDeviceID, azureADDeviceID) }), err
}

// equals is a query for what has an id. What is no GUID could change what the
// filter means.
func equals(property, id string) (string, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return "", ErrUnusableID
	}
	return "$filter=" + url.QueryEscape(property+" eq '"+parsed.String()+"'"), nil
}

// RegisteredDevices lists the devices that are registered for a user in Entra,
// all pages.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-registereddevices
func (c *Client) RegisteredDevices(ctx context.Context, userID string) ([]EntraDevice, error) {
	endpoint, err := c.user(userID, "/registeredDevices?$select=id,deviceId,operatingSystem,accountEnabled")
	if err != nil {
		return nil, err
	}
	// A caller without Device.Read.All gets ids and nothing else, which must not
	// be taken for devices that are unknown or disabled.
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

// DisableEntraDevice keeps a device from signing in, by its object id.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-update
func (c *Client) DisableEntraDevice(ctx context.Context, id string) error {
	body := struct {
		AccountEnabled bool `json:"accountEnabled"`
	}{}
	return c.at(ctx, disableEntraDevice, http.MethodPatch, "/devices/", id, "", body, nil)
}

// DeleteEntraDevice deletes a device object, by its id.
//
// Microsoft: https://learn.microsoft.com/graph/api/device-delete
func (c *Client) DeleteEntraDevice(ctx context.Context, id string) error {
	return c.at(ctx, deleteEntraDevice, http.MethodDelete, "/devices/", id, "", nil, nil)
}

// AutopilotIdentities lists the Autopilot identities with a serial number.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-list
func (c *Client) AutopilotIdentities(ctx context.Context, serialNumber string) ([]AutopilotIdentity, error) {
	filter := "contains(serialNumber,'" + strings.ReplaceAll(serialNumber, "'", "''") + "')"
	all, err := list[AutopilotIdentity](ctx, c, listAutopilot, c.root+"/deviceManagement/windowsAutopilotDeviceIdentities?$filter="+url.QueryEscape(filter))
	return slices.DeleteFunc(all, func(a AutopilotIdentity) bool { return !strings.EqualFold(a.SerialNumber, serialNumber) }), err
}

// DeleteAutopilotIdentity takes a device out of Autopilot. To add it again needs
// its hardware hash.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-enrollment-windowsautopilotdeviceidentity-delete
func (c *Client) DeleteAutopilotIdentity(ctx context.Context, id string) error {
	return c.at(ctx, deleteAutopilotIdentity, http.MethodDelete, "/deviceManagement/windowsAutopilotDeviceIdentities/", id, "", nil, nil)
}

// ManagedAppDeviceTags lists, once each, the devices on which apps hold a user's
// data under an app protection policy.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-managedappregistration-list
func (c *Client) ManagedAppDeviceTags(ctx context.Context, userID string) ([]string, error) {
	endpoint, err := c.user(userID, "/managedAppRegistrations")
	if err != nil {
		return nil, err
	}
	registrations, err := list[struct {
		DeviceTag string `json:"deviceTag"`
	}](ctx, c, listAppRegistrations, endpoint)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var tags []string
	for _, registration := range registrations {
		if registration.DeviceTag == "" {
			return nil, &TransportError{Call: listAppRegistrations.name, err: errors.New("the answer lacks a deviceTag")}
		}
		if !seen[registration.DeviceTag] {
			seen[registration.DeviceTag] = true
			tags = append(tags, registration.DeviceTag)
		}
	}
	return tags, nil
}

// WipeManagedAppRegistrations has the apps on one device wipe a user's data.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-mam-user-wipemanagedappregistrationsbydevicetag
func (c *Client) WipeManagedAppRegistrations(ctx context.Context, userID, deviceTag string) error {
	endpoint, err := c.user(userID, "/wipeManagedAppRegistrationsByDeviceTag")
	if err != nil {
		return err
	}
	body := struct {
		DeviceTag string `json:"deviceTag"`
	}{deviceTag}
	return c.do(ctx, wipeAppRegistrations, http.MethodPost, endpoint, body, nil)
}
