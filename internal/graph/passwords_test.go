package graph

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPasswordIsSetAndStandsInNothingElse(t *testing.T) {
	t.Parallel()
	const password = "Correct-Horse-7"
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.SetPassword(t.Context(), userID, password))
	sent := s.all()[0]
	assert.Equal(t, "PATCH /graph/v1.0/users/"+userID, sent.method+" "+sent.target)
	assert.JSONEq(t, `{"passwordProfile":{"password":"`+password+`","forceChangePasswordNextSignIn":true}}`, sent.body)

	for _, answer := range []http.HandlerFunc{
		reply(http.StatusBadRequest, `{"error":{"code":"Request_BadRequest","message":"The specified password `+password+` does not comply."}}`),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, reply(http.StatusOK, password),
	} {
		_, client := serve(t, answer)
		err := client.SetPassword(t.Context(), userID, password)
		require.Error(t, err)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), password)
	}
}

func TestWhenAPasswordWasChangedIsToldOfTheUserWhoWasAskedFor(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","lastPasswordChangeDateTime":"2026-01-02T03:04:05Z"}`))
	at, err := client.PasswordChangedAt(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), at)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"?$select=id,lastPasswordChangeDateTime", s.all()[0].target)

	_, client = serve(t, reply(http.StatusOK, `{"id":"`+userID+`","lastPasswordChangeDateTime":null}`))
	_, err = client.PasswordChangedAt(t.Context(), userID)
	require.ErrorAs(t, err, new(*HiddenError))
	_, client = serve(t, reply(http.StatusOK, `{"id":"`+managerID+`","lastPasswordChangeDateTime":"2026-01-02T03:04:05Z"}`))
	_, err = client.PasswordChangedAt(t.Context(), userID)
	require.ErrorIs(t, err, ErrOtherUser)
}
