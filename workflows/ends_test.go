package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// untouched says that nobody's account, session or device was written to.
func (o *office) untouched() {
	o.t.Helper()
	assert.False(o.t, slices.ContainsFunc(o.tenant.Requests(), graphsim.Request.Writes))
}

func TestAFailureOfPlanningStandsAtTheTopAndTouchesNothing(t *testing.T) {
	t.Parallel()
	for want, fault := range map[leaver.FailureType]graphsim.Fault{
		leaver.GraphForbidden:    {Status: 403, Code: "Authorization_RequestDenied", Times: -1},
		leaver.GraphUnauthorized: {Status: 401, Code: "InvalidAuthenticationToken", Times: -1},
		leaver.GraphUnavailable:  {Status: 503, Times: -1},
	} {
		o := newOffice(t)
		o.tenant.Fail(fault)
		_, err := o.run(adele)
		assert.True(t, leaver.IsFailure(err, want), "%v", err)
		assert.ErrorContains(t, err, "PlanOffboarding: ")
		assert.Equal(t, leaver.Incomplete, o.progress().Status)
		o.untouched()
	}
}

func TestPlanningThatTakesTooLongIsSaidToHaveTouchedNothing(t *testing.T) {
	t.Parallel()
	o := newPlanned(t)
	o.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
		return leaver.Plan{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil)
	}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding, DisableAlreadyRegisteredCheck: true})
	_, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.GraphUnavailable), "%v", err)
	assert.ErrorContains(t, err, "nothing was touched")
}

func TestAStepThatTakesTooLongAsksAPerson(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("slow", "Slow"))
	o.does("Slow", leaver.StepResult{}, temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil))
	o.after(2*24*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status)
		assert.Equal(t, &leaver.StepFailure{Type: leaver.GraphUnavailable, Message: "Slow: did not succeed in time"}, p.Steps[0].Failure)
		o.signal(leaver.Abort, `{}`)
	})
	assert.Equal(t, "slow failed", outcomes(o.ends(leaver.Aborted, adele)))
	assert.ErrorContains(t, o.GetWorkflowError(), "offboarding aborted: slow failed (GraphUnavailable)")
}

func TestAnOffboardingEndsAsItIsToldTo(t *testing.T) {
	t.Parallel()
	const only = `{"userId":"adele@contoso.com","onFailure":"continue"}`
	for _, c := range []struct {
		name, request, method, path string
		after                       func(o *office)
		status                      leaver.Status
		outcomes, message           string
	}{
		{"aborted while a person is asked", adele, "POST", "/revokeSignInSessions",
			func(o *office) { o.signal(leaver.Abort, `{"by":"it@contoso.com","reason":"wrong person"}`) }, leaver.Aborted,
			"disableAccount done, revokeSessions failed, removeAllDevices notStarted", "offboarding aborted: revokeSessions failed (GraphForbidden), removeAllDevices was not started"},
		{"cancelled while a person is asked", adele, "POST", "/revokeSignInSessions", (*office).cancel, leaver.CanceledStatus,
			"disableAccount done, revokeSessions failed, removeAllDevices notStarted", "canceled"},
		{"goes on after a failure", only, "PATCH", "", nil, leaver.Incomplete,
			"disableAccount failed, revokeSessions done, removeAllDevices done", "offboarding incomplete: disableAccount failed (GraphForbidden)"},
		{"starts nothing after a failure", `{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableAccount":{"onFailure":"fail"}}}`, "PATCH", "", nil, leaver.Incomplete,
			"disableAccount failed, revokeSessions notStarted, removeAllDevices notStarted", "offboarding incomplete: disableAccount failed (GraphForbidden), revokeSessions was not started"},
		{"devices that nobody may ask", only, "POST", "/retire", nil, leaver.Incomplete,
			"disableAccount done, revokeSessions done, removeAllDevices failed", "offboarding incomplete: removeAllDevices failed (GraphForbidden)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.forbid(c.method, c.path)
			if c.path == "/retire" {
				o.forbid("POST", "/removeAllDevicesFromManagement")
			}
			if c.after != nil {
				o.after(time.Hour, func() { c.after(o) })
			}
			report := o.ends(c.status, c.request)
			assert.Equal(t, c.outcomes, outcomes(report))
			assert.ErrorContains(t, o.GetWorkflowError(), c.message)
			if c.status == leaver.Aborted {
				assert.Equal(t, "wrong person", report.Aborted.Reason)
			}
			for _, step := range report.Steps {
				assert.True(t, step.Outcome != leaver.Failed || step.Failure.Type == leaver.GraphForbidden, "why it failed is kept")
			}
			assert.Equal(t, removal(report).Outcome == leaver.Done, len(o.devices()) == 0)
		})
	}
}

// A wait is stopped; a write that runs finishes and is reported.
func TestACancelSaysWhatWasAndWasNotDone(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*office){
		"a wait": func(o *office) {
			o.tenant.Add(neverCheckingIn(o.tenant))
			o.after(time.Hour, o.cancel)
		},
		"a write": func(o *office) {
			o.letActivitiesFinish()
			o.whenStarted(leaver.ActivityRemoveAllDevices, o.cancel)
		},
	} {
		o := newOffice(t)
		cancel(o)
		report := o.ends(leaver.CanceledStatus, adele)
		assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices canceled", outcomes(report), "nobody has seen them leave")
		require.Len(t, removal(report).Items, 4, name)
		for _, item := range removal(report).Items {
			assert.Equal(t, leaver.CallAccepted, item.Device.Asked().Answer)
		}
		assert.Equal(t, name == "a write", len(o.devices()) == 0, "what the report says was asked was asked")
		assert.False(t, report.EndedAt.IsZero())
	}
}

func TestACancelDuringPlanningStartsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.whenStarted(leaver.ActivityPlanOffboarding, o.cancel)
	assert.Empty(t, o.ends(leaver.CanceledStatus, adele).Steps)
	o.untouched()
}

func TestAFailureThatEndsItAllStopsWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("lingers", "Linger"), single("asked", "Refuse"), single("first", "Succeed"),
		leaver.Step{Name: "second", Shape: leaver.Single, Activity: "RefuseLater", OnFailure: leaver.Fail, After: []string{"first"}}, single("third", "Succeed", "second"))
	o.step("RefuseLater", func(ctx context.Context, _ leaver.StepRequest) (leaver.StepResult, error) {
		f := leaver.Failure{Type: leaver.GraphForbidden, Message: "RefuseLater: not allowed"}
		if activity.GetInfo(ctx).Attempt == 1 {
			f.Waits, f.After = true, 30*time.Second
		}
		return leaver.StepResult{}, f.Err()
	})
	assert.Equal(t, "lingers canceled, asked failed, first done, second failed, third notStarted", outcomes(o.ends(leaver.Incomplete, adele)))
	assert.ErrorContains(t, o.GetWorkflowError(), "lingers was stopped, asked failed (GraphForbidden), second failed (GraphForbidden), third was not started")
}

func TestTheLongestDeadlineThatIsTakenCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	newOffice(t).ends(leaver.Completed, `{"userId":"adele@contoso.com","deviceDeadline":"87600h"}`)
}

// interruptions are the ways to end a step while it is at work, and what comes of it.
var interruptions = map[string]struct {
	how     func(*office)
	status  leaver.Status
	outcome leaver.Outcome
}{
	"left out": {func(o *office) { o.signal(leaver.SkipStep, onRemoval) }, leaver.CompletedWithExceptions, leaver.Skipped},
	"aborted":  {func(o *office) { o.signal(leaver.Abort, `{}`) }, leaver.Aborted, leaver.Canceled},
	"canceled": {(*office).cancel, leaver.CanceledStatus, leaver.Canceled},
}

// Intune has deleted a record and its answer was lost. Whoever ends the step before the
// next attempt is told that the device may have been asked.
func TestACallWhoseAnswerWasCutIsInTheReportWhoeverStopsTheStep(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		o := newOffice(t).fleet(windows("A"), windows("B"))
		o.tenant.Fail(graphsim.Fault{Method: "DELETE", Path: o.deviceIDs()[1], Cut: true})
		o.after(500*time.Millisecond, func() {
			require.Empty(t, o.devices(), "B is deleted, and its call is in the back-off")
			interrupt.how(o)
		})
		step := removal(o.ends(interrupt.status, `{"userId":"adele@contoso.com","devices":{"company":{"default":"deleteRecord"}}}`))
		for device, answer := range map[string]leaver.CallAnswer{"A": leaver.CallAccepted, "B": leaver.CallUnknown} {
			require.NotNil(t, said(step)[device].Device.Asked(), name)
			assert.Equal(t, leaver.DeleteRecord, said(step)[device].Device.Asked().Action)
			assert.Equal(t, answer, said(step)[device].Device.Asked().Answer)
		}
		assert.Equal(t, leaver.Unknown, said(step)["B"].Device.Verdict)
	}
}

// Two hundred devices, each asked by a call of its own, and somebody ends it half-way:
// whatever Intune has accepted is in the report.
func TestEveryAcceptedCallIsInTheReportWhoeverStopsTheStep(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		for _, finish := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", calls finish: ", finish), func(t *testing.T) {
				t.Parallel()
				devices := make([]graphsim.Device, 200)
				for i := range devices {
					devices[i] = silent(fmt.Sprint("D", i))
				}
				o := newOffice(t).set(graphsim.Settings{DelegatedRemoval: true}).fleet(devices...)
				if finish {
					o.letActivitiesFinish()
				}
				o.whenStartedFor(100, leaver.ActivityRetireDevice, func() { interrupt.how(o) })
				items := said(removal(o.ends(interrupt.status, adele)))
				require.Len(t, items, 200)
				asked := 0
				for _, d := range o.devices() {
					if d.State == "retirePending" {
						asked++
						assert.NotNil(t, items[d.Name].Device.Asked(), d.Name)
					} else if finish {
						assert.Nil(t, items[d.Name].Device.Asked(), d.Name)
					}
				}
				assert.Less(t, asked, 200)
				assert.Greater(t, asked, 80)
			})
		}
	}
}
