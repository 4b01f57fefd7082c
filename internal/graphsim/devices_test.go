package graphsim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneDeviceIsRetiredByItselfAndMayFail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{ID: "stubborn", Failures: 1}, graphsim.Device{ID: "other"})
	assert.Equal(t, 204, o.retire("stubborn"))
	assert.Equal(t, "retireFailed", o.graph("GET", managed+"stubborn", "").json(t)["managementState"])
	assert.Equal(t, 204, o.retire("stubborn"))
	assert.Equal(t, 404, o.graph("GET", managed+"stubborn", "").status)
	assert.Equal(t, 404, o.retire("stubborn"))
	left := o.Users()[lee].Devices
	require.Len(t, left, 1)
	assert.Equal(t, "managed", left[0].State)
}

func TestADeviceIsWipedOrDeletedAsItsPlatformAllows(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{ID: "laptop", OperatingSystem: "Windows"}, graphsim.Device{ID: "private", OperatingSystem: "Android", OwnerType: "personal"},
		graphsim.Device{ID: "company", OperatingSystem: "Android"}, graphsim.Device{ID: "stubborn", OperatingSystem: "iOS", Failures: 1})
	assert.Equal(t, 204, o.graph("POST", managed+"laptop/wipe", "{}").status)
	assert.Equal(t, 404, o.graph("GET", managed+"laptop", "").status)
	assert.Equal(t, 400, o.graph("POST", managed+"private/wipe", "{}").status)
	assert.Equal(t, 204, o.graph("DELETE", managed+"private", "").status)
	assert.Equal(t, 204, o.graph("DELETE", managed+"company", "").status)
	assert.Equal(t, 204, o.graph("POST", managed+"stubborn/wipe", "{}").status)
	assert.Equal(t, "wipeFailed", o.Users()[lee].Devices[0].State)
	assert.Equal(t, []string{"laptop", "company"}, o.Wiped(), "deleting a corporate Android's record resets it")
	assert.Len(t, o.Users()[lee].Devices, 1)
}

func TestAnIDOfAnotherKindOfObjectIsNotFound(t *testing.T) {
	t.Parallel()
	o, user := withLee(t)
	assert.Equal(t, 404, o.graph("PATCH", "/devices/"+user.Devices[0].ID, `{"accountEnabled":false}`).status)
	assert.Equal(t, 404, o.graph("DELETE", "/deviceManagement/windowsAutopilotDeviceIdentities/"+user.Devices[0].ID, "").status)
	assert.Equal(t, 404, o.graph("GET", managed+user.EntraDevices[0].ID, "").status)
}

func TestFiveHundredDevicesOfOneUserAreReadAndRetiredOneByOne(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Configure(graphsim.Settings{PageSize: 200})
	o.Add(graphsim.User{UserPrincipalName: megan, Devices: make([]graphsim.Device, 500)})
	id := o.lee(slices.Repeat([]graphsim.Device{{OperatingSystem: "iOS", CheckIn: leaver.Duration(day)}}, 500)...)

	var ids []string
	for path := graphsim.GraphPath + "/v1.0/users/" + id + "/managedDevices?$select=id"; path != ""; {
		page := o.do("GET", path, "").json(t)
		for _, device := range page["value"].([]any) {
			ids = append(ids, device.(map[string]any)["id"].(string))
		}
		next, _ := page["@odata.nextLink"].(string)
		path = strings.TrimPrefix(next, "http://")
	}
	require.Len(t, ids, 500)
	for _, device := range ids {
		require.Equal(t, id, o.graph("GET", managed+device, "").json(t)["userId"])
		require.Equal(t, 204, o.retire(device))
	}
	for _, d := range o.Users()[lee].Devices {
		require.Equal(t, "retirePending", d.State)
	}
	june.pass(day)
	assert.Empty(t, o.Users()[lee].Devices)
	for _, d := range o.Users()[megan].Devices {
		require.Equal(t, "managed", d.State)
	}
}

func TestARecoveryKeyIsListedByItsDevice(t *testing.T) {
	t.Parallel()
	o, user := withLee(t)
	const keys = "/informationProtection/bitlocker/recoveryKeys"
	found := o.list(keys + where("deviceId eq '"+user.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.NotContains(t, found[0], "key")
	assert.Empty(t, o.list(keys+where("deviceId eq '"+user.Devices[1].AzureADDeviceID+"'")))
	assert.Equal(t, 400, o.graph("GET", keys+where("deviceId ne 'x'"), "").status)
}
