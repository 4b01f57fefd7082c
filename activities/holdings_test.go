package activities_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// holding is a step of shape each that takes from the leaver what was given, where the tenant keeps it, and the write.
type holding struct {
	each
	held  func(h graphsim.Holdings) int
	write graphsim.Fault
}

var holdings = map[string]holding{
	"app roles": {each{leaver.ActivityListAppRoleAssignments, leaver.ActivityRemoveAppRoleAssignment}, func(h graphsim.Holdings) int { return len(h.AppRoles) }, graphsim.Fault{Method: "DELETE"}},
	"consents":  {each{leaver.ActivityListOAuth2PermissionGrants, leaver.ActivityRemoveOAuth2PermissionGrant}, func(h graphsim.Holdings) int { return len(h.Grants) }, graphsim.Fault{Method: "DELETE"}},
	"packages": {each{leaver.ActivityListAccessPackages, leaver.ActivityRemoveAccessPackage}, func(h graphsim.Holdings) int {
		return len(slices.DeleteFunc(slices.Clone(h.Packages), func(p graphsim.Package) bool { return p.State == "expired" }))
	}, graphsim.Fault{Method: "POST", Path: "/assignmentRequests"}},
	"numbers": {each{leaver.ActivityListPhoneNumbers, leaver.ActivityUnassignPhoneNumber}, func(h graphsim.Holdings) int { return len(h.Numbers) }, graphsim.Fault{Method: "POST", Path: "/unassignNumber"}},
}

// held is one of each that a step takes away.
func held(number string) graphsim.Holdings {
	return graphsim.Holdings{
		AppRoles: []graphsim.AppRole{{ResourceName: "Expenses"}}, Grants: []graphsim.Grant{{Scope: "Mail.Read"}},
		Packages: []graphsim.Package{{Name: "Sales", PackageID: "0f1e2d3c-9999-4222-8333-444455556666"}}, Numbers: []graphsim.PhoneNumber{{Number: number}},
	}
}

// withHoldings is Adele and Megan, who hold the same, and a step for Adele.
func withHoldings(t *testing.T) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Holdings: held("+15550142")}, {UserPrincipalName: megan, AccountEnabled: true, Holdings: held("+15550199")}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

// open is the one item of a list, which is to be changed.
func (h holding) open(t *testing.T, s *stage, request leaver.StepRequest) leaver.Item {
	t.Helper()
	items := h.lists(t, s, request).Items
	require.Len(t, items, 1)
	require.Empty(t, items[0].Outcome)
	require.Empty(t, items[0].Detail)
	require.NotEmpty(t, items[0].Before, "what undoing it needs is known before it is changed")
	require.NotEmpty(t, items[0].Kind)
	return items[0]
}

func TestWhatTheLeaverHoldsIsTakenAndNobodyElses(t *testing.T) {
	t.Parallel()
	table(t, holdings, func(t *testing.T, h holding) {
		s, request := withHoldings(t)
		before := s.Users()[megan]
		for _, id := range []string{request.UserID, adele} {
			s.change(func(user *graphsim.User) { user.Holdings = held("+15550142") })
			request.UserID = id
			open := h.open(t, s, request)
			changed := h.changed(t, s, 1, request, open)
			assertItem(t, changed, leaver.Done, "")
			changed.Outcome, changed.Detail = "", ""
			assert.Equal(t, open, changed, "what was known of it stays with it")
			assert.Zero(t, h.held(s.Users()[adele].Holdings))

			request.Items = []leaver.Item{open}
			assertItem(t, h.lists(t, s, request).Items[0], leaver.Done, "")
			request.Items = nil
			again := h.lists(t, s, request)
			assert.Empty(t, again.Items)
			assert.Contains(t, again.Detail, "the leaver")
		}
		assert.Equal(t, before.Holdings, s.Users()[megan].Holdings)
		assert.Equal(t, 2, s.accepted())
	})
}

func TestAnAnswerThatWasLostAfterAHoldingWasTakenIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	table(t, holdings, func(t *testing.T, h holding) {
		s, request := withHoldings(t)
		open := h.open(t, s, request)
		h.write.Cut = true
		s.Fail(h.write)
		waiting(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphUnavailable)
		assertItem(t, h.changed(t, s, 2, request, open), leaver.Done, "")
		assert.Equal(t, 1, s.accepted())
	})
}

func TestWhatIsTakenAndStillListedIsNotDone(t *testing.T) {
	t.Parallel()
	table(t, holdings, func(t *testing.T, h holding) {
		s, request := withHoldings(t)
		open := h.open(t, s, request)
		s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
		says := waiting(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphUnavailable).Message()
		assert.Contains(t, says, "does not show it yet")
		assert.Zero(t, h.held(s.Users()[adele].Holdings))
		require.Error(t, errorOf(h.changes(t, s, 2, request, open)), "the list is the truth, whatever the answer to the second write is")
		s.Configure(graphsim.Settings{})
		assertItem(t, h.changed(t, s, 3, request, open), leaver.Done, "")
	})
}

func TestAMissingPermissionSaysWhichAndTakesNothing(t *testing.T) {
	t.Parallel()
	for name, permission := range map[string]string{"app roles": "AppRoleAssignment.ReadWrite.All", "consents": "DelegatedPermissionGrant.ReadWrite.All",
		"packages": "EntitlementManagement.ReadWrite.All", "numbers": "TeamsTelephoneNumber.ReadWrite.All"} {
		h := holdings[name]
		s, request := withHoldings(t)
		open := h.open(t, s, request)
		fault := h.write
		fault.Status, fault.Code, fault.Message = 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
		s.Fail(fault)
		assert.Contains(t, final(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphForbidden).Message(), permission)
		s.Fail(graphsim.Fault{Method: "GET", Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
		final(t, s, errorOf(call[leaver.StepResult](t, s, 1, h.list, request)), leaver.GraphForbidden)
		assert.Equal(t, 1, h.held(s.Users()[adele].Holdings))
		assert.Zero(t, s.accepted())
	}
}

func TestWhatADeletedLeaverHeldIsNotAsked(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	open := map[string]leaver.Item{}
	for name, h := range holdings {
		open[name] = h.open(t, s, request)
	}
	s.change(func(user *graphsim.User) { user.Deleted = true })
	for _, name := range []string{"app roles", "consents"} {
		assertItem(t, holdings[name].changed(t, s, 1, request, open[name]), leaver.Skipped, "deleted")
		assert.Equal(t, leaver.StepResult{Detail: "the account is deleted"}, holdings[name].lists(t, s, request))
	}
	assert.Empty(t, s.writes())
}

func TestARoleThatComesByAGroupIsLeftToTheGroup(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	s.change(func(user *graphsim.User) {
		user.AppRoles = append(user.AppRoles, graphsim.AppRole{ID: "byGroup", PrincipalID: "0f1e2d3c-5555-4222-8333-444455556666", ResourceName: "Intranet"})
	})
	h := holdings["app roles"]
	items := h.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Equal(t, "Expenses", items[0].Name)
	assertItem(t, items[1], leaver.Skipped, "by a group")
	assertItem(t, h.changed(t, s, 1, request, items[1]), leaver.Skipped, "by a group")
	assert.Empty(t, s.writes())
}

func TestAConsentOfTheWholeTenantIsNeverTouched(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	s.change(func(user *graphsim.User) {
		user.Grants = append(user.Grants, graphsim.Grant{ID: "everybodys", ConsentType: "AllPrincipals", Scope: "User.Read"}, graphsim.Grant{ID: "megans", PrincipalID: s.id(megan), Scope: "User.Read"})
	})
	client := s.AddApp(graphsim.App{Kind: "servicePrincipals", Name: "Mail Merge"})
	s.change(func(user *graphsim.User) { user.Grants[0].ClientID = client })
	h := holdings["consents"]
	items := h.lists(t, s, request).Items
	require.Len(t, items, 3)
	assert.Equal(t, "Mail Merge", items[0].Name)
	assertItem(t, items[1], leaver.Skipped, "every user")
	assertItem(t, items[2], leaver.Skipped, "another user's")
	for _, item := range items {
		h.changed(t, s, 1, request, item)
	}
	left := s.Users()[adele].Grants
	require.Len(t, left, 2)
	assert.Equal(t, "everybodys", left[0].ID)
	assert.Equal(t, []string{"DELETE " + items[0].ID}, s.writes())
}

func TestAnAccessPackageIsRequestedOnceAndDoneWhenItHasExpired(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	h := holdings["packages"]
	open := h.open(t, s, request)
	s.Configure(graphsim.Settings{PackagesTake: leaver.Duration(time.Hour)})
	for number := range int32(3) {
		waiting(t, s, errorOf(h.changes(t, s, number+1, request, open)), leaver.GraphUnavailable)
	}
	assert.Len(t, s.writes(), 1, "the request that is under way is enough")
	s.Configure(graphsim.Settings{})
	assertItem(t, h.changed(t, s, 4, request, open), leaver.Done, "taken away")
	assert.Equal(t, "expired", s.Users()[adele].Packages[0].State)
}

func TestARemovalThatEntraFailsToDeliverIsAQuestionAndARetryRequestsItAnew(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	h := holdings["packages"]
	open := h.open(t, s, request)
	s.Configure(graphsim.Settings{PackagesFail: true})
	waiting(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphUnavailable)
	waiting(t, s, errorOf(h.changes(t, s, 2, request, open)), leaver.GraphBadRequest)
	var item leaver.Item
	err := attempt{number: 6, refused: 4}.run(t, s, h.change, leaver.ItemRequest{UserID: request.UserID, Item: open}, &item)
	says := final(t, s, err, leaver.GraphBadRequest).Message()
	assert.Contains(t, says, "deliveryFailed")
	assert.Contains(t, says, "Identity Governance")
	assert.Len(t, s.writes(), 1)
	s.Configure(graphsim.Settings{})
	assertItem(t, h.changed(t, s, 1, request, open), leaver.Done, "")
	assert.Len(t, s.writes(), 2)
}

func TestANumberIsMaskedAndItsTypeWrittenAsTheWriteWantsIt(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	s.Configure(graphsim.Settings{CapitalNumbers: true})
	h := holdings["numbers"]
	open := h.open(t, s, request)
	assert.Equal(t, "…42", open.Name)
	assert.Equal(t, map[string]string{"telephoneNumber": "+15550142", "numberType": "directRouting", "assignmentCategory": "primary", "locationId": ""}, open.Before)
	changed := h.changed(t, s, 1, request, open)
	for _, text := range []string{changed.ID, changed.Name, changed.Detail} {
		assert.False(t, strings.Contains(text, "5550142"), text)
	}
}

func TestAnOperationThatFailsIsTriedAgainAndThenAQuestion(t *testing.T) {
	t.Parallel()
	s, request := withHoldings(t)
	h := holdings["numbers"]
	open := h.open(t, s, request)
	s.Configure(graphsim.Settings{NumbersFail: true})
	waiting(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphBadRequest)
	var item leaver.Item
	err := attempt{number: 5, refused: 4}.run(t, s, h.change, leaver.ItemRequest{UserID: request.UserID, Item: open}, &item)
	says := final(t, s, err, leaver.GraphBadRequest).Message()
	assert.Contains(t, says, "Teams admin center")
	assert.NotContains(t, says, "5550142")
	s.Configure(graphsim.Settings{NumbersTake: leaver.Duration(time.Hour)})
	assert.Contains(t, waiting(t, s, errorOf(h.changes(t, s, 1, request, open)), leaver.GraphUnavailable).Message(), "does not show it yet")
	s.Configure(graphsim.Settings{})
	assertItem(t, h.changed(t, s, 2, request, open), leaver.Done, "no longer the leaver's")
}
