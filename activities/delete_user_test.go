package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deletes makes one attempt to delete Adele.
func (s *stage) deletes(t *testing.T, number int32) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, number, leaver.ActivityDeleteUser, leaver.StepRequest{UserID: s.id(adele), AccountDisabled: true})
}

func TestTheLeaverIsAmongTheDeletedAndNobodyElseIs(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}, {UserPrincipalName: megan}})
	result, err := s.deletes(t, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.Done, Detail: "the account is among the deleted ones, where it can be restored for 30 days"}, result)
	again, err := s.deletes(t, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, again.Outcome)
	assert.True(t, s.Users()[adele].Deleted)
	assert.False(t, s.Users()[megan].Deleted)
	assert.Equal(t, []string{"DELETE " + s.id(adele)}, s.writes(), "nothing is deleted for good")
}

// That reads do not find a user, or find one still, proves nothing.
func TestADeletionIsDoneWhenTheLeaverIsAmongTheDeleted(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) {
		_, err := s.deletes(t, number+1)
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not show it yet")
	}
	s.Configure(graphsim.Settings{})
	result, err := s.deletes(t, 3)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, 1, s.accepted())
}

func TestADeletionWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	s.Fail(graphsim.Fault{Method: "DELETE", Cut: true})
	waiting(t, s, errorOf(s.deletes(t, 1)), leaver.GraphUnavailable)
	result, err := s.deletes(t, 2)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestWhoIsSynchronisedOrAnAdministratorIsNotDeletedFromHere(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, OnPremisesSyncEnabled: true}})
	assert.Contains(t, final(t, s, errorOf(s.deletes(t, 1)), leaver.GraphBadRequest).Message(), "Active Directory, which owns it: delete it there, or move it out of the synchronisation's scope; when an administrator has done so, skip this step")
	assert.Empty(t, s.writes())
	s.change(func(user *graphsim.User) {
		user.OnPremisesSyncEnabled, user.Memberships = false, []graphsim.Membership{{ID: "r1", Role: true}}
	})
	says := final(t, s, errorOf(s.deletes(t, 1)), leaver.GraphForbidden).Message()
	assert.Contains(t, says, "User.DeleteRestore.All")
	assert.Contains(t, says, "outranks them")
	assert.False(t, s.Users()[adele].Deleted)
}

func TestALeaverWhomSomebodyHasEnabledAgainIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}})
	final(t, s, errorOf(s.deletes(t, 1)), leaver.AccountEnabled)
	assert.Empty(t, s.writes())
}

func TestADeletionWaitsForEveryStepThatDoesNotWaitForIt(t *testing.T) {
	t.Parallel()
	own := func(name string, after ...string) leaver.OwnStep {
		return leaver.OwnStep{Name: name, Activity: "Own", TaskQueue: "own", Summary: "Own", After: after}
	}
	s := set(t, []graphsim.User{{UserPrincipalName: adele}}, profiled(map[string]leaver.Profile{"standard": {OwnSteps: []leaver.OwnStep{
		own("archive", leaver.StepDisableAccount), own("tell", leaver.StepDeleteUser), own("close", "tell")}}}))
	request := with(leaver.StepSettings{Include: true, Delay: leaver.Duration(720 * time.Hour)}, leaver.StepDeleteUser)
	request.Profile = "standard"
	step := stepOf(t, planFor(t, s, request), leaver.StepDeleteUser)
	assert.Equal(t, []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices, "archive"}, step.After)
	assert.True(t, step.Destroys)
	assert.Equal(t, leaver.Duration(720*time.Hour), step.Delay)
}

func TestWhoWasProtectedAfterThePlanIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}}, func(c *plugin.Config) { c.Guards.ProtectedUsers = []string{adele} })
	_, err := s.deletes(t, 1)
	assert.Contains(t, final(t, s, err, leaver.ProtectedUser).Message(), "nothing was deleted")
	assert.Empty(t, s.writes())
}
