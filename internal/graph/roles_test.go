package graph

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheRolesOfAUserAreListedByThePrincipal(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"r1","principalId":"`+userID+`","roleDefinitionId":"`+GlobalAdministrator+`","directoryScopeId":"/","memberType":"Direct","assignmentType":"Assigned","scheduleInfo":{"startDateTime":"2026-11-01T08:30:00Z","recurrence":null,"expiration":{"type":"afterDateTime","endDateTime":"2027-11-01T08:30:00Z","duration":null}}}]}`))
	want := RoleAssignment{ID: "r1", PrincipalID: userID, RoleDefinitionID: GlobalAdministrator, DirectoryScopeID: WholeTenant, MemberType: "Direct", AssignmentType: "Assigned"}
	want.ScheduleInfo.StartDateTime = time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC)
	want.ScheduleInfo.Expiration.Type, want.ScheduleInfo.Expiration.EndDateTime = "afterDateTime", time.Date(2027, 11, 1, 8, 30, 0, 0, time.UTC)
	for i, lists := range []func() ([]RoleAssignment, error){
		func() ([]RoleAssignment, error) { return client.RoleAssignments(t.Context(), userID) },
		func() ([]RoleAssignment, error) { return client.RoleEligibilities(t.Context(), userID) },
		func() ([]RoleAssignment, error) { return client.RoleSchedules(t.Context(), userID) },
	} {
		roles, err := lists()
		require.NoError(t, err)
		assert.Equal(t, []RoleAssignment{want}, roles)
		assert.Equal(t, "principalId eq '"+userID+"'", filter(t, s), i)
	}
}

func TestARoleOfSomebodyElseIsNoneOfTheLeavers(t *testing.T) {
	t.Parallel()
	for _, row := range []string{`{"id":"r1","principalId":"` + otherwise + `"}`, `{"id":"r1"}`, `{}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+row+`]}`))
		for _, lists := range []func() ([]RoleAssignment, error){
			func() ([]RoleAssignment, error) { return client.RoleAssignments(t.Context(), userID) },
			func() ([]RoleAssignment, error) { return client.RoleHolders(t.Context(), GlobalAdministrator) },
		} {
			roles, err := lists()
			require.ErrorAs(t, err, new(*AnswerError), row)
			assert.Empty(t, roles)
		}
	}
}

func TestARoleIsRemovedInItsOwnScope(t *testing.T) {
	t.Parallel()
	const scope = "/administrativeUnits/" + otherwise
	s, client := serve(t, reply(http.StatusCreated, `{"id":"q1","status":"Revoked","completedDateTime":null}`))
	require.NoError(t, client.RemoveRoleEligibility(t.Context(), userID, GlobalAdministrator, scope, "offboarding"))
	require.NoError(t, client.RemoveRoleSchedule(t.Context(), userID, GlobalAdministrator, scope, "offboarding"))
	for i, path := range []string{"roleEligibilityScheduleRequests", "roleAssignmentScheduleRequests"} {
		asked := s.all()[i]
		assert.Equal(t, []string{"POST", "/graph/v1.0/roleManagement/directory/" + path}, []string{asked.method, asked.target})
		assert.JSONEq(t, `{"action":"adminRemove","principalId":"`+userID+`","roleDefinitionId":"`+GlobalAdministrator+`","directoryScopeId":"`+scope+`","justification":"offboarding"}`, asked.body)
	}
	_, client = serve(t, reply(http.StatusOK, `{}`))
	require.ErrorAs(t, client.RemoveRoleSchedule(t.Context(), userID, GlobalAdministrator, scope, "offboarding"), new(*AnswerError))

	s, client = serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.DeleteRoleAssignment(t.Context(), "lAPp-1"))
	assert.Equal(t, "/graph/v1.0/roleManagement/directory/roleAssignments/lAPp-1", s.all()[0].target)
	require.ErrorAs(t, client.DeleteRoleAssignment(t.Context(), "../x"), new(*UnusableIDError))
}
