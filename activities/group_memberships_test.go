package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var leavingGroups = each{leaver.ActivityListGroupMemberships, leaver.ActivityRemoveGroupMembership}

// withGroups is Adele and Megan, who are members of each group, and a step for Adele.
func withGroups(t *testing.T, groups ...graphsim.Group) (s *stage, request leaver.StepRequest, ids []string) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}, {UserPrincipalName: megan, AccountEnabled: true}})
	for _, group := range groups {
		group.Members = append(group.Members, s.id(adele), s.id(megan))
		ids = append(ids, s.AddGroup(group))
	}
	return s, leaver.StepRequest{UserID: s.id(adele)}, ids
}

var (
	security = graphsim.Group{DisplayName: "Sales", SecurityEnabled: true, AssignedLicenses: []string{"05e9a617-0261-4cee-bb44-138d3ef5d965"}}
	team     = graphsim.Group{DisplayName: "Fair 2026", GroupTypes: []string{"Unified"}, MailEnabled: true, Team: true}
)

func TestTheLeaverLeavesGroupsAndTeamsAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	unified := graphsim.Group{DisplayName: "Press", GroupTypes: []string{"Unified"}, MailEnabled: true}
	s, request, ids := withGroups(t, security, team, unified, graphsim.Group{DisplayName: "Admins", IsAssignableToRole: true})
	other := s.AddGroup(graphsim.Group{DisplayName: "Others", Members: []string{s.id(megan)}})
	s.change(func(user *graphsim.User) {
		user.Memberships = []graphsim.Membership{{ID: "0f1e2d3c-0042-4222-8333-444455556666", Role: true}}
	})
	items := leavingGroups.lists(t, s, request).Items
	require.Len(t, items, 4, "a directory role is no group")
	assert.Equal(t, leaver.Item{ID: ids[0], Name: "Sales", Kind: "group", Detail: "it gives licences, which end with the membership",
		Before: map[string]string{"groupTypes": "", "isAssignableToRole": "false", "assignedLicenses": "05e9a617-0261-4cee-bb44-138d3ef5d965"}}, items[0])
	assert.Equal(t, "team", items[1].Kind)
	assert.Equal(t, "Unified", items[2].Before["groupTypes"])
	assert.Contains(t, items[3].Detail, "RoleManagement.ReadWrite.Directory")
	for _, item := range items {
		changed := leavingGroups.changed(t, s, 1, request, item)
		assertItem(t, changed, leaver.Done, "the membership is removed")
		assert.Equal(t, item.Before, changed.Before)
	}
	for _, id := range append(ids, other) {
		assert.Equal(t, []string{s.id(megan)}, s.Groups()[id].Members)
	}
	assert.Equal(t, 4, s.accepted())
	assert.Equal(t, leaver.StepResult{Detail: "the leaver is a member of no group"}, leavingGroups.lists(t, s, request))
	request.Items = items[:1]
	assertItem(t, leavingGroups.lists(t, s, request).Items[0], leaver.Done, "the membership is removed")
	assertItem(t, leavingGroups.changed(t, s, 1, request, items[0]), leaver.Done, "the membership is removed")
	assert.Equal(t, 4, s.accepted())
	assert.False(t, s.Users()[adele].Deleted)
}

func TestAGroupThatIsRuledElsewhereStaysAndTheListSaysWhoCanChangeIt(t *testing.T) {
	t.Parallel()
	type row struct {
		group graphsim.Group
		says  string
	}
	table(t, map[string]row{
		"dynamic":               {graphsim.Group{GroupTypes: []string{"DynamicMembership"}, MembershipRule: "user.accountEnabled -eq true"}, "changes the rule in Entra"},
		"a dynamic team":        {graphsim.Group{GroupTypes: []string{"Unified", "DynamicMembership"}, MailEnabled: true, Team: true}, "changes the rule in Entra"},
		"synchronised":          {graphsim.Group{OnPremisesSyncEnabled: true}, "an administrator changes it in Active Directory"},
		"distribution list":     {graphsim.Group{MailEnabled: true}, "Exchange admin center"},
		"mail-enabled security": {graphsim.Group{MailEnabled: true, SecurityEnabled: true}, "Exchange admin center"},
		"synchronised list":     {graphsim.Group{MailEnabled: true, OnPremisesSyncEnabled: true}, "Active Directory"},
	}, func(t *testing.T, c row) {
		s, request, ids := withGroups(t, c.group)
		items := leavingGroups.lists(t, s, request).Items
		require.Len(t, items, 1)
		assertItem(t, items[0], leaver.Failed, c.says)
		assert.Empty(t, items[0].Failure, "nobody can decide about it here")
		_, err := leavingGroups.changes(t, s, 1, request, items[0])
		assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), c.says)
		assert.Empty(t, s.writes())
		assert.Len(t, s.Groups()[ids[0]].Members, 2)
	})
}

func TestAGroupWhoseKindIsHiddenIsAQuestion(t *testing.T) {
	t.Parallel()
	s, request, _ := withGroups(t, security)
	s.Fail(graphsim.Fault{Path: "/memberOf", Row: `{"@odata.type":"#microsoft.graph.group","id":"0f1e2d3c-0043-4222-8333-444455556666","groupTypes":null}`, Times: -1})
	items := leavingGroups.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Equal(t, leaver.GraphForbidden, items[0].Failure)
	assert.Contains(t, items[0].Detail, "GroupMember.Read.All")
	_, err := leavingGroups.changes(t, s, 1, request, items[0])
	final(t, s, err, leaver.GraphForbidden)
	assert.Empty(t, s.writes())
}

// A DELETE of a member by another group answers 404, which must not be taken for done.
func TestAMembershipByAnotherGroupIsToldAndNeverTakenForRemoved(t *testing.T) {
	t.Parallel()
	s, request, ids := withGroups(t, graphsim.Group{DisplayName: "Inner"}, graphsim.Group{DisplayName: "Rule", GroupTypes: []string{"DynamicMembership"}})
	outer := s.AddGroup(graphsim.Group{DisplayName: "Outer", Members: []string{ids[0]}})
	both := s.AddGroup(graphsim.Group{DisplayName: "Both", Members: []string{ids[1], s.id(adele)}})
	items := leavingGroups.lists(t, s, request).Items
	require.Len(t, items, 4)
	assert.Equal(t, []string{ids[0], ids[1], both, outer + "/nested"}, []string{items[0].ID, items[1].ID, items[2].ID, items[3].ID})
	assertItem(t, items[3], leaver.Failed, "by another group alone")
	assert.Equal(t, "Outer", items[3].Name)
	_, err := leavingGroups.changes(t, s, 1, request, items[3])
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "by another group alone")
	assert.Empty(t, s.writes())

	assertItem(t, leavingGroups.changed(t, s, 1, request, items[2]), leaver.Done, "another group makes the leaver a member still")
	assertItem(t, leavingGroups.changed(t, s, 1, request, items[0]), leaver.Done, "the membership is removed")
	request.Items = items
	ended := map[string]leaver.Outcome{}
	for _, item := range leavingGroups.lists(t, s, request).Items {
		ended[item.ID] = item.Outcome
	}
	assert.Equal(t, map[string]leaver.Outcome{ids[0]: leaver.Done, outer + "/nested": leaver.Done, both: leaver.Done, ids[1]: leaver.Failed, both + "/nested": leaver.Failed}, ended)
	assert.Equal(t, []string{ids[0]}, s.Groups()[outer].Members, "no group is taken out of a group")
}

func TestANestedMembershipThatOutlivesTheOtherGroupIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s, request, ids := withGroups(t, graphsim.Group{DisplayName: "Inner"})
	s.AddGroup(graphsim.Group{DisplayName: "Outer", Members: []string{ids[0]}})
	item := leavingGroups.lists(t, s, request).Items[0]
	s.front.HandleFunc("GET "+graphsim.GraphPath+"/v1.0/users/{id}/memberOf", says(`{"value":[]}`))
	_, err := call[leaver.StepResult](t, s, 1, leavingGroups.list, request)
	assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "Member.Read.Hidden")
	_, err = leavingGroups.changes(t, s, 1, request, item)
	waiting(t, s, err, leaver.GraphUnavailable)
	assert.Empty(t, s.writes(), "the membership is there still, whatever one list says")
}

func TestAMembershipThatIsListedStillIsNotDone(t *testing.T) {
	t.Parallel()
	for _, group := range []graphsim.Group{security, team} {
		s, request, ids := withGroups(t, group)
		item := leavingGroups.lists(t, s, request).Items[0]
		s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
		for number := range int32(2) {
			_, err := leavingGroups.changes(t, s, number+1, request, item)
			waiting(t, s, err, leaver.GraphUnavailable)
		}
		assert.Equal(t, []string{s.id(megan)}, s.Groups()[ids[0]].Members)
		s.Configure(graphsim.Settings{})
		assertItem(t, leavingGroups.changed(t, s, 3, request, item), leaver.Done, "the membership is removed")
	}
}

func TestAMembershipWhoseRemovalLostItsAnswerIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	for _, group := range []graphsim.Group{security, team} {
		s, request, _ := withGroups(t, group)
		item := leavingGroups.lists(t, s, request).Items[0]
		s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
		_, err := leavingGroups.changes(t, s, 1, request, item)
		waiting(t, s, err, leaver.GraphUnavailable)
		assertItem(t, leavingGroups.changed(t, s, 2, request, item), leaver.Done, "the membership is removed")
		assert.Equal(t, 1, s.accepted())
	}
}

func TestTheLastOwnerOfATeamStaysUntilSomebodyElseOwnsIt(t *testing.T) {
	t.Parallel()
	s, request, ids := withGroups(t, team)
	owned := s.Groups()[ids[0]]
	owned.Owners = []string{s.id(adele), "0f1e2d3c-0044-4222-8333-444455556666"} // a service principal is no other owner
	s.AddGroup(owned)
	item := leavingGroups.lists(t, s, request).Items[0]
	_, err := leavingGroups.changes(t, s, 1, request, item)
	says := final(t, s, err, leaver.InvalidRequest).Message()
	assert.Contains(t, says, "last owner of the team")
	assert.Contains(t, says, leaver.StepRemoveGroupOwnerships)
	assert.Empty(t, s.writes())
	owned.Owners = []string{s.id(adele), s.id(megan)}
	s.AddGroup(owned)
	assertItem(t, leavingGroups.changed(t, s, 2, request, item), leaver.Done, "")
	assert.Equal(t, []string{s.id(megan)}, s.Groups()[ids[0]].Owners)
}

func TestTheGroupThatBlocksTheLeaverStays(t *testing.T) {
	t.Parallel()
	s, request, ids := withGroups(t, security, graphsim.Group{DisplayName: "Blocked"})
	request.Results = map[string]leaver.StepResult{leaver.StepAddToBlockGroup: {Outcome: leaver.Done, Items: []leaver.Item{{ID: ids[1]}}}}
	items := leavingGroups.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Empty(t, items[0].Outcome)
	assertItem(t, items[1], leaver.Skipped, "blocks the leaver's access")
}

func TestARefusalOfAMembershipNamesThePermission(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"group": "RoleManagement.ReadWrite.Directory", "team": "TeamMember.ReadWrite.All"} {
		s, request, ids := withGroups(t, map[string]graphsim.Group{"group": {IsAssignableToRole: true}, "team": team}[kind])
		item := leavingGroups.lists(t, s, request).Items[0]
		s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
		_, err := leavingGroups.changes(t, s, 1, request, item)
		assert.Contains(t, final(t, s, err, leaver.GraphForbidden).Message(), want)
		assert.Len(t, s.Groups()[ids[0]].Members, 2)
	}
}

func TestTheMembershipsOfADeletedLeaverAreNotAsked(t *testing.T) {
	t.Parallel()
	s, request, _ := withGroups(t, security)
	item := leavingGroups.lists(t, s, request).Items[0]
	s.change(func(user *graphsim.User) { user.Deleted = true })
	assert.Equal(t, leaver.StepResult{Detail: "the account is deleted"}, leavingGroups.lists(t, s, request))
	assertItem(t, leavingGroups.changed(t, s, 1, request, item), leaver.Skipped, "deleted")
	assert.Empty(t, s.writes())
}
