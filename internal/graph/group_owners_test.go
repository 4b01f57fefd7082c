package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnOwnerOfATeamIsNamedAsTeamsWantsIt(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusCreated, `{"id":"m1","roles":["owner"]}`))
	require.NoError(t, client.AddTeamOwner(t.Context(), groupID, userID))
	assert.JSONEq(t, `{"@odata.type":"#microsoft.graph.aadUserConversationMember","roles":["owner"],"user@odata.bind":"`+s.URL+`/v1.0/users('`+userID+`')"}`, s.all()[0].body)
}
