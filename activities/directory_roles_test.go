package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	exchangeAdministrator = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	userAdministrator     = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	unit                  = "/administrativeUnits/0e1f0000-0000-4000-8000-000000000009"
)

var roles = each{leaver.ActivityListDirectoryRoles, leaver.ActivityRemoveDirectoryRole}

// withRoles is Adele with roles, and Megan, who is a Global Administrator and may be another.
func withRoles(t *testing.T, held ...graphsim.Role) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, DisplayName: "Adele Vance", Holdings: graphsim.Holdings{Roles: held}},
		{UserPrincipalName: megan, AccountEnabled: true, Holdings: graphsim.Holdings{Roles: []graphsim.Role{{ID: "m1"}, {ID: "m2", Eligible: true, RoleDefinitionID: userAdministrator}}}}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

// held are Adele's roles by their ids.
func (s *stage) held() (ids []string) {
	for _, r := range s.Users()[adele].Roles {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestEveryKindOfRoleIsTakenAwayInItsScope(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1"}, graphsim.Role{ID: "r2", RoleDefinitionID: userAdministrator, DirectoryScopeID: unit},
		graphsim.Role{ID: "r3", RoleDefinitionID: exchangeAdministrator, Managed: true}, graphsim.Role{ID: "r4", RoleDefinitionID: userAdministrator, Managed: true, Later: true},
		graphsim.Role{ID: "r5", RoleDefinitionID: userAdministrator, Eligible: true}, graphsim.Role{ID: "r6", RoleDefinitionID: userAdministrator, DirectoryScopeID: unit, Eligible: true})
	items := roles.does(t, s, request)
	require.Len(t, items, 6)
	var kinds []string
	for _, item := range items {
		assertItem(t, item, leaver.Done, "the role is taken away")
		kinds = append(kinds, item.Kind)
	}
	assert.Equal(t, []string{"role", "role", "scheduledRole", "scheduledRole", "eligibleRole", "eligibleRole"}, kinds)
	assert.Equal(t, "Global Administrator", items[0].Name)
	assert.Equal(t, map[string]string{"roleDefinitionId": userAdministrator, "directoryScopeId": unit, "memberType": "Direct", "startDateTime": "2026-01-01T00:00:00Z"}, items[5].Before)
	assert.Empty(t, s.held())
	assert.Len(t, s.Users()[megan].Roles, 2, "nobody else's")
	assert.Equal(t, 6, s.accepted())

	request.UserID = adele // a name names the same user
	assert.Equal(t, leaver.StepResult{Detail: "the leaver holds no directory role, and may activate none"}, roles.lists(t, s, request))
	s.change(func(u *graphsim.User) { u.Roles = []graphsim.Role{{ID: "r7"}, {ID: "r8", Eligible: true}} })
	assert.Len(t, roles.does(t, s, request), 2)
	assert.Empty(t, s.held())
}

func TestTheLastGlobalAdministratorKeepsTheRole(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*graphsim.User){
		"nobody else":          func(u *graphsim.User) { u.Roles = []graphsim.Role{} },
		"one who is disabled":  func(u *graphsim.User) { u.AccountEnabled = false },
		"one who may activate": func(u *graphsim.User) { u.Roles = []graphsim.Role{{ID: "m1", Eligible: true}} },
		"one in a unit":        func(u *graphsim.User) { u.Roles = []graphsim.Role{{ID: "m1", DirectoryScopeID: unit}} },
		"a group": func(u *graphsim.User) {
			u.Roles = []graphsim.Role{}
			u.Memberships = []graphsim.Membership{{ID: group, Roles: []graphsim.Role{{ID: "g1"}}}}
		},
	} {
		s, request := withRoles(t, graphsim.Role{ID: "r1"}, graphsim.Role{ID: "r2", RoleDefinitionID: exchangeAdministrator})
		other := s.Users()[megan]
		change(&other)
		s.Add(other)
		items := roles.lists(t, s, request).Items
		require.Len(t, items, 2, name)
		assert.Equal(t, []any{leaver.Failed, leaver.GraphBadRequest}, []any{items[0].Outcome, items[0].Failure}, name)
		assert.Contains(t, items[0].Detail, "give the role to somebody first")
		_, err := roles.changes(t, s, 1, request, items[0])
		final(t, s, err, leaver.GraphBadRequest)
		assert.Equal(t, leaver.Done, roles.changed(t, s, 1, request, items[1]).Outcome)
		assert.Equal(t, []string{"r1"}, s.held(), name)
	}
}

// Somebody else has taken the role from the other administrator meanwhile.
func TestGraphsOwnRefusalOfTheLastAdministratorIsForAPerson(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1"})
	open := roles.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "DELETE", Status: 400, Code: "Request_BadRequest", Message: "Removing self from Global Administrator built-in role is not allowed."})
	_, err := roles.changes(t, s, 1, request, open)
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "nobody takes the own role away")
	assert.Equal(t, []string{"r1"}, s.held())
}

func TestARoleOfAGroupGoesWithTheMembership(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t)
	s.change(func(u *graphsim.User) {
		u.Memberships = []graphsim.Membership{{ID: group, Name: "Admins", IsAssignableToRole: true, Roles: []graphsim.Role{{ID: "g1"}, {ID: "g2", Eligible: true}}}, {ID: "g9", Name: "Sales"}}
	})
	items := roles.lists(t, s, request).Items
	require.Len(t, items, 2)
	for _, item := range items {
		assertItem(t, item, leaver.Failed, "removeGroupMemberships")
		assert.Equal(t, []string{"groupRole", "Global Administrator by the group Admins"}, []string{item.Kind, item.Name})
	}
	request.Items = items
	s.change(func(u *graphsim.User) { u.Memberships = nil })
	for _, item := range roles.lists(t, s, request).Items {
		assertItem(t, item, leaver.Done, "the role is taken away")
	}
	assert.Empty(t, s.writes())

	s.change(func(u *graphsim.User) { u.Roles = []graphsim.Role{{ID: "r1", Eligible: true, MemberType: "Group"}} })
	request.Items = nil
	assertItem(t, roles.lists(t, s, request).Items[0], leaver.Failed, "removeGroupMemberships")
}

func TestWithoutALicenceForPIMTheActiveRolesAreTakenAway(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1", RoleDefinitionID: exchangeAdministrator})
	s.Configure(graphsim.Settings{NoPremium: true})
	items := roles.does(t, s, request)
	require.Len(t, items, 2)
	assertItem(t, items[0], leaver.Done, "taken away")
	assertItem(t, items[1], leaver.Skipped, "not licensed")
	assert.Empty(t, s.held())

	s.Fail(graphsim.Fault{Path: "/roleEligibilitySchedules", Status: 503, Times: -1})
	_, err := call[leaver.StepResult](t, s, 1, roles.list, request)
	waiting(t, s, err, leaver.GraphUnavailable)
}

func TestARemovalThatPIMDeniesIsSeenInTheLists(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1", RoleDefinitionID: exchangeAdministrator, Managed: true}, graphsim.Role{ID: "r2", RoleDefinitionID: exchangeAdministrator, Eligible: true})
	s.Configure(graphsim.Settings{DeniesRemovals: true})
	for _, item := range roles.does(t, s, request) {
		assertItem(t, item, leaver.Done, "taken away")
	}
	assert.Empty(t, s.held())
}

func TestAPIMRequestThatCannotBeMadeYetIsMadeLater(t *testing.T) {
	t.Parallel()
	for says, role := range map[string]graphsim.Role{
		"less than five minutes ago": {ID: "r1", RoleDefinitionID: exchangeAdministrator, Managed: true, Activated: time.Now()},
		"is open in Privileged":      {ID: "r1", RoleDefinitionID: exchangeAdministrator, Eligible: true, Pending: true},
	} {
		s, request := withRoles(t, role)
		_, err := roles.changes(t, s, 1, request, roles.lists(t, s, request).Items[0])
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), says)
		assert.Len(t, s.held(), 1)
	}
}

func TestARoleIsDoneOnlyOnceTheListsShowIt(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]graphsim.Role{"active": {ID: "r1"}, "managed": {ID: "r1", Managed: true}, "eligible": {ID: "r1", Eligible: true}} {
		s, request := withRoles(t, role)
		s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
		open := roles.lists(t, s, request).Items[0]
		for n := range 2 {
			_, err := roles.changes(t, s, int32(n+1), request, open)
			waiting(t, s, err, leaver.GraphUnavailable)
			assert.Empty(t, s.held(), name)
		}
		s.Configure(graphsim.Settings{})
		assert.Equal(t, leaver.Done, roles.changed(t, s, 3, request, open).Outcome, name)
		assert.Equal(t, 1, s.accepted(), name)
	}
}

func TestARoleWhoseRemovalLostItsAnswerIsDone(t *testing.T) {
	t.Parallel()
	for method, role := range map[string]graphsim.Role{"DELETE": {ID: "r1"}, "POST": {ID: "r1", Eligible: true}} {
		s, request := withRoles(t, role)
		open := roles.lists(t, s, request).Items[0]
		s.Fail(graphsim.Fault{Method: method, Cut: true})
		_, err := roles.changes(t, s, 1, request, open)
		waiting(t, s, err, leaver.GraphUnavailable)
		assertItem(t, roles.changed(t, s, 2, request, open), leaver.Done, "taken away")
		assert.Equal(t, 1, len(s.writes()), method)
	}
}

func TestARoleThatMayNotBeRemovedNamesThePermission(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1", RoleDefinitionID: exchangeAdministrator})
	open := roles.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Authorization_RequestDenied"})
	_, err := roles.changes(t, s, 1, request, open)
	assert.Contains(t, final(t, s, err, leaver.GraphForbidden).Message(), "RoleManagement.ReadWrite.Directory")
}

// A group has nothing to do with the removal of the leaver's own role.
func TestTheRolesOfGroupsAreReadForTheListAlone(t *testing.T) {
	t.Parallel()
	s, request := withRoles(t, graphsim.Role{ID: "r1"})
	for range 15 {
		s.AddGroup(graphsim.Group{SecurityEnabled: true, IsAssignableToRole: true, Members: []string{s.id(adele)}, Roles: []graphsim.Role{{RoleDefinitionID: exchangeAdministrator}}})
	}
	items := roles.lists(t, s, request).Items
	require.Len(t, items, 16)
	before := len(s.Requests())
	assertItem(t, roles.changed(t, s, 1, request, items[0]), leaver.Done, "taken away")
	assert.Less(t, len(s.Requests())-before, 15)
}
