package graphsim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDevicesComeInPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Configure(graphsim.Settings{PageSize: 3})
	r := o.graph("GET", "/users/"+adele+"/managedDevices?$select=id,deviceName", "").json(t)
	assert.Len(t, r["value"], 3)
	next := r["@odata.nextLink"].(string)
	path, below := strings.CutPrefix(next, o.url)
	require.True(t, below, next)
	r = o.do("GET", path, "").json(t)
	require.Len(t, r["value"], 1)
	assert.NotContains(t, r, "@odata.nextLink")
	last := r["value"].([]any)[0].(map[string]any)
	assert.Equal(t, "CONTOSO-MB-0012", last["deviceName"])
	assert.NotContains(t, last, "managementState", "it was not selected")
	assert.Equal(t, 400, o.graph("GET", "/users/"+adele+"/managedDevices?$skiptoken=x", "").status)
}

// inProcess serves without a network, whose goroutines would hold up a bubble's
// clock.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result(), nil
}

func TestARetiredDeviceLeavesWhenItChecksInAndNoOtherDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.NewTenant(nil)
		tenant.Add(graphsim.Contoso(time.Hour)...)
		id := tenant.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{
			{Name: "soon", OperatingSystem: "iOS", CheckIn: leaver.Duration(time.Hour)}, {Name: "never", OperatingSystem: "Windows", CheckIn: -1},
		}})
		o := &office{Tenant: tenant, t: t, http: &http.Client{Transport: inProcess{tenant.Handler()}}, token: tenant.Token(graphsim.Application)}
		one := "/deviceManagement/managedDevices/" + o.Users()["lee@contoso.com"].Devices[0].ID
		state := func() any { return o.graph("GET", one, "").json(t)["managementState"] }

		r := o.graph("POST", "/users/"+id+removal, "")
		assert.Equal(t, 204, r.status)
		assert.Empty(t, r.body)
		time.Sleep(time.Hour/2 - time.Nanosecond)
		assert.Equal(t, "retirePending", state())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, "retireIssued", state())
		time.Sleep(time.Hour/2 - time.Nanosecond)
		assert.Equal(t, "retireIssued", state())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, 404, o.graph("GET", one, "").status)

		left := o.Users()["lee@contoso.com"].Devices
		require.Len(t, left, 1)
		assert.Equal(t, "never", left[0].Name)
		assert.Equal(t, "retirePending", left[0].State)
		for _, d := range o.Users()[adele].Devices {
			assert.Equal(t, "managed", d.State)
		}
		assert.Equal(t, 204, o.graph("POST", "/users/"+id+removal, "").status, "a second time")
	})
}

func TestOneDeviceIsRetiredByItselfAndMayFail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{{Name: "stubborn", Failures: 1}, {Name: "other"}}})
	devices := o.Users()["lee@contoso.com"].Devices
	one := "/deviceManagement/managedDevices/" + devices[0].ID
	assert.Equal(t, 204, o.graph("POST", one+"/retire", "").status)
	assert.Equal(t, "retireFailed", o.graph("GET", one, "").json(t)["managementState"])
	assert.Equal(t, 204, o.graph("POST", one+"/retire", "").status)
	assert.Equal(t, 404, o.graph("GET", one, "").status)
	assert.Equal(t, 404, o.graph("POST", one+"/retire", "").status)
	left := o.Users()["lee@contoso.com"].Devices
	require.Len(t, left, 1)
	assert.Equal(t, "managed", left[0].State)
}

func TestADeviceIsWipedOrDeletedAsItsPlatformAllows(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{
		{ID: "laptop", OperatingSystem: "Windows"}, {ID: "private", OperatingSystem: "Android", OwnerType: "personal"},
		{ID: "company", OperatingSystem: "Android"}, {ID: "stubborn", OperatingSystem: "iOS", Failures: 1},
	}})
	at := func(id, below string) string { return "/deviceManagement/managedDevices/" + id + below }
	assert.Equal(t, 204, o.graph("POST", at("laptop", "/wipe"), "{}").status)
	assert.Equal(t, 404, o.graph("GET", at("laptop", ""), "").status)
	assert.Equal(t, 400, o.graph("POST", at("private", "/wipe"), "{}").status)
	assert.Equal(t, 204, o.graph("DELETE", at("private", ""), "").status)
	assert.Equal(t, 204, o.graph("DELETE", at("company", ""), "").status)
	assert.Equal(t, 204, o.graph("POST", at("stubborn", "/wipe"), "{}").status)
	assert.Equal(t, "wipeFailed", o.Users()["lee@contoso.com"].Devices[0].State)
	assert.Equal(t, []string{"laptop", "company"}, o.Wiped(), "deleting a corporate Android's record resets it")
	assert.Len(t, o.Users()["lee@contoso.com"].Devices, 1)
}

func TestManagedDevicesAreFoundByTheirEntraID(t *testing.T) {
	t.Parallel()
	o, lee := withLee(t)
	found := o.list("/deviceManagement/managedDevices" + where("azureADDeviceId eq '"+lee.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.Equal(t, lee.Devices[0].ID, found[0].(map[string]any)["id"])
	assert.Equal(t, lee.ID, found[0].(map[string]any)["userId"])
}

func TestADeviceIsEnrolledForAUser(t *testing.T) {
	t.Parallel()
	o, lee := withLee(t)
	assert.True(t, o.Enroll("lee@contoso.com", graphsim.Device{Name: "LATE"}))
	assert.False(t, o.Enroll("nobody@contoso.com", graphsim.Device{}))
	assert.Len(t, o.Users()["lee@contoso.com"].Devices, len(lee.Devices)+1)
	late := o.Users()["lee@contoso.com"].Devices[2]
	assert.Equal(t, lee.ID, o.graph("GET", "/deviceManagement/managedDevices/"+late.ID, "").json(t)["userId"])
}

func TestAnIDOfAnotherKindOfObjectIsNotFound(t *testing.T) {
	t.Parallel()
	o, lee := withLee(t)
	assert.Equal(t, 404, o.graph("PATCH", "/devices/"+lee.Devices[0].ID, `{"accountEnabled":false}`).status)
	assert.Equal(t, 404, o.graph("DELETE", "/deviceManagement/windowsAutopilotDeviceIdentities/"+lee.Devices[0].ID, "").status)
	assert.Equal(t, 404, o.graph("GET", "/deviceManagement/managedDevices/"+lee.EntraDevices[0].ID, "").status)
}

func TestFiveHundredDevicesOfOneUserAreReadAndRetiredOneByOne(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Configure(graphsim.Settings{PageSize: 200})
	o.Add(graphsim.User{UserPrincipalName: "megan@contoso.com", Devices: make([]graphsim.Device, 500)})
	devices := make([]graphsim.Device, 500)
	for i := range devices {
		devices[i] = graphsim.Device{OperatingSystem: "iOS", CheckIn: leaver.Duration(day)}
	}
	id := o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: devices})

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
		one := "/deviceManagement/managedDevices/" + device
		require.Equal(t, id, o.graph("GET", one, "").json(t)["userId"])
		require.Equal(t, 204, o.graph("POST", one+"/retire", "").status)
	}

	for _, d := range o.Users()["lee@contoso.com"].Devices {
		require.Equal(t, "retirePending", d.State)
	}
	june.pass(day)
	assert.Empty(t, o.Users()["lee@contoso.com"].Devices)
	for _, d := range o.Users()["megan@contoso.com"].Devices {
		require.Equal(t, "managed", d.State)
	}
}

func TestARecoveryKeyIsListedByItsDevice(t *testing.T) {
	t.Parallel()
	o, lee := withLee(t)
	const keys = "/informationProtection/bitlocker/recoveryKeys"
	found := o.list(keys + where("deviceId eq '"+lee.Devices[0].AzureADDeviceID+"'"))
	require.Len(t, found, 1)
	assert.NotContains(t, found[0], "key")
	assert.Empty(t, o.list(keys+where("deviceId eq '"+lee.Devices[1].AzureADDeviceID+"'")))
	assert.Equal(t, 400, o.graph("GET", keys+where("deviceId ne 'x'"), "").status)
}
