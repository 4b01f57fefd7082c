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
	report := o.ends(leaver.Completed, adele)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done", outcomes(report))
	assert.Equal(t, "4 devices gone", removal(report).Detail)
	after := o.tenant.Users()
	assert.False(t, after[graphsim.Leaver].AccountEnabled)
	assert.Empty(t, after[graphsim.Leaver].Devices)
	assert.Equal(t, before[megan], after[megan])
	assert.Equal(t, leaver.Completed, o.progress().Status, "the query answers after the end")
}

// What else a request may be wrong about is in the tests of leaver.ParseRequest.
func TestABadRequestNamesTheFieldAndReachesNobody(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{}`: "userId: is missing",
		`{"userId":"../users/megan@contoso.com"}`:                     "userId: must not contain '/'",
		`{"userId":"adele\u0000@contoso.com"}`:                        "userId: must not contain white space or control",
		`{"userId":"adele@contoso.com","onFailure":3}`:                "onFailure: has the wrong type",
		`{"userId":"adele@contoso.com","deviceDeadline":"1ms"}`:       "deviceDeadline: is 1ms",
		`{"userId":"adele@contoso.com","steps":["x"]}`:                "steps: has the wrong type",
		`{"userId":"adele@contoso.com","steps":{"x":{"skip":1}}}`:     "steps.x.skip: has the wrong type",
		`{"userId":"adele@contoso.com","steps":{"x":{"omit":1}}}`:     "steps.x.omit: unknown field",
		`{"userId":"adele@contoso.com","steps":{"removeDevices":{}}}`: "steps.removeDevices: there is no such step",
		`7`: "the input must be one JSON object",
	} {
		o := newOffice(t)
		_, err := o.run(input)
		var failure *temporal.ApplicationError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
		assert.Contains(t, failure.Message(), want)
		assert.True(t, failure.NonRetryable())
		assert.Empty(t, o.tenant.Requests())
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
	_, err := newOffice(t).run(`{"userId":"nobody@contoso.com"}`)
	assert.True(t, leaver.IsFailure(err, leaver.UserNotFound), "%v", err)
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
		report := o.ends(leaver.Planned, fmt.Sprintf(`{"userId":%q,"dryRun":true,"deviceDeadline":"48h","onFailure":"continue","steps":{"revokeSessions":{"skip":%t}}}`, user, leavesOut))
		assert.Equal(t, !leavesOut, report.Leaver.UserType == "Guest")
		assert.Equal(t, "disableAccount , revokeSessions , removeAllDevices ", outcomes(report), "nothing was done, nothing is said to be")
		for _, step := range report.Steps {
			assert.Equal(t, leaver.StepPending, step.State)
			assert.Equal(t, leaver.Continue, step.OnFailure)
		}
		assert.Equal(t, skipped, report.Steps[1].Skip)
		assert.Equal(t, leaver.Duration(48*time.Hour), removal(report).Devices.Deadline)
		assert.Len(t, removal(report).Items, len(before[user].Devices), "the devices are foreseen")
		assert.Equal(t, before, o.tenant.Users())
		o.untouched()
		assert.Equal(t, leaver.Planned, o.progress().Status)
	}
}

func TestASecondOffboardingFindsItDoneAlready(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet()
	user := o.tenant.Users()[graphsim.Leaver]
	user.AccountEnabled = false
	o.tenant.Add(user)
	assert.Equal(t, "disableAccount alreadyDone, revokeSessions done, removeAllDevices alreadyDone", outcomes(o.ends(leaver.Completed, adele)))
}

func TestThrottlingAndOutagesAreWaitedOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, fault := range []graphsim.Fault{{Method: "PATCH", Times: 2, Status: 429, Code: "TooManyRequests"}, {Method: "PATCH", Reset: true},
		{Path: "/revokeSignInSessions", Times: 3, Status: 503, HTML: true}, {Path: "/removeAllDevicesFromManagement", Cut: true}} {
		o.tenant.Fail(fault)
	}
	report := o.ends(leaver.Completed, adele)
	assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done", outcomes(report))
	assert.Equal(t, "4 devices gone", removal(report).Detail, "a removal whose answer was lost keeps its list")
	assert.Empty(t, o.devices())
}

// Two steps that wait for nothing begin together; a third waits for both.
func TestIndependentStepsRunSideBySide(t *testing.T) {
	t.Parallel()
	last := single("last", "Last", "left", "right")
	last.TaskQueue = "elsewhere"
	o := newPlanned(t, single("left", "Meet"), single("right", "Meet"), last)
	meeting := make(chan struct{})
	o.step("Meet", func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		// Each needs the other to be there.
		select {
		case meeting <- struct{}{}:
		case <-meeting:
		case <-time.After(10 * time.Second):
			return leaver.StepResult{}, errors.New("nobody came")
		}
		return leaver.StepResult{Outcome: leaver.Done}, nil
	})
	o.step("Last", func(ctx context.Context, r leaver.StepRequest) (leaver.StepResult, error) {
		if len(r.Results) != 2 || r.Results["left"].Outcome != leaver.Done {
			return leaver.StepResult{}, fmt.Errorf("got %v", r.Results)
		}
		return leaver.StepResult{Outcome: leaver.Done, Detail: activity.GetInfo(ctx).TaskQueue}, nil
	})
	report := o.ends(leaver.Completed, user1)
	assert.Equal(t, "left done, right done, last done", outcomes(report))
	assert.Equal(t, "elsewhere", report.Steps[2].Detail)
}

func TestAStepThatReturnsNoOutcomeIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.OnActivity(leaver.ActivityRevokeSessions, mock.Anything, mock.Anything).Return(leaver.StepResult{Outcome: "perhaps"}, nil)
	assert.Equal(t, leaver.Failed, o.ends(leaver.Incomplete, `{"userId":"adele@contoso.com","onFailure":"fail"}`).Steps[1].Outcome)
}

// What else makes a plan impossible is in the tests of leaver.Plan.
func TestAnImpossiblePlanIsRefusedBeforeAnyStep(t *testing.T) {
	t.Parallel()
	for want, last := range map[string]leaver.Step{
		"the plan cannot be run: step a waits for itself, in a circle":                  single("a", "Succeed", "a"),
		"the plan cannot be run: step a has no deadline or no wait between its looks":   {Name: "a", Shape: leaver.Devices, Activity: "Succeed"},
		"the plan cannot be run: step a has no activity that changes an item":           {Name: "a", Shape: leaver.Each, Activity: "Succeed"},
		`the plan cannot be run: step a has the shape "", want single, each or devices`: {Name: "a", Activity: "Succeed"},
	} {
		o := newPlanned(t, single("b", "Succeed"), last)
		o.whenStarted("Succeed", func() { t.Error("a step was started") })
		_, err := o.run(adele)
		assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
		assert.ErrorContains(t, err, want)
	}
}

func TestAPlanWithoutStepsIsComplete(t *testing.T) {
	t.Parallel()
	assert.NotNil(t, newPlanned(t).ends(leaver.Completed, adele).Steps, "a list, not null")
}

// A host's step of its own may find that there is nothing to do; a step after it is told.
func TestAStepMayLeaveItselfOut(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("mailbox", "NoMailbox"), single("reply", "Reply", "mailbox"))
	o.does("NoMailbox", leaver.StepResult{Outcome: leaver.Skipped, Detail: "there is no mailbox"}, nil)
	o.step("Reply", func(_ context.Context, r leaver.StepRequest) (leaver.StepResult, error) {
		return leaver.StepResult{Outcome: r.Results["mailbox"].Outcome, Detail: "mailbox: " + r.Results["mailbox"].Detail}, nil
	})
	report := o.ends(leaver.Completed, adele)
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
	o.does("Own", leaver.StepResult{Outcome: leaver.Done, Items: items}, nil)
	ended := o.countActivities()
	assert.Equal(t, items, o.ends(leaver.CompletedWithExceptions, user1).Steps[0].Items, "one item failed")
	assert.Equal(t, 2, *ended, "one that plans, one that does it, and no hot loop")
}

// A host's step of the shape single that fails for an approval of something that is no
// device is a question to a person, and no loop.
func TestAHostsStepThatWantsAnApprovalAsksAPerson(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, single("own", "Own"))
	o.does("Own", leaver.StepResult{}, leaver.Failure{Type: leaver.ApprovalRequired, Message: "Own: waits"}.Err())
	ended := o.countActivities()
	o.after(24*time.Hour, func() {
		assert.Equal(t, leaver.ApprovalRequired, o.progress().Steps[0].Failure.Type)
		o.cancel()
	})
	o.ends(leaver.CanceledStatus, user1)
	assert.Equal(t, 2, *ended)
}
