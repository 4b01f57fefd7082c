package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/temporal"
)

// currentDetails is what the Web UI and `temporal workflow metadata` show.
func (o *office) currentDetails() string {
	o.t.Helper()
	answer, err := o.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(o.t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(o.t, answer.Get(&metadata))
	return metadata.GetCurrentDetails()
}

func TestProgressIsAnsweredBeforeDuringAndAfter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Add(neverCheckingIn(o.tenant))
	o.whenStarted(leaver.ActivityPlanOffboarding, func() {
		p := o.progress()
		assert.Equal(t, leaver.Planning, p.Status)
		assert.Empty(t, p.Steps)
		assert.Empty(t, p.Waits)
		assert.False(t, p.StartedAt.IsZero())
	})
	o.after(10*time.Minute, func() {
		p := o.progress()
		assert.Equal(t, leaver.Running, p.Status)
		assert.Equal(t, o.tenant.Users()[graphsim.Leaver].ID, p.Leaver.ID)
		assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices done, awaitDevicesRemoved ", outcomes(p.Report))
		assert.Equal(t, leaver.StepRunning, p.Steps[3].State)
		assert.False(t, p.Steps[3].StartedAt.IsZero())
		assert.True(t, p.Steps[3].EndedAt.IsZero())
		require.Len(t, p.Waits, 1)
		assert.Equal(t, p.Steps[3].StartedAt, p.Waits[0].Since)
		user := o.tenant.Users()[graphsim.Leaver]
		user.Devices = nil
		o.tenant.Add(user)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	after := o.progress()
	assert.Equal(t, report, after.Report, "the query answers with the report")
	assert.Empty(t, after.Waits)
	assert.Equal(t, leaver.Completed, after.Status)
	assert.Equal(t, "4 devices gone", report.Steps[3].Detail)
	for _, step := range report.Steps {
		assert.Equal(t, leaver.StepEnded, step.State)
		assert.False(t, step.StartedAt.IsZero())
		assert.False(t, step.EndedAt.Before(step.StartedAt))
	}
}

func TestCurrentDetailsHoldNoNames(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Add(neverCheckingIn(o.tenant))
	o.tenant.Fail(graphsim.Fault{Method: "PATCH", Status: 400, Code: "Request_BadRequest", Message: "adele@contoso.com of 'Adele Vance' is invalid"})
	harmless := func(details string) {
		user := o.tenant.Users()[graphsim.Leaver]
		secrets := []string{"adele", "Adele", "contoso.com", user.ID, user.DisplayName}
		for _, device := range user.Devices {
			secrets = append(secrets, device.Name, device.ID)
		}
		for _, secret := range secrets {
			assert.NotContains(t, details, secret)
		}
	}
	o.whenStarted(leaver.ActivityPlanOffboarding, func() { assert.Equal(t, "**planning**\n", o.currentDetails()) })
	o.after(time.Hour, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Regexp(t, "^\\*\\*Waits for a person\\*\\*: disableAccount \\(GraphBadRequest\\)\\. Answer with the signal or update `retryStep`", details,
			"what matters stands first")
		o.signal(leaver.RetryStep, `{"step":"nowhere","by":"adele@contoso.com","reason":"Adele asked"}`)
	})
	o.after(2*time.Hour, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Contains(t, details, "The last signal retryStep was refused, the query progress says why.")
		o.signal(leaver.RetryStep, `{"step":"disableAccount","by":"adele@contoso.com"}`)
	})
	o.after(2*time.Hour+10*time.Minute, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Contains(t, details, "3 of 4 steps ended")
		assert.Contains(t, details, "| awaitDevicesRemoved | waits for devices |")
		assert.Contains(t, details, "| removeAllDevices | done | 4 |")
		o.CancelWorkflow()
	})
	_, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err))
	harmless(o.currentDetails())
	assert.Contains(t, o.currentDetails(), "**canceled**: 4 of 4 steps ended")
}

func TestADryRunShowsWhatWouldBeDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	report, err := o.run(`{"userId":"alex_example.com#EXT#@contoso.onmicrosoft.com","dryRun":true,"deviceDeadline":"48h","onFailure":"continue"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Planned, report.Status)
	assert.Equal(t, "Guest", report.Leaver.UserType)
	require.Len(t, report.Steps, 4)
	for _, step := range report.Steps {
		assert.Equal(t, leaver.StepPending, step.State)
		assert.Empty(t, step.Outcome, "nothing was done, nothing is said to be")
		assert.Equal(t, leaver.Continue, step.OnFailure)
	}
	assert.Contains(t, report.Steps[1].Skip, "home tenant")
	assert.Equal(t, leaver.Duration(48*time.Hour), report.Steps[3].Poll.Deadline)
	for _, request := range o.tenant.Requests() {
		assert.False(t, request.Writes())
	}
	assert.Equal(t, leaver.Planned, o.progress().Status)
}

// At the deadline the activity fails with what it saw last; it is in the
// report while a person is waited for, and after.
func TestDevicesThatRemainStandInTheReport(t *testing.T) {
	t.Parallel()
	seen := []leaver.Item{
		{ID: "d1", Outcome: leaver.Done, Detail: "gone"},
		{ID: "d2", Outcome: leaver.Failed, Device: &leaver.Device{Name: "CONTOSO-LT-0417", ManagementState: "retirePending"}},
	}
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "TooLong", Kind: leaver.Polls, OnFailure: leaver.Ask,
		Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(time.Hour), For: "devices"}})
	o.does("TooLong", leaver.StepResult{}, leaver.Failure{Type: leaver.DevicesRemain, Message: "TooLong: 1 of 2 devices still managed",
		Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: seen}}}.Err())
	o.after(time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
		assert.Equal(t, []leaver.Action{leaver.RetryStep, leaver.SkipStep, leaver.Abort}, p.Waits[0].Actions, "it offers no choices")
		assert.Equal(t, seen, p.Steps[0].Items)
		assert.Equal(t, &leaver.StepFailure{Type: leaver.DevicesRemain, Message: "TooLong: 1 of 2 devices still managed"}, p.Steps[0].Failure)
		o.signal(leaver.SkipStep, `{"step":"wait"}`)
	})
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, seen, report.Steps[0].Items, "left out does not mean forgotten")
	assert.Equal(t, leaver.DevicesRemain, report.Steps[0].Failure.Type)
}
