package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const managerID = "5f0e2d9c-8f5c-4a62-7d5e-3b1f0b9f1b43"

func TestAManagerIsAUserWhoCanSignInOrNotOrAContact(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Manager{
		`{"@odata.type":"#microsoft.graph.user","id":"m","accountEnabled":true}`:  {ID: "m", IsUser: true, AccountEnabled: true},
		`{"@odata.type":"#microsoft.graph.user","id":"m","accountEnabled":false}`: {ID: "m", IsUser: true},
		`{"@odata.type":"#microsoft.graph.orgContact","id":"m"}`:                  {ID: "m"},
	} {
		s, client := serve(t, reply(http.StatusOK, body))
		manager, err := client.Manager(t.Context(), userID)
		require.NoError(t, err)
		assert.Equal(t, want, manager)
		assert.Equal(t, "/graph/v1.0/users/"+userID+"/manager?$select=id,accountEnabled", s.all()[0].target)
	}
}

// Who cannot sign in is passed over: an answer that does not tell is none.
func TestAManagerOfWhomGraphDoesNotTellWhetherTheAccountIsEnabledIsNoAnswer(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"id":"m","accountEnabled":null}`))
	_, err := client.Manager(t.Context(), userID)
	require.ErrorAs(t, err, new(*HiddenError))
	_, client = serve(t, reply(http.StatusOK, `{"accountEnabled":true}`))
	_, err = client.Manager(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError))
}

func TestReportsAreListedWithWhoOwnsThem(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"r1","onPremisesSyncEnabled":null},
		{"@odata.type":"#microsoft.graph.user","id":"r2","onPremisesSyncEnabled":true},{"@odata.type":"#microsoft.graph.orgContact","id":"r3"}]}`))
	reports, err := client.DirectReports(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, reports, 3)
	assert.Equal(t, []bool{false, true, false}, []bool{reports[0].OnPremisesSyncEnabled, reports[1].OnPremisesSyncEnabled, reports[2].OnPremisesSyncEnabled})
	assert.Equal(t, []bool{true, true, false}, []bool{reports[0].IsUser(), reports[1].IsUser(), reports[2].IsUser()})
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/directReports?$select=id,onPremisesSyncEnabled", s.all()[0].target)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"onPremisesSyncEnabled":null}]}`))
	_, err = client.DirectReports(t.Context(), userID)
	require.ErrorAs(t, err, new(*AnswerError))
}

func TestAManagerIsSetByAReference(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.SetManager(t.Context(), userID, managerID))
	sent := s.all()[0]
	assert.Equal(t, "PUT /graph/v1.0/users/"+userID+"/manager/$ref", sent.method+" "+sent.target)
	assert.JSONEq(t, `{"@odata.id":"`+s.URL+`/v1.0/directoryObjects/`+managerID+`"}`, sent.body)
	require.ErrorAs(t, client.SetManager(t.Context(), userID, "../x"), new(*UnusableIDError))
	assert.Len(t, s.all(), 1)
}
