package workflows_test

import (
	"context"
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

func TestEveryBadRequestNamesTheFieldAndReachesNobody(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{"userId":""}`:                                               "userId: is missing",
		`{"userId":null}`:                                             "userId: is missing",
		`{"userId":["adele@contoso.com"]}`:                            "userId: has the wrong type",
		`{"userId":"adele@contoso.com?$select=id"}`:                   "userId: must not contain '?'",
		`{"userId":"../users/megan@contoso.com"}`:                     "userId: must not contain '/'",
		`{"userId":"a\\b"}`:                                           `userId: must not contain '\\'`,
		`{"userId":"adele@contoso.com "}`:                             "userId: must not contain white space",
		`{"userId":"adele\u0000@contoso.com"}`:                        "userId: must not contain white space or control",
		`{"UserId":"adele@contoso.com"}`:                              "UserId: unknown field",
		`{"userId":"adele@contoso.com","userId":"megan"}`:             "userId: is given twice",
		`{"userId":"adele@contoso.com","dryrun":true}`:                "dryrun: unknown field",
		`{"userId":"adele@contoso.com","dryRun":"true"}`:              "dryRun: has the wrong type",
		`{"userId":"adele@contoso.com","onFailure":"ignore"}`:         "onFailure: want ask, continue or fail",
		`{"userId":"adele@contoso.com","onFailure":3}`:                "onFailure: has the wrong type",
		`{"userId":"adele@contoso.com","deviceDeadline":"soon"}`:      "deviceDeadline: want a duration",
		`{"userId":"adele@contoso.com","deviceDeadline":"-720h"}`:     "deviceDeadline: is -720h0m0s",
		`{"userId":"adele@contoso.com","deviceDeadline":"2562047h"}`:  "deviceDeadline: is 2562047h0m0s, want at most",
		`{"userId":"adele@contoso.com","deviceDeadline":"1ms"}`:       "deviceDeadline: is 1ms",
		`{"userId":"adele@contoso.com","steps":["x"]}`:                "steps: has the wrong type",
		`{"userId":"adele@contoso.com","steps":{"x":{"skip":1}}}`:     "steps.x.skip: has the wrong type",
		`{"userId":"adele@contoso.com","steps":{"x":{"omit":1}}}`:     "steps.x.omit: unknown field",
		`{"userId":"adele@contoso.com","steps":{"removeDevices":{}}}`: "steps.removeDevices: there is no such step",
		`["adele@contoso.com"]`:                                       "the input must be one JSON object",
		`7`:                                                           "the input must be one JSON object",
	} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			_, err := o.run(input)
			var failure *temporal.ApplicationError
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
			assert.Contains(t, failure.Message(), want)
			assert.True(t, failure.NonRetryable())
			assert.Empty(t, o.tenant.Requests())
		})
	}
}

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
	o := newPlanned(t, leaver.Step{Name: "slow", Activity: "Slow", Kind: leaver.Writes, OnFailure: leaver.Ask})
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

func TestThrottlingAndOutagesAreWaitedOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Fail(graphsim.Fault{Method: "PATCH", Times: 2, Status: 429, Code: "TooManyRequests"})
	o.tenant.Fail(graphsim.Fault{Method: "PATCH", Reset: true})
	o.tenant.Fail(graphsim.Fault{Path: "/revokeSignInSessions", Times: 3, Status: 503, HTML: true})
	o.tenant.Fail(graphsim.Fault{Path: "/removeAllDevicesFromManagement", Cut: true})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done, awaitDevicesRemoved done", outcomes(report))
	assert.Equal(t, "4 devices gone", report.Steps[3].Detail, "a removal whose answer was lost keeps its list")
	assert.Empty(t, o.tenant.Users()[graphsim.Leaver].Devices)
}

func TestASecondOffboardingFindsItDoneAlready(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.AccountEnabled, user.Devices = false, nil
	o.tenant.Add(user)
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "disableAccount alreadyDone, revokeSessions done, removeAllDevices alreadyDone, awaitDevicesRemoved alreadyDone", outcomes(report))
}

func TestAWriteThatRunsWhenCancelledFinishesAndIsReported(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.whenStarted(leaver.ActivityRemoveAllDevices, o.CancelWorkflow)
	report, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	assert.Equal(t, leaver.CanceledStatus, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done, awaitDevicesRemoved notStarted", outcomes(report))
	assert.Len(t, report.Steps[2].Items, 4)
	assert.Empty(t, o.tenant.Users()[graphsim.Leaver].Devices, "what the report says was done was done")
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

func TestACancelWhileAPersonIsWaitedForKeepsTheFailure(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("POST", "/revokeSignInSessions")
	o.after(time.Hour, o.CancelWorkflow)
	report, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err))
	assert.Equal(t, "disableAccount done, revokeSessions failed, removeAllDevices notStarted, awaitDevicesRemoved notStarted", outcomes(report))
	assert.Equal(t, leaver.GraphForbidden, report.Steps[1].Failure.Type)
}

func TestAFailedRemovalIsNotAwaited(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("POST", "/removeAllDevicesFromManagement")
	o.forbid("POST", "/retire")
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"continue"}`)
	assert.ErrorContains(t, err, "offboarding incomplete: removeAllDevices failed (GraphForbidden)")
	assert.Equal(t, leaver.Incomplete, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices failed, awaitDevicesRemoved skipped", outcomes(report))
	assert.Equal(t, "removeAllDevices was not done", report.Steps[3].Detail)
	assert.Len(t, o.tenant.Users()[graphsim.Leaver].Devices, 4)
}

func TestAFailureThatEndsItAllStopsWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	rhythm := leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(time.Hour), For: "devices"}
	o := newPlanned(t,
		leaver.Step{Name: "poll", Activity: "Linger", Kind: leaver.Polls, Poll: &rhythm, OnFailure: leaver.Ask},
		leaver.Step{Name: "asked", Activity: "Refuse", Kind: leaver.Writes, OnFailure: leaver.Ask},
		leaver.Step{Name: "first", Activity: "Succeed", Kind: leaver.Writes, OnFailure: leaver.Ask},
		leaver.Step{Name: "second", Activity: "RefuseLater", Kind: leaver.Writes, OnFailure: leaver.Fail, After: []string{"first"}},
		leaver.Step{Name: "third", Activity: "Succeed", Kind: leaver.Writes, OnFailure: leaver.Ask, After: []string{"second"}})
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
	assert.Equal(t, "poll canceled, asked failed, first done, second failed, third notStarted", outcomes(report))
	assert.ErrorContains(t, err, "poll was stopped, asked failed (GraphForbidden), second failed (GraphForbidden), third was not started")
}

func TestAnImpossiblePlanIsRefusedBeforeAnyStep(t *testing.T) {
	t.Parallel()
	for want, steps := range map[string][]leaver.Step{
		"step a stands twice":                  {{Name: "a", Activity: "Succeed"}, {Name: "a", Activity: "Succeed"}},
		"which is no step of the plan":         {{Name: "a", Activity: "Succeed", Needs: []string{"b"}}},
		"step a polls and has no rhythm":       {{Name: "a", Activity: "Succeed", Kind: leaver.Polls}},
		"step a waits for itself, in a circle": {{Name: "b", Activity: "Succeed"}, {Name: "a", Activity: "Succeed", After: []string{"a"}}},
		`step "a" has no name or no activity`:  {{Name: "a"}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			o := newPlanned(t, steps...)
			o.whenStarted("Succeed", func() { t.Error("a step was started") })
			_, err := o.run(adele)
			assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestAStepMayLeaveItselfOut(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "mailbox", Activity: "NoMailbox", Kind: leaver.Writes, OnFailure: leaver.Ask},
		leaver.Step{Name: "reply", Activity: "Succeed", Kind: leaver.Writes, OnFailure: leaver.Ask, Needs: []string{"mailbox"}})
	o.does("NoMailbox", leaver.StepResult{Outcome: leaver.Skipped, Detail: "there is no mailbox"}, nil)
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, "mailbox skipped, reply skipped", outcomes(report))
	assert.Equal(t, "mailbox was not done", report.Steps[1].Detail)
}

func TestAPlanWithoutStepsIsComplete(t *testing.T) {
	t.Parallel()
	report, err := newPlanned(t).run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.NotNil(t, report.Steps, "a list, not null")
}

func TestTheLongestDeadlineThatIsTakenCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	report, err := newOffice(t).run(`{"userId":"adele@contoso.com","deviceDeadline":"87600h"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
}

// Whoever leaves a step out half-way does not want to lose sight of what it did.
func TestDevicesThatWereAskedAreFollowedThoughTheRemovalWasLeftOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}, {Name: "CONTOSO-LT-0418", OperatingSystem: "Windows"}}
	o.tenant.Add(user)
	o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Times: -1, Status: 401, Code: "InvalidAuthenticationToken"})
	o.after(30*time.Minute, func() {
		assert.Equal(t, leaver.GraphUnauthorized, o.progress().Steps[2].Failure.Type)
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices skipped, awaitDevicesRemoved done", outcomes(report))
	assert.Equal(t, "1 device gone; 1 more still managed and not touched", report.Steps[3].Detail)
	assert.Len(t, o.tenant.Users()[graphsim.Leaver].Devices, 1)
}

// What a step has seen stays in the report when it fails for another reason.
func TestAFailureForgetsNothingThatWasSeen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}, {Name: "CONTOSO-LT-0418", OperatingSystem: "Windows", CheckIn: -1}}
	o.tenant.Add(user)
	o.after(30*time.Minute, func() { o.forbid("GET", "/users/"+user.ID+"/managedDevices") })
	report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableEntraDevices":{"include":true}}}`)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	require.Len(t, report.Steps[3].Items, 2)
	assert.Equal(t, leaver.Failed, report.Steps[3].Outcome)
	assert.Equal(t, leaver.Gone, report.Steps[3].Items[0].Device.Verdict)
	assert.Equal(t, "1 device done; 1 device not seen to leave Intune and not touched", report.Steps[4].Detail)
}
