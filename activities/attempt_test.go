package activities_test

import (
	"context"
	"log/slog"
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
	// heard is what an attempt before, which died, had heartbeated last.
	heard any
	// timeout is how long the attempt may take; zero means the environment's.
	timeout time.Duration
	// canceled lets the cancellation be heard of with the first heartbeat.
	canceled bool

	heartbeats []converter.EncodedValues
}

func (a *attempt) run(t *testing.T, s *stage, name string, input any, result any) error {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&pretence{attempt: a}}})
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		a.heartbeats = append(a.heartbeats, details)
	})
	if a.heard != nil {
		env.SetHeartbeatDetails(a.heard)
	}
	s.offboarding.Register(workflowless{env})
	value, err := env.ExecuteActivity(name, input)
	if err != nil {
		return err
	}
	return value.Get(result)
}

// do makes a first attempt of a step for Adele.
func do(t *testing.T, s *stage, name string) (leaver.StepResult, error) {
	t.Helper()
	return (&attempt{}).do(t, s, name, leaver.StepRequest{UserID: s.id(adele)})
}

// do makes the attempt, and those after it that ask one device more each.
func (a *attempt) do(t *testing.T, s *stage, name string, request leaver.StepRequest) (leaver.StepResult, error) {
	t.Helper()
	for turn := 0; ; turn++ {
		require.Less(t, turn, 20, "it does not end")
		var result leaver.StepResult
		before := s.accepted()
		err := a.run(t, s, name, request, &result)
		if err == nil || !strings.Contains(err.Error(), "asked by the next attempt") {
			return result, err
		}
		assert.LessOrEqual(t, s.accepted(), before+1, "an attempt writes once")
		a.heard = last(t, a)
	}
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
	cancel  context.CancelFunc
}

func (p *pretendIn) Init(next interceptor.ActivityOutboundInterceptor) error {
	out := &pretendOut{in: p}
	out.Next = next
	return p.Next.Init(out)
}

func (p *pretendIn) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, p.cancel = context.WithCancel(ctx)
	if p.attempt.timeout > 0 {
		ctx, p.cancel = context.WithTimeout(ctx, p.attempt.timeout)
	}
	defer p.cancel()
	return p.Next.ExecuteActivity(ctx, in)
}

type pretendOut struct {
	interceptor.ActivityOutboundInterceptorBase
	in *pretendIn
}

func (p *pretendOut) GetInfo(ctx context.Context) activity.Info {
	info := p.Next.GetInfo(ctx)
	info.Attempt = max(p.in.attempt.number, 1)
	info.ScheduledTime = info.ScheduledTime.Add(-p.in.attempt.age)
	return info
}

func (p *pretendOut) RecordHeartbeat(ctx context.Context, details ...any) {
	p.Next.RecordHeartbeat(ctx, details...)
	if p.in.attempt.canceled {
		p.in.cancel()
	}
}

// id is a user's object id.
func (s *stage) id(name string) string { return s.Users()[name].ID }

// reassign gives all of Adele's devices to Megan.
func (s *stage) reassign() {
	from := s.Users()[adele]
	s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Devices: from.Devices})
	from.Devices = nil
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

const postRemoval = "POST removeAllDevicesFromManagement"

// posted counts the removals of all devices that the tenant was asked for, and
// retired those of one device.
func (s *stage) posted() int  { return s.written(postRemoval) }
func (s *stage) retired() int { return s.written("POST retire") }

func (s *stage) written(what string) int {
	return len(slices.DeleteFunc(s.writes(), func(w string) bool { return w != what }))
}

// failed is the failure of an activity, after a look at whether its message
// may be stored.
func failed(t *testing.T, s *stage, err error) *temporal.ApplicationError {
	t.Helper()
	require.Error(t, err)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure, "%v", err)
	secrets := []string{s.token, "Bearer", "/users", "/v1.0", "/graph", "deviceManagement/", "{", "<html"}
	for name, user := range s.Users() {
		secrets = append(secrets, name, user.ID, user.DisplayName)
		for _, device := range user.Devices {
			secrets = append(secrets, device.Name, device.ID)
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			assert.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(secret))
		}
	}
	return failure
}
