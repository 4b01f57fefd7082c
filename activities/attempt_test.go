package activities_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const (
	adele = "adele@contoso.com"
	megan = "megan@contoso.com"
)

// token is a credential that always has the same token.
type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// stage is a simulated tenant and the activities that work in it.
type stage struct {
	*graphsim.Tenant
	token       string
	config      plugin.Config
	offboarding *plugin.Offboarding
}

// set sets a stage; change may spoil the configuration.
func set(t *testing.T, users []graphsim.User, change ...func(*plugin.Config)) *stage {
	t.Helper()
	tenant := graphsim.NewTenant(nil)
	tenant.Add(users...)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	s := &stage{Tenant: tenant, token: tenant.Token(graphsim.Application)}
	config := plugin.Config{Credential: token(s.token), GraphURL: server.URL + graphsim.GraphPath}
	for _, c := range change {
		c(&config)
	}
	offboarding, err := plugin.New(config)
	require.NoError(t, err)
	s.config, s.offboarding = config, offboarding
	return s
}

// withDevices is Adele with devices, each of which checks in after a time.
func withDevices(checkIns ...time.Duration) []graphsim.User {
	user := graphsim.User{UserPrincipalName: adele, DisplayName: "Adele Vance", AccountEnabled: true}
	for i, checkIn := range checkIns {
		user.Devices = append(user.Devices, graphsim.Device{
			Name: "CONTOSO-LT-041" + string(rune('0'+i)), OperatingSystem: "Windows", CheckIn: leaver.Duration(checkIn),
		})
	}
	return []graphsim.User{user}
}

// atOnce and never are when a device checks in.
const (
	atOnce = time.Duration(0)
	never  = time.Duration(-1)
)

// attempt is one attempt of an activity. The test environment knows only first
// attempts of activities that were scheduled just now; an interceptor tells the
// activity otherwise.
type attempt struct {
	// number is 1 unless given.
	number int32
	// age is how long ago the activity was scheduled.
	age time.Duration
	// timeout is how long the attempt may take; zero means the environment's.
	timeout time.Duration
}

func (a *attempt) run(t *testing.T, s *stage, name string, input any, result any) error {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&pretence{attempt: a}}})
	env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
		assert.Fail(t, "state is the workflow's: no activity records heartbeats")
	})
	s.offboarding.Register(workflowless{env})
	value, err := env.ExecuteActivity(name, input)
	if err != nil {
		return err
	}
	return value.Get(result)
}

// call makes one attempt, by its number, of any activity.
func call[T any](t *testing.T, s *stage, number int32, name string, input any) (T, error) {
	t.Helper()
	var result T
	err := (&attempt{number: number}).run(t, s, name, input, &result)
	return result, err
}

// do makes a first attempt of a step for Adele.
func do(t *testing.T, s *stage, name string) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, 1, name, leaver.StepRequest{UserID: s.id(adele)})
}

// workflowless lets a plugin register where there are no workflows.
type workflowless struct {
	*testsuite.TestActivityEnvironment
}

func (workflowless) RegisterWorkflowWithOptions(any, workflow.RegisterOptions) {}

type pretence struct {
	interceptor.WorkerInterceptorBase
	attempt *attempt
}

func (p *pretence) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &pretendIn{attempt: p.attempt}
	in.Next = next
	return in
}

type pretendIn struct {
	interceptor.ActivityInboundInterceptorBase
	attempt *attempt
}

func (p *pretendIn) Init(next interceptor.ActivityOutboundInterceptor) error {
	out := &pretendOut{attempt: p.attempt}
	out.Next = next
	return p.Next.Init(out)
}

func (p *pretendIn) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	if p.attempt.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.attempt.timeout)
		defer cancel()
	}
	return p.Next.ExecuteActivity(ctx, in)
}

type pretendOut struct {
	interceptor.ActivityOutboundInterceptorBase
	attempt *attempt
}

func (p *pretendOut) GetInfo(ctx context.Context) activity.Info {
	info := p.Next.GetInfo(ctx)
	info.Attempt = max(p.attempt.number, 1)
	info.ScheduledTime = info.ScheduledTime.Add(-p.attempt.age)
	return info
}

// id is a user's object id.
func (s *stage) id(name string) string { return s.Users()[name].ID }

// give gives the first of Adele's devices to Megan.
func (s *stage) give(n int) {
	from := s.Users()[adele]
	s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Devices: from.Devices[:n]})
	from.Devices = from.Devices[n:]
	s.Add(from)
}

// writes is what the tenant was asked to change, as "METHOD last/part".
func (s *stage) writes() []string {
	var all []string
	for _, r := range s.Requests() {
		if r.Writes() {
			all = append(all, r.Method+" "+r.Path[strings.LastIndex(r.Path, "/")+1:])
		}
	}
	return all
}

// accepted counts what the tenant was asked to change and did.
func (s *stage) accepted() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Writes() && r.Status < 300 {
			n++
		}
	}
	return n
}

// written counts the changes of one kind that the tenant was asked for.
func (s *stage) written(what string) int {
	return len(slices.DeleteFunc(s.writes(), func(w string) bool { return w != what }))
}

// posted counts the removals of all devices that the tenant was asked for.
func (s *stage) posted() int { return s.written("POST removeAllDevicesFromManagement") }

// change changes Adele as the tenant has her.
func (s *stage) change(change func(user *graphsim.User)) {
	user := s.Users()[adele]
	change(&user)
	s.Add(user)
}

// behind puts something between the activities and the tenant that answers requests of
// one method, whose path ends so, itself.
func behind(t *testing.T, users []graphsim.User, method, path string, answer func(s *stage, w http.ResponseWriter, r *http.Request)) *stage {
	t.Helper()
	var s *stage
	s = set(t, users, func(c *plugin.Config) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method && strings.HasSuffix(r.URL.Path, path) {
				answer(s, w, r)
				return
			}
			s.Handler().ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		c.GraphURL = server.URL + graphsim.GraphPath
	})
	return s
}

// failed is the failure of an activity, after a look at whether its message
// may be stored.
func failed(t *testing.T, s *stage, err error) *temporal.ApplicationError {
	t.Helper()
	require.Error(t, err)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure, "%v", err)
	assertNameless(t, s, err.Error())
	return failure
}

// waiting is a failure that Temporal retries.
func waiting(t *testing.T, s *stage, err error, why leaver.FailureType) *temporal.ApplicationError {
	t.Helper()
	failure := failed(t, s, err)
	assert.Equal(t, string(why), failure.Type(), failure.Message())
	assert.False(t, failure.NonRetryable(), failure.Message())
	return failure
}

// final is a failure that a person has to do something about.
func final(t *testing.T, s *stage, err error, why leaver.FailureType) *temporal.ApplicationError {
	t.Helper()
	failure := failed(t, s, err)
	assert.Equal(t, string(why), failure.Type(), failure.Message())
	assert.True(t, failure.NonRetryable(), failure.Message())
	return failure
}

// assertNameless asserts that a text, which is stored in clear, holds no names and no
// secrets.
func assertNameless(t *testing.T, s *stage, text string) {
	t.Helper()
	secrets := []string{s.token, "Bearer", "/users", "/v1.0", "/graph", "deviceManagement/", "{", "<html"}
	for name, user := range s.Users() {
		secrets = append(secrets, name, user.ID, user.DisplayName)
		for _, device := range user.Devices {
			secrets = append(secrets, device.Name, device.ID)
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			assert.NotContains(t, strings.ToLower(text), strings.ToLower(secret))
		}
	}
}
