package activities_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// passwords notes the passwords that the tenant is sent.
func (s *stage) passwords() func() []string {
	var mu sync.Mutex
	var all []string
	s.front.HandleFunc("PATCH "+graphsim.GraphPath+"/v1.0/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent struct {
			Profile struct {
				Password string
				Force    bool `json:"forceChangePasswordNextSignIn"`
			} `json:"passwordProfile"`
		}
		_ = json.Unmarshal(body, &sent)
		mu.Lock()
		all = append(all, sent.Profile.Password)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.Handler().ServeHTTP(w, r)
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestThePasswordBecomesOneThatNobodyKnows(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}, {UserPrincipalName: megan}})
	sent := s.passwords()
	for range 2 {
		result := does(t, s, 1, leaver.ActivityResetPassword)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.Contains(t, result.Detail, "sessions go on until they are revoked")
		told, err := json.Marshal([]any{result, s.Users(), s.Requests()})
		require.NoError(t, err)
		for _, password := range sent() {
			assert.NotContains(t, string(told), password)
		}
	}
	require.Len(t, sent(), 2)
	assert.NotEqual(t, sent()[0], sent()[1])
	assert.Greater(t, len(sent()[0]), 40)
	assert.WithinDuration(t, time.Now(), s.Users()[adele].PasswordChanged, time.Minute)
	assert.Zero(t, s.Users()[megan].PasswordChanged)
}

func TestAResetThatDoesNotShowIsNotDone(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) {
		_, err := call[leaver.StepResult](t, s, number+1, leaver.ActivityResetPassword, leaver.StepRequest{UserID: adele})
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not show it yet")
	}
	s.Configure(graphsim.Settings{})
	assert.Equal(t, leaver.Done, does(t, s, 3, leaver.ActivityResetPassword).Outcome)
}

// The next attempt sets another password: the one before is kept nowhere.
func TestAResetWhoseAnswerWasLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	sent := s.passwords()
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	says := waiting(t, s, errorOf(do(t, s, leaver.ActivityResetPassword)), leaver.GraphUnavailable).Message()
	assert.NotContains(t, says, sent()[0])
	assert.Equal(t, leaver.Done, does(t, s, 2, leaver.ActivityResetPassword).Outcome)
	require.Len(t, sent(), 2)
	assert.NotEqual(t, sent()[0], sent()[1])
}

func TestThePasswordOfASynchronisedAccountIsLeftToActiveDirectory(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, OnPremisesSyncEnabled: true}})
	says := final(t, s, errorOf(do(t, s, leaver.ActivityResetPassword)), leaver.GraphBadRequest).Message()
	assert.Contains(t, says, "the account is synchronised from Active Directory, which owns the password: reset it there, twice; when an administrator has done so, skip this step")
	assert.Empty(t, s.writes())
	plan := planFor(t, s, with(leaver.StepSettings{Include: true}, leaver.StepResetPassword))
	assert.Contains(t, stepOf(t, plan, leaver.StepResetPassword).Note, "Active Directory")
}

func TestThePasswordOfAnAdministratorNeedsARoleThatOutranks(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Memberships: []graphsim.Membership{{ID: "r1", Role: true}}}})
	says := final(t, s, errorOf(do(t, s, leaver.ActivityResetPassword)), leaver.GraphForbidden).Message()
	assert.Contains(t, says, "User-PasswordProfile.ReadWrite.All")
	assert.Contains(t, says, "needs a directory role too that outranks them")
	assert.Zero(t, s.accepted())
}

func TestThePasswordIsResetByTheLeastPermission(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	s.Accept(s.token, graphsim.Application, "User.Read.All", "User-PasswordProfile.ReadWrite.All")
	assert.Equal(t, leaver.Done, does(t, s, 1, leaver.ActivityResetPassword).Outcome)
	s.change(func(user *graphsim.User) { user.AccountEnabled = true })
	final(t, s, errorOf(do(t, s, leaver.ActivityDisableAccount)), leaver.GraphForbidden)
}

func TestTheAccountOfADeletedLeaverHasNoPasswordToReset(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	step := leaver.StepRequest{UserID: s.id(adele)}
	s.change(func(user *graphsim.User) { user.Deleted = true })
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityResetPassword, step)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "the account is deleted"}, result)
	guest := graphsim.User{UserPrincipalName: "mia_partner.com#EXT#@contoso.onmicrosoft.com", UserType: "Guest"}
	s.Add(guest)
	request := with(leaver.StepSettings{Include: true}, leaver.StepResetPassword, leaver.StepRevokeSessionsAgain)
	request.UserID = guest.UserPrincipalName
	plan := planFor(t, s, request)
	assert.Contains(t, stepOf(t, plan, leaver.StepResetPassword).Skip, "home tenant")
	assert.Contains(t, stepOf(t, plan, leaver.StepRevokeSessionsAgain).Skip, "home tenant")
}

func TestSessionsAreRevokedAgainAfterThePassword(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}})
	plan := planFor(t, s, with(leaver.StepSettings{Include: true}, leaver.StepResetPassword, leaver.StepRevokeSessionsAgain))
	again := stepOf(t, plan, leaver.StepRevokeSessionsAgain)
	assert.Equal(t, leaver.ActivityRevokeSessions, again.Activity)
	assert.Contains(t, again.After, leaver.StepResetPassword)
}

func TestAFederatedPasswordIsNotResetWhereItDoesNotCount(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele}})
	s.Configure(graphsim.Settings{FederatedDomains: []string{"contoso.com"}})
	_, err := call[leaver.StepResult](t, s, 1, leaver.ActivityResetPassword, leaver.StepRequest{UserID: adele})
	assert.Contains(t, final(t, s, err, leaver.GraphBadRequest).Message(), "the user's domain is federated")
	assert.Empty(t, s.writes())

	s.Configure(graphsim.Settings{})
	s.Fail(graphsim.Fault{Path: "/domains/contoso.com", Status: http.StatusForbidden, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
	assert.Contains(t, does(t, s, 1, leaver.ActivityResetPassword).Detail, "grant the permission Domain.Read.All")
	s.Fail(graphsim.Fault{Path: "/domains/contoso.com", Status: http.StatusServiceUnavailable})
	_, err = call[leaver.StepResult](t, s, 1, leaver.ActivityResetPassword, leaver.StepRequest{UserID: adele})
	waiting(t, s, err, leaver.GraphUnavailable)
}
