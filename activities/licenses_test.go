package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	e3      = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	cloudPC = "e4a8e0a1-0000-4000-8000-000000000001"
	visio   = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
)

var licences = each{leaver.ActivityListLicenses, leaver.ActivityRemoveLicense}

// licensed is Adele with licences, and Megan with the same.
func licensed(t *testing.T, held ...graphsim.License) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, DisplayName: "Adele Vance", Texts: map[string]string{"usageLocation": "DE"}, Holdings: graphsim.Holdings{Licenses: held}},
		{UserPrincipalName: megan, AccountEnabled: true, Holdings: graphsim.Holdings{Licenses: held}}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

func (s *stage) licences(name string) int { return len(s.Users()[name].Licenses) }

func TestEachLicenceOfTheLeaversOwnIsTakenAway(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3, SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE", "SHAREPOINTENTERPRISE"}, DisabledPlans: []string{"57ff2da0-773e-42df-b2af-ffb7a2317929"}},
		graphsim.License{SkuID: cloudPC, SkuPartNumber: "CPC_B_2C_8RAM_128GB"}, graphsim.License{SkuID: visio, State: "Error"})
	items := licences.does(t, s, request)
	require.Len(t, items, 3)
	assertItem(t, items[0], leaver.Done, "the mailbox is kept for 30 days")
	assert.Contains(t, items[0].Detail, "OneDrive")
	assert.Equal(t, leaver.Item{ID: e3, Name: "SPE_E3", Kind: "licence", Outcome: leaver.Done, Detail: items[0].Detail, Before: map[string]string{
		"skuId": e3, "usageLocation": "DE", "disabledPlans": "57ff2da0-773e-42df-b2af-ffb7a2317929", "servicePlans": "EXCHANGE_S_ENTERPRISE,SHAREPOINTENTERPRISE"}}, items[0])
	assertItem(t, items[1], leaver.Done, "grace period of 7 days")
	assert.Equal(t, "the licence is taken away", items[2].Detail, "one in error is a licence too")
	assert.Equal(t, []int{0, 3}, []int{s.licences(adele), s.licences(megan)})
	assert.Equal(t, 3, s.accepted())
	request.UserID = adele // a name names the same user
	assert.Equal(t, leaver.StepResult{Detail: "the leaver has no licence"}, licences.lists(t, s, request))
}

func TestALicenceOfAGroupIsNamedAndNotTouched(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3, SkuPartNumber: "SPE_E3", AssignedByGroup: group}, graphsim.License{SkuID: e3, SkuPartNumber: "SPE_E3"})
	s.change(func(u *graphsim.User) { u.Memberships = []graphsim.Membership{{ID: group, Name: "Staff"}} })
	items := licences.does(t, s, request)
	require.Len(t, items, 2)
	assertItem(t, items[0], leaver.Done, "taken away")
	assertItem(t, items[1], leaver.Failed, "removeGroupMemberships")
	assert.Equal(t, []string{e3 + ":" + group, "SPE_E3 by the group Staff", "groupLicence"}, []string{items[1].ID, items[1].Name, items[1].Kind})
	assert.Len(t, s.writes(), 1)
}

func TestALicenceOfAGroupThatTheLeaverHasLeftIsWaitedFor(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3, SkuPartNumber: "SPE_E3", AssignedByGroup: group})
	open := licences.lists(t, s, request).Items[0]
	assert.Empty(t, open.Outcome)
	_, err := licences.changes(t, s, 1, request, open)
	assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "within minutes to hours")
	s.change(func(u *graphsim.User) { u.Licenses = []graphsim.License{} })
	assertItem(t, licences.changed(t, s, 2, request, open), leaver.Done, "taken away")
	assert.Empty(t, s.writes())
}

// Each licence is a call of its own, which Graph refuses for that one alone.
func TestALicenceThatIsRefusedKeepsNoOtherOne(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3}, graphsim.License{SkuID: visio})
	items := licences.lists(t, s, request).Items
	s.Fail(graphsim.Fault{Method: "POST", Status: 400, Code: "Request_BadRequest", Message: "User license is inherited from a group membership and it cannot be removed directly from the user."})
	_, err := licences.changes(t, s, 1, request, items[0])
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "it comes from a group")
	assert.Equal(t, leaver.Done, licences.changed(t, s, 1, request, items[1]).Outcome)
	assert.Equal(t, 1, s.licences(adele))
}

func TestALicenceIsDoneOnlyOnceItIsNotShown(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3})
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	open := licences.lists(t, s, request).Items[0]
	for n := range 2 { // the second time Graph says that there is no such licence
		_, err := licences.changes(t, s, int32(n+1), request, open)
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not show it yet")
	}
	s.Configure(graphsim.Settings{})
	assert.Equal(t, leaver.Done, licences.changed(t, s, 3, request, open).Outcome)
	assert.Equal(t, 1, s.accepted())
}

func TestALicenceWhoseRemovalLostItsAnswerIsDone(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3})
	open := licences.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "POST", Cut: true})
	waiting(t, s, errorOf(licences.changes(t, s, 1, request, open)), leaver.GraphUnavailable)
	assert.Equal(t, leaver.Done, licences.changed(t, s, 2, request, open).Outcome)
	assert.Len(t, s.writes(), 1)
}

// A replica may show that a licence counts, and not yet where it comes from.
func TestALicenceWithoutASourceIsOneOfTheLeavers(t *testing.T) {
	t.Parallel()
	s, request := licensed(t)
	s.front.HandleFunc("GET /graph/v1.0/users/"+request.UserID, says(`{"id":"`+request.UserID+`","usageLocation":null,"assignedLicenses":[{"skuId":"`+e3+`","disabledPlans":[]}],"licenseAssignmentStates":[]}`))
	assert.Equal(t, []leaver.Item{{ID: e3, Kind: "licence", Before: map[string]string{"skuId": e3, "usageLocation": ""}}}, licences.lists(t, s, request).Items)
}

func TestTheLicencesOfADeletedAccountAreSkipped(t *testing.T) {
	t.Parallel()
	s, request := licensed(t, graphsim.License{SkuID: e3})
	request.Items = licences.lists(t, s, request).Items
	s.change(func(u *graphsim.User) { u.Deleted = true })
	assertItem(t, licences.lists(t, s, request).Items[0], leaver.Skipped, "the account is deleted")
	assert.Equal(t, leaver.Skipped, licences.changed(t, s, 1, request, request.Items[0]).Outcome)
}
