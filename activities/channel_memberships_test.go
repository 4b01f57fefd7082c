package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var leavingChannels = each{leaver.ActivityListChannelMemberships, leaver.ActivityRemoveChannelMembership}

// withChannels is Adele in a private and a shared channel of a team, and Megan, who owns them.
func withChannels(t *testing.T) (s *stage, request leaver.StepRequest, id string) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}, {UserPrincipalName: megan, AccountEnabled: true}})
	both, owner := []string{s.id(adele), s.id(megan)}, []string{s.id(megan)}
	group := team
	group.Members, group.Owners = both, owner
	group.Channels = []graphsim.Channel{{DisplayName: "Budget", MembershipType: "private", Members: both, Owners: owner}, {DisplayName: "Partners", MembershipType: "shared", Members: both, Owners: owner},
		{DisplayName: "Megan's", MembershipType: "private", Members: owner, Owners: owner}}
	return s, leaver.StepRequest{UserID: s.id(adele)}, s.AddGroup(group)
}

func TestTheLeaverLeavesPrivateAndSharedChannels(t *testing.T) {
	t.Parallel()
	s, request, id := withChannels(t)
	items := leavingChannels.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Equal(t, leaver.Item{ID: s.Groups()[id].Channels[0].ID, Name: "Budget", Kind: "channel", Before: map[string]string{"teamId": id, "membershipType": "private", "roles": "member"}}, items[0])
	for _, item := range items {
		assertItem(t, leavingChannels.changed(t, s, 1, request, item), leaver.Done, "no member of the channel any more")
	}
	for _, channel := range s.Groups()[id].Channels {
		assert.Equal(t, []string{s.id(megan)}, channel.Members)
	}
	assert.Len(t, s.Groups()[id].Members, 2, "the team is another step's")
	assert.Equal(t, leaver.StepResult{Detail: "the leaver is a member of no private or shared channel"}, leavingChannels.lists(t, s, request))
	assertItem(t, leavingChannels.changed(t, s, 1, request, items[0]), leaver.Done, "")
	assert.Len(t, s.writes(), 2)
}

func TestTheLastOwnerOfAChannelIsAQuestion(t *testing.T) {
	t.Parallel()
	s, request, id := withChannels(t)
	group := s.Groups()[id]
	group.Channels[0].Owners = []string{s.id(adele)}
	s.AddGroup(group)
	item := leavingChannels.lists(t, s, request).Items[0]
	assert.Equal(t, "owner", item.Before["roles"])
	_, err := leavingChannels.changes(t, s, 1, request, item)
	assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "make somebody else an owner of the channel in Teams")
	assert.Len(t, s.Groups()[id].Channels[0].Members, 2)
}

func TestATeamOfAnotherOrganisationIsTold(t *testing.T) {
	t.Parallel()
	s, request, _ := withChannels(t)
	s.Fail(graphsim.Fault{Path: "/associatedTeams", Row: `{"id":"0f1e2d3c-0045-4222-8333-444455556666","displayName":"Fabrikam","tenantId":"0f1e2d3c-0046-4222-8333-444455556666"}`})
	items := leavingChannels.lists(t, s, request).Items
	require.Len(t, items, 3)
	assertItem(t, items[0], leaver.Failed, "another organisation's")
}

func TestAChannelThatListsTheLeaverStillIsNotDone(t *testing.T) {
	t.Parallel()
	s, request, _ := withChannels(t)
	items := leavingChannels.lists(t, s, request).Items
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) {
		_, err := leavingChannels.changes(t, s, number+1, request, items[0])
		waiting(t, s, err, leaver.GraphUnavailable)
	}
	s.Configure(graphsim.Settings{})
	assertItem(t, leavingChannels.changed(t, s, 3, request, items[0]), leaver.Done, "")
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	_, err := leavingChannels.changes(t, s, 1, request, items[1])
	waiting(t, s, err, leaver.GraphUnavailable)
	assertItem(t, leavingChannels.changed(t, s, 2, request, items[1]), leaver.Done, "")
}
