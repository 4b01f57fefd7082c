package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

func TestADynamicOrRestrictedUnitRefusesARemoval(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	id := o.Add(graphsim.User{UserPrincipalName: lee, Memberships: []graphsim.Membership{{ID: "g1", Name: "Sales"}, {ID: "r1", Role: true}},
		Holdings: graphsim.Holdings{Units: []graphsim.AdministrativeUnit{{ID: "u1", Name: "Berlin"}, {ID: "u2", Name: "Rule", Dynamic: true}, {ID: "u3", Name: "Board", Restricted: true}}}})
	const memberOf = "/users/" + lee + "/memberOf?$select=id,displayName,membershipType,isMemberManagementRestricted"
	rows := o.list(memberOf)
	assert.Len(t, rows, 5)
	assert.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.group", "id": "g1", "displayName": "Sales"}, rows[0])
	assert.Equal(t, map[string]any{"@odata.type": "#microsoft.graph.administrativeUnit", "id": "u3", "displayName": "Board", "membershipType": nil, "isMemberManagementRestricted": true}, rows[4])

	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for unit, status := range map[string]int{"u2": 400, "u3": 403, "u9": 404} {
		assert.Equal(t, status, o.graph("DELETE", "/directory/administrativeUnits/"+unit+"/members/"+id+"/$ref", "").status, unit)
	}
	assert.Equal(t, 204, o.graph("DELETE", "/directory/administrativeUnits/u1/members/"+id+"/$ref", "").status)
	assert.Equal(t, 404, o.graph("DELETE", "/directory/administrativeUnits/u1/members/"+id+"/$ref", "").status)
	assert.Len(t, o.list(memberOf), 5, "it lags")
	o.Configure(graphsim.Settings{})
	assert.Len(t, o.list(memberOf), 4)
	assert.Len(t, o.Users()[lee].Units, 2)
	o.token = o.Token(graphsim.Delegated)
	assert.Equal(t, 204, o.graph("DELETE", "/directory/administrativeUnits/u3/members/"+id+"/$ref", "").status)
}
