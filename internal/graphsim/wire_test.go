package graphsim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	adele   = graphsim.Leaver
	megan   = "megan@contoso.com"
	lee     = "lee@contoso.com"
	removal = "/removeAllDevicesFromManagement"
	managed = "/deviceManagement/managedDevices/"
)

// office is a tenant behind HTTP, and a token with every permission. Contoso's
// devices check in only after the test has ended.
type office struct {
	*graphsim.Tenant
	t     *testing.T
	url   string
	http  *http.Client
	token string
}

func newOffice(t *testing.T, record io.Writer) *office {
	t.Helper()
	tenant := graphsim.NewTenant(record)
	tenant.Add(graphsim.Contoso(time.Hour)...)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	return &office{tenant, t, server.URL, server.Client(), tenant.Token(graphsim.Application)}
}

// lee adds a user with devices, and returns the object id.
func (o *office) lee(devices ...graphsim.Device) string {
	return o.Add(graphsim.User{UserPrincipalName: lee, Devices: devices})
}

// retire asks a device to retire, with a reason for a second administrator.
func (o *office) retire(device string, headers ...string) int {
	o.t.Helper()
	return o.graph("POST", managed+device+"/retire", "", append(headers, "x-msft-approval-justification", "bGVhdmVz")...).status
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var decoded map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.body), &decoded), r.body)
	return decoded
}

// code and message are those of an error in Graph's shape.
func (r reply) code(t *testing.T) string    { return r.failure(t)["code"].(string) }
func (r reply) message(t *testing.T) string { return r.failure(t)["message"].(string) }

func (r reply) failure(t *testing.T) map[string]any {
	t.Helper()
	require.Contains(t, r.json(t), "error", r.body)
	return r.json(t)["error"].(map[string]any)
}

// try sends a request, with headers of which a name and a value stand in turn.
func (o *office) try(method, path, body string, headers ...string) (reply, error) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	require.NoError(o.t, err)
	request.Header.Set("Authorization", "Bearer "+o.token)
	request.Header.Set("client-request-id", "mine")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := o.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(content)}, err
}

func (o *office) do(method, path, body string, headers ...string) reply {
	o.t.Helper()
	r, err := o.try(method, path, body, headers...)
	require.NoError(o.t, err)
	return r
}

// graph calls below Graph's root.
func (o *office) graph(method, path, body string, headers ...string) reply {
	o.t.Helper()
	return o.do(method, graphsim.GraphPath+"/v1.0"+path, body, headers...)
}

func (o *office) list(path string) []any {
	o.t.Helper()
	r := o.graph("GET", path, "")
	require.Equal(o.t, 200, r.status, r.body)
	return r.json(o.t)["value"].([]any)
}

func where(condition string) string { return "?$filter=" + url.QueryEscape(condition) }

// withLee is a tenant where Lee has a laptop that is registered with Autopilot,
// a phone, and apps with company data on two devices.
func withLee(t *testing.T) (*office, graphsim.User) {
	t.Helper()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{Name: "LAPTOP", OperatingSystem: "Windows", SerialNumber: "it's 47", RecoveryKey: true}, graphsim.Device{Name: "PHONE", OperatingSystem: "iOS"})
	user := o.Users()[lee]
	user.Autopilot = []graphsim.AutopilotIdentity{{ID: "a1", SerialNumber: "it's 47", AzureADDeviceID: user.Devices[0].AzureADDeviceID}}
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}, {ID: "r2", DeviceTag: "t1"}, {ID: "r3", DeviceTag: "t2"}}
	o.Add(user)
	return o, o.Users()[lee]
}

func TestAUserIsFoundByEveryNameThatGraphTakes(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: "$o'brien@contoso.com"})
	id := o.Users()[adele].ID
	for _, path := range []string{"/users/" + id, "/users/" + strings.ToUpper(id), "/users/" + adele, "/users/Adele@Contoso.com", "/users/adele%40contoso.com"} {
		r := o.graph("GET", path+"?$select=id,accountEnabled", "")
		require.Equal(t, 200, r.status, path)
		assert.Equal(t, map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id,accountEnabled)/$entity", "id": id, "accountEnabled": true}, r.json(t))
	}
	assert.Equal(t, "Guest", o.graph("GET", "/users/alex_example.com%23EXT%23@contoso.onmicrosoft.com?$select=userType", "").json(t)["userType"])
	assert.Equal(t, "$o'brien@contoso.com", o.graph("GET", "/users('$o%27%27brien@contoso.com')", "").json(t)["userPrincipalName"])
	assert.Equal(t, 400, o.graph("GET", "/users/$o'brien@contoso.com", "").status, "Graph wants the form with parentheses")
}

func TestWhatIsNotThereIsAnErrorInGraphsShape(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	r := o.graph("GET", "/users/nobody@contoso.com", "")
	assert.Equal(t, 404, r.status)
	assert.Equal(t, "Request_ResourceNotFound", r.code(t))
	inner := r.failure(t)["innerError"].(map[string]any)
	date, err := time.Parse("2006-01-02T15:04:05", inner["date"].(string))
	require.NoError(t, err, date)
	delete(inner, "date")
	assert.NotEmpty(t, r.header.Get("request-id"))
	assert.Equal(t, map[string]any{"request-id": r.header.Get("request-id"), "client-request-id": "mine"}, inner)
	assert.Equal(t, "mine", r.header.Get("client-request-id"))

	assert.Equal(t, 404, o.graph("GET", "/deviceManagement/managedDevices/nothing", "").status)
	assert.Equal(t, 405, o.graph("DELETE", "/users/"+adele+removal, "").status)
	assert.Equal(t, 400, o.graph("GET", "/users/"+adele+"/nonsense", "").status)
	assert.Equal(t, 404, o.do("GET", "/graph/beta/users/"+adele, "").status)
}

func TestAnUnknownPathIsAnErrorAndNoRedirect(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	for _, path := range []string{"", "/", "/users", "/users/", "//users/" + adele, "/users//managedDevices", "/users/./managedDevices", "/users/" + adele + "/../x",
		"/users/" + adele + "/", "/users/" + adele + "/managedDevices/", "/users('" + adele, "/devices", "/deviceManagement/managedDevices/$count"} {
		r := o.graph("GET", path, "")
		assert.Equal(t, 400, r.status, path)
		assert.Contains(t, r.message(t), "Resource not found for the segment", path)
		requests := o.Requests()
		assert.Equal(t, path, requests[len(requests)-1].Path, "it is kept as it was sent")
	}
	assert.Len(t, o.Requests(), 13)
	for _, method := range []string{"HEAD", "PUT", "OPTIONS"} {
		assert.Equal(t, 405, o.graph(method, "/users/"+adele, "").status, method)
		assert.Equal(t, 405, o.graph(method, "/users('"+adele+"')/managedDevices", "").status, method)
	}
	requests := o.Requests()
	assert.Equal(t, o.Users()[adele].ID, requests[len(requests)-1].UserID, "who is meant is known")
}

func TestAnAccountIsDisabledAndItsSessionsEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	r := o.graph("PATCH", "/users/"+adele, `{"accountEnabled":false}`)
	assert.Equal(t, []any{204, ""}, []any{r.status, r.body})
	assert.False(t, o.Users()[adele].AccountEnabled)
	assert.True(t, o.Users()["megan@contoso.com"].AccountEnabled)
	for _, body := range []string{"", "{}", `{"accountEnabled":"no"}`, "[]"} {
		assert.Equal(t, 400, o.graph("PATCH", "/users/"+adele, body).status, body)
	}
	before := o.Users()[adele].SessionsValidFrom
	r = o.graph("POST", "/users/"+adele+"/revokeSignInSessions", "")
	assert.Equal(t, 200, r.status)
	assert.Equal(t, true, r.json(t)["value"])
	assert.True(t, o.Users()[adele].SessionsValidFrom.After(before))
}

func TestATokenIsNeededAndItsPermissionsCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	all := o.token
	for _, token := range []string{"", "made up"} {
		o.token = token
		r := o.graph("GET", "/users/"+adele, "")
		assert.Equal(t, 401, r.status)
		assert.Equal(t, "InvalidAuthenticationToken", r.code(t))
		assert.Contains(t, r.header.Get("WWW-Authenticate"), "Bearer")
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		permissions        []string
	}{
		{"GET", "", "", 200, []string{"User.Read.All"}},
		{"PATCH", "", `{"accountEnabled":false}`, 204, []string{"User.EnableDisableAccount.All", "User.Read.All"}},
		{"POST", "/revokeSignInSessions", "", 200, []string{"User.RevokeSessions.All"}},
		{"GET", "/managedDevices", "", 200, []string{"DeviceManagementManagedDevices.Read.All"}},
		{"POST", removal, "", 204, []string{"DeviceManagementManagedDevices.PrivilegedOperations.All"}},
	} {
		o.token = o.Token(graphsim.Delegated, "Mail.Read")
		r := o.graph(c.method, "/users/"+adele+c.path, c.body)
		assert.Equal(t, 403, r.status, c.path)
		if strings.Contains(strings.ToLower(c.path), "devices") {
			assert.Contains(t, r.message(t), `"ErrorCode":"Forbidden"`, "Intune's own error is inside")
		} else {
			assert.Equal(t, "Authorization_RequestDenied", r.code(t))
		}
		o.token = o.Token(graphsim.Delegated, c.permissions...)
		assert.Equal(t, c.status, o.graph(c.method, "/users/"+adele+c.path, c.body).status, c.path)
	}
	o.token = all
	assert.Equal(t, 200, o.graph("GET", "/users/"+adele, "").status)
}

func TestATenantMayRefuseApplicationsOrLackIntune(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Configure(graphsim.Settings{DelegatedRemoval: true})
	path := "/users/" + adele + removal
	assert.Equal(t, 403, o.graph("POST", path, "").status)
	o.token = o.Token(graphsim.Delegated)
	assert.Equal(t, 204, o.graph("POST", path, "").status)
	o.Configure(graphsim.Settings{NoIntune: true})
	r := o.graph("POST", path, "")
	assert.Equal(t, 400, r.status)
	assert.Contains(t, r.message(t), "Request not applicable to target tenant.")
	assert.Equal(t, 200, o.graph("GET", "/users/"+adele, "").status)
}

func TestExchangesAreRecordedOneALine(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	o := newOffice(t, &file)
	o.Fail(graphsim.Fault{Method: "POST", Status: 503, HTML: true})
	o.graph("GET", "/users/"+adele+"?$select=id", "")
	o.graph("PATCH", "/users/"+adele, `{"accountEnabled":false}`)
	o.graph("POST", "/users/"+adele+"/revokeSignInSessions", "")
	assert.Equal(t, 3, strings.Count(file.String(), "\n"))
	exchanges := make([]map[string]any, 3)
	for i, lines := 0, json.NewDecoder(strings.NewReader(file.String())); i < 3; i++ {
		require.NoError(t, lines.Decode(&exchanges[i]))
	}
	assert.Contains(t, exchanges[0]["responseBody"], o.Users()[adele].ID)
	assert.Contains(t, exchanges[0]["responseType"], "application/json")
	assert.Subset(t, exchanges[0], map[string]any{"method": "GET", "target": "/users/" + adele + "?$select=id", "status": 200.0})
	assert.Equal(t, map[string]any{"method": "PATCH", "target": "/users/" + adele, "requestType": "application/json",
		"requestBody": `{"accountEnabled":false}`, "status": 204.0}, exchanges[1])
	assert.Equal(t, true, exchanges[2]["fault"])
	assert.NotContains(t, file.String(), o.token)
}

func TestAPathIsTakenInAnyCaseAndAnIDKeepsIts(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{ID: "MANAGEDDEVICES", UserPrincipalName: lee, Devices: []graphsim.Device{{ID: "RETIRE"}}})
	for path, id := range map[string]string{
		"/V1.0/USERS/" + adele: o.Users()[adele].ID, "/v1.0/Users('" + adele + "')": o.Users()[adele].ID,
		"/v1.0/users/MANAGEDDEVICES": "MANAGEDDEVICES", "/V1.0/devicemanagement/MANAGEDDEVICES('RETIRE')": "RETIRE",
		"/v1.0/users/managedDevices": "MANAGEDDEVICES", "/v1.0" + managed + "Retire": "RETIRE", // no two ids differ by case alone
	} {
		r := o.do("GET", graphsim.GraphPath+path, "")
		require.Equal(t, 200, r.status, path)
		assert.Equal(t, id, r.json(t)["id"], path)
	}
	r := o.graph("GET", "/USERS/RETIRE/MANAGEDDEVICES", "")
	assert.Equal(t, 404, r.status)
	assert.Contains(t, r.message(t), "'RETIRE'", "it is no word of the path")
	assert.Equal(t, 400, o.graph("GET", "/userz/"+adele, "").status)
	assert.Equal(t, 200, o.do("GET", graphsim.GraphPath+"/BETA/devicemanagement/OperationApprovalRequests", "").status)

	o.Configure(graphsim.Settings{MultiAdminApproval: true})
	assert.Equal(t, 403, o.retire("RETIRE"))
	assert.Equal(t, 409, o.graph("POST", "/DeviceManagement/ManagedDevices/RETIRE/Retire", "", "x-msft-approval-justification", "bGVhdmVz").status, "it is the same call")

	o.Fail(graphsim.Fault{Path: "/manageddevices", Status: 503})
	assert.Equal(t, 503, o.graph("GET", "/Users/"+adele+"/ManagedDevices", "").status)
	requests := o.Requests()
	assert.Equal(t, "/Users/"+adele+"/ManagedDevices", requests[len(requests)-1].Path, "it is kept as it was sent")
	o.Configure(graphsim.Settings{})
	assert.Equal(t, 204, o.graph("DELETE", managed+"Retire", "").status)
	assert.Empty(t, o.Users()[lee].Devices)
}

func TestAnswersHaveGraphsHeaders(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	for _, path := range []string{"/users/" + adele, "/users/" + adele + "/managedDevices", "/users/nobody", "/userz"} {
		r := o.graph("GET", path, "")
		for _, name := range []string{"request-id", "Date", "OData-Version", "Cache-Control", "Strict-Transport-Security"} {
			assert.NotEmpty(t, r.header.Get(name), name)
		}
	}
}
