package activities_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type again int

// lasts, passes and waits are how long a call is tried again.
const (
	lasts again = iota
	passes
	waits
	// soon is the pause after a refusal that may pass.
	soon = 15 * time.Second
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
		unfit    = "Header 'x-msft-approval-justification' must be base64 of at most 1024 characters."
		approval = "Header 'x-msft-approval-justification' is required to request approval"
		unlisted = `{"_version":3,"Message":"Request not applicable to target tenant. - Operation ID (for customer support): 0","ErrorCode":"BadRequest"}`
	)
	type row struct {
		activity string
		fault    graphsim.Fault
		want     leaver.FailureType
		again    again
		after    time.Duration
		says     []string
	}
	table(t, map[string]row{
		"429 with fractional seconds": {revoke, graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: "2.128"}, leaver.GraphThrottled, waits, 2128 * time.Millisecond, []string{"429 TooManyRequests"}},
		"429 with whole seconds":      {remove, graphsim.Fault{Status: 429, RetryAfter: "17"}, leaver.GraphThrottled, waits, 17 * time.Second, nil},
		"429 without":                 {remove, graphsim.Fault{Status: 429, Code: "TooManyRequests"}, leaver.GraphThrottled, waits, 0, nil},
		"503":                         {revoke, graphsim.Fault{Status: 503, Code: "ServiceUnavailable", RetryAfter: "30"}, leaver.GraphUnavailable, waits, 30 * time.Second, nil},
		"500":                         {revoke, graphsim.Fault{Status: 500, Code: "InternalServerError", Message: nobody}, leaver.GraphUnavailable, waits, 0, nil},
		"502":                         {revoke, graphsim.Fault{Status: 502}, leaver.GraphUnavailable, waits, 0, nil},
		"504":                         {remove, graphsim.Fault{Status: 504}, leaver.GraphUnavailable, waits, 0, nil},
		"408":                         {revoke, graphsim.Fault{Status: 408}, leaver.GraphUnavailable, waits, 0, nil},
		"503 as a gateway's page":     {plan, graphsim.Fault{Status: 503, HTML: true}, leaver.GraphUnavailable, waits, 0, []string{"503"}},
		"a page instead of JSON":      {plan, graphsim.Fault{HTML: true}, leaver.GraphBadResponse, passes, soon, []string{"not the JSON"}},
		"a reset":                     {revoke, graphsim.Fault{Reset: true}, leaver.GraphUnavailable, waits, 0, []string{"could not be reached"}},
		"a cut in mid-answer":         {remove, graphsim.Fault{Method: "GET", Cut: true}, leaver.GraphUnavailable, waits, 0, nil},
		"a lagging replica":           {plan, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound", Message: "Unable to read the company information from the directory."}, leaver.GraphUnavailable, waits, 0, nil},
		"400":                         {disable, graphsim.Fault{Method: "PATCH", Status: 400, Code: "Request_BadRequest", Message: "Invalid value for 'adele@contoso.com' or adele@contoso.com."}, leaver.GraphBadRequest, lasts, 0, []string{"a value is missing or not valid"}},
		"409":                         {revoke, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict"}, leaver.GraphBadRequest, passes, soon, nil},
		"409 that explains itself":    {disable, graphsim.Fault{Method: "PATCH", Status: 409, Code: "Directory_ConcurrencyViolation", Message: "Update is conflicting with another one. Please wait briefly and retry."}, leaver.GraphBadRequest, passes, soon, []string{"another change is under way"}},
		"412":                         {disable, graphsim.Fault{Method: "PATCH", Status: 412}, leaver.GraphBadRequest, passes, soon, []string{"without a reason"}},
		"409 that asks for a pause":   {revoke, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict", RetryAfter: "90"}, leaver.GraphBadRequest, passes, 90 * time.Second, nil},
		"423":                         {disable, graphsim.Fault{Method: "PATCH", Status: 423, Code: "resourceLocked"}, leaver.GraphBadRequest, passes, soon, nil},
		"409 of a busy Intune":        {remove, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict", Message: "Another operation is in progress."}, leaver.GraphBadRequest, passes, soon, []string{"another change is under way"}},
		"409 of an approval":          {remove, graphsim.Fault{Method: "POST", Status: 409, Code: "Conflict", Message: "An approval request is pending."}, leaver.ApprovalRequired, lasts, 0, []string{"pending in Intune already"}},
		"400 without a reason":        {revoke, graphsim.Fault{Method: "POST", Status: 400, Message: "An error has occurred"}, leaver.GraphBadRequest, passes, soon, []string{"Microsoft's support finds them by the request id"}},
		"400 of a synced account":     {disable, graphsim.Fault{Method: "PATCH", Status: 400, Code: "Request_BadRequest", Message: "Unable to update the specified properties for on-premises mastered Directory Sync objects."}, leaver.GraphBadRequest, lasts, 0, []string{"Active Directory on the premises"}},
		"403 without a reason":        {revoke, graphsim.Fault{Method: "POST", Status: 403, Code: "UnknownError"}, leaver.GraphForbidden, passes, soon, []string{"User.RevokeSessions.All"}},
		"200 that is a 403":           {remove, graphsim.Fault{Method: "POST", Status: 200, Code: "Forbidden", Message: "Application is not authorized."}, leaver.GraphForbidden, lasts, 0, []string{"200 Forbidden"}},
		"200 that is busy":            {disable, graphsim.Fault{Method: "PATCH", Status: 200, Code: "ServiceUnavailable"}, leaver.GraphUnavailable, waits, 0, nil},
		"200 with a proxy's page":     {remove, graphsim.Fault{Method: "POST", Status: 200, HTML: true}, leaver.GraphBadResponse, passes, soon, []string{"in its place"}},
		"the day's limit":             {remove, graphsim.Fault{Method: "POST", Status: 400, Message: "The daily limit of 1000 retire actions is exceeded.", RetryAfter: "7200"}, leaver.GraphThrottled, waits, 2 * time.Hour, []string{"waiting until tomorrow"}},
		"a redirect":                  {revoke, graphsim.Fault{Status: 302}, leaver.GraphBadRequest, passes, soon, nil},
		"403":                         {disable, graphsim.Fault{Method: "PATCH", Status: 403, Code: "Authorization_RequestDenied"}, leaver.GraphForbidden, lasts, 0, []string{"User.EnableDisableAccount.All", "an application token"}},
		"Intune's 401 that is a 403":  {remove, graphsim.Fault{Status: 401, Code: "UnknownError", Message: intune}, leaver.GraphForbidden, lasts, 0, []string{"Intune refuses this caller", "401 Forbidden"}},
		"401":                         {revoke, graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken", Message: "Access token validation failure."}, leaver.GraphUnauthorized, passes, soon, []string{"refuses the token"}},
		"a user who is gone":          {revoke, graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound", Message: nobody}, leaver.UserNotFound, passes, soon, []string{"no such user"}},
		"a user without a code":       {plan, graphsim.Fault{Status: 404}, leaver.UserNotFound, lasts, 0, nil},
		"no Intune licence":           {remove, graphsim.Fault{Status: 400, Code: "BadRequest", Message: unlisted}, leaver.IntuneNotLicensed, lasts, 0, []string{"skip the device steps"}},
		"approval, as 400":            {remove, graphsim.Fault{Method: "POST", Status: 400, Code: "BadRequest", Message: approval}, leaver.ApprovalRequired, lasts, 0, []string{"Multi Admin Approval"}},
		"approval, as 403":            {remove, graphsim.Fault{Method: "POST", Status: 403, Message: approval}, leaver.ApprovalRequired, lasts, 0, []string{"Multi Admin Approval"}},
		"approval, as 412":            {remove, graphsim.Fault{Method: "POST", Status: 412, Message: approval}, leaver.ApprovalRequired, lasts, 0, []string{"Multi Admin Approval"}},
		"a text that is too long":     {remove, graphsim.Fault{Method: "POST", Status: 400, Code: "BadRequest", Message: unfit}, leaver.GraphBadRequest, lasts, 0, []string{"reason and ticket are too long"}},
		"the same, as 403":            {remove, graphsim.Fault{Method: "POST", Status: 403, Message: unfit}, leaver.GraphBadRequest, lasts, 0, []string{"reason and ticket are too long"}},
		"the same, as 409":            {remove, graphsim.Fault{Method: "POST", Status: 409, Message: unfit}, leaver.GraphBadRequest, lasts, 0, []string{"reason and ticket are too long"}},
		"the same, as 412":            {remove, graphsim.Fault{Method: "POST", Status: 412, Message: "The length of the header x-msft-approval-justification is wrong."}, leaver.GraphBadRequest, lasts, 0, []string{"reason and ticket are too long"}},
		"403 of a device":             {remove, graphsim.Fault{Method: "POST", Status: 403, Code: "Forbidden"}, leaver.GraphForbidden, lasts, 0, []string{"PrivilegedOperations.All"}},
		"405":                         {remove, graphsim.Fault{Method: "POST", Status: 405}, leaver.GraphBadRequest, lasts, 0, []string{"405"}},
		"a route that is unknown":     {remove, graphsim.Fault{Method: "POST", Status: 404, Code: "UnknownError"}, leaver.GraphBadRequest, passes, soon, []string{"404"}},
		"a user who went meanwhile":   {remove, graphsim.Fault{Method: "POST", Status: 404, Code: "Request_ResourceNotFound"}, leaver.UserNotFound, passes, soon, []string{"no such user"}},
	}, func(t *testing.T, c row) {
		s := set(t, withDevices(never))
		s.Fail(c.fault)
		failure := failed(t, s, errorOf(call[any](t, s, 1, c.activity, leaver.StepRequest{UserID: adele})), c.want, c.again != lasts)
		assert.Equal(t, c.after, failure.NextRetryDelay())
		s.Fail(c.fault)
		failure = failed(t, s, errorOf(last[any](t, s, c.activity, leaver.StepRequest{UserID: adele})), c.want, c.again == waits)
		for _, text := range append(c.says, c.activity+": ") { // it says which step
			assert.Contains(t, failure.Message(), text)
		}
		if c.fault.Status != 0 {
			assert.True(t, slices.ContainsFunc(s.Requests(), func(r graphsim.Request) bool { return strings.Contains(failure.Message(), r.RequestID) }), "Microsoft's support asks for it")
		}
		assert.LessOrEqual(t, len(s.writes()), 2, "nothing else is tried")
		assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
	})
}

func TestATenantsSettingsFailTheStepsThatTheyConcern(t *testing.T) {
	t.Parallel()
	type row struct {
		settings graphsim.Settings
		want     leaver.FailureType
		says     string
		others   []string
	}
	table(t, map[string]row{
		"no Intune licence": {graphsim.Settings{NoIntune: true}, leaver.IntuneNotLicensed, "no active Intune licence",
			[]string{leaver.ActivityLookAtDevices, leaver.ActivityListManagedAppRegistrations}},
		"approval is asked for":      {graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true}, leaver.ApprovalRequired, "OffboardUser waits for that", nil},
		"for delegated tokens alone": {graphsim.Settings{DelegatedRemoval: true}, leaver.GraphForbidden, "LEAVER_DEVICE_CREDENTIAL=device-code", nil},
	}, func(t *testing.T, c row) {
		s := set(t, withDevices(never))
		s.Configure(c.settings)
		for _, name := range append(c.others, leaver.ActivityRemoveAllDevices) {
			assert.Contains(t, final(t, s, errorOf(do(t, s, name)), c.want).Message(), c.says)
		}
		assert.LessOrEqual(t, len(s.writes()), 1, "nothing else is tried")
		assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
	})
}

func TestAnUnknownUserIsNotFoundByAnyStep(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for _, name := range []string{
		leaver.ActivityPlanOffboarding, leaver.ActivityDisableAccount, leaver.ActivityRevokeSessions,
		leaver.ActivityRemoveAllDevices, leaver.ActivityLookAtDevices, leaver.ActivityListManagedAppRegistrations,
	} {
		_, err := last[any](t, s, name, leaver.StepRequest{UserID: "nobody@contoso.com"})
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
		activity, kind, granted string
		says                    []string
	}{
		{leaver.ActivityDisableAccount, graphsim.Application, "Group.Read.All", []string{"User.Read.All", "an application token"}},
		{leaver.ActivityDisableAccount, graphsim.Delegated, "User.Read.All", []string{"User.EnableDisableAccount.All", "a delegated token"}},
		{leaver.ActivityRevokeSessions, graphsim.Application, "User.Read.All", []string{"User.RevokeSessions.All", "an application token"}},
		{leaver.ActivityRemoveAllDevices, graphsim.Delegated, "User.Read.All", []string{"DeviceManagementManagedDevices.Read.All", "a delegated token"}},
		{leaver.ActivityRemoveAllDevices, graphsim.Application, "DeviceManagementManagedDevices.Read.All", []string{"DeviceManagementManagedDevices.PrivilegedOperations.All", "an application token", own}},
		{leaver.ActivityRemoveAllDevices, graphsim.Delegated, "DeviceManagementManagedDevices.Read.All", []string{"DeviceManagementManagedDevices.PrivilegedOperations.All", "a delegated token"}},
	} {
		var s *stage
		s = set(t, withDevices(never), func(config *plugin.Config) {
			config.Credential = credential(func() (string, error) { return s.Token(c.kind, c.granted), nil })
		})
		message := final(t, s, errorOf(do(t, s, c.activity)), leaver.GraphForbidden).Message()
		for _, text := range c.says {
			assert.Contains(t, message, text)
		}
		assert.Equal(t, slices.Contains(c.says, own), strings.Contains(message, own), message)
		assert.True(t, s.Users()[adele].AccountEnabled)
		assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
	}
}

func TestATokenThatNobodyCanReadIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(), func(config *plugin.Config) { config.Credential = token("opaque") })
	s.Accept("opaque", graphsim.Application, "User.Read.All")
	_, err := do(t, s, leaver.ActivityRevokeSessions)
	assert.Contains(t, final(t, s, err, leaver.GraphForbidden).Message(), "the worker sent an unknown token")
}

func TestAFailedSignInSaysWhetherWaitingHelps(t *testing.T) {
	t.Parallel()
	entra := func(status int, body string) error {
		return &azidentity.AuthenticationFailedError{RawResponse: &http.Response{StatusCode: status, Body: http.NoBody, Status: body}}
	}
	type row struct {
		err   error
		want  leaver.FailureType
		waits bool
		says  string
	}
	table(t, map[string]row{
		"nobody signed in":    {&azidentity.AuthenticationRequiredError{}, leaver.GraphUnauthorized, false, "run `worker sign-in`"},
		"the secret is wrong": {entra(401, "AADSTS7000215: Invalid client secret for adele@contoso.com"), leaver.GraphUnauthorized, false, "Entra answered AADSTS7000215"},
		"Entra is down":       {entra(503, "Service Unavailable"), leaver.GraphUnavailable, true, "sign-in did not answer"},
		"Entra throttles":     {entra(429, "Too Many Requests"), leaver.GraphUnavailable, true, "sign-in did not answer"},
		"Entra is not found":  {&azidentity.AuthenticationFailedError{}, leaver.GraphUnavailable, true, "sign-in did not answer"},
		"no credential works": {errors.New("DefaultAzureCredential: failed for adele@contoso.com"), leaver.GraphUnauthorized, false, "the worker's credential was refused"},
	}, func(t *testing.T, c row) {
		s := set(t, withDevices(never), func(config *plugin.Config) {
			config.Credential = credential(func() (string, error) { return "", c.err })
		})
		assert.Contains(t, failed(t, s, errorOf(do(t, s, leaver.ActivityRemoveAllDevices)), c.want, c.waits).Message(), c.says)
		assert.Empty(t, s.Requests(), "without a token Graph is not called")
	})
}

func TestTheDeviceStepsUseTheirOwnCredential(t *testing.T) {
	t.Parallel()
	var s *stage
	kind := func(kind string) credential { return func() (string, error) { return s.Token(kind), nil } }
	s = set(t, withDevices(never), func(config *plugin.Config) {
		config.Credential, config.DeviceCredential = kind(graphsim.Application), kind(graphsim.Delegated)
	})
	s.Configure(graphsim.Settings{DelegatedRemoval: true})
	assert.Equal(t, leaver.Done, does(t, s, 1, leaver.ActivityRemoveAllDevices).Outcome)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[0].State)
}
