package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
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
		assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices ", outcomes(p.Report))
		step := removal(p.Report)
		assert.Equal(t, leaver.StepRunning, step.State)
		assert.Equal(t, "4 devices are on their way", step.Detail)
		assert.False(t, step.StartedAt.IsZero())
		assert.True(t, step.EndedAt.IsZero())
		require.Len(t, p.Waits, 1)
		assert.Equal(t, step.StartedAt, p.Waits[0].Since)
		o.fleet()
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	after := o.progress()
	assert.Equal(t, report, after.Report, "the query answers with the report")
	assert.Empty(t, after.Waits)
	assert.Equal(t, leaver.Completed, after.Status)
	assert.Equal(t, "4 devices gone", removal(report).Detail)
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
		o.signal(leaver.SkipStep, `{"step":"disableAccount","adele@contoso.com":"x"}`)
	})
	o.after(2*time.Hour, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Contains(t, details, "The last signal skipStep was refused, the query progress says why.")
		o.signal(leaver.RetryStep, `{"step":"disableAccount","by":"adele@contoso.com"}`)
	})
	o.after(2*time.Hour+10*time.Minute, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Contains(t, details, "2 of 3 steps ended")
		assert.Contains(t, details, "| removeAllDevices | running | 0 of 4 gone or decided about |")
		assert.Contains(t, details, "| disableAccount | done |  |")
		devices := o.tenant.Users()[graphsim.Leaver].Devices
		o.fleet(append(devices[2:], graphsim.Device{Name: "Adele's tablet", OperatingSystem: "Android"})...)
	})
	o.after(12*time.Hour, func() {
		details := o.currentDetails()
		harmless(details)
		assert.Regexp(t, "^\\*\\*Waits for a person\\*\\*: removeAllDevices \\(InvalidRequest\\)", details)
		assert.Contains(t, details, "`{\"step\": \"removeAllDevices\", \"choice\": \"")
		assert.Contains(t, details, "| removeAllDevices | waiting | 2 of 5 gone or decided about |")
		o.CancelWorkflow()
	})
	_, err := o.run(adele)
	require.True(t, temporal.IsCanceledError(err))
	harmless(o.currentDetails())
	assert.Contains(t, o.currentDetails(), "**canceled**: 3 of 3 steps ended")
}

// At its deadline a device becomes a question; it is in the report while a person is
// waited for, and after.
func TestDevicesThatRemainStandInTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "GOES", OperatingSystem: "Windows"}, graphsim.Device{Name: "SILENT", OperatingSystem: "Windows", CheckIn: -1})
	verdicts := func(step leaver.StepRecord) {
		items := said(step)
		require.Len(t, items, 2)
		assert.Equal(t, leaver.Gone, items["GOES"].Device.Verdict)
		assert.Equal(t, leaver.Silent, items["SILENT"].Device.Verdict)
		assert.Equal(t, leaver.Failed, items["SILENT"].Outcome)
		assert.Equal(t, leaver.DevicesRemain, step.Failure.Type)
	}
	o.after(7*time.Hour, func() {
		p := o.progress()
		require.Len(t, p.Waits, 1)
		assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
		assert.Equal(t, []leaver.Action{leaver.RetryStep, leaver.SkipStep, leaver.Abort, leaver.Answer}, p.Waits[0].Actions)
		assert.Equal(t, []leaver.Choice{"waitLonger", "retry", "retire", "wipe", "wipeKeepUserData", "deleteRecord", "giveUp"}, p.Waits[0].Choices)
		assert.InDelta(t, 5, p.Waits[0].Since.Sub(p.StartedAt).Hours(), 0.1, "it is a question at the deadline, whenever the devices are looked at")
		verdicts(removal(p.Report))
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(`{"userId":"adele@contoso.com","deviceDeadline":"5h"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	verdicts(removal(report))
}

// One query tells all: what was asked of each device, when, by which approval, and what
// is waited for, since when and until when, also while a used-up day holds calls back.
func TestProgressHoldsAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
	o.fleet(graphsim.Device{Name: "W1", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "W2", OperatingSystem: "Windows", CheckIn: -1},
		graphsim.Device{Name: "RETIRED", OperatingSystem: "macOS", CheckIn: -1}, graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
	wiped, held := "W1", "W2"
	o.after(30*time.Minute, func() {
		if len(said(removal(o.progress().Report))[wiped].Device.Calls) == 0 {
			wiped, held = held, wiped
		}
		o.tenant.Configure(graphsim.Settings{DailyWipes: 1, MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "QUEUED", OperatingSystem: "iOS"})
	})
	o.after(90*time.Minute, func() {
		p := o.progress()
		step, items := removal(p.Report), said(removal(p.Report))
		require.Len(t, items, 5)
		for name, action := range map[string]leaver.DeviceAction{wiped: leaver.Wipe, "RETIRED": leaver.Retire} {
			calls := items[name].Device.Calls
			require.Len(t, calls, 1, name)
			assert.Equal(t, action, calls[0].Action)
			assert.Equal(t, leaver.CallAccepted, calls[0].Answer)
			assert.WithinDuration(t, p.StartedAt, calls[0].At, time.Minute)
			assert.Equal(t, leaver.Leaving, items[name].Device.Verdict)
		}
		assert.Empty(t, items[held].Device.Calls, "nothing was asked")
		assert.Equal(t, leaver.NotAsked, items[held].Device.Verdict)
		assert.Contains(t, items[held].Detail, "daily limit")
		assert.Equal(t, leaver.Failed, items["HARM"].Outcome)
		require.Len(t, items["QUEUED"].Device.Calls, 1)
		assert.Equal(t, leaver.CallQueued, items["QUEUED"].Device.Calls[0].Answer)
		assert.Equal(t, o.filed("/retire").Code, items["QUEUED"].Device.Calls[0].ApprovalCode)
		assert.Equal(t, "2 devices are on their way; 1 device awaits a second administrator's approval; 1 device for a person to decide about; the tenant's daily limit for this is used up, waiting until tomorrow", step.Detail)
		waits := map[string]leaver.Wait{}
		for _, wait := range p.Waits {
			waits[wait.For] = wait
			assert.Equal(t, leaver.StepRemoveAllDevices, wait.Step)
			assert.WithinDuration(t, p.StartedAt, wait.Since, time.Minute, "the step has waited since it began")
		}
		require.Len(t, waits, 4)
		until := waits[leaver.WaitForGraph].Until
		assert.True(t, until.After(o.Now()) && until.Before(o.Now().Add(25*time.Hour)), "%s", until)
		details := o.currentDetails()
		assert.Contains(t, details, "**Waits for a person**")
		assert.Contains(t, details, "**Waits for a second administrator**")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+items["HARM"].ID+`","`+items["QUEUED"].ID+`"]}`)
	})
	o.after(100*time.Minute, func() {
		p := o.progress()
		assert.Equal(t, leaver.Running, p.Status)
		assert.Contains(t, o.currentDetails(), "daily limit for this is used up, waiting until tomorrow (until ")
		o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
		o.tenant.NextDay()
	})
	o.after(40*time.Hour, func() {
		items := said(removal(o.progress().Report))
		require.Len(t, items[held].Device.Calls, 1, "the next day it was asked")
		assert.Equal(t, leaver.CallAccepted, items[held].Device.Calls[0].Answer)
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
}

// A day in which nothing changes leaves nothing in the history: no activity ends, none
// begins and no timer fires. Temporal itself retries the one that looks.
func TestADayOfWaitingAddsNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *plugin.Config) { c.FirstPoll, c.LongestPoll = time.Minute, time.Hour })
	o.tenant.Add(neverCheckingIn(o.tenant))
	events := 0
	o.SetOnTimerScheduledListener(func(string, time.Duration) { events++ })
	o.SetOnTimerFiredListener(func(string) { events++ })
	ended := o.countActivities()
	var before, looks int
	o.after(2*time.Hour, func() {
		step := removal(o.progress().Report)
		require.Equal(t, leaver.StepRunning, step.State)
		for _, item := range step.Items {
			assert.Equal(t, "retirePending", item.Device.ManagementState, "the query shows what was seen")
			assert.Equal(t, leaver.Leaving, item.Device.Verdict)
		}
		before, looks = *ended+events, o.requested("GET", "/managedDevices")
	})
	o.after(26*time.Hour, func() {
		assert.Equal(t, before, *ended+events)
		assert.GreaterOrEqual(t, o.requested("GET", "/managedDevices"), looks+23, "it looked meanwhile")
		o.CancelWorkflow()
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// What a look sees is in the progress query as soon as it has changed.
func TestProgressShowsEachDeviceAsItWasSeenLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: leaver.Duration(4 * time.Hour)})
	for when, state := range map[time.Duration]string{time.Hour: "retirePending", 3 * time.Hour: "retireIssued"} {
		o.after(when, func() {
			step := removal(o.progress().Report)
			assert.Equal(t, leaver.StepRunning, step.State)
			assert.Equal(t, "1 device is on its way", step.Detail)
			assert.Equal(t, state, step.Items[0].Device.ManagementState)
		})
	}
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.InDelta(t, 4, report.EndedAt.Sub(report.StartedAt).Hours(), 0.3)
}
