package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var owningGroups = each{leaver.ActivityListGroupOwnerships, leaver.ActivityRemoveGroupOwnership}

const service = "0f1e2d3c-0044-4222-8333-444455556666" // a service principal

// ownedGroup is Adele, who owns a group with others, and her manager Megan, and the step's request and item.
func ownedGroup(t *testing.T, group graphsim.Group, others ...string) (s *stage, request leaver.StepRequest, id string) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: megan, AccountEnabled: true}, {UserPrincipalName: lee, AccountEnabled: true}})
	s.Add(graphsim.User{UserPrincipalName: adele, AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: s.id(megan)}})
	group.Owners = []string{s.id(adele)}
	for _, other := range others {
		if other != service {
			other = s.id(other)
		}
		group.Owners = append(group.Owners, other)
	}
	group.Members = []string{s.id(adele)}
	s.AddGroup(graphsim.Group{DisplayName: "Lee's", Owners: []string{s.id(lee)}})
	s.AddApp(graphsim.App{Name: "Expenses", Owners: []string{s.id(adele)}})
	return s, leaver.StepRequest{UserID: s.id(adele)}, s.AddGroup(group)
}

func TestAGroupIsHandedOverWhereNobodyElseOwnsIt(t *testing.T) {
	t.Parallel()
	type row struct {
		group   graphsim.Group
		others  []string
		owners  []string
		members []string
		writes  int
	}
	table(t, map[string]row{
		"no other owner":                {security, nil, []string{megan}, []string{adele}, 2},
		"a service principal":           {security, []string{service}, []string{service, megan}, []string{adele}, 2},
		"another owner":                 {security, []string{lee}, []string{lee}, []string{adele}, 1},
		"the successor owns it already": {security, []string{megan}, []string{megan}, []string{adele}, 1},
		"a team":                        {team, nil, []string{megan}, []string{adele, megan}, 2},
		"a group that can hold roles":   {graphsim.Group{DisplayName: "Admins", IsAssignableToRole: true}, nil, nil, []string{adele}, 1},
		"a dynamic group":               {graphsim.Group{DisplayName: "All", GroupTypes: []string{"DynamicMembership"}}, nil, []string{megan}, []string{adele}, 2},
		"a dynamic team":                {graphsim.Group{DisplayName: "Everybody", GroupTypes: []string{"Unified", "DynamicMembership"}, MailEnabled: true, Team: true}, nil, []string{megan}, []string{adele}, 2},
	}, func(t *testing.T, c row) {
		s, request, id := ownedGroup(t, c.group, c.others...)
		items := owningGroups.lists(t, s, request).Items
		require.Len(t, items, 1, "an application is no group")
		assert.Equal(t, []string{id, c.group.DisplayName}, []string{items[0].ID, items[0].Name})
		require.Empty(t, items[0].Outcome)
		changed, err := owningGroups.handsOver(t, s, 1, request, items[0])
		require.NoError(t, err)
		assertItem(t, changed, leaver.Done, "no owner any more")
		ids := func(names []string) (all []string) {
			for _, name := range names {
				if name == service {
					all = append(all, service)
					continue
				}
				all = append(all, s.id(name))
			}
			return all
		}
		assert.ElementsMatch(t, ids(c.owners), s.Groups()[id].Owners)
		assert.Equal(t, ids(c.members), s.Groups()[id].Members)
		assert.Len(t, s.writes(), c.writes)
		assert.Equal(t, leaver.StepResult{Detail: "the leaver owns no group"}, owningGroups.lists(t, s, request))
		again, err := owningGroups.handsOver(t, s, 2, request, items[0])
		require.NoError(t, err)
		assertItem(t, again, leaver.Done, "no owner any more")
		assert.Len(t, s.writes(), c.writes)
	})
}

func TestAGroupThatNobodyElseOwnsIsAQuestionWhereNobodyTakesOver(t *testing.T) {
	t.Parallel()
	s, request, id := ownedGroup(t, security)
	open := owningGroups.lists(t, s, request).Items[0]
	s.change(func(user *graphsim.User) { user.ManagerID = "" })
	item := owningGroups.lists(t, s, request).Items[0]
	assert.Equal(t, []any{leaver.Failed, leaver.InvalidRequest}, []any{item.Outcome, item.Failure})
	assert.Contains(t, item.Detail, "nobody else owns the group: the leaver has no manager")
	_, err := owningGroups.handsOver(t, s, 1, request, open)
	final(t, s, err, leaver.InvalidRequest)
	assert.Equal(t, []string{s.id(adele)}, s.Groups()[id].Owners, "nothing is changed")
	assert.Empty(t, s.writes())

	request.Settings.HandOverTo = lee
	_, err = owningGroups.handsOver(t, s, 2, request, item)
	require.NoError(t, err)
	assert.Equal(t, []string{s.id(lee)}, s.Groups()[id].Owners)
}

func TestTheOwnersOfAGroupThatIsRuledElsewhereStay(t *testing.T) {
	t.Parallel()
	for says, group := range map[string]graphsim.Group{"Active Directory": {OnPremisesSyncEnabled: true}, "Exchange admin center": {MailEnabled: true}} {
		s, request, _ := ownedGroup(t, group)
		item := owningGroups.lists(t, s, request).Items[0]
		assertItem(t, item, leaver.Failed, says)
		assert.Empty(t, item.Failure)
		_, err := owningGroups.handsOver(t, s, 1, request, item)
		final(t, s, err, leaver.GraphBadRequest)
		assert.Empty(t, s.writes())
	}
}

func TestANewOwnerWhoIsNotShownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, group := range []graphsim.Group{security, team} {
		s, request, id := ownedGroup(t, group)
		open := owningGroups.lists(t, s, request).Items[0]
		s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
		for number := range int32(2) {
			_, err := owningGroups.handsOver(t, s, number+1, request, open)
			assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "was made an owner")
			assert.Equal(t, []string{s.id(adele), s.id(megan)}, s.Groups()[id].Owners)
		}
		s.Configure(graphsim.Settings{})
		s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
		_, err := owningGroups.handsOver(t, s, 3, request, open)
		waiting(t, s, err, leaver.GraphUnavailable)
		changed, err := owningGroups.handsOver(t, s, 4, request, open)
		require.NoError(t, err)
		assertItem(t, changed, leaver.Done, "no owner any more")
		assert.Equal(t, []string{s.id(megan)}, s.Groups()[id].Owners)
	}
}

// Entra says so at times though others own the group.
func TestAnOwnerWhoIsTakenForTheLastOneIsLookedAtAgainBeforeAPersonIsAsked(t *testing.T) {
	t.Parallel()
	s, request, id := ownedGroup(t, security, lee)
	open := owningGroups.lists(t, s, request).Items[0]
	wrongly := graphsim.Fault{Method: "DELETE", Status: 400, Code: "Request_BadRequest", Message: "The group must have at least one owner, hence this owner cannot be removed."}
	s.Fail(wrongly)
	_, err := owningGroups.handsOver(t, s, 1, request, open)
	waiting(t, s, err, leaver.GraphBadRequest)
	s.Fail(wrongly)
	var item leaver.Item
	err = attempt{number: 5, refused: 4}.run(t, s, owningGroups.change, leaver.ItemRequest{UserID: request.UserID, Item: open}, &item)
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "remove the owner in Entra")
	changed, err := owningGroups.handsOver(t, s, 1, request, open)
	require.NoError(t, err)
	assertItem(t, changed, leaver.Done, "")
	assert.Equal(t, []string{s.id(lee)}, s.Groups()[id].Owners)
}

// Entra shows late what Exchange has done.
func TestAListThatExchangeHasHandedOverIsNoException(t *testing.T) {
	t.Parallel()
	s, request, id := ownedGroup(t, graphsim.Group{DisplayName: "Newsletter", MailEnabled: true}, megan)
	assertItem(t, owningGroups.lists(t, s, request).Items[0], leaver.Failed, "Exchange alone can change")
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveDistributionGroups: {Items: []leaver.Item{{ID: id + "/manager", Outcome: leaver.Done}}}}
	assertItem(t, owningGroups.lists(t, s, request).Items[0], leaver.AlreadyDone, "removeDistributionGroups has removed the ownership")
}
