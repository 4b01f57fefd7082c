package activities_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var sponsoring = each{leaver.ActivityListSponsorships, leaver.ActivityHandOverSponsorship}

const guest = "mia_partner.com#EXT#@contoso.onmicrosoft.com"

// withSponsored is Adele, whose manager is Megan and who answers for a guest and an agent. It returns the agent's id.
func withSponsored(t *testing.T) (*stage, leaver.StepRequest, string) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: megan, AccountEnabled: true}})
	s.Add(graphsim.User{UserPrincipalName: adele, Holdings: graphsim.Holdings{ManagerID: s.id(megan)}})
	s.Add(graphsim.User{UserPrincipalName: guest, DisplayName: "Mia Partner", UserType: "Guest", Holdings: graphsim.Holdings{Sponsors: []string{s.id(adele)}}})
	agent := s.AddAgent(graphsim.Agent{Name: "Invoice agent", Sponsors: []string{s.id(adele)}})
	return s, leaver.StepRequest{UserID: s.id(adele)}, agent
}

func TestWhoeverTakesOverAnswersForGuestsAndAgents(t *testing.T) {
	t.Parallel()
	s, request, agent := withSponsored(t)
	others := s.AddAgent(graphsim.Agent{Name: "Another's", Sponsors: []string{s.id(guest)}})
	items := sponsoring.does(t, s, request)
	require.Len(t, items, 2)
	for _, item := range items {
		assertItem(t, item, leaver.Done, "the leaver does not answer for it any more")
	}
	assert.Equal(t, []string{"guest", "", "agent", "Invoice agent"}, []string{items[0].Kind, items[0].Name, items[1].Kind, items[1].Name})
	assert.Equal(t, []string{s.id(megan)}, s.Users()[guest].Sponsors)
	assert.Equal(t, []string{s.id(megan)}, s.Agents()[agent].Sponsors)
	assert.Equal(t, []string{s.id(guest)}, s.Agents()[others].Sponsors)
	assert.Equal(t, leaver.StepResult{Detail: "the leaver answers for no guest and no agent"}, sponsoring.lists(t, s, request))
	assert.Equal(t, 4, s.accepted())
}

// An agent keeps its last sponsor, so that whoever takes over has to be seen first.
func TestALeaverIsNoSponsorAnyMoreWhenWhoeverTakesOverIsSeen(t *testing.T) {
	t.Parallel()
	s, request, agent := withSponsored(t)
	open := sponsoring.lists(t, s, request).Items[1]
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) {
		says := waiting(t, s, errorOf(sponsoring.changes(t, s, number+1, request, open)), leaver.GraphUnavailable).Message()
		assert.Contains(t, says, "whoever takes over was made a sponsor, and Graph does not show it yet")
	}
	assert.Equal(t, []string{s.id(adele), s.id(megan)}, s.Agents()[agent].Sponsors)
	s.Configure(graphsim.Settings{})
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	waiting(t, s, errorOf(sponsoring.changes(t, s, 3, request, open)), leaver.GraphUnavailable)
	assertItem(t, sponsoring.changed(t, s, 4, request, open), leaver.Done, "")
	assert.Equal(t, []string{s.id(megan)}, s.Agents()[agent].Sponsors)
	assert.Equal(t, 2, s.accepted())
}

func TestSponsorshipsThatNobodyTakesOverAreAQuestionAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	s, request, _ := withSponsored(t)
	s.AddAgent(graphsim.Agent{Kind: "agentIdentityBlueprint", Name: "Blueprint", Sponsors: []string{s.id(adele)}})
	s.change(func(user *graphsim.User) { user.ManagerID = "" })
	items := sponsoring.lists(t, s, request).Items
	require.Len(t, items, 3)
	for _, item := range items[:2] {
		assert.Equal(t, leaver.InvalidRequest, item.Failure)
		assert.Contains(t, item.Detail, "the leaver has no manager in Entra")
		final(t, s, errorOf(sponsoring.changes(t, s, 1, request, item)), leaver.InvalidRequest)
	}
	assertItem(t, items[2], leaver.Failed, "an Agent ID Administrator does so in the Entra admin center")
	final(t, s, errorOf(sponsoring.changes(t, s, 1, request, items[2])), leaver.GraphBadRequest)
	request.Settings.HandOverTo = s.id(guest)
	s.Add(graphsim.User{ID: s.id(guest), UserPrincipalName: guest, AccountEnabled: true, UserType: "Guest", Holdings: graphsim.Holdings{Sponsors: []string{s.id(adele)}}})
	at := slices.IndexFunc(sponsoring.lists(t, s, request).Items, func(i leaver.Item) bool { return i.ID == s.id(guest) })
	assertItem(t, sponsoring.lists(t, s, request).Items[at], leaver.Failed, "nobody answers for oneself")
	assert.Empty(t, s.writes())
}

func TestSponsorsAreChangedByTheLeastPermissions(t *testing.T) {
	t.Parallel()
	s, request, agent := withSponsored(t)
	s.Accept(s.token, graphsim.Application, "User.Read.All", "Application.Read.All", "AgentIdentity.UpdateSponsors.All")
	items := sponsoring.lists(t, s, request).Items
	assert.Contains(t, final(t, s, errorOf(sponsoring.changes(t, s, 1, request, items[0])), leaver.GraphForbidden).Message(), "User.ReadWrite.All")
	assertItem(t, sponsoring.changed(t, s, 1, request, items[1]), leaver.Done, "")
	assert.Equal(t, []string{s.id(megan)}, s.Agents()[agent].Sponsors)
	s.change(func(user *graphsim.User) { user.Deleted = true })
	assertItem(t, sponsoring.changed(t, s, 1, request, items[0]), leaver.Skipped, "deleted")
}

// The user of an agent is no guest, and has a name.
func TestTheUserOfAnAgentIsAnAgent(t *testing.T) {
	t.Parallel()
	s, request, _ := withSponsored(t)
	s.AddAgent(graphsim.Agent{Kind: "agentUser", Name: "Invoice agent's user", Sponsors: []string{s.id(adele)}})
	items := sponsoring.lists(t, s, request).Items
	require.Len(t, items, 3)
	assert.Equal(t, []string{"agent", "Invoice agent's user"}, []string{items[2].Kind, items[2].Name})
	assert.Empty(t, items[2].Outcome)
}
