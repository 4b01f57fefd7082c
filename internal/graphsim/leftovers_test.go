package graphsim_test

import (
	"net/url"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withLeftovers is a tenant where Lee has a laptop that Autopilot knows, a phone,
// and an app with company data.
func withLeftovers(t *testing.T) (*office, graphsim.User) {
	t.Helper()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{
		{Name: "LAPTOP", OperatingSystem: "Windows", SerialNumber: "it's 47", RecoveryKey: true}, {Name: "PHONE", OperatingSystem: "iOS"},
	}})
	lee := o.Users()["lee@contoso.com"]
	lee.Autopilot = []graphsim.AutopilotIdentity{{ID: "a1", SerialNumber: "it's 47", AzureADDeviceID: lee.Devices[0].AzureADDeviceID}}
	lee.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}, {ID: "r2", DeviceTag: "t1"}, {ID: "r3", DeviceTag: "t2"}}
	o.Add(lee)
	return o, o.Users()["lee@contoso.com"]
}

func (o *office) list(path string) []any {
	o.t.Helper()
	r := o.graph("GET", path, "")
	require.Equal(o.t, 200, r.status, r.body)
	return r.json(o.t)["value"].([]any)
}

func where(condition string) string { return "?$filter=" + url.QueryEscape(condition) }

func TestARecoveryKeyIsListedByItsDevice(t *testing.T) {
	t.Parallel()
	o, lee := withLeftovers(t)
	const keys = "/informationProtection/bitlocker/recoveryKeys"
	found := o.list(keys + where("deviceId eq '"+lee.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.NotContains(t, found[0], "key")
	assert.Empty(t, o.list(keys+where("deviceId eq '"+lee.Devices[1].AzureADDeviceID+"'")))
	assert.Equal(t, 400, o.graph("GET", keys+where("deviceId ne 'x'"), "").status)
}

func TestManagedDevicesAreFoundByTheirEntraID(t *testing.T) {
	t.Parallel()
	o, lee := withLeftovers(t)
	found := o.list("/deviceManagement/managedDevices" + where("azureADDeviceId eq '"+lee.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.Equal(t, lee.Devices[0].ID, found[0].(map[string]any)["id"])
	assert.Equal(t, lee.ID, found[0].(map[string]any)["userId"])
}

func TestAnApplicationChangesOnlyWindowsDevicesInEntra(t *testing.T) {
	t.Parallel()
	o, lee := withLeftovers(t)
	laptop, phone := "/devices/"+lee.EntraDevices[0].ID, "/devices/"+lee.EntraDevices[1].ID
	assert.Equal(t, 204, o.graph("PATCH", laptop, `{"accountEnabled":false}`).status)
	assert.Equal(t, 403, o.graph("PATCH", phone, `{"accountEnabled":false}`).status)
	assert.Equal(t, 403, o.graph("DELETE", phone, "").status)
	assert.Equal(t, 400, o.graph("PATCH", laptop, `{}`).status)
	registered := o.list("/users/lee@contoso.com/registeredDevices?$select=id,accountEnabled")
	assert.Equal(t, false, registered[0].(map[string]any)["accountEnabled"])
	o.token = o.Token(graphsim.Delegated)
	assert.Equal(t, 204, o.graph("DELETE", phone, "").status)
	assert.Equal(t, 404, o.graph("DELETE", phone, "").status)
	assert.Len(t, o.Users()["lee@contoso.com"].EntraDevices, 1)
}

func TestEntraKeepsADeviceThatAutopilotKnows(t *testing.T) {
	t.Parallel()
	o, lee := withLeftovers(t)
	laptop := "/devices/" + lee.EntraDevices[0].ID
	assert.Equal(t, 400, o.graph("DELETE", laptop, "").status)
	const autopilot = "/deviceManagement/windowsAutopilotDeviceIdentities"
	assert.Len(t, o.list(autopilot+where("contains(serialNumber,'it''s 4')")), 1)
	assert.Equal(t, 400, o.graph("GET", autopilot+where("serialNumber eq '47'"), "").status)
	o.Configure(graphsim.Settings{Lags: true})
	assert.Equal(t, 204, o.graph("DELETE", autopilot+"/a1", "").status)
	assert.Len(t, o.list(autopilot+where("contains(serialNumber,'47')")), 1, "it lags")
	o.Configure(graphsim.Settings{})
	assert.Empty(t, o.list(autopilot+where("contains(serialNumber,'47')")))
	assert.Equal(t, 204, o.graph("DELETE", laptop, "").status)
}

func TestAppsAreWipedByTheirDevicesTag(t *testing.T) {
	t.Parallel()
	o, _ := withLeftovers(t)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 3)
	const wipe = "/users/lee@contoso.com/wipeManagedAppRegistrationsByDeviceTag"
	assert.Equal(t, 204, o.graph("POST", wipe, `{"deviceTag":"t1"}`).status)
	assert.Equal(t, 400, o.graph("POST", wipe, `{}`).status)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 1)
}

func TestWhatADeviceLeavesBehindStays(t *testing.T) {
	t.Parallel()
	o, lee := withLeftovers(t)
	lee.Devices[0].CheckIn, lee.Devices[1].CheckIn = leaver.Duration(0), leaver.Duration(0)
	o.Add(lee)
	assert.Equal(t, 204, o.graph("POST", "/users/lee@contoso.com/removeAllDevicesFromManagement", "").status)
	lee = o.Users()["lee@contoso.com"]
	assert.Empty(t, lee.Devices)
	assert.Len(t, lee.EntraDevices, 2)
	assert.Len(t, lee.Autopilot, 1)
}
