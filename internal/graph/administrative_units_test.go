package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyAdministrativeUnitsAreTakenFromMemberOf(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.group","id":"g1"},{"@odata.type":"#microsoft.graph.directoryRole","id":"r1"},`+
		`{"@odata.type":"#microsoft.graph.administrativeUnit","id":"u1","displayName":"Berlin","membershipType":"Dynamic","isMemberManagementRestricted":true},{"@odata.type":"#microsoft.graph.administrativeUnit","id":"u2"}]}`))
	units, err := client.AdministrativeUnits(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []AdministrativeUnit{{"u1", "Berlin", "Dynamic", true}, {ID: "u2"}}, units)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"id":"u1"}]}`))
	_, err = client.AdministrativeUnits(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError), "it may be one")
}

func TestAUserLeavesAnAdministrativeUnitByBothIDs(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.LeaveAdministrativeUnit(t.Context(), "u 1", userID))
	assert.Equal(t, []string{"DELETE", "/graph/v1.0/directory/administrativeUnits/u%201/members/" + userID + "/$ref"}, []string{s.all()[0].method, s.all()[0].target})
	for _, ids := range [][2]string{{"", userID}, {"u1", ""}, {"u1", "../u2"}, {"..", userID}, {"u1/x", userID}, {"u1", "a?b"}} {
		require.ErrorAs(t, client.LeaveAdministrativeUnit(t.Context(), ids[0], ids[1]), new(*UnusableIDError), ids)
	}
	assert.Len(t, s.all(), 1)
}
