package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

const (
	directory = "/roleManagement/directory/"
	exchange  = "29232cdf-9323-42fd-ade2-1d097af3e4de"
)

// withRoles is a tenant where Lee has roles, and Megan is a Global Administrator.
func withRoles(t *testing.T, roles ...graphsim.Role) (*office, string) {
	t.Helper()
	o := newOffice(t, nil)
	user := o.Users()[megan]
	user.Roles = []graphsim.Role{{ID: "m1"}}
	o.Add(user)
	return o, o.Add(graphsim.User{UserPrincipalName: lee, Holdings: graphsim.Holdings{Roles: roles}})
}

func (o *office) roles(list, id string) []any {
	o.t.Helper()
	return o.list(directory + list + where("principalId eq '"+id+"'"))
}

func adminRemove(id, role, scope string) string {
	return `{"action":"adminRemove","principalId":"` + id + `","roleDefinitionId":"` + role + `","directoryScopeId":"` + scope + `","justification":"x"}`
}

func TestEachRoleStandsInItsLists(t *testing.T) {
	t.Parallel()
	o, id := withRoles(t, graphsim.Role{ID: "r1", RoleDefinitionID: exchange}, graphsim.Role{ID: "r2", Managed: true, Activated: time.Now()},
		graphsim.Role{ID: "r3", Managed: true, Later: true}, graphsim.Role{ID: "r4", Eligible: true, DirectoryScopeID: "/administrativeUnits/u1", MemberType: "Group"})
	assert.Len(t, o.roles("roleAssignments", id), 2)
	assert.Len(t, o.roles("roleAssignmentSchedules", id), 2)
	eligible := o.roles("roleEligibilitySchedules", id)[0].(map[string]any)
	assert.Equal(t, []any{"/administrativeUnits/u1", "Group", graphsim.GlobalAdministrator}, []any{eligible["directoryScopeId"], eligible["memberType"], eligible["roleDefinitionId"]})
	assert.Len(t, o.list(directory+"roleAssignments"+where("roleDefinitionId eq '"+graphsim.GlobalAdministrator+"'")), 2, "Lee's and Megan's")
	assert.NotEmpty(t, o.list(directory+"roleDefinitions?$select=id,displayName"))
	assert.Equal(t, 400, o.graph("GET", directory+"roleAssignments", "").status)
}

func TestARoleOfAGroupIsTheGroups(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.Add(graphsim.User{UserPrincipalName: lee, Memberships: []graphsim.Membership{{ID: "g1", Name: "Admins", IsAssignableToRole: true, Roles: []graphsim.Role{{ID: "r1"}}}}})
	assert.Empty(t, o.roles("roleAssignments", id))
	assert.Len(t, o.roles("roleAssignments", "g1"), 1)
	group := o.AddGroup(graphsim.Group{IsAssignableToRole: true, Members: []string{id}, Roles: []graphsim.Role{{}}})
	assert.Empty(t, o.roles("roleAssignments", id))
	assert.Len(t, o.roles("roleAssignments", group), 1)
}

func TestARoleIsDeletedByItsIDAndTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	o, _ := withRoles(t, graphsim.Role{ID: "r1"}, graphsim.Role{ID: "r2", RoleDefinitionID: exchange})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	id := o.Users()[lee].ID
	assert.Equal(t, 204, o.graph("DELETE", directory+"roleAssignments/r1", "").status)
	assert.Len(t, o.roles("roleAssignments", id), 2, "the list lags")
	assert.Equal(t, 404, o.graph("DELETE", directory+"roleAssignments/r1", "").status)
	o.Configure(graphsim.Settings{})
	assert.Len(t, o.roles("roleAssignments", id), 1)
	assert.Equal(t, []graphsim.Role{{ID: "r2", RoleDefinitionID: exchange, DirectoryScopeID: "/", MemberType: "Direct"}}, o.Users()[lee].Roles)
	last := o.graph("DELETE", directory+"roleAssignments/m1", "")
	assert.Equal(t, []any{400, "Request_BadRequest"}, []any{last.status, last.code(t)})

	o.Add(graphsim.User{ID: graphsim.SignedIn, UserPrincipalName: "admin@contoso.com", Holdings: graphsim.Holdings{Roles: []graphsim.Role{{ID: "s1"}}}})
	o.token = o.Token(graphsim.Delegated)
	assert.Contains(t, o.graph("DELETE", directory+"roleAssignments/s1", "").message(t), "Removing self from Global Administrator")
}

func TestPIMRemovesByRoleAndScope(t *testing.T) {
	t.Parallel()
	const requests, eligible = directory + "roleAssignmentScheduleRequests", directory + "roleEligibilityScheduleRequests"
	o, id := withRoles(t, graphsim.Role{ID: "r1", Eligible: true}, graphsim.Role{ID: "r2", Eligible: true, DirectoryScopeID: "/administrativeUnits/u1"}, graphsim.Role{ID: "r3", Managed: true, RoleDefinitionID: exchange})
	r := o.graph("POST", eligible, adminRemove(id, graphsim.GlobalAdministrator, "/"))
	requested := o.Requests()
	assert.Equal(t, id, requested[len(requested)-1].UserID, "who is meant is known")
	assert.Equal(t, []any{201, "Revoked", nil}, []any{r.status, r.json(t)["status"], r.json(t)["completedDateTime"]})
	assert.Equal(t, "RoleAssignmentDoesNotExist", o.graph("POST", eligible, adminRemove(id, graphsim.GlobalAdministrator, "/")).code(t))
	assert.Equal(t, "RoleAssignmentDoesNotExist", o.graph("POST", requests, adminRemove(id, graphsim.GlobalAdministrator, "/administrativeUnits/u1")).code(t), "it is eligible")
	assert.Equal(t, 400, o.graph("POST", requests, `{"action":"adminAssign"}`).status)
	assert.Len(t, o.Users()[lee].Roles, 2)

	o.Configure(graphsim.Settings{DeniesRemovals: true})
	assert.Equal(t, "RoleAssignmentDoesNotExist", o.graph("POST", requests, adminRemove(id, exchange, "/")).code(t))
	assert.Len(t, o.Users()[lee].Roles, 1, "it is removed all the same")

	o, id = withRoles(t, graphsim.Role{ID: "r1", Managed: true, Activated: time.Now()}, graphsim.Role{ID: "r2", Eligible: true, Pending: true})
	assert.Equal(t, "ActiveDurationTooShort", o.graph("POST", requests, adminRemove(id, graphsim.GlobalAdministrator, "/")).code(t))
	assert.Equal(t, "PendingRoleAssignmentRequest", o.graph("POST", eligible, adminRemove(id, graphsim.GlobalAdministrator, "/")).code(t))

	o.Configure(graphsim.Settings{NoPremium: true})
	for _, list := range []string{"roleEligibilitySchedules", "roleAssignmentSchedules"} {
		r := o.graph("GET", directory+list+where("principalId eq '"+id+"'"), "")
		assert.Equal(t, []any{400, "AadPremiumLicenseRequired"}, []any{r.status, r.code(t)})
	}
	assert.Len(t, o.roles("roleAssignments", id), 1)
}
