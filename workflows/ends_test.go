package workflows_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

func TestAFailureOfPlanningStandsAtTheTopAndTouchesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault graphsim.Fault
		want  leaver.FailureType
	}{
		"forbidden":    {graphsim.Fault{Status: 403, Code: "Authorization_RequestDenied", Times: -1}, leaver.GraphForbidden},
		"unauthorized": {graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken", Times: -1}, leaver.GraphUnauthorized},
		"unavailable":  {graphsim.Fault{Status: 503, Times: -1}, leaver.GraphUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.tenant.Fail(c.fault)
			_, err := o.run(adele)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, string(c.want), failure.Type())
			assert.Contains(t, failure.Message(), "PlanOffboarding: ")
			assert.Equal(t, leaver.Incomplete, o.progress().Status)
			for _, request := range o.tenant.Requests() {
				assert.False(t, request.Writes())
			}
		})
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
	report, err := o.run(adele)
	assert.ErrorContains(t, err, "offboarding aborted: slow failed (GraphUnavailable)")
	assert.Equal(t, leaver.Failed, report.Steps[0].Outcome)
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
		{"cancelled while a person is asked", adele, "POST", "/revokeSignInSessions",
			func(o *office) { o.CancelWorkflow() }, leaver.CanceledStatus,
			"disableAccount done, revokeSessions failed, removeAllDevices notStarted", ""},
		{"goes on after a failure", only, "PATCH", "", nil, leaver.Incomplete,
			"disableAccount failed, revokeSessions done, removeAllDevices done", "offboarding incomplete: disableAccount failed (GraphForbidden)"},
		{"starts nothing after a failure", `{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableAccount":{"onFailure":"fail"}}}`, "PATCH", "", nil, leaver.Incomplete,
			"disableAccount failed, revokeSessions notStarted, removeAllDevices notStarted", "offboarding incomplete: disableAccount failed (GraphForbidden), revokeSessions was not started"},
		{"devices that nobody may ask", only, "POST", "/retire", func(*office) {}, leaver.Incomplete,
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
			report, err := o.run(c.request)
			assert.Equal(t, c.status, report.Status)
			assert.Equal(t, c.outcomes, outcomes(report))
			if c.status == leaver.CanceledStatus {
				require.True(t, temporal.IsCanceledError(err))
			} else {
				assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
				assert.ErrorContains(t, err, c.message)
			}
			if c.status == leaver.Aborted {
				assert.Equal(t, "wrong person", report.Aborted.Reason)
			}
			for _, step := range report.Steps {
				if step.Outcome == leaver.Failed {
					assert.Equal(t, leaver.GraphForbidden, step.Failure.Type, "why it failed is kept")
				}
			}
			if removal(report).Outcome != leaver.Done {
				assert.Len(t, o.deviceIDs(), 4)
			}
		})
	}
}

func TestACancelledWaitSaysWhatWasAndWasNotDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Add(neverCheckingIn(o.tenant))
	o.after(time.Hour, o.CancelWorkflow)
	report, err := o.run(adele)
	assert.True(t, temporal.IsCanceledError(err))
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices canceled", outcomes(report))
	for _, item := range removal(report).Items {
		assert.Equal(t, leaver.CallAccepted, item.Device.Asked().Answer)
	}
}

func TestAWriteThatRunsWhenCancelledFinishesAndIsReported(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityRemoveAllDevices, o.CancelWorkflow)
	report, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices canceled", outcomes(report), "nobody has seen them leave")
	require.Len(t, removal(report).Items, 4)
	for _, item := range removal(report).Items {
		assert.Equal(t, leaver.CallAccepted, item.Device.Asked().Answer)
	}
	assert.Empty(t, o.deviceIDs(), "what the report says was asked was asked")
	assert.False(t, report.EndedAt.IsZero())
}

func TestACancelDuringPlanningStartsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.whenStarted(leaver.ActivityPlanOffboarding, o.CancelWorkflow)
	report, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Empty(t, report.Steps)
	for _, request := range o.tenant.Requests() {
		assert.False(t, request.Writes())
	}
}

func TestAFailureThatEndsItAllStopsWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("lingers", "Linger"), single("asked", "Refuse"), single("first", "Succeed"),
		leaver.Step{Name: "second", Shape: leaver.Single, Activity: "RefuseLater", OnFailure: leaver.Fail, After: []string{"first"}},
		leaver.Step{Name: "third", Shape: leaver.Single, Activity: "Succeed", OnFailure: leaver.Ask, After: []string{"second"}})
	o.RegisterActivityWithOptions(func(ctx context.Context, _ leaver.StepRequest) (leaver.StepResult, error) {
		f := leaver.Failure{Type: leaver.GraphForbidden, Message: "RefuseLater: not allowed"}
		if activity.GetInfo(ctx).Attempt == 1 {
			f.Waits, f.After = true, 30*time.Second
		}
		return leaver.StepResult{}, f.Err()
	}, activity.RegisterOptions{Name: "RefuseLater"})
	report, err := o.run(adele)
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Incomplete, report.Status)
	assert.Equal(t, "lingers canceled, asked failed, first done, second failed, third notStarted", outcomes(report))
	assert.ErrorContains(t, err, "lingers was stopped, asked failed (GraphForbidden), second failed (GraphForbidden), third was not started")
}

func TestTheLongestDeadlineThatIsTakenCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	report, err := newOffice(t).run(`{"userId":"adele@contoso.com","deviceDeadline":"87600h"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
}

// What a step has seen stays in the report when it fails for another reason.
func TestAFailureForgetsNothingThatWasSeen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "GONE", OperatingSystem: "Windows"}, graphsim.Device{Name: "SILENT", OperatingSystem: "Windows", CheckIn: -1})
	o.after(30*time.Minute, func() { o.forbid("GET", "/users/"+o.tenant.Users()[graphsim.Leaver].ID+"/managedDevices") })
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableEntraDevices":{"include":true}}}`)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Failed, removal(report).Outcome)
	assert.Equal(t, leaver.GraphForbidden, removal(report).Failure.Type)
	items := said(removal(report))
	assert.Equal(t, leaver.Gone, items["GONE"].Device.Verdict)
	assert.Equal(t, leaver.Leaving, items["SILENT"].Device.Verdict)
	assert.Equal(t, "1 item changed; 1 device not seen to leave Intune and not touched", report.Steps[3].Detail)
}

// Whoever leaves the step out half-way does not lose sight of what it did. A refusal that
// concerns every device alike keeps those from being asked that were not yet.
func TestWhatALeftOutRemovalHasDoneIsInTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(windows("GONE"), windows("REFUSED"))
	o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Times: -1, Status: 401, Code: "InvalidAuthenticationToken"})
	o.after(30*time.Minute, func() {
		assert.Equal(t, leaver.GraphUnauthorized, removal(o.progress().Report).Failure.Type)
		o.tenant.Enroll(graphsim.Leaver, windows("LATE"))
	})
	o.after(5*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`) })
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices skipped", outcomes(report))
	items := said(removal(report))
	assert.Equal(t, leaver.Gone, items["GONE"].Device.Verdict)
	for _, name := range []string{"REFUSED", "LATE"} {
		assert.Equal(t, leaver.NotAsked, items[name].Device.Verdict)
		assert.Equal(t, leaver.GraphUnauthorized, items[name].Failure)
	}
	assert.Len(t, o.deviceIDs(), 2)
}

// interruptions are the ways to end a step while it is at work.
var interruptions = map[string]func(*office){
	"left out": func(o *office) { o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`) },
	"aborted":  func(o *office) { o.signal(leaver.Abort, `{}`) },
	"canceled": func(o *office) { o.CancelWorkflow() },
}

// Intune has deleted a record and its answer was lost. Whoever ends the step before the
// next attempt is told that the device may have been asked.
func TestACallWhoseAnswerWasCutIsInTheReportWhoeverStopsTheStep(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
			o.tenant.Fail(graphsim.Fault{Method: "DELETE", Path: o.deviceIDs()[1], Cut: true})
			o.after(500*time.Millisecond, func() {
				require.Empty(t, o.deviceIDs(), "B is deleted, and its call is in the back-off")
				interrupt(o)
			})
			report, _ := o.run(`{"userId":"adele@contoso.com","devices":{"company":{"default":"deleteRecord"}}}`)
			items := said(removal(report))
			for name, answer := range map[string]leaver.CallAnswer{"A": leaver.CallAccepted, "B": leaver.CallUnknown} {
				require.NotNil(t, items[name].Device.Asked(), name)
				assert.Equal(t, leaver.DeleteRecord, items[name].Device.Asked().Action)
				assert.Equal(t, answer, items[name].Device.Asked().Answer)
			}
			assert.Equal(t, leaver.Unknown, items["B"].Device.Verdict)
		})
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
				o := newOffice(t)
				o.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
				devices := make([]graphsim.Device, 200)
				for i := range devices {
					devices[i] = graphsim.Device{Name: fmt.Sprint("D", i), OperatingSystem: "Windows", CheckIn: -1}
				}
				o.fleet(devices...)
				if finish {
					o.letActivitiesFinish()
				}
				n := 0
				o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
					if info.ActivityType.Name == leaver.ActivityRetireDevice {
						if n++; n == 100 {
							interrupt(o)
						}
					}
				})
				report, _ := o.run(adele)
				items := said(removal(report))
				require.Len(t, items, 200)
				asked := 0
				for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
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
