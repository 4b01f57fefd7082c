package graph

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const groupID = "0f1e2d3c-9999-4222-8333-444455556666"

// Without /$ref the request that removes a member deletes the user, and without the user the group.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-delete-members
func TestNoRequestCanDeleteAUserOrAGroup(t *testing.T) {
	t.Parallel()
	harmless := regexp.MustCompile(`^/graph/(v1\.0|beta)/(groups/[^/?]+/(members|owners)/[^/?]+/\$ref|teams/[^/?]+/(channels/[^/?]+/)?members/[^/?]+)$`)
	dangerous := regexp.MustCompile(`^/graph/(v1\.0|beta)/(users|groups|teams|directoryObjects)(/|\(|$)`)
	ofUsers := regexp.MustCompile(`^/graph/(v1\.0|beta)/users(/[^/?]+|\('[^']*'\))/.+`)
	for _, id := range []string{userID, strings.ToUpper(userID), "adele@contoso.com", "x", "$ref", "", " ", "%", "..", "a/b", "#", "members", groupID + "/members"} {
		s, client := serve(t, reply(http.StatusOK, `{"value":[]}`))
		methods := reflect.ValueOf(client)
		for i := range methods.NumMethod() {
			method := methods.Method(i)
			if method.Type().NumIn() == 0 || methods.Type().Method(i).Name == "DeleteUser" { // it is what its name says
				continue
			}
			for odd := range method.Type().NumIn() { // one of the arguments is odd, or all are
				var arguments []reflect.Value
				for n := range method.Type().NumIn() {
					argument := reflect.New(method.Type().In(n)).Elem()
					switch {
					case n == 0:
						argument = reflect.ValueOf(t.Context())
					case argument.Kind() == reflect.String && (n == odd || odd == 0):
						argument.SetString(id)
					case argument.Kind() == reflect.String:
						argument.SetString(groupID)
					}
					arguments = append(arguments, argument)
				}
				method.Call(arguments)
			}
		}
		for _, r := range s.all() {
			if r.method == http.MethodDelete && dangerous.MatchString(r.target) && !ofUsers.MatchString(r.target) {
				assert.Regexp(t, harmless, r.target, "with the id %q", id)
			}
		}
	}
}

func TestAnOddIDChangesNoGroup(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "x", "$ref", "adele@contoso.com", "{" + userID + "}", userID + " ", strings.ReplaceAll(userID, "-", ""), userID + "/$ref", "urn:uuid:" + userID} {
		s, client := serve(t, reply(http.StatusNoContent, ""))
		for _, err := range []error{
			client.RemoveGroupMember(t.Context(), groupID, id), client.RemoveGroupMember(t.Context(), id, userID),
			client.RemoveGroupOwner(t.Context(), groupID, id), client.RemoveGroupOwner(t.Context(), id, userID),
			client.AddGroupMember(t.Context(), groupID, id), client.AddGroupMember(t.Context(), id, userID),
			client.AddGroupOwner(t.Context(), groupID, id), client.AddGroupOwner(t.Context(), id, userID),
			client.AddTeamOwner(t.Context(), groupID, id), client.RemoveGroupEligibility(t.Context(), id, userID, "member", ""),
			client.RemoveGroupAssignment(t.Context(), groupID, id, "owner", ""),
		} {
			require.ErrorAs(t, err, new(*UnusableIDError), id)
		}
		assert.Empty(t, s.all())
	}
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.ErrorAs(t, client.RemoveChannelMember(t.Context(), groupID, "19:x@thread.tacv2", ""), new(*UnusableIDError))
	require.ErrorAs(t, client.RemoveTeamMember(t.Context(), groupID, ""), new(*UnusableIDError))
	assert.Empty(t, s.all())
}

func TestMembersAndOwnersAreLinkedAndUnlinked(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.RemoveGroupMember(t.Context(), groupID, strings.ToUpper(userID)))
	require.NoError(t, client.RemoveGroupOwner(t.Context(), groupID, userID))
	require.NoError(t, client.AddGroupMember(t.Context(), groupID, userID))
	require.NoError(t, client.AddGroupOwner(t.Context(), groupID, userID))
	var sent []string
	for _, r := range s.all() {
		sent = append(sent, r.method+" "+r.target)
	}
	assert.Equal(t, []string{"DELETE /graph/v1.0/groups/" + groupID + "/members/" + userID + "/$ref", "DELETE /graph/v1.0/groups/" + groupID + "/owners/" + userID + "/$ref",
		"POST /graph/v1.0/groups/" + groupID + "/members/$ref", "POST /graph/v1.0/groups/" + groupID + "/owners/$ref"}, sent)
	assert.JSONEq(t, `{"@odata.id":"`+s.URL+`/v1.0/directoryObjects/`+userID+`"}`, s.all()[2].body)
}

func TestTheGroupsOfAUserAreThoseAmongTheMemberships(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[
		{"@odata.type":"#microsoft.graph.directoryRole","id":"r1","displayName":"Reports Reader"},
		{"@odata.type":"#microsoft.graph.administrativeUnit","id":"u1"},
		{"@odata.type":"#microsoft.graph.group","id":"g1","displayName":"Sales","groupTypes":["Unified"],"mailEnabled":true,"isAssignableToRole":null,"onPremisesSyncEnabled":null,"resourceProvisioningOptions":["Team"],"assignedLicenses":[{"skuId":"s1"}]},
		{"@odata.type":"#microsoft.graph.group","id":"g2","groupTypes":["DynamicMembership"],"mailEnabled":false,"onPremisesSyncEnabled":true,"isAssignableToRole":true,"resourceProvisioningOptions":[]},
		{"@odata.type":"#microsoft.graph.group","id":"g3","groupTypes":[],"mailEnabled":true,"resourceProvisioningOptions":[]}]}`))
	for _, list := range []func() ([]Group, error){
		func() ([]Group, error) { return client.Groups(t.Context(), userID) },
		func() ([]Group, error) { return client.OwnedGroups(t.Context(), userID) },
	} {
		groups, err := list()
		require.NoError(t, err)
		require.Len(t, groups, 3)
		sales, dynamic, mail := groups[0], groups[1], groups[2]
		assert.Equal(t, []any{"Sales", true, false, false, "s1"}, []any{sales.DisplayName, sales.IsTeam(), sales.IsDynamic(), sales.IsExchanges(), sales.AssignedLicenses[0].SKUID})
		assert.True(t, dynamic.IsDynamic() && dynamic.OnPremisesSyncEnabled && dynamic.IsAssignableToRole && !dynamic.IsTeam())
		assert.True(t, mail.IsExchanges())
	}
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/memberOf"+groupFields, s.all()[0].target)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/ownedObjects"+groupFields, s.all()[1].target)
}

func TestAGroupWhosePropertiesAreHiddenIsNoGroupThatAnybodyCanChange(t *testing.T) {
	t.Parallel()
	for _, hidden := range []string{`{"id":"g1"}`, `{"@odata.type":"#microsoft.graph.group","id":"g1"}`,
		`{"@odata.type":"#microsoft.graph.group","id":"g1","groupTypes":null,"mailEnabled":false,"resourceProvisioningOptions":[]}`,
		`{"@odata.type":"#microsoft.graph.group","id":"g1","groupTypes":"Unified","mailEnabled":false,"resourceProvisioningOptions":[]}`,
		`{"@odata.type":"#microsoft.graph.group","id":"g1","groupTypes":[],"mailEnabled":null,"resourceProvisioningOptions":[]}`,
		`{"@odata.type":"#microsoft.graph.group","id":"g1","groupTypes":[],"mailEnabled":false}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+hidden+`]}`))
		groups, err := client.Groups(t.Context(), userID)
		require.NoError(t, err)
		require.Len(t, groups, 1)
		assert.True(t, groups[0].Hidden, hidden)

		_, client = serve(t, reply(http.StatusOK, strings.Replace(hidden, `"g1"`, `"`+groupID+`"`, 1)))
		_, err = client.Group(t.Context(), groupID)
		require.ErrorAs(t, err, new(*HiddenError), hidden)
	}
	_, client := serve(t, reply(http.StatusOK, `{"id":"`+otherwise+`","groupTypes":[],"mailEnabled":false,"resourceProvisioningOptions":[]}`))
	_, err := client.Group(t.Context(), groupID)
	noAnswer(t, "get group", err)
}

func TestOnlyAListTellsThatAUserIsInNoGroup(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{`{"value":["` + strings.ToUpper(groupID) + `"]}`: true, `{"value":["` + otherwise + `"]}`: false, `{"value":[]}`: false} {
		s, client := serve(t, reply(http.StatusOK, body))
		is, err := client.IsInGroup(t.Context(), userID, groupID)
		require.NoError(t, err)
		assert.Equal(t, want, is, body)
		assert.JSONEq(t, `{"groupIds":["`+groupID+`"]}`, s.all()[0].body)
	}
	for _, body := range []string{`{}`, `{"value":null}`, `<html>`, ``} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.IsInGroup(t.Context(), userID, groupID)
		noAnswer(t, "checkMemberGroups", err)
	}
}

func TestAUsersMembershipOfATeamOrAChannelIsFoundByTheUser(t *testing.T) {
	t.Parallel()
	const rows = `{"value":[{"id":"m0","roles":["owner"],"userId":"` + otherwise + `"},{"id":"m1","roles":["owner"],"userId":"` + userID + `"}]}`
	s, client := serve(t, reply(http.StatusOK, rows))
	members, err := client.TeamMembers(t.Context(), groupID, userID)
	require.NoError(t, err)
	require.Len(t, members, 1)
	assert.Equal(t, "m1", members[0].ID)
	assert.True(t, members[0].IsOwner())
	assert.Equal(t, "(microsoft.graph.aadUserConversationMember/userId eq '"+userID+"')", filter(t, s))
	members, err = client.ChannelMembers(t.Context(), groupID, "19:x@thread.tacv2", userID)
	require.NoError(t, err)
	assert.Equal(t, "m1", members[0].ID)
	assert.Equal(t, "/graph/v1.0/teams/"+groupID+"/channels/"+url.PathEscape("19:x@thread.tacv2")+"/members", s.all()[1].target)

	for _, odd := range []string{`{"id":"m1","roles":[]}`, `{"id":"m1","userId":"` + userID + `"}`, `{"roles":[],"userId":"` + userID + `"}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+odd+`]}`))
		_, err := client.TeamMembers(t.Context(), groupID, userID)
		noAnswer(t, "list members of a team", err)
	}
}
