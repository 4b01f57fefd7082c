package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// approving is a world whose tenant wants a second administrator for each of
// Adele's devices.
func approving(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, DelegatedRemoval: true})
	return w
}

// awaiting waits until there are so many requests and a step awaits approval.
func (w *world) awaiting(id string, requests int) {
	w.t.Helper()
	w.until("the step awaits approval", func() bool {
		return len(w.tenant.Approvals()) == requests && slices.ContainsFunc(w.progress(id).Waits, func(wait leaver.Wait) bool { return wait.For == leaver.WaitForApproval })
	})
}

func (w *world) decide(status string, requests ...int) {
	w.t.Helper()
	for _, n := range requests {
		require.True(w.t, w.tenant.Decide(w.tenant.Approvals()[n].Code, status))
	}
}

func TestApprovalIsWaitedForOverARestartOfTheWorkerAndFiledAgain(t *testing.T) {
	t.Parallel()
	w := approving(t)
	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--detach", "--reason", "leaves on Friday", "--ticket", "INC-0042")
	w.awaiting("W", 4)
	assert.Equal(t, "Offboarding of a leaver: leaves on Friday (ticket INC-0042)", w.tenant.Approvals()[0].Justification)
	out := w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver)
	assert.Contains(t, out, w.tenant.Approvals()[3].Code)
	assert.Contains(t, out, "second administrator")

	w.worker.Kill()
	w.decide("approved", 0)
	w.decide("expired", 1, 2, 3)
	w.startWorker()
	w.awaiting("W", 7)
	w.decide("approved", 4, 5, 6)
	report := w.finished("W")
	assert.Len(t, w.tenant.Approvals(), 7, "what was approved is not filed again")
	for _, item := range step(report, leaver.StepRemoveAllDevices).Items {
		require.NotNil(t, item.Approval, item.Device.Name)
		assert.Equal(t, leaver.ApprovalCompleted, item.Approval.Status)
	}
}

func TestWhatASecondAdministratorRejectsIsForAPerson(t *testing.T) {
	t.Parallel()
	w := approving(t)
	w.start("W")
	w.awaiting("W", 4)
	w.decide("approved", 0, 1, 2)
	w.decide("rejected", 3)
	w.waiting("W", leaver.StepRemoveAllDevices)
	assert.Contains(t, w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver), "rejected in Intune")
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "giveUp")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	left := w.tenant.Users()[graphsim.Leaver].Devices
	require.Len(t, left, 1)
	assert.Equal(t, "managed", left[0].State)
	assert.Equal(t, leaver.GivenUp, device(report, left[0].ID).Verdict)
	w.nobodyElse()
}

func TestAnApprovalThatTheWorkerMayNotReadIsToldToIt(t *testing.T) {
	t.Parallel()
	w := approving(t)
	w.tenant.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	w.start("W")
	w.awaiting("W", 4)
	w.decide("approved", 0, 1, 2, 3)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer", "--input", `{"step":"removeAllDevices","choice":"approved"}`)
	w.finished("W")
}

// One device is refused while the others wait for a second administrator: a person
// answers for it meanwhile, and nothing waits for that.
func TestADeviceIsRefusedWhileOthersAwaitApproval(t *testing.T) {
	t.Parallel()
	w := approving(t)
	refused := w.before[graphsim.Leaver].Devices[1]
	w.tenant.Fail(graphsim.Fault{Path: refused.ID + "/retire", Times: -1, Status: 400, Code: "BadRequest", Message: "Retire is not supported for this device."})
	w.start("W")
	w.awaiting("W", 3)
	w.waiting("W", leaver.StepRemoveAllDevices)
	out := w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver)
	assert.Contains(t, out, "removeAllDevices waits for a second administrator")
	assert.Contains(t, out, "removeAllDevices waits for a person")
	devices := w.before[graphsim.Leaver].Devices
	w.decideAbout("approved", devices[0])
	w.until("one has left", func() bool {
		return device(w.progress("W").Report, devices[0].ID).Verdict == leaver.Gone
	})
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "giveUp", refused.ID)
	w.decideAbout("approved", devices[2:]...)
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	left := w.tenant.Users()[graphsim.Leaver].Devices
	require.Len(t, left, 1)
	assert.Equal(t, refused.ID, left[0].ID)
	assert.Equal(t, "managed", left[0].State)
	assert.Len(t, w.tenant.Approvals(), 3)
	w.nobodyElse()
}

// Six devices, each of which waits, or has ended, in a way of its own.
func TestAMixedFleetWaitsForManyAtOnce(t *testing.T) {
	t.Parallel()
	w := approving(t)
	never, soon := leaver.Duration(-1), leaver.Duration(300*time.Millisecond)
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = []graphsim.Device{
		{Name: "leaves", OperatingSystem: "Windows", CheckIn: soon},
		{Name: "never checks in", OperatingSystem: "macOS", CheckIn: never},
		{Name: "fails twice", OperatingSystem: "iOS", CheckIn: soon, Failures: 2},
		{Name: "is kept", OperatingSystem: "Windows", OwnerType: "personal"},
		{Name: "awaits approval", OperatingSystem: "Android"},
		{Name: "is rejected", OperatingSystem: "Windows"},
	}
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	devices := w.before[graphsim.Leaver].Devices
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Reason: "leaves on Friday", Devices: &leaver.DevicePolicy{
		Company: leaver.DeviceActions{Windows: leaver.WipeKeepUserData, Android: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.Keep},
	}})
	w.awaiting("W", 5)
	w.decideAbout("approved", devices[:3]...)
	w.decideAbout("rejected", devices[5])
	w.awaiting("W", 6)
	w.decideAbout("approved", devices[2])
	w.until("two are questions", func() bool {
		v := w.verdicts("W")
		return v[leaver.RemovalFailed] == 1 && v[leaver.NotAsked] == 1
	})
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer",
		"--input", `{"step":"removeAllDevices","choice":"giveUp","items":["`+devices[5].ID+`"],"by":"it@contoso.com"}`)
	w.until("each stands in its own way", func() bool { return len(w.verdicts("W")) == len(devices) })
	assert.Equal(t, map[leaver.Verdict]int{leaver.Gone: 1, leaver.Leaving: 1, leaver.RemovalFailed: 1, leaver.Kept: 1, leaver.AwaitingApproval: 1, leaver.GivenUp: 1}, w.verdicts("W"))
	var waits []string
	for _, wait := range w.progress("W").Waits {
		waits = append(waits, wait.For)
	}
	assert.ElementsMatch(t, []string{leaver.WaitForPerson, leaver.WaitForApproval, leaver.WaitForDevices}, waits)
	w.keepHistory("W", "", "running")

	w.must(programs.starter, "abort", graphsim.Leaver, "--workflow-id", "W", "--by", "it@contoso.com")
	report, err := w.report("W")
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	for i, want := range []leaver.DeviceAction{leaver.WipeKeepUserData, leaver.Retire, leaver.Retire, "", "", ""} {
		asked := device(report, devices[i].ID).Asked()
		if want == "" {
			assert.Nil(t, asked, devices[i].Name)
		} else if assert.NotNil(t, asked, devices[i].Name) {
			assert.Equal(t, want, asked.Action, devices[i].Name)
		}
	}
	w.nobodyElse()
}

// Each Autopilot identity and each app waits for its own approval, which the worker sees by itself.
func TestWhatAutopilotAndAppsKeepIsChangedOnceItIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	adele.Autopilot = []graphsim.AutopilotIdentity{{ID: "a1", SerialNumber: adele.Devices[0].SerialNumber, ManagedDeviceID: adele.Devices[0].ID}}
	w.tenant.Add(adele)
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Ticket: "INC-0042", Steps: map[string]leaver.StepSettings{
		leaver.StepWipeManagedAppRegistrations: {Include: true}, leaver.StepDeleteAutopilotIdentities: {Include: true}}})
	w.until("two requests are filed", func() bool { return len(w.tenant.Approvals()) == 2 })
	out := w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver)
	for _, request := range w.tenant.Approvals() {
		assert.Contains(t, out, request.Code[:8])
		assert.Equal(t, "Offboarding of a leaver (ticket INC-0042)", request.Justification)
		require.True(t, w.tenant.Decide(request.Code, "approved"))
	}
	report := w.completed("W")
	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].Autopilot)
	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].AppRegistrations)
	assert.Equal(t, leaver.ApprovalCompleted, step(report, leaver.StepDeleteAutopilotIdentities).Items[0].Approval.Status)
	assert.Len(t, w.tenant.Approvals(), 2)
}
