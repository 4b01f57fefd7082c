package e2e

import (
	"slices"
	"testing"

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
		return len(w.tenant.Approvals()) == requests && slices.ContainsFunc(w.progress(id).Steps, func(s leaver.StepRecord) bool { return s.State == leaver.StepAwaitingApproval })
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
	for _, item := range step(report, leaver.StepAwaitDevicesRemoved).Items {
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
	w.waiting("W", leaver.StepAwaitDevicesRemoved)
	assert.Contains(t, w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver), "rejected in Intune")
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepAwaitDevicesRemoved, "giveUp")
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
	w.tenant.Fail(graphsim.Fault{Path: refused.ID + "/retire", Times: -1, Status: 400, Code: "BadRequest"})
	w.start("W")
	w.awaiting("W", 3)
	out := w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver)
	assert.Contains(t, out, "removeAllDevices waits for a second administrator")
	assert.Contains(t, out, "removeAllDevices waits for a person")
	w.decide("approved", 0)
	w.until("one has left", func() bool {
		return device(w.progress("W").Report, w.before[graphsim.Leaver].Devices[0].ID).Verdict == leaver.Gone
	})
	w.waiting("W", leaver.StepAwaitDevicesRemoved)
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepAwaitDevicesRemoved, "giveUp", refused.ID)
	w.decide("approved", 1, 2)
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
