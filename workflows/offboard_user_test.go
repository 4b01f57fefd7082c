package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

func TestALeaverIsOffboarded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	before := o.tenant.Users()
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done", outcomes(report))
	assert.Equal(t, "4 devices gone", removal(report).Detail)
	after := o.tenant.Users()
	assert.False(t, after[graphsim.Leaver].AccountEnabled)
	assert.Empty(t, after[graphsim.Leaver].Devices)
	assert.Equal(t, before[megan], after[megan])
	assert.Equal(t, leaver.Completed, o.progress().Status, "the query answers after the end")
}

func TestEveryBadRequestNamesTheFieldAndReachesNobody(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{}`:                               "userId: is missing",
		`null`:                             "userId: is missing",
		`{"userId":""}`:                    "userId: is missing",
		`{"userId":null}`:                  "userId: is missing",
		`{"userId":7}`:                     "userId: has the wrong type",
		`{"userId":["adele@contoso.com"]}`: "userId: has the wrong type",
		`{"userId":"a/b"}`:                 "userId: must not contain '/'",
		`{"userId":".."}`:                  "userId: must not be a relative path",
		`{"userId":"../users/megan@contoso.com"}`:                     "userId: must not contain '/'",
		`{"userId":"adele@contoso.com?$select=id"}`:                   "userId: must not contain '?'",
		`{"userId":"a\\b"}`:                                           `userId: must not contain '\\'`,
		`{"userId":"adele@contoso.com "}`:                             "userId: must not contain white space",
		`{"userId":"adele\u0000@contoso.com"}`:                        "userId: must not contain white space or control",
		`{"UserId":"adele@contoso.com"}`:                              "UserId: unknown field",
		`{"userId":"adele@contoso.com","userId":"megan"}`:             "userId: is given twice",
		`{"userId":"adele@contoso.com","who":1}`:                      "who: unknown field",
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
		`"adele@contoso.com"`:                                         "the input must be one JSON object",
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
	for user, skipped := range map[string]string{
		"adele@contoso.com":                             "the request leaves it out",
		"alex_example.com#EXT#@contoso.onmicrosoft.com": "a guest's sessions can only be revoked in the home tenant",
	} {
		o := newOffice(t)
		before := o.tenant.Users()
		leavesOut := user == graphsim.Leaver
		report, err := o.run(fmt.Sprintf(`{"userId":%q,"dryRun":true,"deviceDeadline":"48h","onFailure":"continue","steps":{"revokeSessions":{"skip":%t}}}`, user, leavesOut))
		require.NoError(t, err)
		assert.Equal(t, leaver.Planned, report.Status)
		assert.Equal(t, !leavesOut, report.Leaver.UserType == "Guest")
		require.Len(t, report.Steps, 3)
		for _, step := range report.Steps {
			assert.Equal(t, leaver.StepPending, step.State)
			assert.Empty(t, step.Outcome, "nothing was done, nothing is said to be")
			assert.Equal(t, leaver.Continue, step.OnFailure)
		}
		assert.Equal(t, skipped, report.Steps[1].Skip)
		assert.Equal(t, leaver.Duration(48*time.Hour), removal(report).Devices.Deadline)
		assert.Len(t, removal(report).Items, len(before[user].Devices), "the devices are foreseen")
		assert.Equal(t, before, o.tenant.Users())
		for _, request := range o.tenant.Requests() {
			assert.False(t, request.Writes())
		}
		assert.Equal(t, leaver.Planned, o.progress().Status)
	}
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
	assert.Equal(t, "disableAccount alreadyDone, revokeSessions done, removeAllDevices alreadyDone", outcomes(report))
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
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done", outcomes(report))
	assert.Equal(t, "4 devices gone", removal(report).Detail, "a removal whose answer was lost keeps its list")
	assert.Empty(t, o.deviceIDs())
}

// Two steps that wait for nothing begin together; a third waits for both.
func TestIndependentStepsRunSideBySide(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("left", "Meet"), single("right", "Meet"),
		leaver.Step{Name: "last", Shape: leaver.Single, Activity: "Last", OnFailure: leaver.Ask, After: []string{"left", "right"}, TaskQueue: "elsewhere"})
	meeting := make(chan struct{})
	o.RegisterActivityWithOptions(func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		// Each needs the other to be there.
		select {
		case meeting <- struct{}{}:
		case <-meeting:
		case <-time.After(10 * time.Second):
			return leaver.StepResult{}, errors.New("nobody came")
		}
		return leaver.StepResult{Outcome: leaver.Done}, nil
	}, activity.RegisterOptions{Name: "Meet"})
	o.RegisterActivityWithOptions(func(ctx context.Context, r leaver.StepRequest) (leaver.StepResult, error) {
		if len(r.Results) != 2 || r.Results["left"].Outcome != leaver.Done {
			return leaver.StepResult{}, fmt.Errorf("got %v", r.Results)
		}
		return leaver.StepResult{Outcome: leaver.Done, Detail: activity.GetInfo(ctx).TaskQueue}, nil
	}, activity.RegisterOptions{Name: "Last"})
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
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

func TestAnImpossiblePlanIsRefusedBeforeAnyStep(t *testing.T) {
	t.Parallel()
	after := func(s leaver.Step, before ...string) leaver.Step { s.After = before; return s }
	for want, steps := range map[string][]leaver.Step{
		"step a stands twice":                                    {single("a", "Succeed"), single("a", "Succeed")},
		"which is no step of the plan":                           {after(single("a", "Succeed"), "b")},
		"step a has no deadline or no wait between its looks":    {{Name: "a", Shape: leaver.Devices, Activity: "Succeed"}},
		"step a has no activity that changes an item":            {{Name: "a", Shape: leaver.Each, Activity: "Succeed"}},
		`step a has the shape "", want single, each or devices`:  {{Name: "a", Activity: "Succeed"}},
		"step a waits for itself, in a circle":                   {single("b", "Succeed"), after(single("a", "Succeed"), "a")},
		"the plan cannot be run: step one waits for itself, in ": {after(single("one", "Succeed"), "two"), after(single("two", "Succeed"), "one")},
		`step "a" has no name or no activity`:                    {{Name: "a"}},
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

func TestAPlanWithoutStepsIsComplete(t *testing.T) {
	t.Parallel()
	report, err := newPlanned(t).run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.NotNil(t, report.Steps, "a list, not null")
}

// A host's step of its own may find that there is nothing to do; a step after it is told.
func TestAStepMayLeaveItselfOut(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("mailbox", "NoMailbox"), leaver.Step{Name: "reply", Shape: leaver.Single, Activity: "Reply", OnFailure: leaver.Ask, After: []string{"mailbox"}})
	o.does("NoMailbox", leaver.StepResult{Outcome: leaver.Skipped, Detail: "there is no mailbox"}, nil)
	o.RegisterActivityWithOptions(func(_ context.Context, r leaver.StepRequest) (leaver.StepResult, error) {
		return leaver.StepResult{Outcome: r.Results["mailbox"].Outcome, Detail: "mailbox: " + r.Results["mailbox"].Detail}, nil
	}, activity.RegisterOptions{Name: "Reply"})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "mailbox skipped, reply skipped", outcomes(report))
	assert.Equal(t, "mailbox: there is no mailbox", report.Steps[1].Detail)
}

// A host's step may return items that it knows nothing about as a device, or as one with
// no call: they stand in the report as they are, and nothing is made of them.
func TestAHostsItemsStandInTheReportAsTheyAre(t *testing.T) {
	t.Parallel()
	items := []leaver.Item{
		{ID: "1", Outcome: leaver.Failed, Detail: "left as it is"},
		{ID: "d1", Outcome: leaver.Done, Device: &leaver.Device{Planned: leaver.Retire, Verdict: leaver.Leaving}},
		{ID: "group-1", Outcome: leaver.Done, Approval: &leaver.Approval{Code: "c", Status: leaver.ApprovalNeeded}},
	}
	o := newPlanned(t, single("own", "Own"))
	runs := 0
	o.RegisterActivityWithOptions(func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		runs++
		return leaver.StepResult{Outcome: leaver.Done, Items: items}, nil
	}, activity.RegisterOptions{Name: "Own"})
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, 1, runs, "no hot loop")
	assert.Equal(t, items, report.Steps[0].Items)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status, "one item failed")
}

// A host's step of the shape single that fails for an approval of something that is no
// device is a question to a person, and no loop.
func TestAHostsStepThatWantsAnApprovalAsksAPerson(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("own", "Own"))
	runs := 0
	o.RegisterActivityWithOptions(func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		runs++
		return leaver.StepResult{}, leaver.Failure{Type: leaver.ApprovalRequired, Message: "Own: waits"}.Err()
	}, activity.RegisterOptions{Name: "Own"})
	o.after(24*time.Hour, func() {
		assert.Equal(t, leaver.ApprovalRequired, o.progress().Steps[0].Failure.Type)
		o.CancelWorkflow()
	})
	_, err := o.run(`{"userId":"1"}`)
	require.True(t, temporal.IsCanceledError(err))
	assert.Equal(t, 1, runs)
}
