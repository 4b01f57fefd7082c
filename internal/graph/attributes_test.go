package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAttributesAreToldByNameAndNeverByValue(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","jobTitle":"Clerk","department":null,"city":"","employeeId":7}`))
	set, err := client.AttributesSet(t.Context(), userID, []string{"jobTitle", "department", "city", "employeeId"})
	require.NoError(t, err)
	assert.Equal(t, []string{"jobTitle", "employeeId"}, set)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"?$select=id,jobTitle,department,city,employeeId", s.all()[0].target)
}

func TestAnAttributeThatGraphDoesNotTellIsNotEmpty(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","jobTitle":null}`))
	_, err := client.AttributesSet(t.Context(), userID, []string{"jobTitle", "department"})
	require.ErrorAs(t, err, new(*HiddenError))
	_, client = serve(t, reply(http.StatusOK, `{"id":"`+managerID+`","jobTitle":null}`))
	_, err = client.AttributesSet(t.Context(), userID, []string{"jobTitle"})
	require.ErrorIs(t, err, ErrOtherUser)
}

func TestAttributesAreClearedByNameAlone(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.ClearAttributes(t.Context(), userID, []string{"jobTitle", "department"}))
	sent := s.all()[0]
	assert.Equal(t, "PATCH /graph/v1.0/users/"+userID, sent.method+" "+sent.target)
	assert.JSONEq(t, `{"jobTitle":null,"department":null}`, sent.body)
	for _, odd := range []string{"", "a&$expand=manager", "a,b", "a b", "a/b"} {
		_, err := client.AttributesSet(t.Context(), userID, []string{odd})
		require.ErrorAs(t, err, new(*UnusableIDError), odd)
	}
	assert.Len(t, s.all(), 1)
}
