package graph

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// ManagedDevice is a device that Intune manages.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice
type ManagedDevice struct {
	ID                     string    `json:"id"`
	DeviceName             string    `json:"deviceName"`
	OperatingSystem        string    `json:"operatingSystem"`
	ManagedDeviceOwnerType string    `json:"managedDeviceOwnerType"`
	ManagementState        string    `json:"managementState"`
	LastSyncDateTime       time.Time `json:"lastSyncDateTime"`
	AzureADDeviceID        string    `json:"azureADDeviceId"`
	SerialNumber           string    `json:"serialNumber"`
	// UserID is the object id of the user whom Intune associates with the device.
	UserID            string `json:"userId"`
	UserPrincipalName string `json:"userPrincipalName"`
	// ManagementAgent says which service manages the device: mdm is Intune.
	ManagementAgent      string    `json:"managementAgent"`
	DeviceEnrollmentType string    `json:"deviceEnrollmentType"`
	Model                string    `json:"model"`
	EnrolledDateTime     time.Time `json:"enrolledDateTime"`
}

const managedDevices = "/deviceManagement/managedDevices"

const deviceFields = "id,deviceName,operatingSystem,managedDeviceOwnerType,managementState,lastSyncDateTime,azureADDeviceId,serialNumber,userId,userPrincipalName,managementAgent,deviceEnrollmentType,model,enrolledDateTime"

var (
	listManagedDevices = call{http.MethodGet, "list managedDevices", "DeviceManagementManagedDevices.Read.All"}
	getManagedDevice   = call{http.MethodGet, "get managedDevice", "DeviceManagementManagedDevices.Read.All"}
	removeAllDevices   = call{http.MethodPost, CallRemoveAllDevices, "DeviceManagementManagedDevices.PrivilegedOperations.All"}
	retireDevice       = call{http.MethodPost, "retire", "DeviceManagementManagedDevices.PrivilegedOperations.All"}
	wipeDevice         = call{http.MethodPost, "wipe", "DeviceManagementManagedDevices.PrivilegedOperations.All"}
	deleteDevice       = call{http.MethodDelete, "delete managedDevice", "DeviceManagementManagedDevices.ReadWrite.All"}
)

// ManagedDevices lists every device that Intune manages for a user, all pages.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevices(ctx context.Context, userID string) ([]ManagedDevice, error) {
	return list[ManagedDevice](ctx, c, listManagedDevices, c.user(userID, "/managedDevices?$select="+deviceFields))
}

// ManagedDevicesOf lists every device that Intune associates with a user whose account
// is gone, by the user's object id.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevicesOf(ctx context.Context, userID string) ([]ManagedDevice, error) {
	return c.managedDevicesHaving(ctx, "userId", userID, func(d ManagedDevice) string { return d.UserID })
}

// ManagedDevicesInEntraAs lists the managed devices, of any user, that Entra
// knows by an azureADDeviceId.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevicesInEntraAs(ctx context.Context, azureADDeviceID string) ([]ManagedDevice, error) {
	return c.managedDevicesHaving(ctx, "azureADDeviceId", azureADDeviceID, func(d ManagedDevice) string { return d.AzureADDeviceID })
}

// managedDevicesHaving lists the managed devices, of any user, whose property holds a GUID.
// Graph may ignore the filter and list every device of the tenant; the others are dropped.
func (c *Client) managedDevicesHaving(ctx context.Context, property, guid string, of func(ManagedDevice) string) ([]ManagedDevice, error) {
	devices, err := list[ManagedDevice](ctx, c, listManagedDevices, c.having(managedDevices, property, guid, "&$select="+deviceFields))
	return slices.DeleteFunc(devices, func(d ManagedDevice) bool { return !ascii.EqualFold(of(d), guid) }), err
}

// ManagedDevice reads one managed device. One that has left management is an
// Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-get
func (c *Client) ManagedDevice(ctx context.Context, id string) (ManagedDevice, error) {
	var device row[ManagedDevice]
	err := c.do(ctx, getManagedDevice, c.object(managedDevices, id, "?$select="+deviceFields), nil, &device)
	if err == nil && !ascii.EqualFold(device.value.ID, id) {
		return ManagedDevice{}, getManagedDevice.unusable("the answer is another device")
	}
	return device.value, err
}

// RemoveAllDevicesFromManagement retires all devices of a user. Graph's answer
// means accepted, not done. Like each call that changes a device, it returns when Graph
// answered, by Graph's clock.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-user-removealldevicesfrommanagement
func (c *Client) RemoveAllDevicesFromManagement(ctx context.Context, userID string, approval Approval) (time.Time, error) {
	return c.send(approval.with(ctx), removeAllDevices, c.user(userID, "/removeAllDevicesFromManagement"), nil, nil)
}

// RetireDevice retires one device, which leaves management when it next checks
// in. One that has left already is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-retire
func (c *Client) RetireDevice(ctx context.Context, id string, approval Approval) (time.Time, error) {
	return c.send(approval.with(ctx), retireDevice, c.object(managedDevices, id, "/retire"), nil, nil)
}

// Wipe is what a wipe is made with.
type Wipe struct {
	KeepUserData        bool   `json:"keepUserData"` // on Windows
	KeepEnrollmentData  bool   `json:"keepEnrollmentData"`
	PersistEsimDataPlan bool   `json:"persistEsimDataPlan,omitzero"`
	MacOSUnlockCode     string `json:"macOsUnlockCode,omitempty"` // a secret
}

// WipeDevice resets one device to its factory settings when it next checks in.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-wipe
func (c *Client) WipeDevice(ctx context.Context, id string, wipe Wipe, approval Approval) (time.Time, error) {
	return c.send(approval.with(ctx), wipeDevice, c.object(managedDevices, id, "/wipe"), wipe, nil)
}

// DeleteDevice deletes Intune's record of one device, at once. A corporate
// Android device is factory-wiped by it.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-delete
func (c *Client) DeleteDevice(ctx context.Context, id string, approval Approval) (time.Time, error) {
	return c.send(approval.with(ctx), deleteDevice, c.object(managedDevices, id, ""), nil, nil)
}
