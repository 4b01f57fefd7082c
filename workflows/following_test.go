package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fleet gives Adele devices, by name.
func (o *office) fleet(devices ...graphsim.Device) {
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = devices
	o.tenant.Add(user)
}

// said is what a step says of each device, by name.
func said(s leaver.StepRecord) map[string]leaver.Item {
	items := map[string]leaver.Item{}
	for _, i := range s.Items {
		items[i.Device.Name] = i
	}
	return items
}

// One device that the policy would do harm to, one that fails twice and one that is
// silent: each is a question in its own time, and none of them keeps the others
// from being followed.
func TestAQuestionAboutOneDeviceHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "GONE", OperatingSystem: "Windows"}, graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 2},
		graphsim.Device{Name: "SILENT", OperatingSystem: "macOS", CheckIn: -1}, graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
	o.after(time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Done, p.Steps[2].Outcome)
		assert.Contains(t, p.Steps[2].Detail, "Intune accepted the retirement of 3 devices")
		assert.Contains(t, p.Steps[2].Detail, "1 device for a person to decide about")
		step, items := p.Steps[3], said(p.Steps[3])
		assert.Equal(t, leaver.Waiting, p.Status)
		assert.Equal(t, leaver.StepWaiting, step.State)
		assert.Equal(t, leaver.Gone, items["GONE"].Device.Verdict)
		assert.Equal(t, leaver.RemovalFailed, items["FAILS"].Device.Verdict, "it was asked again meanwhile")
		assert.Equal(t, leaver.Failed, items["FAILS"].Outcome, "and is a question at once")
		assert.Equal(t, leaver.Leaving, items["SILENT"].Device.Verdict)
		assert.Empty(t, items["SILENT"].Outcome)
		assert.Equal(t, leaver.NotAsked, items["HARM"].Device.Verdict)
		require.Len(t, p.Waits, 2)
		assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
		assert.Contains(t, p.Waits[0].Choices, leaver.GiveUp)
		assert.Equal(t, "devices", p.Waits[1].For)
		assert.Contains(t, o.currentDetails(), "**Waits for a person**: awaitDevicesRemoved (2 items)")
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"wipe","items":["`+items["HARM"].ID+`"]}`)
	})
	o.after(2*time.Hour, func() {
		items := said(o.progress().Steps[3])
		assert.Equal(t, leaver.Gone, items["HARM"].Device.Verdict, "it did not wait for the answer about the other")
		assert.Equal(t, leaver.Failed, items["FAILS"].Outcome)
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp"}`)
	})
	o.after(3*time.Hour, func() {
		step := o.progress().Steps[3]
		assert.Equal(t, leaver.StepRunning, step.State, "nothing is asked any more")
		user := o.tenant.Users()[graphsim.Leaver]
		user.Devices = user.Devices[:1]
		require.Equal(t, "FAILS", user.Devices[0].Name)
		o.tenant.Add(user)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	items := said(report.Steps[3])
	for name, want := range map[string]leaver.Verdict{"GONE": leaver.Gone, "FAILS": leaver.GivenUp, "SILENT": leaver.Gone, "HARM": leaver.Gone} {
		assert.Equal(t, want, items[name].Device.Verdict, name)
	}
	assert.Equal(t, "3 devices gone; 1 device left as decided", report.Steps[3].Detail)
}

// Without people nothing is asked, and all that can leave is followed to its end.
func TestWithoutPeopleAllThatCanLeaveIsFollowed(t *testing.T) {
	t.Parallel()
	for _, onFailure := range []string{"continue", "fail"} {
		o := newOffice(t)
		o.fleet(graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 1}, graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
		report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"` + onFailure + `"}`)
		require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
		items := said(report.Steps[3])
		assert.Equal(t, leaver.Failed, report.Steps[3].Outcome)
		assert.Equal(t, leaver.Gone, items["FAILS"].Device.Verdict)
		assert.Equal(t, leaver.Failed, items["HARM"].Outcome)
		assert.Equal(t, leaver.NotAsked, items["HARM"].Device.Verdict)
	}
}

// What is approved for one device is done, and what another does is seen, while a
// third waits for a second administrator.
func TestDevicesAreFollowedWhileAnotherAwaitsApproval(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "SILENT", OperatingSystem: "Windows", CheckIn: -1})
	o.after(time.Hour, func() {
		o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "LATE", OperatingSystem: "Windows"})
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.StepAwaitingApproval, p.Steps[3].State)
		assert.Equal(t, leaver.WaitForApproval, p.Waits[0].For)
		assert.Equal(t, []leaver.Choice{leaver.Approved, leaver.GiveUp}, p.Waits[0].Choices)
		user := o.tenant.Users()[graphsim.Leaver]
		user.Devices = user.Devices[1:]
		o.tenant.Add(user)
	})
	o.after(3*time.Hour, func() {
		items := said(o.progress().Steps[3])
		assert.Equal(t, leaver.Gone, items["SILENT"].Device.Verdict)
		assert.True(t, items["LATE"].AwaitsApproval())
		o.decide(0, "approved")
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "2 devices gone", report.Steps[3].Detail)
}

// A device that somebody takes out of Intune by hand stays in the report.
func TestADeviceThatARetryFindsNoMoreIsInTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "CONTOSO-PH-0101", OperatingSystem: "Android"})
	o.after(time.Hour, func() {
		o.fleet()
		o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	require.Len(t, report.Steps[3].Items, 1)
	assert.Equal(t, leaver.Gone, report.Steps[3].Items[0].Device.Verdict)
}

// Whoever waits longer gets the whole deadline again.
func TestWaitingLongerRenewsTheDeadline(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "Watch", Kind: leaver.Polls, OnFailure: leaver.Ask,
		Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Minute), Deadline: leaver.Duration(5 * time.Hour), For: "devices", Changes: true}})
	var deadlines []leaver.Duration
	o.watches(time.Hour, func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		deadlines = append(deadlines, step.Poll.Deadline)
		if len(deadlines) < 3 {
			return leaver.StepResult{Outcome: leaver.Ongoing, Items: []leaver.Item{{ID: "d1", Outcome: leaver.Failed}}, Choices: []leaver.Choice{leaver.WaitLonger}}, nil
		}
		return leaver.StepResult{Outcome: leaver.Done}, nil
	})
	o.after(90*time.Minute, func() { o.signal(leaver.Answer, `{"step":"wait","choice":"waitLonger"}`) })
	_, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	require.Len(t, deadlines, 3)
	assert.Equal(t, 4*time.Hour, time.Duration(deadlines[1]), "what was waited counts")
	assert.Equal(t, 5*time.Hour, time.Duration(deadlines[2]), "and no more after the answer")
}
