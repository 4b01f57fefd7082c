package graphsim_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const devices = "/deviceManagement/managedDevices"

// ids are those of the rows of an answer.
func (r reply) ids(t *testing.T) (all []string) {
	t.Helper()
	require.Equal(t, 200, r.status, r.body)
	for _, row := range r.json(t)["value"].([]any) {
		all = append(all, row.(map[string]any)["id"].(string))
	}
	return all
}

// pages follows an answer's next links to the end.
func (o *office) pages(path string) (all [][]string) {
	o.t.Helper()
	for path = graphsim.GraphPath + "/v1.0" + path; path != ""; {
		page := o.do("GET", path, "")
		all = append(all, page.ids(o.t))
		next, _ := page.json(o.t)["@odata.nextLink"].(string)
		path = strings.TrimPrefix(next, o.url)
	}
	return all
}

// withPhones is a tenant where Lee has three phones, and Megan one that has a quotation mark in its name.
func withPhones(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{ID: "p1", OperatingSystem: "iOS"}, graphsim.Device{ID: "p2", OperatingSystem: "Android"}, graphsim.Device{ID: "p3", OperatingSystem: "iOS"})
	o.Enroll(megan, graphsim.Device{ID: "p4", Name: "Megan's", OperatingSystem: "iOS", SerialNumber: "S4"})
	return o
}

func TestGraphShowsWhatIsSelectedOrElseTheDefaultProperties(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	enrolled := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	id := o.Add(graphsim.User{UserPrincipalName: lee, Texts: map[string]string{"jobTitle": "Clerk", "department": "Sales"}, Devices: []graphsim.Device{{
		ID: "d1", Name: "LAPTOP", OperatingSystem: "Windows", SerialNumber: "S1", AzureADDeviceID: "e1234567", LastSync: enrolled,
		Model: "Surface", ManagementAgent: "configurationManagerClientMdm", EnrollmentType: "windowsAzureADJoin", EnrolledAt: enrolled, UserPrincipalName: "old@contoso.com"}}})
	const context = "https://graph.microsoft.com/v1.0/$metadata#"
	device := map[string]any{
		"id": "d1", "deviceName": "LAPTOP", "operatingSystem": "Windows", "serialNumber": "S1", "azureADDeviceId": "e1234567", "lastSyncDateTime": "2025-01-02T03:04:05Z",
		"model": "Surface", "managementAgent": "configurationManagerClientMdm", "deviceEnrollmentType": "windowsAzureADJoin", "enrolledDateTime": "2025-01-02T03:04:05Z",
		"userPrincipalName": "old@contoso.com", "userId": id, "managedDeviceOwnerType": "company", "managementState": "managed",
	}
	with := func(context string, properties map[string]any) map[string]any {
		properties = maps.Clone(properties)
		properties["@odata.context"] = context
		return properties
	}
	for path, want := range map[string]map[string]any{
		"/users/" + lee: {"@odata.context": context + "users/$entity", "businessPhones": []any{}, "displayName": nil, "givenName": nil, "jobTitle": "Clerk", "mail": nil,
			"mobilePhone": nil, "officeLocation": nil, "preferredLanguage": nil, "surname": nil, "userPrincipalName": lee, "id": id},
		"/users/" + lee + "?$select=accountEnabled, USERTYPE,department": {"@odata.context": context + "users(accountEnabled,userType,department)/$entity",
			"accountEnabled": false, "userType": "Member", "department": "Sales"},
		"/users/" + lee + "/managedDevices/d1":                       with(context+"users('"+id+"')/managedDevices/$entity", device),
		devices + "/d1":                                              with(context+"deviceManagement/managedDevices/$entity", device),
		devices + "/d1?$select=model":                                {"@odata.context": context + "deviceManagement/managedDevices(model)/$entity", "model": "Surface"},
		"/users/" + lee + "/managedDevices":                          {"@odata.context": context + "users('" + id + "')/managedDevices", "value": []any{device}},
		devices + "?$filter=serialNumber eq 'S1'&$select=deviceName": {"@odata.context": context + "deviceManagement/managedDevices(deviceName)", "value": []any{map[string]any{"deviceName": "LAPTOP"}}},
	} {
		r := o.graph("GET", strings.ReplaceAll(path, " ", "%20"), "")
		require.Equal(t, 200, r.status, path)
		assert.Equal(t, want, r.json(t), path)
	}
}

func TestAPropertyThatDoesNotExistIsRefusedByName(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	device := o.Users()[adele].Devices[0].ID
	for path, kind := range map[string]string{
		"/users/" + adele + "?$select=id,nonsense":                            "user",
		"/users/" + adele + "/managedDevices?$select=id,nonsense":             "managedDevice",
		"/users/" + adele + "/managedDevices/" + device + "?$select=nonsense": "managedDevice",
		devices + "?$select=nonsense":                                         "managedDevice",
		managed + device + "?$select=nonsense":                                "managedDevice",
		devices + where("nonsense eq 'x'"):                                    "managedDevice",
	} {
		r := o.graph("GET", path, "")
		assert.Equal(t, []any{400, "BadRequest"}, []any{r.status, r.code(t)}, path)
		assert.Contains(t, r.message(t), "Could not find a property named 'nonsense' on type 'microsoft.graph."+kind+"'.")
	}
}

func TestDevicesComeInPagesOfTheTenantsSizeOrASmallerOne(t *testing.T) {
	t.Parallel()
	o := withPhones(t)
	list := "/users/" + lee + "/managedDevices"
	assert.Equal(t, [][]string{{"p1", "p2", "p3"}}, o.pages(list))
	assert.Equal(t, [][]string{{"p1", "p2"}, {"p3"}}, o.pages(list+"?$top=2"))
	assert.Equal(t, [][]string{{"p1"}, {"p3"}}, o.pages(list+"?$top=1&$select=id&$filter="+url.QueryEscape("operatingSystem eq 'iOS'")))
	o.Configure(graphsim.Settings{PageSize: 2})
	assert.Equal(t, [][]string{{"p1", "p2"}, {"p3"}}, o.pages(list+"?$top=3"))
	all := slices.Concat(o.pages(devices + "?$top=1")...)
	assert.Len(t, all, 9)
	assert.Equal(t, all, slices.Concat(o.pages(devices)...), "the order is the same")

	page := o.graph("GET", list+"?$top=1&$count=true", "").json(t)
	assert.Equal(t, 3.0, page["@odata.count"])
	assert.NotContains(t, o.graph("GET", list, "").json(t), "@odata.count")
	for _, option := range []string{"$top=0", "$top=x", "$top=", "$skiptoken=x", "$skiptoken=-1"} {
		assert.Equal(t, 400, o.graph("GET", list+"?"+option, "").status, option)
	}
	assert.Empty(t, o.graph("GET", list+"?$skiptoken=9", "").ids(t))
}

func TestDevicesAreFilteredByOneText(t *testing.T) {
	t.Parallel()
	o := withPhones(t)
	user := o.Users()[lee]
	for condition, want := range map[string][]string{
		"userId eq '" + user.ID + "'": {"p1", "p2", "p3"}, "userId eq 'nobody'": nil, "azureADDeviceId eq '" + user.Devices[1].AzureADDeviceID + "'": {"p2"},
		"serialNumber eq 'S4'": {"p4"}, "deviceName eq 'Megan''s'": {"p4"}, "managementState eq 'retirePending'": nil,
	} {
		assert.Equal(t, want, o.graph("GET", devices+where(condition), "").ids(t), condition)
	}
	o.Enroll(lee, graphsim.Device{ID: "p5", State: "retirePending"})
	assert.Equal(t, []string{"p5"}, o.graph("GET", devices+where("managementState eq 'retirePending'"), "").ids(t))
	for _, condition := range []string{"", "id", "serialNumber ne 'S4'", "serialNumber eq 'S4' ", "serialNumber eq S4", "serialNumber eq 'it's'", "serialNumber eq 'S4' or serialNumber eq 'S5'",
		"contains(serialNumber,'S4')", "lastSyncDateTime eq '2026-01-01T00:00:00Z'"} {
		for _, list := range []string{devices, "/users/" + lee + "/managedDevices"} {
			r := o.graph("GET", list+where(condition), "")
			assert.Equal(t, 400, r.status, condition)
			assert.Contains(t, r.message(t), "Invalid filter clause", condition)
		}
	}
}

func TestExpandIsRefusedToWhoMayReadAtAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	for _, path := range []string{"/users/" + adele + "?$expand=manager", "/users/" + adele + "/managedDevices?$expand=users"} {
		r := o.graph("GET", path, "")
		assert.Equal(t, []any{400, "BadRequest"}, []any{r.status, r.code(t)}, path)
		assert.Contains(t, r.message(t), "'Expand' is not allowed")
	}
	o.token = o.Token(graphsim.Application, "Mail.Read")
	assert.Equal(t, 403, o.graph("GET", "/users/"+adele+"?$expand=manager", "").status)
}

func TestADeviceIsReadBelowItsUserAlone(t *testing.T) {
	t.Parallel()
	o := withPhones(t)
	assert.Equal(t, "p1", o.graph("GET", "/users/"+lee+"/managedDevices/p1", "").json(t)["id"])
	for _, path := range []string{"/users/" + megan + "/managedDevices/p1", "/users/" + lee + "/managedDevices/p9", "/users/nobody/managedDevices/p1"} {
		assert.Equal(t, 404, o.graph("GET", path, "").status, path)
	}
	assert.Equal(t, 405, o.graph("DELETE", "/users/"+lee+"/managedDevices/p1", "").status)
	requests := o.Requests()
	assert.Equal(t, o.Users()[lee].ID, requests[0].UserID)
}

func TestAListMayHoldSomebodyElsesDevice(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	other := o.Users()[megan].ID
	id := o.lee(graphsim.Device{ID: "mine"}, graphsim.Device{ID: "hers", UserID: other})
	owners := map[string]any{}
	for _, device := range o.list("/users/" + lee + "/managedDevices") {
		owners[device.(map[string]any)["id"].(string)] = device.(map[string]any)["userId"]
	}
	assert.Equal(t, map[string]any{"mine": id, "hers": other}, owners)
	assert.Equal(t, other, o.graph("GET", managed+"hers", "").json(t)["userId"])
	assert.Equal(t, []string{"mine"}, o.graph("GET", devices+where("userId eq '"+id+"'"), "").ids(t))
	assert.Contains(t, o.graph("GET", devices+where("userId eq '"+other+"'"), "").ids(t), "hers")
	assert.Equal(t, 204, o.graph("POST", "/users/"+lee+removal, "").status)
	assert.Empty(t, o.Users()[lee].Devices, "the call for all takes it too")
}

func TestIntuneMayNotKnowAUser(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: lee, NotInIntune: true})
	assert.Equal(t, 200, o.graph("GET", "/users/"+lee, "").status)
	assert.Equal(t, 200, o.graph("GET", "/users/"+lee+"/registeredDevices", "").status)
	for _, call := range [][2]string{{"GET", "/managedDevices"}, {"POST", removal}} {
		r := o.graph(call[0], "/users/"+lee+call[1], "")
		assert.Equal(t, []any{404, "ResourceNotFound"}, []any{r.status, r.code(t)}, call)
		assert.Contains(t, r.message(t), `"ErrorCode":"ResourceNotFound"`, "Intune's own error is inside")
	}
}
