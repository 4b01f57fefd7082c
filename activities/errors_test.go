package activities_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Graph answers, and what Temporal is told to make of it. The messages of
// the faults name people on purpose; see failed.
func TestGraphsAnswersBecomeRetryDecisions(t *testing.T) {
	t.Parallel()
	const (
		revoke   = leaver.ActivityRevokeSessions
		remove   = leaver.ActivityRemoveAllDevices
		disable  = leaver.ActivityDisableAccount
		plan     = leaver.ActivityPlanOffboarding
		nobody   = "Resource 'adele@contoso.com' of Adele Vance does not exist: {\"user\":\"adele@contoso.com\"}"
		intune   = `{"_version":3,"Message":"An error has occurred - Operation ID (for customer support): 0 - Url: https://fef.example.com/users/adele@contoso.com","ErrorCode":"Forbidden"}`
		unlisted = `{"_version":3,"Message":"Request not applicable to target tenant. - Operation ID (for customer support): 0","ErrorCode":"BadRequest"}`
	)
	for name, c := range map[string]struct {
		activity string
		fault    graphsim.Fault
		want     leaver.FailureType
		waits    bool
		after    time.Duration
		says     []string
	}{
		"429 with fractional seconds": {revoke, graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: "2.128"}, leaver.GraphThrottled, true, 2128 * time.Millisecond, []string{"429 TooManyRequests"}},
		"429 with whole seconds":      {remove, graphsim.Fault{Status: 429, RetryAfter: "17"}, leaver.GraphThrottled, true, 17 * time.Second, nil},
		"429 without":                 {remove, graphsim.Fault{Status: 429, Code: "TooManyRequests"}, leaver.GraphThrottled, true, 0, nil},
		"503":                         {revoke, graphsim.Fault{Status: 503, Code: "ServiceUnavailable", RetryAfter: "30"}, leaver.GraphUnavailable, true, 30 * time.Second, nil},
		"500":                         {revoke, graphsim.Fault{Status: 500, Code: "InternalServerError", Message: nobody}, leaver.GraphUnavailable, true, 0, nil},
		"502":                         {revoke, graphsim.Fault{Status: 502}, leaver.GraphUnavailable, true, 0, nil},
		"504":                         {remove, graphsim.Fault{Status: 504}, leaver.GraphUnavailable, true, 0, nil},
		"408":                         {revoke, graphsim.Fault{Status: 408}, leaver.GraphUnavailable, true, 0, nil},
		"503 as a gateway's page":     {plan, graphsim.Fault{Status: 503, HTML: true}, leaver.GraphUnavailable, true, 0, []string{"503"}},
		"a page instead of JSON":      {plan, graphsim.Fault{HTML: true}, leaver.GraphUnavailable, true, 0, []string{"not the JSON"}},
		"a reset":                     {revoke, graphsim.Fault{Reset: true}, leaver.GraphUnavailable, true, 0, []string{"could not be reached"}},
		"a cut in mid-answer":         {remove, graphsim.Fault{Method: "GET", Cut: true}, leaver.GraphUnavailable, true, 0, nil},
		"a lagging replica":           {plan, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound", Message: "Unable to read the company information from the directory."}, leaver.GraphUnavailable, true, 0, nil},
		"400":                         {disable, graphsim.Fault{Method: "PATCH", Status: 400, Code: "Request_BadRequest", Message: "Invalid value for 'adele@contoso.com' or adele@contoso.com."}, leaver.GraphBadRequest, false, 0, []string{"Invalid value"}},
		"409":                         {revoke, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict"}, leaver.GraphBadRequest, false, 0, nil},
		"409 of a device":             {remove, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict"}, leaver.ApprovalRequired, false, 0, []string{"pending in Intune already"}},
		"the day's limit":             {remove, graphsim.Fault{Method: "POST", Status: 400, Message: "The daily limit of 1000 retire actions is exceeded.", RetryAfter: "7200"}, leaver.GraphThrottled, true, 2 * time.Hour, []string{"waiting until tomorrow"}},
		"a redirect":                  {revoke, graphsim.Fault{Status: 302}, leaver.GraphBadRequest, false, 0, nil},
		"403":                         {disable, graphsim.Fault{Method: "PATCH", Status: 403, Code: "Authorization_RequestDenied"}, leaver.GraphForbidden, false, 0, []string{"User.EnableDisableAccount.All", "an application token"}},
		"Intune's 401 that is a 403":  {remove, graphsim.Fault{Status: 401, Code: "UnknownError", Message: intune}, leaver.GraphForbidden, false, 0, []string{"Intune refuses this caller", "401 Forbidden"}},
		"401":                         {revoke, graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken", Message: "Access token validation failure."}, leaver.GraphUnauthorized, false, 0, []string{"refuses the token"}},
		"a user who is gone":          {revoke, graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound", Message: nobody}, leaver.UserNotFound, false, 0, []string{"no such user"}},
		"a user without a code":       {plan, graphsim.Fault{Status: 404}, leaver.UserNotFound, false, 0, nil},
		"no Intune licence":           {remove, graphsim.Fault{Status: 400, Code: "BadRequest", Message: unlisted}, leaver.IntuneNotLicensed, false, 0, []string{"skip the device steps"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never))
			s.Fail(c.fault)
			_, err := call[any](t, s, 1, c.activity, leaver.StepRequest{UserID: adele})
			failure := failed(t, s, err)
			assert.Equal(t, string(c.want), failure.Type(), failure.Message())
			assert.Equal(t, c.waits, !failure.NonRetryable())
			assert.Equal(t, c.after, failure.NextRetryDelay())
			assert.Contains(t, failure.Message(), c.activity+": ", "it says which step")
			for _, text := range c.says {
				assert.Contains(t, failure.Message(), text)
			}
			if c.fault.Status != 0 {
				assert.Contains(t, failure.Message(), s.Requests()[len(s.Requests())-1].RequestID, "Microsoft's support asks for it")
			}
		})
	}
}

func TestATenantWithoutIntuneIsNotLicensed(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Configure(graphsim.Settings{NoIntune: true})
	for _, name := range []string{leaver.ActivityRemoveAllDevices, leaver.ActivityLookAtDevices, leaver.ActivityListManagedAppRegistrations} {
		_, err := do(t, s, name)
		final(t, s, err, leaver.IntuneNotLicensed)
	}
}

func TestAnUnknownUserIsNotFoundByAnyStep(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for _, name := range []string{
		leaver.ActivityPlanOffboarding, leaver.ActivityDisableAccount, leaver.ActivityRevokeSessions,
		leaver.ActivityRemoveAllDevices, leaver.ActivityLookAtDevices, leaver.ActivityListManagedAppRegistrations,
	} {
		_, err := call[any](t, s, 1, name, leaver.StepRequest{UserID: "nobody@contoso.com"})
		assert.NotContains(t, final(t, s, err, leaver.UserNotFound).Error(), "nobody")
	}
}

func TestAnIDThatCouldLeadElsewhereIsNotSent(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a?b", "a\nb"} {
		for _, name := range []string{leaver.ActivityRemoveAllDevices, leaver.ActivityLookAtDevices} {
			_, err := call[any](t, s, 1, name, leaver.StepRequest{UserID: id})
			assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "userId: ", "%q", id)
		}
		write := devices.WriteRequest{UserID: s.id(adele), Write: devices.Write{Action: leaver.Retire, IDs: []string{id}}, Judged: []devices.Judged{{}}}
		outcome, err := call[devices.Outcome](t, s, 1, leaver.ActivityRetireDevice, write)
		require.NoError(t, err)
		assert.Equal(t, devices.Refused, outcome.Answer, "%q", id)
		assert.Equal(t, leaver.InvalidRequest, outcome.Failure)
	}
	assert.Empty(t, s.Requests())
}

// Which permission is missing for which step, and which kind of token was sent.
func TestAForbiddenStepNamesThePermissionAndTheKindOfToken(t *testing.T) {
	t.Parallel()
	const own = "give the device steps a delegated credential of their own"
	for _, c := range []struct {
		activity, kind string
		granted        []string
		says, saysNot  []string
	}{
		{leaver.ActivityDisableAccount, graphsim.Application, []string{"Group.Read.All"}, []string{"User.Read.All", "an application token"}, []string{own}},
		{leaver.ActivityDisableAccount, graphsim.Delegated, []string{"User.Read.All"}, []string{"User.EnableDisableAccount.All", "a delegated token"}, nil},
		{leaver.ActivityRevokeSessions, graphsim.Application, []string{"User.Read.All"}, []string{"User.RevokeSessions.All", "an application token"}, nil},
		{leaver.ActivityRemoveAllDevices, graphsim.Delegated, []string{"User.Read.All"}, []string{"DeviceManagementManagedDevices.Read.All", "a delegated token"}, []string{own}},
		{leaver.ActivityRemoveAllDevices, graphsim.Application, []string{"DeviceManagementManagedDevices.Read.All"}, []string{"DeviceManagementManagedDevices.PrivilegedOperations.All", "an application token", own}, nil},
		{leaver.ActivityRemoveAllDevices, graphsim.Delegated, []string{"DeviceManagementManagedDevices.Read.All"}, []string{"DeviceManagementManagedDevices.PrivilegedOperations.All", "a delegated token"}, []string{own}},
	} {
		t.Run(c.activity+" "+c.kind+" "+c.granted[0], func(t *testing.T) {
			t.Parallel()
			var s *stage
			s = set(t, withDevices(never), func(config *plugin.Config) {
				config.Credential = credential(func() (string, error) { return s.Token(c.kind, c.granted...), nil })
			})
			_, err := do(t, s, c.activity)
			failure := final(t, s, err, leaver.GraphForbidden)
			for _, text := range c.says {
				assert.Contains(t, failure.Message(), text)
			}
			for _, text := range c.saysNot {
				assert.NotContains(t, failure.Message(), text)
			}
			assert.True(t, s.Users()[adele].AccountEnabled)
			assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
		})
	}
}

func TestATokenThatNobodyCanReadIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(), func(config *plugin.Config) { config.Credential = token("opaque") })
	s.Accept("opaque", graphsim.Application, "User.Read.All")
	_, err := do(t, s, leaver.ActivityRevokeSessions)
	assert.Contains(t, failed(t, s, err).Message(), "the worker sent an unknown token")
}

// credential makes each token anew, or fails.
type credential func() (string, error)

func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	text, err := c()
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(time.Hour)}, err
}

func TestAFailedSignInSaysWhetherWaitingHelps(t *testing.T) {
	t.Parallel()
	entra := func(status int, body string) error {
		return &azidentity.AuthenticationFailedError{RawResponse: &http.Response{StatusCode: status, Body: http.NoBody, Status: body}}
	}
	for name, c := range map[string]struct {
		err   error
		want  leaver.FailureType
		waits bool
		says  string
	}{
		"nobody signed in":    {&azidentity.AuthenticationRequiredError{}, leaver.GraphUnauthorized, false, "run `worker sign-in`"},
		"the secret is wrong": {entra(401, "AADSTS7000215: Invalid client secret for adele@contoso.com"), leaver.GraphUnauthorized, false, "Entra answered AADSTS7000215"},
		"Entra is down":       {entra(503, "Service Unavailable"), leaver.GraphUnavailable, true, "sign-in did not answer"},
		"Entra throttles":     {entra(429, "Too Many Requests"), leaver.GraphUnavailable, true, "sign-in did not answer"},
		"Entra is not found":  {&azidentity.AuthenticationFailedError{}, leaver.GraphUnavailable, true, "sign-in did not answer"},
		"no credential works": {errors.New("DefaultAzureCredential: failed for adele@contoso.com"), leaver.GraphUnauthorized, false, "the worker's credential was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never), func(config *plugin.Config) {
				config.Credential = credential(func() (string, error) { return "", c.err })
			})
			_, err := do(t, s, leaver.ActivityRemoveAllDevices)
			failure := failed(t, s, err)
			assert.Equal(t, string(c.want), failure.Type())
			assert.Equal(t, c.waits, !failure.NonRetryable())
			assert.Contains(t, failure.Message(), c.says)
			assert.Empty(t, s.Requests(), "without a token Graph is not called")
		})
	}
}

func TestTheDeviceStepsUseTheirOwnCredential(t *testing.T) {
	t.Parallel()
	var s *stage
	kind := func(kind string) credential { return func() (string, error) { return s.Token(kind), nil } }
	s = set(t, withDevices(never), func(config *plugin.Config) {
		config.Credential, config.DeviceCredential = kind(graphsim.Application), kind(graphsim.Delegated)
	})
	s.Configure(graphsim.Settings{DelegatedRemoval: true})
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[0].State)
}

func TestATenantThatTakesDelegatedTokensOnlySaysWhatToConfigure(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Configure(graphsim.Settings{DelegatedRemoval: true})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	assert.Contains(t, failed(t, s, err).Message(), "LEAVER_DEVICE_CREDENTIAL=device-code")
}
