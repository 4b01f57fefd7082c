package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnEligibilityForAGroupEndsByARequest(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusCreated, `{"id":"x","status":"Revoked"}`))
	require.NoError(t, client.RemoveGroupEligibility(t.Context(), groupID, userID, "member", "leaves"))
	require.NoError(t, client.RemoveGroupAssignment(t.Context(), groupID, userID, "owner", ""))
	assert.JSONEq(t, `{"action":"adminRemove","accessId":"member","principalId":"`+userID+`","groupId":"`+groupID+`","justification":"leaves"}`, s.all()[0].body)
	assert.JSONEq(t, `{"action":"adminRemove","accessId":"owner","principalId":"`+userID+`","groupId":"`+groupID+`"}`, s.all()[1].body)
	assert.Equal(t, "/graph/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests", s.all()[1].target)
}
