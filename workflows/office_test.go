package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

type registry = plugin.Registry

// office is a tenant, and a test environment in which its leaver is offboarded.
type office struct {
	*testsuite.TestWorkflowEnvironment
	t      testing.TB
	tenant *graphsim.Tenant
	// register puts workflow and activities on the environment of a run, and begin is
	// done before each run.
	register func(registry)
	begin    func()
	// runs counts how often the workflow has continued as new.
	runs int
	// clock is the environment whose time the tenant follows.
	clock atomic.Pointer[clock]
}

// clock is the time of an environment, which begins at its start.
type clock struct {
	*testsuite.TestWorkflowEnvironment
	start time.Time
}

// Now is the workflow's time. An environment tells the machine's until the workflow runs.
func (o *office) Now() time.Time {
	c := o.clock.Load()
	if now := c.TestWorkflowEnvironment.Now(); now.After(c.start) {
		return now
	}
	return c.start
}

// newOffice makes a tenant whose devices leave at once, and whose time is the
// workflow's.
func newOffice(t testing.TB, change ...func(*plugin.Config)) *office {
	t.Helper()
	tenant := graphsim.NewTenant(nil)
	tenant.Add(graphsim.Contoso(0)...)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	config := plugin.Config{Credential: token(tenant.Token(graphsim.Application)), GraphURL: server.URL + graphsim.GraphPath,
		Exchange: plugin.Exchange{Doors: []string{"invokeCommand"}, TenantID: graphsim.TenantID, URL: server.URL + graphsim.ExchangePath}, SecondLook: time.Millisecond, Guards: activities.Guards{MaxStarts: -1, MaxDevices: 1000, AllowOthers: true}}
	for _, c := range change {
		c(&config)
	}
	offboarding, err := plugin.New(config)
	require.NoError(t, err)
	env := newEnvironment(morning())
	offboarding.Register(env)
	o := &office{TestWorkflowEnvironment: env, t: t, tenant: tenant, register: func(r registry) { offboarding.Register(r) }}
	o.clock.Store(&clock{env, morning()})
	tenant.Clock(o.Now)
	return o
}

// morning is when offboardings start, at whatever time of the day the test runs: a daily
// limit is over at midnight.
func morning() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(32 * time.Hour) }

// newEnvironment makes an environment in which a workflow that waits for ever fails
// after a year; the default is ten.
func newEnvironment(start time.Time) *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(quiet)
	env := suite.NewTestWorkflowEnvironment()
	// The SDK's three seconds without progress are too few where an activity reads again after a pause, on a busy machine.
	env.SetTestTimeout(time.Minute)
	env.SetStartTime(start)
	env.SetWorkflowRunTimeout(365 * 24 * time.Hour)
	env.SetWorkerOptions(likeAServer(false))
	return env
}

// forbid makes a request fail until a person has done something.
func (o *office) forbid(method, path string) *office {
	o.tenant.Fail(graphsim.Fault{Method: method, Path: path, Times: -1, Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
	return o
}

// set changes what the tenant wants, or limits.
func (o *office) set(settings graphsim.Settings) *office {
	o.tenant.Configure(settings)
	return o
}

// ends runs an offboarding to its end, which is to be this one.
func (o *office) ends(as leaver.Status, request string) leaver.Report {
	o.t.Helper()
	report, err := o.run(request)
	assert.Equal(o.t, as, report.Status, "%v", err)
	switch as {
	case leaver.Incomplete, leaver.Aborted, leaver.Rejected:
		assert.True(o.t, leaver.IsFailure(err, leaver.OffboardingIncomplete), "%v", err)
	case leaver.CanceledStatus:
		assert.True(o.t, temporal.IsCanceledError(err), "%v", err)
	default:
		require.NoError(o.t, err)
	}
	return report
}

func (o *office) run(request string) (leaver.Report, error) {
	o.t.Helper()
	if o.begin != nil {
		o.begin()
	}
	o.ExecuteWorkflow(leaver.WorkflowType, json.RawMessage(request))
	for o.goesOn() {
	}
	return o.end()
}

// goesOn runs the workflow that this one has continued as, if it has.
func (o *office) goesOn() bool {
	o.t.Helper()
	require.True(o.t, o.IsWorkflowCompleted())
	next, ok := errors.AsType[*workflow.ContinueAsNewError](o.GetWorkflowError())
	if !ok {
		return false
	}
	var input, state json.RawMessage
	require.NoError(o.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &input, &state))
	start := o.Now()
	o.TestWorkflowEnvironment = newEnvironment(start)
	o.clock.Store(&clock{o.TestWorkflowEnvironment, start})
	o.SetContinuedExecutionRunID("the-run-before")
	o.register(o.TestWorkflowEnvironment)
	o.runs++
	if o.begin != nil {
		o.begin()
	}
	o.ExecuteWorkflow(leaver.WorkflowType, input, state)
	return true
}

func (o *office) end() (leaver.Report, error) {
	o.t.Helper()
	require.True(o.t, o.IsWorkflowCompleted())
	var report leaver.Report
	err := o.GetWorkflowResult(&report)
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.HasDetails() {
		require.NoError(o.t, failure.Details(&report))
	}
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		require.NoError(o.t, canceled.Details(&report))
	}
	return report, err
}

func (o *office) progress() leaver.Progress {
	o.t.Helper()
	answer, err := o.QueryWorkflow(leaver.QueryProgress)
	require.NoError(o.t, err)
	var p leaver.Progress
	require.NoError(o.t, answer.Get(&p))
	return p
}

// cancel cancels the workflow that runs now.
func (o *office) cancel() { o.CancelWorkflow() }

// after does something when the workflow has waited for a while.
func (o *office) after(d time.Duration, do func()) { o.RegisterDelayedCallback(do, d) }

func (o *office) signal(action leaver.Action, input string) {
	o.SignalWorkflow(string(action), json.RawMessage(input))
}

// update sends an update; what it returns tells, later, whether it was refused.
func (o *office) update(action leaver.Action, input string) (refused func() error) {
	answer := errors.New("no answer")
	o.UpdateWorkflow(string(action), uuid.NewString(), &testsuite.TestUpdateCallback{
		OnAccept:   func() {},
		OnReject:   func(err error) { answer = err },
		OnComplete: func(_ any, err error) { answer = err },
	}, json.RawMessage(input))
	return func() error { return answer }
}

func outcomes(report leaver.Report) string {
	var all []string
	for _, s := range report.Steps {
		all = append(all, s.Name+" "+string(s.Outcome))
	}
	return strings.Join(all, ", ")
}

const adele = `{"userId":"adele@contoso.com"}`

// windows is a device that leaves at once; silent one that never checks in; harm one
// that the usual policy would harm, so that it is a question at once.
func windows(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Windows"}
}

func silent(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Windows", CheckIn: -1}
}

func harm(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Android", CheckIn: -1}
}

// fleet gives Adele devices, by name.
func (o *office) fleet(devices ...graphsim.Device) *office {
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = devices
	o.tenant.Add(user)
	return o
}

// devices are those that Adele has now, and deviceIDs their ids.
func (o *office) devices() []graphsim.Device { return o.tenant.Users()[graphsim.Leaver].Devices }

func (o *office) deviceIDs() []string {
	var ids []string
	for _, d := range o.devices() {
		ids = append(ids, d.ID)
	}
	return ids
}

// answer sends a choice about devices, by their names; none means all that are asked about.
func (o *office) answer(choice leaver.Choice, names ...string) {
	items, ids := said(o.removal()), []string{}
	for _, name := range names {
		ids = append(ids, items[name].ID)
	}
	list, _ := json.Marshal(ids)
	o.signal(leaver.Answer, fmt.Sprintf(`{"step":"removeAllDevices","choice":%q,"items":%s}`, choice, list))
}

const onRemoval = `{"step":"removeAllDevices"}`

// said is what a step says of each device, by name.
func said(s leaver.StepRecord) map[string]leaver.Item {
	items := map[string]leaver.Item{}
	for _, i := range s.Items {
		items[i.Device.Name] = i
	}
	return items
}

// stands is how each device of a step stands, by name: "A gone, B silent?", with a question
// mark where a person is to decide.
func stands(s leaver.StepRecord) string {
	var all []string
	for name, i := range said(s) {
		all = append(all, name+" "+string(i.Device.Verdict)+map[bool]string{true: "?"}[i.Outcome == leaver.Failed])
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// removal is the step that removes the devices.
func removal(r leaver.Report) leaver.StepRecord { return r.Steps[2] }

func (o *office) removal() leaver.StepRecord { return removal(o.progress().Report) }

func (o *office) stands() string { return stands(o.removal()) }

// waits is what an offboarding waits for, with the actions and the choices that are offered.
func waits(p leaver.Progress) string {
	var all []string
	for _, w := range p.Waits {
		all = append(all, fmt.Sprint(w.For, " ", w.Actions, " ", w.Choices))
	}
	return strings.Join(all, ", ")
}
