package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneUserIsConfirmedCompromised(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.ConfirmCompromised(t.Context(), userID))
	assert.Equal(t, "/graph/v1.0/identityProtection/riskyUsers/confirmCompromised", s.all()[0].target)
	assert.JSONEq(t, `{"userIds":["`+userID+`"]}`, s.all()[0].body)
	require.ErrorAs(t, client.ConfirmCompromised(t.Context(), ""), new(*UnusableIDError))
	assert.Len(t, s.all(), 1)
}

func TestARiskIsOneUsersAndSaysItsState(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]any{
		`{"id":"` + otherwise + `","riskState":"confirmedCompromised"}`: nil,
		`{}`: nil, `{"id":"` + userID + `"}`: new(*HiddenError), `{"id":"` + userID + `","riskState":null}`: new(*HiddenError),
	} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.RiskState(t.Context(), userID)
		if want == nil {
			require.ErrorIs(t, err, ErrOtherUser, body)
		} else {
			require.ErrorAs(t, err, want, body)
		}
	}
	s, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","riskState":"confirmedCompromised"}`))
	state, err := client.RiskState(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, ConfirmedCompromised, state)
	assert.Equal(t, "/graph/v1.0/identityProtection/riskyUsers/"+userID+"?$select=id,riskState", s.all()[0].target)
}
