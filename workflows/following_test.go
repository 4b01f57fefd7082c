package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// slow keeps the looks apart: the test environment makes ten attempts at most.
func slow(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 15*time.Minute, 15*time.Minute }

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

func TestNothingIsHandedOverToAStepThatIsLeftOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "GOES", OperatingSystem: "Windows"}, graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
	o.after(time.Hour, func() {
		assert.Equal(t, leaver.StepWaiting, o.progress().Steps[2].State)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	report, err := o.run(`{"userId":"adele@contoso.com","steps":{"awaitDevicesRemoved":{"skip":true}}}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.GivenUp, said(report.Steps[2])["HARM"].Device.Verdict)
}

// A day that is used up for one device hides no question about another, and what
// was done before is in the report whoever stops the step meanwhile.
func TestADayThatIsUsedUpForOneDeviceHidesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, slow)
	o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
	android := func(name string) graphsim.Device {
		return graphsim.Device{Name: name, OperatingSystem: "Android", CheckIn: -1}
	}
	o.fleet(graphsim.Device{Name: "GOES", OperatingSystem: "Windows", CheckIn: -1}, android("H1"), android("H2"), android("H3"))
	o.after(time.Hour, func() {
		items := said(o.progress().Steps[3])
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"wipe","items":["`+items["H1"].ID+`","`+items["H2"].ID+`"]}`)
	})
	o.after(2*time.Hour, func() {
		step := o.progress().Steps[3]
		assert.Equal(t, leaver.StepWaiting, step.State)
		assert.Contains(t, step.Detail, "the tenant's daily limit for this is used up, waiting until tomorrow")
		items := said(step)
		assert.Equal(t, leaver.Wipe, items["H1"].Device.Action)
		assert.Equal(t, leaver.NotAsked, items["H2"].Device.Verdict)
		assert.Equal(t, leaver.Choice(leaver.Wipe), items["H2"].Choice)
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp","items":["`+items["H3"].ID+`"]}`)
	})
	o.after(3*time.Hour, func() {
		assert.Equal(t, leaver.GivenUp, said(o.progress().Steps[3])["H3"].Device.Verdict, "that needs no write")
		o.signal(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.Wipe, said(report.Steps[3])["H1"].Device.Action)
	wipes := 0
	for _, r := range o.tenant.Requests() {
		if strings.HasSuffix(r.Path, "/wipe") {
			wipes++
		}
	}
	assert.LessOrEqual(t, wipes, 4, "tomorrow is waited for, but for one try after each answer")
}

// An answer about one device, while an outage keeps another from being asked, does
// not have a third one asked again.
func TestADeviceIsAskedTwiceAndNoMore(t *testing.T) {
	t.Parallel()
	o := newOffice(t, slow)
	o.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
	o.fleet(graphsim.Device{Name: "F1", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "F2", OperatingSystem: "Windows", CheckIn: -1},
		graphsim.Device{Name: "HARM", OperatingSystem: "Android"})
	fail := func() {
		devices := o.tenant.Users()[graphsim.Leaver].Devices
		for i := range devices[:2] {
			devices[i].State, devices[i].LastSync = "retireFailed", time.Now().Add(time.Second)
		}
		o.fleet(devices...)
	}
	first := o.deviceIDs()[0]
	o.after(20*time.Minute, func() {
		o.tenant.Fail(graphsim.Fault{Method: "POST", Path: o.deviceIDs()[1] + "/retire", Status: 503, Times: -1})
		fail()
	})
	o.after(50*time.Minute, func() {
		fail()
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp","items":["`+said(o.progress().Steps[3])["HARM"].ID+`"]}`)
	})
	o.after(80*time.Minute, func() {
		assert.Equal(t, leaver.RemovalFailed, said(o.progress().Steps[3])["F1"].Device.Verdict)
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
	accepted := 0
	for _, r := range o.tenant.Requests() {
		if strings.HasSuffix(r.Path, first+"/retire") && r.Status < 300 {
			accepted++
		}
	}
	assert.Equal(t, 2, accepted)
}

// A Graph whose replicas disagree may tell another story with every look.
func TestAGraphThatContradictsItselfFillsNoHistory(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1})
	told := 0
	o.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, err error) {
		if info.ActivityType.Name != leaver.ActivityAwaitDevicesRemoved || err != nil {
			return
		}
		told++
		devices := o.tenant.Users()[graphsim.Leaver].Devices
		devices[0].State = []string{"retirePending", "managed"}[told%2]
		o.fleet(devices...)
	})
	o.after(time.Hour, func() { o.CancelWorkflow() })
	_, err := o.run(adele)
	require.Error(t, err)
	assert.LessOrEqual(t, told, 61, "once a minute at most")
}

// Nobody needs to approve anything about a device that is gone.
func TestADeviceThatIsGoneAwaitsNoApproval(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	o.after(30*time.Minute, func() { o.decide(0, "approved") })
	o.after(60*time.Minute, func() {
		assert.Equal(t, leaver.StepAwaitingApproval, o.progress().Steps[3].State)
		o.fleet()
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "2 devices gone", report.Steps[3].Detail)
}

// A running attempt has just learned of an approval, and could not act on it, when
// somebody gives the device up.
func TestWhatIsGivenUpStaysSoWhateverTheAttemptWasDoing(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "Watch", Kind: leaver.Polls, OnFailure: leaver.Ask,
		Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Minute), Deadline: leaver.Duration(5 * time.Hour), For: "devices", Changes: true}})
	o.letActivitiesFinish()
	var given []leaver.Item
	attempts := 0
	o.watches(time.Hour, func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		attempts++
		item := leaver.Item{ID: "d1", Device: &leaver.Device{}, Approval: &leaver.Approval{Code: "c", Status: leaver.ApprovalNeeded, Operation: leaver.Wipe}}
		switch attempts {
		case 1:
			return leaver.StepResult{Outcome: leaver.Ongoing, Items: []leaver.Item{item}, Choices: []leaver.Choice{leaver.Approved, leaver.GiveUp}}, nil
		case 2:
			item.Approval.Status = leaver.ApprovalApproved
			return leaver.StepResult{}, leaver.Failure{Type: leaver.GraphUnavailable, Message: "Watch: out of order", Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: []leaver.Item{item}}}}.Err()
		}
		given = step.Items
		return leaver.StepResult{Outcome: leaver.Done}, nil
	})
	o.after(90*time.Minute, func() { o.signal(leaver.Answer, `{"step":"wait","choice":"giveUp"}`) })
	_, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	require.Len(t, given, 1)
	assert.Equal(t, leaver.GiveUp, given[0].Choice)
}
