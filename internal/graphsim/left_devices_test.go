package graphsim_test

import (
	"testing"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

func TestAnApplicationChangesOnlyWindowsDevicesInEntra(t *testing.T) {
	t.Parallel()
	o, user := withLee(t)
	laptop, phone := "/devices/"+user.EntraDevices[0].ID, "/devices/"+user.EntraDevices[1].ID
	assert.Equal(t, 204, o.graph("PATCH", laptop, `{"accountEnabled":false}`).status)
	assert.Equal(t, 403, o.graph("PATCH", phone, `{"accountEnabled":false}`).status)
	assert.Equal(t, 403, o.graph("DELETE", phone, "").status)
	assert.Equal(t, 400, o.graph("PATCH", laptop, `{}`).status)
	registered := o.list("/users/lee@contoso.com/registeredDevices?$select=id,accountEnabled")
	assert.Equal(t, false, registered[0].(map[string]any)["accountEnabled"])
	o.token = o.Token(graphsim.Delegated)
	assert.Equal(t, 204, o.graph("DELETE", phone, "").status)
	assert.Equal(t, 404, o.graph("DELETE", phone, "").status)
	assert.Len(t, o.Users()[lee].EntraDevices, 1)
}

func TestEntraKeepsADeviceThatAutopilotKnows(t *testing.T) {
	t.Parallel()
	o, user := withLee(t)
	laptop := "/devices/" + user.EntraDevices[0].ID
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

func TestWhatADeviceLeavesBehindStays(t *testing.T) {
	t.Parallel()
	o, user := withLee(t)
	assert.Equal(t, 204, o.graph("POST", "/users/"+lee+removal, "").status)
	user.Devices = []graphsim.Device{} // they check in at once
	assert.Equal(t, user, o.Users()[lee])
}

func TestAppsAreWipedByTheirDevicesTag(t *testing.T) {
	t.Parallel()
	o, _ := withLee(t)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 3)
	const wipe = "/users/lee@contoso.com/wipeManagedAppRegistrationsByDeviceTag"
	assert.Equal(t, 204, o.graph("POST", wipe, `{"deviceTag":"t1"}`).status)
	assert.Equal(t, 400, o.graph("POST", wipe, `{}`).status)
	assert.Len(t, o.list("/users/lee@contoso.com/managedAppRegistrations"), 1)
}
