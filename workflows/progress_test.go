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
		assert.Equal(t, leaver.Progress{Report: leaver.Report{Status: leaver.Planning, StartedAt: o.Now().UTC(), Steps: []leaver.StepRecord{}}}, o.progress())
	})
	o.after(10*time.Minute, func() {
		p, step := o.progress(), o.removal()
		assert.Equal(t, leaver.Running, p.Status)
		assert.Equal(t, o.tenant.Users()[graphsim.Leaver].ID, p.Leaver.ID)
		assert.Equal(t, "disableAccount done, revokeSessions done, removeAllDevices ", outcomes(p.Report))
		assert.Equal(t, leaver.StepRunning, step.State)
		assert.Equal(t, "4 devices are on their way", step.Detail)
		assert.False(t, step.StartedAt.IsZero())
		assert.True(t, step.EndedAt.IsZero())
		require.Len(t, p.Waits, 1)
		assert.Equal(t, step.StartedAt, p.Waits[0].Since)
		o.fleet()
	})
	report := o.ends(leaver.Completed, adele)
	assert.Equal(t, leaver.Progress{Report: report}, o.progress(), "the query answers with the report")
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
	harmless := func() string {
		details, user := o.currentDetails(), o.tenant.Users()[graphsim.Leaver]
		secrets := []string{"adele", "Adele", "contoso.com", user.ID, user.DisplayName}
		for _, device := range user.Devices {
			secrets = append(secrets, device.Name, device.ID)
		}
		for _, secret := range secrets {
			assert.NotContains(t, details, secret)
		}
		return details
	}
	o.whenStarted(leaver.ActivityPlanOffboarding, func() { assert.Equal(t, "**planning**\n", harmless()) })
	o.after(time.Hour, func() {
		assert.Regexp(t, "^\\*\\*Waits for a person\\*\\*: disableAccount \\(GraphBadRequest\\)\\. Answer with the signal or update `retryStep`", harmless(),
			"what matters stands first")
		o.signal(leaver.RetryStep, `{"step":"nowhere","by":"adele@contoso.com","reason":"Adele asked"}`)
		o.signal(leaver.SkipStep, `{"step":"disableAccount","adele@contoso.com":"x"}`)
	})
	o.after(2*time.Hour, func() {
		assert.Contains(t, harmless(), "The last signal skipStep was refused, the query progress says why.")
		o.signal(leaver.RetryStep, `{"step":"disableAccount","by":"adele@contoso.com"}`)
	})
	o.after(2*time.Hour+10*time.Minute, func() {
		details := harmless()
		assert.Contains(t, details, "2 of 3 steps ended")
		assert.Contains(t, details, "| removeAllDevices | running | 0 of 4 gone or decided about |")
		assert.Contains(t, details, "| disableAccount | done |  |")
		o.fleet(append(o.devices()[2:], graphsim.Device{Name: "Adele's tablet", OperatingSystem: "Android"})...)
	})
	o.after(12*time.Hour, func() {
		details := harmless()
		assert.Regexp(t, "^\\*\\*Waits for a person\\*\\*: removeAllDevices \\(InvalidRequest\\)", details)
		assert.Contains(t, details, "`{\"step\": \"removeAllDevices\", \"choice\": \"")
		assert.Contains(t, details, "| removeAllDevices | waiting | 2 of 5 gone or decided about |")
		o.cancel()
	})
	o.ends(leaver.CanceledStatus, adele)
	assert.Contains(t, harmless(), "**canceled**: 3 of 3 steps ended")
}

// One query tells all: what was asked of each device, when, by which approval, and what
// is waited for, since when and until when, also while a used-up day holds calls back.
func TestProgressHoldsAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t).set(graphsim.Settings{DailyWipes: 1}).fleet(silent("W1"), silent("W2"),
		graphsim.Device{Name: "RETIRED", OperatingSystem: "macOS", CheckIn: -1}, graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
	wiped, held := "W1", "W2"
	o.after(30*time.Minute, func() {
		if len(said(o.removal())[wiped].Device.Calls) == 0 {
			wiped, held = held, wiped
		}
		o.set(graphsim.Settings{DailyWipes: 1, MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "QUEUED", OperatingSystem: "iOS"})
	})
	o.after(90*time.Minute, func() {
		p := o.progress()
		calls := map[string][]leaver.Call{held: nil, "HARM": nil,
			wiped:     {{Action: leaver.Wipe, Answer: leaver.CallAccepted}},
			"RETIRED": {{Action: leaver.Retire, Answer: leaver.CallAccepted}},
			"QUEUED":  {{Action: leaver.Retire, Answer: leaver.CallQueued, ApprovalCode: o.filed("/retire").Code}}}
		w := map[string]string{"W1": "W1 leaving, W2 notAsked", "W2": "W1 notAsked, W2 leaving"}[wiped]
		assert.Equal(t, "HARM notAsked?, QUEUED awaitingApproval, RETIRED leaving, "+w, o.stands())
		for name, item := range said(o.removal()) {
			for i := range item.Device.Calls {
				assert.WithinDuration(t, p.StartedAt, item.Device.Calls[i].At, map[bool]time.Duration{true: 90 * time.Minute, false: time.Minute}[name == "QUEUED"])
				item.Device.Calls[i].At, item.Device.Calls[i].HeardAfter = time.Time{}, 0
			}
			assert.Equal(t, calls[name], item.Device.Calls, name)
		}
		assert.Contains(t, said(o.removal())[held].Detail, "daily limit")
		assert.Equal(t, "2 devices are on their way; 1 device awaits a second administrator's approval; 1 device for a person to decide about; "+
			"the tenant's daily limit for this is used up, waiting until tomorrow", o.removal().Detail)
		assert.Equal(t, "person [retryStep skipStep abort answer] [retry wipe giveUp], approval [answer skipStep abort] [approved giveUp], "+
			"graph [skipStep abort] [], devices [skipStep abort] []", waits(p))
		for _, wait := range p.Waits {
			assert.Equal(t, leaver.StepRemoveAllDevices, wait.Step)
			assert.WithinDuration(t, p.StartedAt, wait.Since, time.Minute, "the step has waited since it began")
			assert.Equal(t, wait.For == leaver.WaitForGraph, wait.Until.After(o.Now()) && wait.Until.Before(o.Now().Add(25*time.Hour)), "%s", wait.Until)
		}
		assert.Contains(t, o.currentDetails(), "**Waits for a person**")
		assert.Contains(t, o.currentDetails(), "**Waits for a second administrator**")
		o.answer(leaver.GiveUp, "HARM", "QUEUED")
	})
	o.after(100*time.Minute, func() {
		assert.Equal(t, leaver.Running, o.progress().Status)
		assert.Contains(t, o.currentDetails(), "daily limit for this is used up, waiting until tomorrow (until ")
		o.set(graphsim.Settings{DailyWipes: 1}).tenant.NextDay()
	})
	o.after(40*time.Hour, func() {
		calls := said(o.removal())[held].Device.Calls
		require.Len(t, calls, 1, "the next day it was asked")
		assert.Equal(t, leaver.CallAccepted, calls[0].Answer)
		o.cancel()
	})
	o.ends(leaver.CanceledStatus, wipeWindows)
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
		require.Equal(t, leaver.StepRunning, o.removal().State)
		for _, item := range o.removal().Items {
			assert.Equal(t, "retirePending", item.Device.ManagementState, "the query shows what was seen")
			assert.Equal(t, leaver.Leaving, item.Device.Verdict)
		}
		before, looks = *ended+events, o.requested("GET", "/managedDevices")
	})
	o.after(26*time.Hour, func() {
		assert.Equal(t, before, *ended+events)
		assert.GreaterOrEqual(t, o.requested("GET", "/managedDevices"), looks+23, "it looked meanwhile")
		o.cancel()
	})
	o.ends(leaver.CanceledStatus, adele)
}

// What a look sees is in the progress query as soon as it has changed.
func TestProgressShowsEachDeviceAsItWasSeenLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly).fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: leaver.Duration(4 * time.Hour)})
	for when, state := range map[time.Duration]string{time.Hour: "retirePending", 3 * time.Hour: "retireIssued"} {
		o.after(when, func() {
			assert.Equal(t, leaver.StepRunning, o.removal().State)
			assert.Equal(t, "1 device is on its way", o.removal().Detail)
			assert.Equal(t, state, o.removal().Items[0].Device.ManagementState)
		})
	}
	report := o.ends(leaver.Completed, adele)
	assert.InDelta(t, 4, report.EndedAt.Sub(report.StartedAt).Hours(), 0.3)
}
