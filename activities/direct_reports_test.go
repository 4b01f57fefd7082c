package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var reports = each{leaver.ActivityListDirectReports, leaver.ActivityHandOverDirectReport}

const lidia, alex, other = "lidia@contoso.com", "alex@contoso.com", "other@contoso.com"

// withReports is Adele, to whom Lidia and Alex report and who reports to Megan, to whom another one reports too.
func withReports(t *testing.T) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: megan, AccountEnabled: true}})
	under := func(name, manager string) {
		s.Add(graphsim.User{UserPrincipalName: name, AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: s.id(manager)}})
	}
	under(adele, megan)
	under(other, megan)
	under(lidia, adele)
	under(alex, adele)
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

// of is one of the items by its user.
func of(t *testing.T, s *stage, items []leaver.Item, name string) leaver.Item {
	t.Helper()
	for _, item := range items {
		if item.ID == s.id(name) {
			return item
		}
	}
	require.Fail(t, "no item", name)
	return leaver.Item{}
}

func TestReportsGetTheManagerAboveOrWhoIsNamed(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"", leaver.Manager, other} {
		s, request := withReports(t)
		request.Settings.HandOverTo = to
		items := reports.lists(t, s, request).Items
		require.Len(t, items, 2)
		for _, item := range items {
			assert.Equal(t, leaver.Item{ID: item.ID, Kind: "report", Before: map[string]string{"manager": s.id(adele)}}, item, "it has no name")
			changed, err := call[leaver.Item](t, s, 1, reports.change, leaver.ItemRequest{UserID: request.UserID, Item: item, Settings: request.Settings})
			require.NoError(t, err)
			assertItem(t, changed, leaver.Done, "the leaver is no longer the manager")
			assert.Equal(t, item.Before, changed.Before)
		}
		want := s.id(megan)
		if to == other {
			want = s.id(other)
		}
		users := s.Users()
		assert.Equal(t, []string{want, want, s.id(megan), s.id(megan)}, []string{users[lidia].ManagerID, users[alex].ManagerID, users[adele].ManagerID, users[other].ManagerID})
		assert.Equal(t, leaver.StepResult{Detail: "nobody reports to the leaver"}, reports.lists(t, s, request))
		assert.Equal(t, 2, s.accepted())
	}
}

func TestReportsWhomNobodyTakesOverAreAQuestion(t *testing.T) {
	t.Parallel()
	s, request := withReports(t)
	s.change(func(user *graphsim.User) { user.ManagerID = "" })
	items := reports.lists(t, s, request).Items
	require.Len(t, items, 2)
	for _, item := range items {
		assert.Equal(t, leaver.Failed, item.Outcome)
		assert.Equal(t, leaver.InvalidRequest, item.Failure)
		assert.Contains(t, item.Detail, "the leaver has no manager in Entra: set a manager who can sign in and retry, or start anew with handOverTo")
		says := final(t, s, errorOf(reports.changes(t, s, 1, request, item)), leaver.InvalidRequest).Message()
		assert.Contains(t, says, "the leaver has no manager in Entra")
	}
	s.change(func(user *graphsim.User) { user.ManagerID = s.id(megan) })
	assertItem(t, reports.changed(t, s, 1, request, items[0]), leaver.Done, "")
	assert.Len(t, s.writes(), 1)
}

func TestWhoCannotReportToAnybodyElseFromHereIsTold(t *testing.T) {
	t.Parallel()
	s, request := withReports(t)
	synced := s.Users()[alex]
	synced.OnPremisesSyncEnabled = true
	s.Add(synced)
	s.Fail(graphsim.Fault{Path: "/directReports", Row: `{"@odata.type":"#microsoft.graph.orgContact","id":"c1"}`, Times: -1})
	request.Settings.HandOverTo = lidia
	items := reports.lists(t, s, request).Items
	require.Len(t, items, 3)
	assertItem(t, of(t, s, items, alex), leaver.Failed, "Active Directory: an administrator sets the manager there")
	assertItem(t, of(t, s, items, lidia), leaver.Failed, "nobody reports to oneself")
	at := 0
	for i, item := range items {
		if item.ID == "c1" {
			at = i
		}
	}
	assertItem(t, items[at], leaver.Failed, "an Exchange administrator sets the manager")
	for _, item := range items {
		_, err := call[leaver.Item](t, s, 1, reports.change, leaver.ItemRequest{UserID: request.UserID, Item: item, Settings: request.Settings})
		final(t, s, err, leaver.GraphBadRequest)
	}
	assert.Empty(t, s.writes())
}

func TestAReportWhoIsStillListedIsNotDone(t *testing.T) {
	t.Parallel()
	s, request := withReports(t)
	open := of(t, s, reports.lists(t, s, request).Items, alex)
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	assert.Contains(t, waiting(t, s, errorOf(reports.changes(t, s, 1, request, open)), leaver.GraphUnavailable).Message(), "does not show it yet")
	s.Configure(graphsim.Settings{})
	assertItem(t, reports.changed(t, s, 2, request, open), leaver.Done, "")
	assert.Len(t, s.writes(), 1)

	s, request = withReports(t)
	open = of(t, s, reports.lists(t, s, request).Items, alex)
	s.Fail(graphsim.Fault{Method: "PUT", Cut: true})
	waiting(t, s, errorOf(reports.changes(t, s, 1, request, open)), leaver.GraphUnavailable)
	assertItem(t, reports.changed(t, s, 2, request, open), leaver.Done, "")
	assert.Len(t, s.writes(), 1)
}

func TestReportsAreLeftWhereThePermissionIsMissing(t *testing.T) {
	t.Parallel()
	s, request := withReports(t)
	s.Accept(s.token, graphsim.Application, "User.Read.All")
	open := reports.lists(t, s, request).Items[0]
	says := final(t, s, errorOf(reports.changes(t, s, 1, request, open)), leaver.GraphForbidden).Message()
	assert.Contains(t, says, "User.ReadWrite.All")
	s.change(func(user *graphsim.User) { user.Deleted = true })
	assertItem(t, reports.changed(t, s, 1, request, open), leaver.Skipped, "deleted")
}

// Whoever takes over may be below a report of the leaver's.
func TestNoCircleOfManagersIsMade(t *testing.T) {
	t.Parallel()
	s, request := withReports(t)
	s.Add(graphsim.User{UserPrincipalName: "below@contoso.com", AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: s.id(lidia)}})
	request.Settings.HandOverTo = s.id("below@contoso.com")
	items := reports.lists(t, s, request).Items
	assertItem(t, of(t, s, items, lidia), leaver.Failed, "managers would stand in a circle")
	assert.Empty(t, of(t, s, items, lidia).Failure, "an administrator sets it")
	assert.Empty(t, of(t, s, items, alex).Outcome)
	item := leaver.ItemRequest{UserID: request.UserID, Item: of(t, s, items, lidia), Settings: request.Settings}
	_, err := call[leaver.Item](t, s, 1, reports.change, item)
	final(t, s, err, leaver.GraphBadRequest)
	assert.Empty(t, s.writes())
}
