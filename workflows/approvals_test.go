package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// approving is an office whose tenant wants a second administrator for Adele's
// two devices, each of which is to be wiped.
func approving(t *testing.T) (*office, string) {
	t.Helper()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}, {Name: "CONTOSO-LT-0418", OperatingSystem: "Windows"}}
	o.tenant.Add(user)
	return o, `{"userId":"adele@contoso.com","reason":"leaves on Friday","ticket":"INC-0042","onFailure":"fail","devices":{"company":{"windows":"wipe"}}}`
}

func (o *office) decide(n int, status string) {
	require.True(o.t, o.tenant.Decide(o.tenant.Approvals()[n].Code, status))
}

func TestAStepWaitsForASecondAdministratorAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	o, request := approving(t)
	o.after(30*time.Minute, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status)
		step := p.Steps[2]
		assert.Equal(t, leaver.StepAwaitingApproval, step.State)
		require.Len(t, p.Waits, 1)
		assert.Equal(t, leaver.WaitForApproval, p.Waits[0].For)
		assert.Equal(t, []leaver.Action{leaver.Answer, leaver.SkipStep, leaver.Abort}, p.Waits[0].Actions)
		require.Len(t, o.tenant.Approvals(), 2)
		for i, requested := range o.tenant.Approvals() {
			assert.Equal(t, requested.Code, step.Items[i].Approval.Code)
			assert.Contains(t, step.Failure.Message, requested.Code)
			assert.Equal(t, "Offboarding of a leaver: leaves on Friday (ticket INC-0042)", requested.Justification)
		}
		assert.Contains(t, o.currentDetails(), "**Waits for a second administrator**")
		assert.ErrorContains(t, o.update(leaver.RetryStep, `{"step":"removeAllDevices"}`)(), "no answer")
		o.decide(0, "approved")
	})
	o.after(60*time.Minute, func() {
		step := o.progress().Steps[2]
		assert.Equal(t, leaver.StepAwaitingApproval, step.State, "one is undecided")
		assert.Equal(t, leaver.Wipe, step.Items[0].Device.Action)
		o.decide(1, "approved")
	})
	report, err := o.run(request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Len(t, o.tenant.Wiped(), 2)
	assert.Len(t, o.tenant.Approvals(), 2)
}

func TestAnApprovalIsToldByAnAnswer(t *testing.T) {
	t.Parallel()
	o, request := approving(t)
	o.tenant.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	o.after(30*time.Minute, func() {
		o.decide(0, "approved")
		code := o.progress().Steps[2].Items[0].ID
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved","items":["`+code+`"]}`)
	})
	o.after(40*time.Minute, func() {
		assert.Len(t, o.tenant.Wiped(), 1)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	report, err := o.run(request)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.GivenUp, report.Steps[2].Items[1].Device.Verdict)
	assert.Len(t, o.tenant.Users()[graphsim.Leaver].Devices, 1)
}

func TestARejectedApprovalIsAFailureOfTheStep(t *testing.T) {
	t.Parallel()
	o, request := approving(t)
	o.after(30*time.Minute, func() {
		o.decide(0, "approved")
		o.decide(1, "rejected")
	})
	report, err := o.run(request)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete), "%v", err)
	assert.Equal(t, leaver.Failed, report.Steps[2].Outcome)
	assert.Contains(t, report.Steps[2].Items[1].Detail, "rejected")
	assert.Len(t, o.tenant.Wiped(), 1)
}

func TestAStepIsLeftOutOrAbortedWhileItAwaitsApproval(t *testing.T) {
	t.Parallel()
	for _, action := range []leaver.Action{leaver.SkipStep, leaver.Abort} {
		o, request := approving(t)
		o.after(30*time.Minute, func() {
			if action == leaver.Abort {
				o.signal(action, `{}`)
			} else {
				o.signal(action, `{"step":"removeAllDevices"}`)
			}
		})
		report, err := o.run(request)
		if action == leaver.Abort {
			require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
			assert.Equal(t, leaver.Failed, report.Steps[2].Outcome)
		} else {
			require.NoError(t, err)
			assert.Equal(t, leaver.Skipped, report.Steps[2].Outcome)
		}
		assert.Empty(t, o.tenant.Wiped())
		assert.Len(t, o.tenant.Users()[graphsim.Leaver].Devices, 2)
	}
}
