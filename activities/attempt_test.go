package activities_test

import (
	"cmp"
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
	"github.com/leaver-dev/leaver/activities"
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

// credential makes each token anew, or fails.
type credential func() (string, error)

func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	text, err := c()
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// token is a credential that always has the same token.
func token(text string) credential { return func() (string, error) { return text, nil } }

// stage is a simulated tenant and the activities that work in it. What is added to front
// answers before the tenant does.
type stage struct {
	*graphsim.Tenant
	front       *http.ServeMux
	token       string
	config      plugin.Config
	offboarding *plugin.Offboarding
}

// set sets a stage; change may spoil the configuration.
func set(t *testing.T, users []graphsim.User, change ...func(*plugin.Config)) *stage {
	t.Helper()
	s := &stage{Tenant: graphsim.NewTenant(nil), front: http.NewServeMux()}
	s.Add(users...)
	s.front.Handle("/", s.Handler())
	server := httptest.NewServer(s.front)
	t.Cleanup(server.Close)
	s.token = s.Token(graphsim.Application)
	s.config = plugin.Config{Credential: token(s.token), GraphURL: server.URL + graphsim.GraphPath, SecondLook: time.Millisecond, Guards: activities.Guards{MaxStarts: -1, MaxDevices: 1000, AllowOthers: true}}
	s.config.Exchange = plugin.Exchange{Doors: []string{"invokeCommand"}, TenantID: graphsim.TenantID, URL: server.URL + graphsim.ExchangePath}
	for _, c := range change {
		c(&s.config)
	}
	var err error
	s.offboarding, err = plugin.New(s.config)
	require.NoError(t, err)
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
	number  int32           // 1 unless given
	age     time.Duration   // how long ago the activity was scheduled
	timeout time.Duration   // how long the attempt may take; zero means an hour
	refused int             // how often in a row Graph has refused so that it may pass
	heard   func(times int) // is told what the attempt tells the next
}

func (a attempt) run(t *testing.T, s *stage, name string, input any, result any) error {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&pretence{attempt: a}}})
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var told map[string]int
		require.NoError(t, details.Get(&told))
		require.Len(t, told, 1)
		require.Contains(t, told, "times", "state is the workflow's: heartbeats count refusals that may pass, and hold nothing else")
		if a.heard != nil {
			a.heard(told["times"])
		}
	})
	if a.refused > 0 {
		env.SetHeartbeatDetails(map[string]int{"times": a.refused})
	}
	s.offboarding.Register(workflowless{env})
	value, err := env.ExecuteActivity(name, input)
	if err != nil || result == nil {
		return err
	}
	return value.Get(result)
}

// call makes one attempt, by its number, of any activity.
func call[T any](t *testing.T, s *stage, number int32, name string, input any) (T, error) {
	t.Helper()
	var result T
	err := attempt{number: number}.run(t, s, name, input, &result)
	return result, err
}

// last makes an attempt after four in a row that Graph has refused so that it may pass.
func last[T any](t *testing.T, s *stage, name string, input any) (T, error) {
	t.Helper()
	var result T
	err := attempt{number: 5, refused: 4}.run(t, s, name, input, &result)
	return result, err
}

// do makes a first attempt of a step for Adele.
func do(t *testing.T, s *stage, name string) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, 1, name, leaver.StepRequest{UserID: s.id(adele)})
}

// does makes an attempt of a step for Adele that succeeds.
func does(t *testing.T, s *stage, number int32, name string) leaver.StepResult {
	t.Helper()
	result, err := call[leaver.StepResult](t, s, number, name, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	return result
}

// workflowless lets a plugin register where there are no workflows.
type workflowless struct {
	*testsuite.TestActivityEnvironment
}

func (workflowless) RegisterWorkflowWithOptions(any, workflow.RegisterOptions) {}

// pretence tells an activity which attempt it is, and how long it may take.
type pretence struct {
	interceptor.WorkerInterceptorBase
	interceptor.ActivityInboundInterceptorBase
	interceptor.ActivityOutboundInterceptorBase
	attempt attempt
}

func (p *pretence) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	p.ActivityInboundInterceptorBase.Next = next
	return p
}

func (p *pretence) Init(next interceptor.ActivityOutboundInterceptor) error {
	p.ActivityOutboundInterceptorBase.Next = next
	return p.ActivityInboundInterceptorBase.Init(p)
}

func (p *pretence) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.attempt.timeout, time.Hour))
	defer cancel()
	return p.ActivityInboundInterceptorBase.ExecuteActivity(ctx, in)
}

func (p *pretence) GetInfo(ctx context.Context) activity.Info {
	info := p.ActivityOutboundInterceptorBase.GetInfo(ctx)
	info.Attempt = max(p.attempt.number, 1)
	info.ScheduledTime = info.ScheduledTime.Add(-p.attempt.age)
	return info
}

// id is a user's object id.
func (s *stage) id(name string) string { return s.Users()[name].ID }

// change changes Adele as the tenant has her.
func (s *stage) change(change func(user *graphsim.User)) { s.changeUser(adele, change) }

// changeUser changes a user as the tenant has them.
func (s *stage) changeUser(name string, change func(user *graphsim.User)) {
	user := s.Users()[name]
	change(&user)
	s.Add(user)
}

// leave takes the first of Adele's devices out of management.
func (s *stage) leave(n int) (left []graphsim.Device) {
	s.change(func(user *graphsim.User) { left, user.Devices = user.Devices[:n], user.Devices[n:] })
	return left
}

// give gives the first of Adele's devices to Megan.
func (s *stage) give(n int) {
	s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Devices: s.leave(n)})
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
	return len(slices.DeleteFunc(s.Requests(), func(r graphsim.Request) bool { return !r.Writes() || r.Status >= 300 }))
}

// written counts the changes of one kind that the tenant was asked for.
func (s *stage) written(what string) int {
	return len(slices.DeleteFunc(s.writes(), func(w string) bool { return w != what }))
}

// posted counts the removals of all devices that the tenant was asked for.
func (s *stage) posted() int { return s.written("POST removeAllDevicesFromManagement") }

// table runs each row as a test of its own.
func table[Row any](t *testing.T, rows map[string]Row, test func(t *testing.T, row Row)) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, row)
		})
	}
}

// says is an answer of Graph's.
func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

// errorOf is the error of a call whose result does not matter.
func errorOf[T any](_ T, err error) error { return err }

// failed is the failure of an activity, after a look at whether its message may be
// stored. One that waits is retried by Temporal.
func failed(t *testing.T, s *stage, err error, why leaver.FailureType, waits bool) *temporal.ApplicationError {
	t.Helper()
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure, "%v", err)
	assertNameless(t, s, err.Error())
	assert.Equal(t, string(why), failure.Type(), failure.Message())
	assert.Equal(t, waits, !failure.NonRetryable(), failure.Message())
	return failure
}

// waiting is a failure that Temporal retries.
func waiting(t *testing.T, s *stage, err error, why leaver.FailureType) *temporal.ApplicationError {
	t.Helper()
	return failed(t, s, err, why, true)
}

// final is a failure that a person has to do something about.
func final(t *testing.T, s *stage, err error, why leaver.FailureType) *temporal.ApplicationError {
	t.Helper()
	return failed(t, s, err, why, false)
}

// assertNameless asserts that a text, which is stored in clear, holds no names and no
// secrets.
func assertNameless(t *testing.T, s *stage, text string) {
	t.Helper()
	secrets := []string{s.token, "Bearer", "127.0.0.1", "/users", "/v1.0", "/graph", "deviceManagement/", "{", "<html"}
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
