package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var owning = each{leaver.ActivityListAppOwnerships, leaver.ActivityRemoveAppOwnership}

const lee = "lee@contoso.com"

// owners is Adele, who owns an app registration with secrets and an enterprise application, and Megan, her manager.
func owners(t *testing.T) (s *stage, request leaver.StepRequest, app, enterprise string) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: megan, AccountEnabled: true}, {UserPrincipalName: lee, AccountEnabled: true}})
	s.Add(graphsim.User{UserPrincipalName: adele, AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: s.id(megan)}})
	ended, ends := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "2099-01-31T00:00:00Z"
	app = s.AddApp(graphsim.App{Name: "Expenses", Owners: []string{s.id(adele)}, Secrets: []graphsim.Secret{
		{KeyID: "0f1e2d3c-0001-4222-8333-444455556666", EndDateTime: ends}, {KeyID: "0f1e2d3c-0002-4222-8333-444455556666", EndDateTime: ended},
		{KeyID: "0f1e2d3c-0003-4222-8333-444455556666", EndDateTime: ends, Certificate: true}}})
	enterprise = s.AddApp(graphsim.App{Kind: "servicePrincipals", Name: "Expenses", Owners: []string{s.id(lee), s.id(adele)}})
	s.AddApp(graphsim.App{Name: "Intranet", Owners: []string{s.id(lee)}})
	return s, leaver.StepRequest{UserID: s.id(adele)}, app, enterprise
}

// changes an item of a step that hands over to somebody.
func (e each) handsOver(t *testing.T, s *stage, number int32, request leaver.StepRequest, item leaver.Item) (leaver.Item, error) {
	t.Helper()
	return call[leaver.Item](t, s, number, e.change, leaver.ItemRequest{UserID: request.UserID, Item: item, Settings: request.Settings})
}

func TestAnApplicationIsHandedOverBeforeTheLeaverIsNoOwner(t *testing.T) {
	t.Parallel()
	s, request, app, enterprise := owners(t)
	items := owning.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Equal(t, leaver.Item{ID: app, Name: "Expenses", Kind: "application", Before: map[string]string{
		"keyId":       "0f1e2d3c-0001-4222-8333-444455556666, 0f1e2d3c-0003-4222-8333-444455556666",
		"endDateTime": "2099-01-31T00:00:00Z, 2099-01-31T00:00:00Z"}}, items[0], "a secret that has ended needs no rotation")
	assert.Equal(t, "servicePrincipal", items[1].Kind)
	for i, item := range items {
		changed, err := owning.handsOver(t, s, 1, request, item)
		require.NoError(t, err)
		assertItem(t, changed, leaver.Done, "no owner any more")
		if i == 0 {
			assert.Contains(t, changed.Detail, "secrets to rotate, which the leaver may know: 2")
			assert.Equal(t, item.Before, changed.Before)
		}
	}
	assert.Equal(t, []string{s.id(megan)}, s.Apps()[app].Owners)
	assert.Equal(t, []string{s.id(lee), s.id(megan)}, s.Apps()[enterprise].Owners)
	assert.Equal(t, []string{"POST $ref", "DELETE $ref", "POST $ref", "DELETE $ref"}, s.writes())
	assert.Equal(t, leaver.StepResult{Detail: "the leaver owns no application"}, owning.lists(t, s, request))
	assert.Len(t, s.Apps()[app].Secrets, 3, "nothing is rotated here")
}

func TestWhoIsNamedTakesAnApplicationOverAndIsAddedOnce(t *testing.T) {
	t.Parallel()
	s, request, _, enterprise := owners(t)
	request.Settings.HandOverTo = lee
	item := owning.lists(t, s, request).Items[1]
	_, err := owning.handsOver(t, s, 1, request, item)
	require.NoError(t, err)
	assert.Equal(t, []string{s.id(lee)}, s.Apps()[enterprise].Owners)
	assert.Equal(t, []string{"DELETE $ref"}, s.writes(), "Lee is an owner already")
}

func TestAnApplicationThatNobodyElseOwnsIsKeptUntilSomebodyTakesItOver(t *testing.T) {
	t.Parallel()
	type row struct {
		change func(s *stage, request *leaver.StepRequest)
		says   string
	}
	table(t, map[string]row{
		"no manager": {func(s *stage, _ *leaver.StepRequest) {
			s.change(func(user *graphsim.User) { user.ManagerID = "" })
		}, "no manager in Entra"},
		"a manager who cannot sign in": {func(s *stage, _ *leaver.StepRequest) {
			s.Add(graphsim.User{ID: s.id(megan), UserPrincipalName: megan})
		}, "the leaver's manager cannot sign in"},
		"nobody of that name": {func(_ *stage, request *leaver.StepRequest) { request.Settings.HandOverTo = "nobody@contoso.com" }, "is not in this tenant"},
		"the leaver":          {func(_ *stage, request *leaver.StepRequest) { request.Settings.HandOverTo = adele }, "is the leaver"},
	}, func(t *testing.T, c row) {
		s, request, app, enterprise := owners(t)
		open := owning.lists(t, s, request).Items
		c.change(s, &request)
		items := owning.lists(t, s, request).Items
		require.Len(t, items, 2)
		assert.Equal(t, []any{leaver.Failed, leaver.InvalidRequest}, []any{items[0].Outcome, items[0].Failure})
		assert.Contains(t, items[0].Detail, c.says)
		_, err := owning.handsOver(t, s, 1, request, open[0])
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), c.says)
		assert.Equal(t, []string{s.id(adele)}, s.Apps()[app].Owners)

		changed, err := owning.handsOver(t, s, 1, request, items[1])
		require.NoError(t, err, "Lee owns it too")
		assert.Equal(t, leaver.Done, changed.Outcome)
		assert.Equal(t, []string{s.id(lee)}, s.Apps()[enterprise].Owners)
		assert.Equal(t, []string{"DELETE $ref"}, s.writes())
	})
}

func TestAnOwnerWhoIsNotShownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	s, request, app, _ := owners(t)
	open := owning.lists(t, s, request).Items[0]
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) { // the second time the reference exists
		_, err := owning.handsOver(t, s, number+1, request, open)
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "was made an owner")
		assert.Equal(t, []string{s.id(adele), s.id(megan)}, s.Apps()[app].Owners)
	}
	s.Configure(graphsim.Settings{})
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	_, err := owning.handsOver(t, s, 3, request, open)
	waiting(t, s, err, leaver.GraphUnavailable)
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	_, err = owning.handsOver(t, s, 4, request, open)
	require.Error(t, err, "a replica has the leaver still")
	s.Configure(graphsim.Settings{})
	changed, err := owning.handsOver(t, s, 5, request, open)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, changed.Outcome)
	assert.Equal(t, []string{s.id(megan)}, s.Apps()[app].Owners)
}

func TestAnAgentOfTheDirectoryIsLeftToAnAdministrator(t *testing.T) {
	t.Parallel()
	s, request, _, _ := owners(t)
	s.Fail(graphsim.Fault{Method: "GET", Path: "/ownedObjects", Row: `{"@odata.type":"#microsoft.graph.agentIdentity","id":"i1"}`})
	items := owning.lists(t, s, request).Items
	require.Len(t, items, 3)
	assertItem(t, items[0], leaver.Failed, "administrator")
}

func TestAnOwnerIsNotChangedWithoutThePermission(t *testing.T) {
	t.Parallel()
	s, request, app, _ := owners(t)
	open := owning.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "POST", Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
	_, err := owning.handsOver(t, s, 1, request, open)
	assert.Contains(t, final(t, s, err, leaver.GraphForbidden).Message(), "Application.ReadWrite.All")
	assert.Equal(t, []string{s.id(adele)}, s.Apps()[app].Owners)
}
