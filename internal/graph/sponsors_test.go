package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatAUserAnswersForIsListedByItsKind(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"u1"},{"@odata.type":"#microsoft.graph.agentUser","id":"u2"},
		{"@odata.type":"#microsoft.graph.agentIdentity","id":"a1","displayName":"Clerk"},{"@odata.type":"#microsoft.graph.agentIdentityBlueprint","id":"b1"}]}`))
	all, err := client.SponsorOf(t.Context(), userID)
	require.NoError(t, err)
	var kinds []SponsoredKind
	for _, s := range all[:3] {
		kind, ok := s.Kind()
		assert.True(t, ok)
		kinds = append(kinds, kind)
	}
	assert.Equal(t, []SponsoredKind{SponsoredUser, SponsoredUser, AgentIdentity}, kinds)
	_, ok := all[3].Kind()
	assert.False(t, ok, "no path is guessed")

	for _, odd := range []string{`{"@odata.type":"#microsoft.graph.user"}`, `{"id":"u1"}`} {
		_, client = serve(t, reply(http.StatusOK, `{"value":[`+odd+`]}`))
		_, err = client.SponsorOf(t.Context(), userID)
		require.Error(t, err)
	}
}

func TestTheSponsorsOfAGuestAndOfAnAgentHaveDifferentPaths(t *testing.T) {
	t.Parallel()
	s, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			reply(http.StatusOK, `{"value":[{"id":"s1"},{"id":"s2"}]}`)(w, r)
			return
		}
		reply(http.StatusNoContent, "")(w, r)
	})
	for kind, path := range map[SponsoredKind]string{SponsoredUser: "/users/o1/sponsors", AgentIdentity: "/servicePrincipals/o1/microsoft.graph.agentIdentity/sponsors"} {
		sponsors, err := client.Sponsors(t.Context(), kind, "o1")
		require.NoError(t, err)
		assert.Equal(t, []string{"s1", "s2"}, sponsors)
		require.NoError(t, client.AddSponsor(t.Context(), kind, "o1", managerID))
		require.NoError(t, client.RemoveSponsor(t.Context(), kind, "o1", userID))
		sent := s.all()[len(s.all())-3:]
		assert.Equal(t, "/graph/v1.0"+path+"?$select=id", sent[0].target)
		assert.Equal(t, "POST /graph/v1.0"+path+"/$ref", sent[1].method+" "+sent[1].target)
		assert.JSONEq(t, `{"@odata.id":"`+s.URL+`/v1.0/directoryObjects/`+managerID+`"}`, sent[1].body)
		assert.Equal(t, "DELETE /graph/v1.0"+path+"/"+userID+"/$ref", sent[2].method+" "+sent[2].target)
		require.ErrorAs(t, client.AddSponsor(t.Context(), kind, "o1", "a/b"), new(*UnusableIDError))
		require.ErrorAs(t, client.RemoveSponsor(t.Context(), kind, "o1", "a/b"), new(*UnusableIDError))
	}
	_, client = serve(t, reply(http.StatusOK, `{"value":[{}]}`))
	_, err := client.Sponsors(t.Context(), AgentIdentity, "o1")
	require.ErrorAs(t, err, new(*AnswerError))
}
