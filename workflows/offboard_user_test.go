package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/leaver-dev/leaver/workflows"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// office is a tenant, and a test environment in which its leaver is offboarded.
type office struct {
	*testsuite.TestWorkflowEnvironment
	t      *testing.T
	tenant *graphsim.Tenant
}

// newOffice makes a tenant whose devices leave at once.
func newOffice(t *testing.T, change ...func(*plugin.Config)) *office {
	t.Helper()
	tenant := graphsim.NewTenant(nil)
	tenant.Add(graphsim.Contoso(0)...)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	config := plugin.Config{Credential: token(tenant.Token(graphsim.Application)), GraphURL: server.URL + graphsim.GraphPath}
	for _, c := range change {
		c(&config)
	}
	offboarding, err := plugin.New(config)
	require.NoError(t, err)
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(quiet)
	env := suite.NewTestWorkflowEnvironment()
	offboarding.Register(env)
	return &office{env, t, tenant}
}

// forbid makes a request fail until a person has done something.
func (o *office) forbid(method, path string) {
	o.tenant.Fail(graphsim.Fault{Method: method, Path: path, Times: -1, Status: 403, Code: "Authorization_RequestDenied", Message: "Insufficient privileges to complete the operation."})
}

func (o *office) run(request string) (leaver.Report, error) {
	o.t.Helper()
	o.ExecuteWorkflow(leaver.WorkflowType, json.RawMessage(request))
	return o.end()
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

func TestALeaverIsOffboarded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	before := o.tenant.Users()
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done, awaitDevicesRemoved done", outcomes(report))
	after := o.tenant.Users()
	assert.False(t, after[graphsim.Leaver].AccountEnabled)
	assert.Empty(t, after[graphsim.Leaver].Devices)
	assert.Equal(t, before["megan@contoso.com"], after["megan@contoso.com"])
	assert.Equal(t, leaver.Completed, o.progress().Status, "the query answers after the end")
}

func TestBadInputTouchesNothing(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{}`:                                 "userId: is missing",
		`null`:                               "userId: is missing",
		`{"userId":"a/b"}`:                   "userId: must not contain '/'",
		`{"userId":".."}`:                    "userId: must not be a relative path",
		`{"userId":7}`:                       "userId: has the wrong type",
		`"adele@contoso.com"`:                "must be one JSON object",
		`{"userId":"a@contoso.com","who":1}`: "who: unknown field",
		`{"userId":"a@contoso.com","steps":{"wipe":{}}}`: "steps.wipe: there is no such step",
	} {
		o := newOffice(t)
		_, err := o.run(input)
		assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), input)
		assert.ErrorContains(t, err, want)
		assert.Empty(t, o.tenant.Requests(), input)
	}
}

func TestAStartWithoutInputNamesTheMissingField(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.ExecuteWorkflow(leaver.WorkflowType)
	_, err := o.end()
	assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest))
	assert.ErrorContains(t, err, "userId: is missing")
}

func TestAnUnknownUserEndsTheWorkflowWithItsType(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.run(`{"userId":"nobody@contoso.com"}`)
	var failure *temporal.ApplicationError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, string(leaver.UserNotFound), failure.Type())
	assert.NotContains(t, err.Error(), "nobody@contoso.com")
}

func TestADryRunShowsThePlanAndTouchesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	before := o.tenant.Users()
	report, err := o.run(`{"userId":"adele@contoso.com","dryRun":true,"steps":{"revokeSessions":{"skip":true}}}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Planned, report.Status)
	assert.Len(t, report.Steps, 4)
	assert.NotEmpty(t, report.Steps[1].Skip)
	assert.Equal(t, before, o.tenant.Users())
}

func TestAPersonCanRetry(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"signal", "update"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.forbid("PATCH", "")
			o.after(time.Hour, func() {
				p := o.progress()
				assert.Equal(t, leaver.Waiting, p.Status)
				require.Len(t, p.Waits, 1)
				assert.Equal(t, leaver.StepDisableAccount, p.Waits[0].Step)
				assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
				o.tenant.Heal()
				const answer = `{"step":"disableAccount","by":"it@contoso.com","reason":"role assigned"}`
				if how == "signal" {
					o.signal(leaver.RetryStep, answer)
				} else {
					refused := o.update(leaver.RetryStep, answer)
					o.after(time.Minute, func() { assert.NoError(t, refused()) })
				}
			})
			report, err := o.run(adele)
			require.NoError(t, err)
			assert.Equal(t, leaver.Completed, report.Status)
			first := report.Steps[0]
			require.Len(t, first.Decisions, 1)
			assert.Equal(t, "it@contoso.com", first.Decisions[0].By)
			assert.Equal(t, leaver.GraphForbidden, first.Failure.Type, "the report remembers why it waited")
		})
	}
}

func TestAPersonCanSkip(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	o.after(time.Hour, func() {
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`) // one that has not begun
		o.signal(leaver.SkipStep, `{"step":"disableAccount"}`)   // the one that waits
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, "disableAccount skipped, revokeSessions done, removeAllDevices skipped, awaitDevicesRemoved skipped", outcomes(report))
	users := o.tenant.Users()
	assert.True(t, users[graphsim.Leaver].AccountEnabled)
	assert.Len(t, users[graphsim.Leaver].Devices, 4)
}

func TestAWaitForDevicesCanBeSkipped(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Add(neverCheckingIn(o.tenant))
	// The test environment gives up after ten attempts, which is after eight hours.
	o.after(6*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Running, p.Status, "%+v", p.Steps[3].Failure)
		require.Len(t, p.Waits, 1)
		assert.Equal(t, "devices", p.Waits[0].For)
		o.update(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.Skipped, report.Steps[3].Outcome)
}

func neverCheckingIn(tenant *graphsim.Tenant) graphsim.User {
	user := tenant.Users()[graphsim.Leaver]
	for i := range user.Devices {
		user.Devices[i].CheckIn = -1
	}
	return user
}

func TestWhatTheRequestLeavesOutIsNoException(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	report, err := o.run(`{"userId":"adele@contoso.com","steps":{"removeAllDevices":{"skip":true}}}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices skipped, awaitDevicesRemoved skipped", outcomes(report))
}

func TestAnAbortEndsWithTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("POST", "/revokeSignInSessions")
	o.after(time.Minute, func() { o.signal(leaver.Abort, `{"by":"it@contoso.com","reason":"wrong person"}`) })
	report, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Aborted, report.Status)
	assert.Equal(t, "wrong person", report.Aborted.Reason)
	assert.Equal(t, "disableAccount done, revokeSessions failed, removeAllDevices notStarted, awaitDevicesRemoved notStarted", outcomes(report))
}

func TestContinueGoesOnAndEndsIncomplete(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"continue"}`)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Incomplete, report.Status)
	assert.Equal(t, "disableAccount failed, revokeSessions done, removeAllDevices done, awaitDevicesRemoved done", outcomes(report))
}

func TestFailStartsNothingFurther(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableAccount":{"onFailure":"fail"}}}`)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, "disableAccount failed, revokeSessions notStarted, removeAllDevices notStarted, awaitDevicesRemoved notStarted", outcomes(report))
}

func TestACancelledWaitSaysWhatWasAndWasNotDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Add(neverCheckingIn(o.tenant))
	o.after(time.Hour, o.CancelWorkflow)
	report, err := o.run(adele)
	assert.True(t, temporal.IsCanceledError(err))
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done, awaitDevicesRemoved canceled", outcomes(report))
}

func TestWrongDecisionsChangeNothingAndAreShown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	wrong := map[leaver.Action][]string{
		leaver.RetryStep: {`{"step":"disableAcount"}`, `{"step":"revokeSessions"}`, `{}`, `{"step":7}`, `{"step":"disableAccount","now":true}`, `7`},
		leaver.SkipStep:  {`{"step":""}`},
		leaver.Abort:     {`{"step":"disableAccount"}`},
	}
	o.after(time.Hour, func() {
		for _, action := range leaver.Actions() {
			for _, input := range wrong[action] {
				refused := o.update(action, input)
				o.after(time.Minute, func() {
					err := refused()
					assert.Error(t, err, input)
					assert.NotContains(t, err.Error(), "no answer", input)
				})
			}
		}
	})
	o.after(90*time.Minute, func() {
		assert.Empty(t, o.progress().Refused, "a refused update leaves no trace")
		for range 2 {
			for _, action := range leaver.Actions() {
				for _, input := range wrong[action] {
					o.signal(action, input)
				}
			}
		}
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status)
		assert.Len(t, p.Refused, 10, "a stream of wrong signals is bounded")
		o.CancelWorkflow()
	})
	report, _ := o.run(adele)
	assert.Empty(t, report.Steps[0].Decisions)
}

// Two steps that wait for nothing begin together; a third waits for both.
func TestIndependentStepsRunSideBySide(t *testing.T) {
	t.Parallel()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(quiet)
	env := suite.NewTestWorkflowEnvironment()
	workflows.Register(env)
	env.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
		return leaver.Plan{Leaver: leaver.Leaver{ID: "1"}, Steps: []leaver.Step{
			{Name: "left", Activity: "Meet", Kind: leaver.Writes, OnFailure: leaver.Ask},
			{Name: "right", Activity: "Meet", Kind: leaver.Writes, OnFailure: leaver.Ask},
			{Name: "last", Activity: "Last", Kind: leaver.Reads, OnFailure: leaver.Ask, After: []string{"left", "right"}, TaskQueue: "elsewhere"},
		}}, nil
	}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding})
	meeting := make(chan struct{})
	env.RegisterActivityWithOptions(func(ctx context.Context, _ leaver.StepRequest) (leaver.StepResult, error) {
		// Each needs the other to be there.
		select {
		case meeting <- struct{}{}:
		case <-meeting:
		case <-time.After(10 * time.Second):
			return leaver.StepResult{}, errors.New("nobody came")
		}
		return leaver.StepResult{Outcome: leaver.Done}, nil
	}, activity.RegisterOptions{Name: "Meet"})
	env.RegisterActivityWithOptions(func(ctx context.Context, r leaver.StepRequest) (leaver.StepResult, error) {
		if len(r.Results) != 2 || r.Results["left"].Outcome != leaver.Done {
			return leaver.StepResult{}, fmt.Errorf("got %v", r.Results)
		}
		return leaver.StepResult{Outcome: leaver.Done, Detail: activity.GetInfo(ctx).TaskQueue}, nil
	}, activity.RegisterOptions{Name: "Last"})
	env.ExecuteWorkflow(leaver.WorkflowType, leaver.Request{UserID: "1"})
	var report leaver.Report
	require.NoError(t, env.GetWorkflowResult(&report))
	assert.Equal(t, "left done, right done, last done", outcomes(report))
	assert.Equal(t, "elsewhere", report.Steps[2].Detail)
}

func TestAStepThatReturnsNoOutcomeIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.OnActivity(leaver.ActivityRevokeSessions, mock.Anything, mock.Anything).Return(leaver.StepResult{Outcome: "perhaps"}, nil)
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"fail"}`)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Failed, report.Steps[1].Outcome)
}

func TestAPlanThatCannotRunIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.OnActivity(leaver.ActivityPlanOffboarding, mock.Anything, mock.Anything).Return(leaver.Plan{Steps: []leaver.Step{
		{Name: "a", Activity: "A", After: []string{"b"}}, {Name: "b", Activity: "B", After: []string{"a"}},
	}}, nil)
	_, err := o.run(adele)
	assert.ErrorContains(t, err, "the plan cannot be run: step a waits for itself")
	assert.Empty(t, o.tenant.Requests())
}
