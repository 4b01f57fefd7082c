package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// confirms makes an attempt to confirm Adele compromised.
func confirms(t *testing.T, s *stage, number int32) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, number, leaver.ActivityConfirmCompromised, leaver.StepRequest{UserID: adele})
}

func TestTheLeaverAloneIsConfirmedCompromised(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "none", "dismissed", "atRisk"} {
		s := set(t, []graphsim.User{{UserPrincipalName: adele, Holdings: graphsim.Holdings{RiskState: before}}, {UserPrincipalName: megan}})
		result, err := confirms(t, s, 1)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome, before)
		assert.Equal(t, []string{"confirmedCompromised", ""}, []string{s.Users()[adele].RiskState, s.Users()[megan].RiskState})
		result, err = confirms(t, s, 1)
		require.NoError(t, err)
		assert.Equal(t, leaver.AlreadyDone, result.Outcome, before)
		assert.Len(t, s.writes(), 1)
	}
}

func TestARiskThatIsNotShownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	waiting(t, s, errorOf(confirms(t, s, 1)), leaver.GraphUnavailable)
	s.Configure(graphsim.Settings{})
	result, err := confirms(t, s, 2)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome, "an earlier attempt has done it")
	assert.Len(t, s.writes(), 1)
}

func TestAnAccountThatIsDeletedIsNotConfirmed(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	request := leaver.StepRequest{UserID: s.id(adele)}
	s.change(func(u *graphsim.User) { u.Deleted = true })
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityConfirmCompromised, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.Skipped, Detail: "the account is deleted"}, result)
}

func TestATenantWithoutIdentityProtectionIsToldSo(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Configure(graphsim.Settings{NoPremium: true})
	result, err := confirms(t, s, 1)
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, result.Outcome)
	assert.Contains(t, result.Detail, "not licensed")
	assert.Empty(t, s.writes())
}

// Identity Protection takes one call a second, and says nothing of when to come back.
func TestAConfirmationThatIsThrottledIsMadeLater(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.Fail(graphsim.Fault{Method: "POST", Status: 429, Code: "TooManyRequests"})
	waiting(t, s, errorOf(confirms(t, s, 1)), leaver.GraphThrottled)
	result, err := confirms(t, s, 2)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)

	s.Fail(graphsim.Fault{Method: "GET", Path: "/riskyUsers/" + s.id(adele), Status: 403, Code: "Authorization_RequestDenied"})
	assert.Contains(t, final(t, s, errorOf(confirms(t, s, 1)), leaver.GraphForbidden).Message(), "IdentityRiskyUser.Read.All")
}
