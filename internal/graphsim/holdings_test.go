package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	packages = "/identityGovernance/entitlementManagement/assignments"
	requests = "/identityGovernance/entitlementManagement/assignmentRequests"
	numbers  = "/admin/teams/telephoneNumberManagement/numberAssignments"
)

// holding is a tenant where Lee holds something, and Lee's object id.
func holding(t *testing.T, held graphsim.Holdings) (*office, string) {
	t.Helper()
	o := newOffice(t, nil)
	return o, o.Add(graphsim.User{UserPrincipalName: lee, Holdings: held})
}

// refused asserts the answer to a call that the tenant refuses.
func (o *office) refused(status int, says, method, path, body string) {
	o.t.Helper()
	r := o.graph(method, path, body)
	require.Equal(o.t, status, r.status, r.body)
	assert.Contains(o.t, r.message(o.t), says)
}

func TestARoleThatComesByAGroupIsListedAndNotRemovedFromTheUser(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{AppRoles: []graphsim.AppRole{{ID: "a1", ResourceName: "Expenses"}, {ID: "a2", PrincipalID: "g1"}}})
	roles := "/users/" + id + "/appRoleAssignments"
	assert.Equal(t, "Group", o.list(roles)[1].(map[string]any)["principalType"])
	o.refused(404, "Resource 'a2' does not exist", "DELETE", roles+"/a2", "")
	assert.Equal(t, 204, o.graph("DELETE", roles+"/a1", "").status)
	o.refused(404, "Resource 'a1' does not exist", "DELETE", roles+"/a1", "")
	assert.Len(t, o.Users()[lee].AppRoles, 1)
}

func TestAConsentIsDeletedForWhomeverItIs(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{Grants: []graphsim.Grant{{ID: "g1", Scope: "Mail.Read"}, {ID: "g2", ConsentType: "AllPrincipals"}}})
	all := o.list("/users/" + id + "/oauth2PermissionGrants")
	assert.Equal(t, id, all[0].(map[string]any)["principalId"])
	assert.Nil(t, all[1].(map[string]any)["principalId"])
	assert.Equal(t, 204, o.graph("DELETE", "/oauth2PermissionGrants/g2", "").status)
	o.refused(404, "Resource 'g2' does not exist", "DELETE", "/oauth2PermissionGrants/g2", "")
}

func TestReadsOfWhatAUserHoldsLag(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{AppRoles: []graphsim.AppRole{{ID: "a1"}}})
	app := o.AddApp(graphsim.App{Name: "Expenses", Owners: []string{id}})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	roles, owners := "/users/"+id+"/appRoleAssignments", "/applications/"+app+"/owners"
	require.Equal(t, 204, o.graph("DELETE", roles+"/a1", "").status)
	require.Equal(t, 204, o.graph("DELETE", owners+"/"+id+"/$ref", "").status)
	assert.Len(t, o.list(roles), 1)
	assert.Len(t, o.list(owners), 1)
	o.refused(400, "One or more removed object references do not exist for the following modified properties: 'owners'.", "DELETE", owners+"/"+id+"/$ref", "")
	o.Configure(graphsim.Settings{})
	assert.Empty(t, o.list(roles))
	assert.Empty(t, o.list(owners))
	o.refused(404, "does not exist", "DELETE", owners+"/"+id+"/$ref", "")
}

func TestAnApplicationHasOwnersAndSecrets(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{})
	app := o.AddApp(graphsim.App{Kind: "servicePrincipals", Name: "Expenses", Secrets: []graphsim.Secret{{KeyID: "k1"}, {KeyID: "k2", Certificate: true}}})
	path := "/servicePrincipals/" + app
	owner := `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + id + `"}`
	require.Equal(t, 204, o.graph("POST", path+"/owners/$ref", owner).status)
	o.refused(400, "One or more added object references already exist for the following modified properties: 'owners'.", "POST", path+"/owners/$ref", owner)
	o.refused(404, "does not exist", "POST", path+"/owners/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/nobody"}`)
	o.refused(404, "does not exist", "GET", "/applications/"+app, "")
	assert.Equal(t, "#microsoft.graph.servicePrincipal", o.list("/users/" + id + "/ownedObjects")[0].(map[string]any)["@odata.type"])
	secrets := o.graph("GET", path+"?$select=id,passwordCredentials,keyCredentials", "").json(t)
	assert.Len(t, secrets["passwordCredentials"], 1)
	assert.Len(t, secrets["keyCredentials"], 1)
}

func TestAnAccessPackageIsTakenAwayAfterAWhile(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{Packages: []graphsim.Package{{ID: "as1", Name: "Sales"}}})
	o.Configure(graphsim.Settings{PackagesTake: leaver.Duration(time.Hour)})
	remove := `{"requestType":"adminRemove","assignment":{"id":"as1"}}`
	r := o.graph("POST", requests, remove)
	require.Equal(t, 201, r.status)
	assert.Equal(t, "submitted", r.json(t)["state"])
	o.refused(400, "open request", "POST", requests, remove)
	state := func() any {
		return o.list(packages + where("target/objectId eq '"+id+"'") + "&$expand=target,accessPackage")[0].(map[string]any)["state"]
	}
	assert.Equal(t, "delivered", state())
	o.Configure(graphsim.Settings{PackagesFail: true})
	assert.Equal(t, "delivered", state(), "the request has failed")
	o.Configure(graphsim.Settings{})
	require.Equal(t, 201, o.graph("POST", requests, remove).status)
	assert.Equal(t, "expired", state())
	about := o.list(requests + where("accessPackage/id eq '"+o.Users()[lee].Packages[0].PackageID+"'") + "&$expand=assignment")
	require.Len(t, about, 2)
	assert.Equal(t, []any{"deliveryFailed", "delivered"}, []any{about[0].(map[string]any)["state"], about[1].(map[string]any)["state"]})
	o.refused(404, "not found", "POST", requests, remove)
}

func TestAnInvitationMayDoNothingAndSayThatItSucceeded(t *testing.T) {
	t.Parallel()
	o, _ := holding(t, graphsim.Holdings{Drive: &graphsim.Drive{ID: "d1"}})
	adeles := o.Users()[adele].ID
	o.refused(404, "mysite not found", "GET", "/users/"+adele+"/drive", "")
	root := o.graph("GET", "/drives/d1/root?$select=id", "").json(t)["id"].(string)
	items := "/drives/d1/items/" + root
	invite := func(role string) reply {
		return o.graph("POST", items+"/invite", `{"recipients":[{"objectId":"`+adeles+`"}],"roles":["`+role+`"]}`)
	}
	for _, dead := range []string{"silent", "accessDenied"} {
		o.Configure(graphsim.Settings{DeadInvitations: dead})
		require.Equal(t, 200, invite("write").status)
		assert.Empty(t, o.list(items+"/permissions"))
	}
	o.Configure(graphsim.Settings{})
	assert.Equal(t, "Invalid value for role", invite("owner").message(t))
	require.Equal(t, 200, invite("write").status)
	assert.Len(t, o.list(items+"/permissions"), 1)
}

func TestANumberIsTakenAwayByAnOperation(t *testing.T) {
	t.Parallel()
	o, id := holding(t, graphsim.Holdings{Numbers: []graphsim.PhoneNumber{{Number: "+15550100"}}})
	list := func() []any { return o.list(numbers + where("assignmentTargetId eq '"+id+"'")) }
	o.Configure(graphsim.Settings{CapitalNumbers: true, NumbersTake: leaver.Duration(time.Hour)})
	assert.Equal(t, "DirectRouting", list()[0].(map[string]any)["numberType"])
	body := `{"telephoneNumber":"+15550100","numberType":"directRouting"}`
	o.refused(400, "'DirectRouting' was not found", "POST", numbers+"/unassignNumber", `{"telephoneNumber":"+15550100","numberType":"DirectRouting"}`)
	r := o.graph("POST", numbers+"/unassignNumber", body)
	require.Equal(t, 202, r.status)
	operation := r.header.Get("Location")[len("https://graph.microsoft.com/v1.0"):]
	status := func() any { return o.graph("GET", operation, "").json(t)["status"] }
	assert.Equal(t, "running", status())
	assert.Len(t, list(), 1)
	o.Configure(graphsim.Settings{})
	assert.Equal(t, "succeeded", status())
	assert.Empty(t, list())
	o.refused(400, "not assigned", "POST", numbers+"/unassignNumber", body)
}
