package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOfWhatAUserOwnsTheApplicationsAreListed(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[
		{"@odata.type":"#microsoft.graph.group","id":"g1"},
		{"@odata.type":"#microsoft.graph.application","id":"a1","displayName":"Expenses"},
		{"@odata.type":"#microsoft.graph.servicePrincipal","id":"s1","displayName":"Expenses"},
		{"@odata.type":"#microsoft.graph.agentIdentity","id":"i1"},
		{"@odata.type":"#microsoft.graph.device","id":"d1"}]}`))
	apps, err := client.OwnedApps(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []OwnedApp{
		{"a1", "Expenses", AppRegistration, "#microsoft.graph.application"},
		{"s1", "Expenses", EnterpriseApp, "#microsoft.graph.servicePrincipal"},
		{"i1", "", "", "#microsoft.graph.agentIdentity"},
	}, apps)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"id":"a1"}]}`))
	_, err = client.OwnedApps(t.Context(), userID)
	require.ErrorAs(t, err, new(*HiddenError), "it could be an application")
}

func TestTheSecretsOfAnApplicationAreItsPasswordsAndKeys(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"a1","passwordCredentials":[{"keyId":"k1","endDateTime":"2027-01-31T00:00:00Z"}],"keyCredentials":[{"keyId":"k2"}]}`))
	secrets, err := client.AppSecrets(t.Context(), EnterpriseApp, "a1")
	require.NoError(t, err)
	assert.Equal(t, []AppSecret{{"k1", "2027-01-31T00:00:00Z"}, {KeyID: "k2"}}, secrets)
	assert.Equal(t, "/graph/v1.0/servicePrincipals/a1?$select=id,passwordCredentials,keyCredentials", s.all()[0].target)

	for _, hidden := range []string{`{"id":"a1"}`, `{"id":"a1","passwordCredentials":null,"keyCredentials":[]}`} {
		_, client := serve(t, reply(http.StatusOK, hidden))
		_, err := client.AppSecrets(t.Context(), AppRegistration, "a1")
		require.ErrorAs(t, err, new(*HiddenError), "none is not the same as none that is shown")
	}
	_, client = serve(t, reply(http.StatusOK, `{"id":"a2","passwordCredentials":[],"keyCredentials":[]}`))
	_, err = client.AppSecrets(t.Context(), AppRegistration, "a1")
	require.ErrorAs(t, err, new(*AnswerError))
}

func TestAnOwnerIsAddedByAReferenceAndRemovedByOne(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.AddAppOwner(t.Context(), AppRegistration, "a1", userID))
	require.NoError(t, client.RemoveAppOwner(t.Context(), EnterpriseApp, "s1", userID))
	added, removed := s.all()[0], s.all()[1]
	assert.Equal(t, "POST /graph/v1.0/applications/a1/owners/$ref", added.method+" "+added.target)
	assert.JSONEq(t, `{"@odata.id":"`+s.URL+`/v1.0/directoryObjects/`+userID+`"}`, added.body)
	assert.Equal(t, "DELETE /graph/v1.0/servicePrincipals/s1/owners/"+userID+"/$ref", removed.method+" "+removed.target)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"id":"`+userID+`"},{}]}`))
	_, err := client.AppOwners(t.Context(), AppRegistration, "a1")
	require.ErrorAs(t, err, new(*AnswerError), "who cannot be told is no proof that somebody is gone")
}
