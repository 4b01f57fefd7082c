package graph

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMethodsAreReadWithoutNumbersAddressesAndNames(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.passwordAuthenticationMethod","id":"28c10230-6103-485e-b985-444c60001490","password":null},
		{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"p1","phoneNumber":"+1 5550142","phoneType":"mobile"},
		{"@odata.type":"#microsoft.graph.fido2AuthenticationMethod","id":"f1","displayName":"Adele's key","model":"Key 5","createdDateTime":"2026-01-02T03:04:05Z"},
		{"@odata.type":"#microsoft.graph.hardwareOathAuthenticationMethod","id":"h1"},{"@odata.type":"#microsoft.graph.phone","id":"x1"},{"@odata.type":"#microsoft.graph.of Adele","id":"x2"}]}`))
	methods, err := client.AuthenticationMethods(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, methods, 6)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/authentication/methods", s.all()[0].target)
	assert.True(t, methods[0].IsPassword())
	assert.Equal(t, AuthenticationMethod{"f1", "#microsoft.graph.fido2AuthenticationMethod", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "Key 5"}, methods[2])
	var named []string
	var removable []bool
	for _, m := range methods {
		_, ok := m.Kind()
		named, removable = append(named, m.Named()), append(removable, ok)
	}
	assert.Equal(t, []string{"password", "phone", "fido2", "hardwareOath", "phone", ""}, named)
	assert.Equal(t, []bool{false, true, true, false, false, false}, removable, "no kind is guessed")
}

// Each kind has a path of its own, which is written down and never made from the kind's name.
func TestEachKindOfMethodsIsRemovedByItsOwnPath(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	want := map[string]string{
		"temporaryAccessPass": "temporaryAccessPassMethods", "phone": "phoneMethods", "email": "emailMethods", "microsoftAuthenticator": "microsoftAuthenticatorMethods",
		"fido2": "fido2Methods", "softwareOath": "softwareOathMethods", "windowsHelloForBusiness": "windowsHelloForBusinessMethods",
		"platformCredential": "platformCredentialMethods", "external": "externalAuthenticationMethods",
	}
	require.Len(t, methodKinds, len(want))
	for named, path := range want {
		kind, ok := AuthenticationMethod{Type: "#microsoft.graph." + named + "AuthenticationMethod"}.Kind()
		require.True(t, ok, named)
		require.NoError(t, client.RemoveAuthenticationMethod(t.Context(), userID, kind, "m1"))
		sent := s.all()[len(s.all())-1]
		assert.Equal(t, "DELETE /graph/v1.0/users/"+userID+"/authentication/"+path+"/m1", sent.method+" "+sent.target)
		require.ErrorAs(t, client.RemoveAuthenticationMethod(t.Context(), userID, kind, "../m1"), new(*UnusableIDError))
	}
	require.ErrorAs(t, client.RemoveAuthenticationMethod(t.Context(), userID, -1, "m1"), new(*AnswerError))
	assert.Len(t, s.all(), len(want))
}

// The kind decides what is removed, and how.
func TestAMethodThatDoesNotTellItsKindIsNoAnswer(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"p1"}]}`))
	_, err := client.AuthenticationMethods(t.Context(), userID)
	require.ErrorAs(t, err, new(*HiddenError))
	_, client = serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod"}]}`))
	_, err = client.AuthenticationMethods(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError))
}
