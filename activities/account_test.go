package activities_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
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
	result, err := (&attempt{}).do(t, s, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: "Adele@Contoso.com"})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.False(t, s.Users()[adele].AccountEnabled)
	for _, request := range s.Requests()[1:] {
		assert.Contains(t, request.Path, s.id(adele), "once it is known, the object id is used")
	}
}

func TestDisableAccountAgainIsAlreadyDoneAndWritesNothing(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	_, err := do(t, s, leaver.ActivityDisableAccount)
	require.NoError(t, err)
	result, err := do(t, s, leaver.ActivityDisableAccount)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestDisableAccountAfterADiedAttemptIsDone(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: false}})
	result, err := (&attempt{number: 2, heard: true}).do(t, s, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Empty(t, s.writes())
}

func TestDisableAccountWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: adele})
	assert.Equal(t, string(leaver.GraphUnavailable), failed(t, s, err).Type())
	require.Len(t, first.heartbeats, 1)
	var noted bool
	require.NoError(t, first.heartbeats[0].Get(&noted))

	result, err := (&attempt{number: 2, heard: noted}).do(t, s, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestACancellationHeardInTimeKeepsTheAccount(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	for _, name := range []string{leaver.ActivityDisableAccount, leaver.ActivityRemoveAllDevices} {
		_, err := (&attempt{canceled: true}).do(t, s, name, leaver.StepRequest{UserID: adele})
		require.Error(t, err, name)
	}
	assert.Empty(t, s.writes())
	assert.True(t, s.Users()[adele].AccountEnabled)
	assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
}

func TestRevokeSessionsEndsThemAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	before := time.Now()
	for range 2 {
		result, err := do(t, s, leaver.ActivityRevokeSessions)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.Contains(t, result.Detail, "access tokens in use end by themselves")
		assert.True(t, s.Users()[adele].SessionsValidFrom.After(before))
		before = time.Now()
	}
}

// behind puts something between the activities and the tenant that answers
// requests of one method itself.
func behind(t *testing.T, users []graphsim.User, method string, answer http.HandlerFunc) *stage {
	t.Helper()
	var s *stage
	s = set(t, users, func(c *plugin.Config) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method {
				answer(w, r)
				return
			}
			s.Handler().ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		c.GraphURL = server.URL + graphsim.GraphPath
	})
	return s
}

func TestAnAccountThatStillLooksEnabledIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := behind(t, withDevices(), http.MethodPatch, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	_, err := do(t, s, leaver.ActivityDisableAccount)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphUnavailable), failure.Type(), "accepted is not done")
	assert.False(t, failure.NonRetryable())
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, failure.Category())
}

func TestAnAnswerAboutAnotherUserIsNotActedUpon(t *testing.T) {
	t.Parallel()
	s := behind(t, withDevices(), http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"0b9f1b43-7d5e-4a62-8f5c-3b1f0e2d9c71","userPrincipalName":"megan@contoso.com","accountEnabled":true}`))
	})
	for _, name := range []string{leaver.ActivityDisableAccount, leaver.ActivityPlanOffboarding} {
		_, err := (&attempt{}).do(t, s, name, leaver.StepRequest{UserID: adele})
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.UserNotFound), failure.Type())
		assert.True(t, failure.NonRetryable())
		assert.NotContains(t, failure.Message(), "megan")
	}
	assert.Empty(t, s.writes())
}
