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
		p := o.progress()
		assert.Equal(t, leaver.Done, p.Steps[2].Outcome, "one was asked, and is followed while the other waits")
		step := p.Steps[3]
		assert.Equal(t, leaver.StepAwaitingApproval, step.State, "one is undecided")
		assert.Equal(t, leaver.Wipe, step.Items[0].Device.Action)
		assert.Equal(t, leaver.Gone, step.Items[0].Device.Verdict)
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
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp"}`)
	})
	report, err := o.run(request)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.GivenUp, report.Steps[3].Items[1].Device.Verdict)
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
	assert.Equal(t, leaver.Failed, report.Steps[3].Outcome)
	assert.Contains(t, report.Steps[3].Items[1].Detail, "rejected")
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

const wipeWindows = `{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}}}`

func (o *office) deviceIDs() []string {
	var ids []string
	for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestADeviceThatWasGivenUpIsNotTouchedByARetry(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(0, "rejected")
		o.decide(1, "rejected")
	})
	o.after(60*time.Minute, func() {
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"wipe","items":["`+ids[0]+`"]}`)
	})
	o.after(90*time.Minute, func() { o.decide(2, "rejected") })
	o.after(150*time.Minute, func() { o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`) })
	o.after(180*time.Minute, func() {
		assert.Len(t, o.tenant.Approvals(), 4)
		o.decide(3, "approved")
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, []string{ids[0]}, o.tenant.Wiped())
	assert.Equal(t, ids[1:], o.deviceIDs())
	for _, item := range report.Steps[3].Items {
		assert.Equal(t, item.ID == ids[1], item.Device.Verdict == leaver.GivenUp)
	}
}

func TestAnswersOutliveAFailureOfTheStep(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	o.after(30*time.Minute, func() {
		o.decide(0, "rejected")
		o.decide(1, "rejected")
	})
	o.after(60*time.Minute, func() {
		o.forbid("GET", "/managedDevices")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	o.after(70*time.Minute, func() {
		assert.Equal(t, leaver.GraphForbidden, o.progress().Steps[2].Failure.Type)
		o.tenant.Heal()
		o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Len(t, o.tenant.Approvals(), 2, "nothing is filed for what was given up")
	assert.Len(t, o.deviceIDs(), 2)
}

// One device waits for a second administrator, and another is refused: both are
// asked about, each in its own way, and neither holds up the other.
func TestAPersonAnswersForOneDeviceWhileAnotherAwaitsApproval(t *testing.T) {
	t.Parallel()
	for name, mayRead := range map[string]bool{"by itself": true, "told": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, _ := approving(t)
			ids := o.deviceIDs()
			o.tenant.Fail(graphsim.Fault{Path: ids[1] + "/wipe", Status: 400, Code: "BadRequest", Times: -1})
			if !mayRead {
				o.forbid("GET", "/operationApprovalRequests")
			}
			refusals := map[string]func() error{}
			o.after(30*time.Minute, func() {
				p := o.progress()
				require.Equal(t, leaver.StepAwaitingApproval, p.Steps[2].State)
				require.Len(t, p.Waits, 2)
				assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
				assert.Equal(t, []leaver.Choice{"giveUp", "retire", "wipe", "wipeKeepUserData", "deleteRecord"}, p.Waits[0].Choices)
				assert.Equal(t, leaver.WaitForApproval, p.Waits[1].For)
				assert.Equal(t, []leaver.Choice{"approved", "giveUp"}, p.Waits[1].Choices)
				assert.Contains(t, o.currentDetails(), "A person is to decide about 1 item")
				refusals["choice: wipe is not for all of these items"] = o.update(leaver.Answer, `{"step":"removeAllDevices","choice":"wipe","items":["`+ids[0]+`"]}`)
				refusals["choice: approved is not for all of these items"] = o.update(leaver.Answer, `{"step":"removeAllDevices","choice":"approved","items":["`+ids[1]+`"]}`)
			})
			o.after(40*time.Minute, func() {
				for want, refused := range refusals {
					assert.ErrorContains(t, refused(), want)
				}
				o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"retire"}`)
			})
			o.after(50*time.Minute, func() {
				require.Len(t, o.tenant.Approvals(), 2, "the other one's retirement waits too now")
				assert.Contains(t, o.tenant.Approvals()[1].Call, ids[1]+"/retire")
				o.decide(0, "approved")
				o.decide(1, "approved")
				if !mayRead {
					o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`)
				}
			})
			report, err := o.run(wipeWindows)
			require.NoError(t, err)
			assert.Equal(t, leaver.Completed, report.Status)
			assert.Equal(t, []string{ids[0]}, o.tenant.Wiped())
			assert.Empty(t, o.deviceIDs())
		})
	}
}

// Somebody's request that expires again and again is no reason to wait longer for
// a device that is silent.
func TestTheDeadlineIsNotMovedByRequestsThatExpire(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", CheckIn: -1}}
	o.tenant.Add(user)
	o.after(time.Hour, func() {
		o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "LATE", OperatingSystem: "Windows"})
	})
	for hour := range 8 {
		o.after(time.Duration(2+hour)*time.Hour, func() {
			if all := o.tenant.Approvals(); len(all) > 0 && all[len(all)-1].Status == "needsApproval" {
				o.decide(len(all)-1, "expired")
			}
		})
	}
	o.after(9*time.Hour+30*time.Minute, func() {
		step := o.progress().Steps[3]
		assert.Equal(t, leaver.StepAwaitingApproval, step.State)
		assert.Equal(t, leaver.Failed, step.Items[0].Outcome)
		assert.Equal(t, leaver.Silent, step.Items[0].Device.Verdict)
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(`{"userId":"adele@contoso.com","deviceDeadline":"5h"}`)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
}
