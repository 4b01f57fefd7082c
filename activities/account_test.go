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

func TestDisableAccountBlocksSignIn(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	result, err := do(t, s, leaver.ActivityDisableAccount)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.False(t, s.Users()[adele].AccountEnabled)
}

func TestDisableAccountTakesAUserPrincipalName(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: "Adele@Contoso.com"})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.False(t, s.Users()[adele].AccountEnabled)
	for _, request := range s.Requests()[1:] {
		assert.Contains(t, request.Path, s.id(adele), "once it is known, the object id is used")
	}
}

// A later attempt may see what an earlier one did, whose answer was lost or which died.
func TestOnlyAFirstAttemptSaysThatSignInWasBlockedBefore(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	for number, want := range map[int32]leaver.Outcome{1: leaver.AlreadyDone, 2: leaver.Done, 7: leaver.Done} {
		result, err := call[leaver.StepResult](t, s, number, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: adele})
		require.NoError(t, err)
		assert.Equal(t, want, result.Outcome, "attempt %d", number)
	}
	assert.Empty(t, s.writes())
}

func TestDisableAccountWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	_, err := do(t, s, leaver.ActivityDisableAccount)
	waiting(t, s, err, leaver.GraphUnavailable)
	result, err := call[leaver.StepResult](t, s, 2, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestRevokeSessionsEndsThemAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	now := time.Now()
	s.Clock(func() time.Time { return now })
	for range 2 {
		now = now.Add(time.Hour)
		result, err := do(t, s, leaver.ActivityRevokeSessions)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.Contains(t, result.Detail, "access tokens in use end by themselves")
		assert.True(t, s.Users()[adele].SessionsValidFrom.Equal(now))
	}
}

func TestAnAccountThatStillLooksEnabledIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := behind(t, withDevices(), http.MethodPatch, "", func(_ *stage, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, err := do(t, s, leaver.ActivityDisableAccount)
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, waiting(t, s, err, leaver.GraphUnavailable).Category(), "accepted is not done")
}

func TestAnAnswerAboutAnotherUserIsNotActedUpon(t *testing.T) {
	t.Parallel()
	s := behind(t, withDevices(), http.MethodGet, "", func(_ *stage, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"0b9f1b43-7d5e-4a62-8f5c-3b1f0e2d9c71","userPrincipalName":"megan@contoso.com","accountEnabled":true}`))
	})
	for _, name := range []string{leaver.ActivityDisableAccount, leaver.ActivityPlanOffboarding} {
		_, err := do(t, s, name)
		assert.NotContains(t, final(t, s, err, leaver.UserNotFound).Message(), "megan")
	}
	assert.Empty(t, s.writes())
}
