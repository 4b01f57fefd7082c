package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var units = each{leaver.ActivityListAdministrativeUnits, leaver.ActivityRemoveAdministrativeUnit}

// inUnits is Adele in administrative units, and Megan in the same.
func inUnits(t *testing.T, all ...graphsim.AdministrativeUnit) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, DisplayName: "Adele Vance", Memberships: []graphsim.Membership{{ID: group, Name: "Sales"}}, Holdings: graphsim.Holdings{Units: all}},
		{UserPrincipalName: megan, AccountEnabled: true, Holdings: graphsim.Holdings{Units: all}}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

func TestTheLeaverIsTakenOutOfUnitsThatTakeARemoval(t *testing.T) {
	t.Parallel()
	s, request := inUnits(t, graphsim.AdministrativeUnit{ID: "u1", Name: "Berlin"}, graphsim.AdministrativeUnit{ID: "u2", Name: "Rule", Dynamic: true}, graphsim.AdministrativeUnit{ID: "u3", Name: "Board", Restricted: true})
	items := units.does(t, s, request)
	require.Len(t, items, 3)
	assert.Equal(t, leaver.Item{ID: "u1", Name: "Berlin", Kind: "administrativeUnit", Outcome: leaver.Done, Detail: "the leaver is out of the administrative unit"}, items[0])
	assertItem(t, items[1], leaver.Failed, "changes the rule")
	assertItem(t, items[2], leaver.Failed, "Privileged Role Administrator")
	assert.Len(t, s.Users()[adele].Units, 2)
	assert.Len(t, s.Users()[megan].Units, 3, "nobody else is taken out")
	assert.Len(t, s.Users()[adele].Memberships, 1, "a group is no unit")
	assert.Equal(t, []string{"DELETE $ref"}, s.writes())
	request.UserID = adele // a name names the same user
	s.change(func(u *graphsim.User) { u.Units = []graphsim.AdministrativeUnit{{ID: "u4"}} })
	units.does(t, s, request)
	assert.Equal(t, leaver.StepResult{Detail: "the leaver is in no administrative unit"}, units.lists(t, s, request))
}

func TestAUnitIsLeftOnceMemberOfShowsIt(t *testing.T) {
	t.Parallel()
	s, request := inUnits(t, graphsim.AdministrativeUnit{ID: "u1", Name: "Berlin"})
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	open := units.lists(t, s, request).Items[0]
	for n := range 2 { // the second time Graph does not find the member
		waiting(t, s, errorOf(units.changes(t, s, int32(n+1), request, open)), leaver.GraphUnavailable)
	}
	s.Configure(graphsim.Settings{})
	assert.Equal(t, leaver.Done, units.changed(t, s, 3, request, open).Outcome)
	assert.Equal(t, 1, s.accepted())
}

func TestAUnitThatRefusesIsForAPerson(t *testing.T) {
	t.Parallel()
	s, request := inUnits(t, graphsim.AdministrativeUnit{ID: "u1", Name: "Berlin"})
	open := units.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Authorization_RequestDenied"})
	assert.Contains(t, final(t, s, errorOf(units.changes(t, s, 1, request, open)), leaver.GraphForbidden).Message(), "AdministrativeUnit.ReadWrite.All")
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	waiting(t, s, errorOf(units.changes(t, s, 2, request, open)), leaver.GraphUnavailable)
	assert.Equal(t, leaver.Done, units.changed(t, s, 3, request, open).Outcome)
}
