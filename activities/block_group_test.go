package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toBlock is Adele, who is synchronised, and a group that blocks.
func toBlock(t *testing.T, group graphsim.Group) (s *stage, request leaver.StepRequest) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, OnPremisesSyncEnabled: true}, {UserPrincipalName: megan, AccountEnabled: true}})
	group.DisplayName = "Blocked"
	return s, leaver.StepRequest{UserID: s.id(adele), Settings: leaver.Settings{Group: s.AddGroup(group)}}
}

func TestTheLeaverIsAddedToTheGroupThatBlocks(t *testing.T) {
	t.Parallel()
	s, request := toBlock(t, graphsim.Group{SecurityEnabled: true})
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, []leaver.Item{{ID: request.Settings.Group, Name: "Blocked", Kind: "group", Outcome: leaver.Done}}, result.Items)
	assert.Equal(t, []string{s.id(adele)}, s.Groups()[request.Settings.Group].Members)
	result, err = call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	require.Len(t, result.Items, 1, "the step that leaves groups reads which one stays")
	assert.Equal(t, 1, s.accepted())
}

// The membership by the other group ends with that of the other group, which a later step takes.
func TestAMembershipByAnotherGroupBlocksNobodyForLong(t *testing.T) {
	t.Parallel()
	s, request := toBlock(t, graphsim.Group{SecurityEnabled: true})
	other := s.AddGroup(graphsim.Group{DisplayName: "Contractors", SecurityEnabled: true, Members: []string{s.id(adele)}})
	s.AddGroup(graphsim.Group{ID: request.Settings.Group, DisplayName: "Blocked", SecurityEnabled: true, Members: []string{other}})
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, s.Groups()[request.Settings.Group].Members, s.id(adele))
}

func TestAnAdditionIsDoneWhenEntraShowsIt(t *testing.T) {
	t.Parallel()
	s, request := toBlock(t, graphsim.Group{SecurityEnabled: true})
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) { // the second time the reference exists
		_, err := call[leaver.StepResult](t, s, number+1, leaver.ActivityAddToBlockGroup, request)
		waiting(t, s, err, leaver.GraphUnavailable)
	}
	s.Configure(graphsim.Settings{})
	result, err := call[leaver.StepResult](t, s, 3, leaver.ActivityAddToBlockGroup, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
}

func TestAGroupThatGivesItsMembersSomethingBlocksNobody(t *testing.T) {
	t.Parallel()
	for says, group := range map[string]graphsim.Group{
		"a rule decides":           {GroupTypes: []string{"DynamicMembership"}},
		"Active Directory":         {OnPremisesSyncEnabled: true},
		"has mail":                 {MailEnabled: true, GroupTypes: []string{"Unified"}},
		"can hold directory roles": {IsAssignableToRole: true},
		"gives licences":           {AssignedLicenses: []string{"05e9a617-0261-4cee-bb44-138d3ef5d965"}},
	} {
		s, request := toBlock(t, group)
		_, err := call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "settings.group: ", says)
		assert.ErrorContains(t, err, says)
		assert.Empty(t, s.writes())
	}
	s, request := toBlock(t, graphsim.Group{})
	request.Settings.Group = service
	_, err := call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
	assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "there is no such group")
	request.Settings.Group = ""
	_, err = call[leaver.StepResult](t, s, 1, leaver.ActivityAddToBlockGroup, request)
	final(t, s, err, leaver.InvalidRequest)
}
