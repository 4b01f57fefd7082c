package graphsim_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// linked is the path of a member or an owner of a group, and body what a link to one says.
func linked(group, relation, id string) string {
	return "/groups/" + group + "/" + relation + "/" + id + "/$ref"
}

func linkTo(id string) string {
	return `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + id + `"}`
}

func TestAMemberIsRemovedOnceAndAMemberByAnotherGroupNotAtAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	inner := o.AddGroup(graphsim.Group{DisplayName: "Inner", Members: []string{id}})
	outer := o.AddGroup(graphsim.Group{DisplayName: "Outer", Members: []string{inner}})
	o.AddGroup(graphsim.Group{ID: outer, DisplayName: "Outer", Members: []string{inner, o.Users()[adele].ID}})
	in := func() []any {
		r := o.graph("POST", "/users/"+id+"/checkMemberGroups", `{"groupIds":["`+inner+`","`+outer+`"]}`)
		return r.json(t)["value"].([]any)
	}
	assert.Equal(t, []any{inner, outer}, in())
	assert.Len(t, o.list("/users/"+id+"/memberOf"), 1)
	assert.Len(t, o.list("/users/"+id+"/transitiveMemberOf"), 2)
	o.refused(404, "does not exist", "DELETE", linked(outer, "members", id), "")

	require.Equal(t, 204, o.graph("DELETE", linked(inner, "members", id), "").status)
	o.refused(404, "does not exist", "DELETE", linked(inner, "members", id), "")
	assert.Empty(t, in())
	assert.Equal(t, []string{inner, o.Users()[adele].ID}, o.Groups()[outer].Members)
	require.Equal(t, 204, o.graph("POST", "/groups/"+inner+"/members/$ref", linkTo(id)).status)
	o.refused(400, "One or more added object references already exist for the following modified properties: 'members'.", "POST", "/groups/"+inner+"/members/$ref", linkTo(id))
	o.refused(400, "Invalid value", "POST", "/users/"+id+"/checkMemberGroups", `{}`)
}

func TestAGroupThatIsRuledElsewhereRefusesARemoval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group  graphsim.Group
		status int
		says   string
	}{
		"dynamic":         {graphsim.Group{GroupTypes: []string{"DynamicMembership"}}, 403, "Insufficient privileges"},
		"synchronised":    {graphsim.Group{OnPremisesSyncEnabled: true}, 400, "on-premises mastered Directory Sync objects"},
		"mail-enabled":    {graphsim.Group{MailEnabled: true, SecurityEnabled: true}, 400, "Cannot Update a mail-enabled security groups and or distribution list."},
		"role-assignable": {graphsim.Group{IsAssignableToRole: true}, 403, "Insufficient privileges"},
	} {
		o := newOffice(t, nil)
		id := o.lee()
		c.group.Members = []string{id}
		group := o.AddGroup(c.group)
		o.token = o.Token(graphsim.Application, "GroupMember.ReadWrite.All")
		o.refused(c.status, c.says, "DELETE", linked(group, "members", id), "")
		assert.Equal(t, []string{id}, o.Groups()[group].Members, name)
	}
	o := newOffice(t, nil)
	id := o.lee()
	group := o.AddGroup(graphsim.Group{IsAssignableToRole: true, Members: []string{id}})
	unified := o.AddGroup(graphsim.Group{MailEnabled: true, GroupTypes: []string{"Unified"}, Members: []string{id}})
	o.token = o.Token(graphsim.Application, "GroupMember.ReadWrite.All", "RoleManagement.ReadWrite.Directory")
	assert.Equal(t, 204, o.graph("DELETE", linked(group, "members", id), "").status)
	assert.Equal(t, 204, o.graph("DELETE", linked(unified, "members", id), "").status)
}

func TestReadsOfGroupsLagAndAnotherRemovalIsA400(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	group := o.AddGroup(graphsim.Group{Members: []string{id}, Owners: []string{id}})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	require.Equal(t, 204, o.graph("DELETE", linked(group, "members", id), "").status)
	assert.Empty(t, o.Groups()[group].Members)
	assert.Len(t, o.list("/users/"+id+"/memberOf"), 1)
	o.refused(400, "One or more removed object references do not exist for the following modified properties: 'members'.", "DELETE", linked(group, "members", id), "")

	require.Equal(t, 204, o.graph("POST", "/groups/"+group+"/owners/$ref", linkTo(o.Users()[megan].ID)).status)
	o.refused(400, "The group must have at least one owner, hence this owner cannot be removed.", "DELETE", linked(group, "owners", id), "")
	o.Configure(graphsim.Settings{})
	require.Equal(t, 204, o.graph("DELETE", linked(group, "owners", id), "").status)
	assert.Equal(t, []string{o.Users()[megan].ID}, o.Groups()[group].Owners)
}

func TestAServicePrincipalIsNoOtherOwner(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	const app = "0f1e2d3c-aaaa-4222-8333-444455556666"
	group := o.AddGroup(graphsim.Group{Owners: []string{id, app}})
	o.refused(400, "must have at least one owner", "DELETE", linked(group, "owners", id), "")
	assert.Equal(t, "#microsoft.graph.servicePrincipal", o.list("/groups/" + group + "/owners")[1].(map[string]any)["@odata.type"])
	roles := o.AddGroup(graphsim.Group{Owners: []string{id}, IsAssignableToRole: true})
	assert.Equal(t, 204, o.graph("DELETE", linked(roles, "owners", id), "").status)
	assert.Len(t, o.list("/users/"+id+"/ownedObjects"), 1)
}

// The trap that the client must not fall into.
func TestWithoutTheReferenceTheUserIsDeleted(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	group := o.AddGroup(graphsim.Group{Members: []string{id}})
	require.Equal(t, 204, o.graph("DELETE", "/groups/"+group+"/members/"+id, "").status)
	assert.True(t, o.Users()[lee].Deleted)
}

func TestATeamsMemberLeavesItsPrivateChannelsAndStaysInTheSharedOnes(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.lee()
	other := o.Users()[megan].ID
	team := o.AddGroup(graphsim.Group{Team: true, GroupTypes: []string{"Unified"}, MailEnabled: true, Members: []string{id, other}, Owners: []string{id}, Channels: []graphsim.Channel{
		{MembershipType: "private", Members: []string{id, other}, Owners: []string{other}}, {MembershipType: "shared", Members: []string{id}, Owners: []string{other}}}})
	members := "/teams/" + team + "/members"
	mine := func() []any {
		return o.list(members + where("(microsoft.graph.aadUserConversationMember/userId eq '"+id+"')"))
	}
	membership := mine()[0].(map[string]any)
	assert.Equal(t, []any{"owner"}, membership["roles"])
	path := members + "/" + url.PathEscape(membership["id"].(string))
	o.refused(400, "last owner", "DELETE", path, "")
	require.Equal(t, 201, o.graph("POST", members, `{"@odata.type":"#microsoft.graph.aadUserConversationMember","roles":["owner"],"user@odata.bind":"https://graph.microsoft.com/v1.0/users('`+other+`')"}`).status)
	all := o.token
	o.token = o.Token(graphsim.Application, "TeamMember.ReadWriteNonOwnerRole.All")
	o.refused(403, "owners", "DELETE", path, "")
	o.token = all
	require.Equal(t, 204, o.graph("DELETE", path, "").status)
	o.refused(404, "not found", "DELETE", path, "")
	assert.Empty(t, mine())
	left := o.Groups()[team]
	assert.Equal(t, [][]string{{other}, {other}, {other}, {id}}, [][]string{left.Members, left.Owners, left.Channels[0].Members, left.Channels[1].Members})
	assert.Len(t, o.list("/users/"+id+"/teamwork/associatedTeams"), 1, "it hosts the shared channel")

	channel := left.Channels[1].ID
	in := "/teams/" + team + "/channels/" + url.PathEscape(channel) + "/members"
	assert.Len(t, o.list("/teams/"+team+"/channels"), 3)
	membership = o.list(in)[0].(map[string]any)
	require.Equal(t, 204, o.graph("DELETE", in+"/"+url.PathEscape(membership["id"].(string)), "").status)
	assert.Empty(t, o.list("/users/"+id+"/teamwork/associatedTeams"))
	o.refused(404, "No team found", "GET", "/teams/"+o.AddGroup(graphsim.Group{})+"/members", "")
}

func TestAnEligibilityForAGroupEndsWhereItIsTheUsersOwn(t *testing.T) {
	t.Parallel()
	const group, byGroup = "0f1e2d3c-aaaa-4222-8333-444455556666", "0f1e2d3c-bbbb-4222-8333-444455556666"
	o, id := holding(t, graphsim.Holdings{GroupSchedules: []graphsim.GroupSchedule{{GroupID: group}, {GroupID: byGroup, MemberType: "group"}, {GroupID: group, AccessID: "owner", Assigned: true}}})
	const root = "/identityGovernance/privilegedAccess/group/"
	of := where("principalId eq '" + id + "'")
	assert.Len(t, o.list(root+"eligibilitySchedules"+of), 2)
	assert.Len(t, o.list(root+"assignmentSchedules"+of), 1)
	request := func(group, access string) string {
		return `{"action":"adminRemove","accessId":"` + access + `","groupId":"` + group + `","principalId":"` + id + `"}`
	}
	require.Equal(t, 201, o.graph("POST", root+"eligibilityScheduleRequests", request(group, "member")).status)
	o.refused(400, "does not exist", "POST", root+"eligibilityScheduleRequests", request(group, "member"))
	o.refused(400, "does not exist", "POST", root+"eligibilityScheduleRequests", request(byGroup, "member"))
	assert.Len(t, o.Users()[lee].GroupSchedules, 2)
	o.Configure(graphsim.Settings{NoPremium: true})
	o.refused(400, "Microsoft Entra ID P2", "GET", root+"eligibilitySchedules"+of, "")
}
