package graphsim_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTenantIsRunThroughItsControlAPI(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	r := o.do("POST", "/control/users", `{"userPrincipalName":"lee@contoso.com","accountEnabled":true,"texts":{"department":"Sales"},"devices":[{"deviceName":"PHONE","checkIn":"1h","ignores":1,"model":"Pixel","userId":"somebody"}]}`)
	require.Equal(t, 200, r.status)
	id := r.json(t)["id"].(string)
	var users map[string]graphsim.User
	require.NoError(t, json.Unmarshal([]byte(o.do("GET", "/control/users", "").body), &users))
	assert.Equal(t, id, users[lee].ID)
	assert.Equal(t, "Sales", users[lee].Texts["department"])
	device := users[lee].Devices[0]
	assert.Equal(t, []any{leaver.Duration(time.Hour), 1, "Pixel", "somebody"}, []any{device.CheckIn, device.Ignores, device.Model, device.UserID})

	assert.Equal(t, true, o.do("POST", "/control/devices", `{"userId":"lee@contoso.com","device":{"deviceName":"LATE"}}`).json(t)["enrolled"])
	assert.Equal(t, false, o.do("POST", "/control/devices", `{"userId":"nobody@contoso.com","device":{}}`).json(t)["enrolled"])
	assert.Len(t, o.Users()[lee].Devices, 2)

	r = o.do("POST", "/control/tokens", `{"kind":"delegated","permissions":["User.Read.All"]}`)
	o.token = r.json(t)["token"].(string)
	assert.Equal(t, 200, o.graph("GET", "/users/"+id, "").status)
	assert.Equal(t, 403, o.graph("GET", "/users/"+id+"/managedDevices", "").status)

	require.Equal(t, 200, o.do("POST", "/control/faults", `{"times":-1,"status":503,"delay":"1ms"}`).status)
	assert.Equal(t, 503, o.graph("GET", "/users/"+id, "").status)
	require.Equal(t, 200, o.do("DELETE", "/control/faults", "").status)
	assert.Equal(t, 200, o.graph("GET", "/users/"+id, "").status)

	require.Equal(t, 200, o.do("PUT", "/control/settings", `{"pageSize":1,"noIntune":true}`).status)
	o.token = o.Token(graphsim.Application)
	assert.Equal(t, 400, o.graph("GET", "/users/"+id+"/managedDevices", "").status)

	var requests []graphsim.Request
	require.NoError(t, json.Unmarshal([]byte(o.do("GET", "/control/requests", "").body), &requests))
	assert.Len(t, requests, 5)
	for _, body := range []string{"", "{", `{"nonsense":1}`, "[]"} {
		assert.Equal(t, 400, o.do("POST", "/control/faults", body).status, body)
	}
}

func TestApprovalsAndTheDayAreRunThroughTheControlAPI(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Configure(graphsim.Settings{MultiAdminApproval: true, DailyRetires: 1})
	device := o.Users()[megan].Devices[0].ID
	assert.Equal(t, 403, o.retire(device))
	var requests []graphsim.ApprovalRequest
	require.NoError(t, json.Unmarshal([]byte(o.do("GET", "/control/approvals", "").body), &requests))
	require.Len(t, requests, 1)
	assert.Equal(t, "leaves", requests[0].Justification)
	decide := func(status string) any {
		return o.do("POST", "/control/approvals", `{"id":"`+requests[0].Code+`","status":"`+status+`"}`).json(t)["decided"]
	}
	assert.Equal(t, false, decide("aproved"))
	assert.Equal(t, true, decide("approved"))
	o.Configure(graphsim.Settings{DailyRetires: 1})
	assert.Equal(t, 204, o.retire(device))
	assert.Equal(t, 429, o.retire(device), "the day is used up")
	require.Equal(t, 200, o.do("POST", "/control/day", "").status)
	assert.Equal(t, 204, o.retire(device))
}
