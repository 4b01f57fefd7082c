package activities_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

func TestDisableAccountBlocksSignInByObjectIDOrUserPrincipalName(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for _, id := range []string{s.id(adele), "Adele@Contoso.com"} {
		s.change(func(user *graphsim.User) { user.AccountEnabled = true })
		before := len(s.Requests())
		result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: id})
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.False(t, s.Users()[adele].AccountEnabled)
		for _, request := range s.Requests()[before+1:] {
			assert.Contains(t, request.Path, s.id(adele), "once it is known, the object id is used")
		}
	}
}

// A later attempt may see what an earlier one did, whose answer was lost or which died.
func TestOnlyAFirstAttemptSaysThatSignInWasBlockedBefore(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	for number, want := range map[int32]leaver.Outcome{1: leaver.AlreadyDone, 2: leaver.Done, 7: leaver.Done} {
		assert.Equal(t, want, does(t, s, number, leaver.ActivityDisableAccount).Outcome, "attempt %d", number)
	}
	assert.Empty(t, s.writes())
}

func TestDisableAccountWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	waiting(t, s, errorOf(do(t, s, leaver.ActivityDisableAccount)), leaver.GraphUnavailable)
	assert.Equal(t, leaver.Done, does(t, s, 2, leaver.ActivityDisableAccount).Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestRevokeSessionsEndsThemAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	now := time.Now()
	s.Clock(func() time.Time { return now })
	for range 2 {
		now = now.Add(time.Hour)
		result := does(t, s, 1, leaver.ActivityRevokeSessions)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.Contains(t, result.Detail, "access tokens in use end by themselves")
		assert.True(t, s.Users()[adele].SessionsValidFrom.Equal(now))
	}
}

func TestAnAccountThatStillLooksEnabledIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.front.HandleFunc("PATCH /", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, err := do(t, s, leaver.ActivityDisableAccount)
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, waiting(t, s, err, leaver.GraphUnavailable).Category(), "accepted is not done")
}

func TestAnAnswerAboutAnotherUserIsNotActedUpon(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.front.HandleFunc("GET /", says(`{"id":"0b9f1b43-7d5e-4a62-8f5c-3b1f0e2d9c71","userPrincipalName":"megan@contoso.com","accountEnabled":true}`))
	for _, name := range []string{leaver.ActivityDisableAccount, leaver.ActivityPlanOffboarding} {
		assert.NotContains(t, final(t, s, errorOf(do(t, s, name)), leaver.UserNotFound).Message(), "megan")
	}
	assert.Empty(t, s.writes())
}

func TestALeaverInARestrictedUnitIsLeftToItsAdministrator(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}})
	s.Fail(graphsim.Fault{Method: "PATCH", Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation. Target object is a member of a restricted management administrative unit."})
	says := final(t, s, errorOf(do(t, s, leaver.ActivityDisableAccount)), leaver.GraphForbidden).Message()
	assert.Contains(t, says, "an administrator of that unit does this")
	assert.NotContains(t, says, "grant the permission")
}
