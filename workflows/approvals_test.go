package workflows_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// approving is an office whose tenant wants a second administrator for Adele's
// two devices, each of which is to be wiped.
func approving(t *testing.T) (*office, string) {
	t.Helper()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}, graphsim.Device{Name: "CONTOSO-LT-0418", OperatingSystem: "Windows"})
	return o, `{"userId":"adele@contoso.com","reason":"leaves on Friday","ticket":"INC-0042","onFailure":"fail","devices":{"company":{"windows":"wipe"}}}`
}

// filed is the last request for approval of a call whose path holds a text, such as a
// device's id.
func (o *office) filed(path string) graphsim.ApprovalRequest {
	o.t.Helper()
	all := o.tenant.Approvals()
	slices.Reverse(all)
	at := slices.IndexFunc(all, func(r graphsim.ApprovalRequest) bool { return strings.Contains(r.Call, path) })
	require.GreaterOrEqual(o.t, at, 0, "no request for approval of %s", path)
	return all[at]
}

// decide is what a second administrator does about such a request.
func (o *office) decide(path, status string) {
	o.t.Helper()
	require.True(o.t, o.tenant.Decide(o.filed(path).Code, status))
}

const wipeWindows = `{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}}}`

func TestAStepWaitsForASecondAdministratorAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	o, request := approving(t)
	ids := o.deviceIDs()
	var refused func() error
	o.after(30*time.Minute, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status)
		step := removal(p.Report)
		assert.Equal(t, leaver.StepAwaitingApproval, step.State)
		assert.Equal(t, "2 devices await a second administrator's approval", step.Detail)
		require.Len(t, p.Waits, 1)
		assert.Equal(t, leaver.WaitForApproval, p.Waits[0].For)
		assert.Equal(t, []leaver.Action{leaver.Answer, leaver.SkipStep, leaver.Abort}, p.Waits[0].Actions)
		assert.Equal(t, []leaver.Choice{leaver.Approved, leaver.GiveUp}, p.Waits[0].Choices)
		require.Len(t, o.tenant.Approvals(), 2)
		for i, item := range step.Items {
			requested := o.filed(ids[i])
			assert.True(t, item.AwaitsApproval())
			assert.Equal(t, requested.Code, item.Approval.Code)
			assert.Nil(t, item.Device.Asked(), "it is not asked before it is approved")
			assert.Equal(t, "Offboarding of a leaver: leaves on Friday (ticket INC-0042)", requested.Justification)
		}
		assert.Contains(t, o.currentDetails(), "**Waits for a second administrator**")
		refused = o.update(leaver.RetryStep, `{"step":"removeAllDevices"}`)
		o.decide(ids[0], "approved")
	})
	o.after(60*time.Minute, func() {
		assert.ErrorContains(t, refused(), "only a waiting step can be retried")
		step := removal(o.progress().Report)
		assert.Equal(t, leaver.StepAwaitingApproval, step.State, "one is undecided")
		assert.Equal(t, leaver.Wipe, step.Items[0].Device.Asked().Action)
		assert.Equal(t, leaver.Gone, step.Items[0].Device.Verdict, "one was asked, and is followed while the other waits")
		o.decide(ids[1], "approved")
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
	ids := o.deviceIDs()
	o.tenant.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	o.after(30*time.Minute, func() {
		step := removal(o.progress().Report)
		assert.Contains(t, step.Detail, "the worker may not read how the approvals stand")
		o.decide(ids[0], "approved")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved","items":["`+step.Items[0].ID+`"]}`)
	})
	o.after(40*time.Minute, func() {
		assert.Len(t, o.tenant.Wiped(), 1)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	report, err := o.run(request)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.GivenUp, removal(report).Items[1].Device.Verdict)
	assert.Len(t, o.deviceIDs(), 1)
}

func TestARejectedApprovalIsAFailureOfTheStep(t *testing.T) {
	t.Parallel()
	o, request := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(ids[0], "approved")
		o.decide(ids[1], "rejected")
	})
	report, err := o.run(request)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete), "%v", err)
	assert.Equal(t, leaver.Failed, removal(report).Outcome)
	assert.Contains(t, removal(report).Items[1].Detail, "rejected")
	assert.Len(t, o.tenant.Wiped(), 1)
}

func TestAStepThatIsEndedWhileItAwaitsApprovalAsksNothing(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]leaver.Outcome{"left out": leaver.Skipped, "aborted": leaver.Canceled, "canceled": leaver.Canceled} {
		o, request := approving(t)
		o.after(30*time.Minute, func() { interruptions[name](o) })
		report, err := o.run(request)
		assert.Equal(t, name == "left out", err == nil)
		assert.Equal(t, want, removal(report).Outcome)
		for _, item := range removal(report).Items {
			assert.Nil(t, item.Device.Asked())
			assert.NotEmpty(t, item.Approval.Code, "the request is in Intune still")
		}
		assert.Empty(t, o.tenant.Wiped())
		assert.Len(t, o.deviceIDs(), 2)
	}
}

func TestADeviceThatWasGivenUpIsNotTouchedByARetry(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(ids[0], "rejected")
		o.decide(ids[1], "rejected")
	})
	o.after(60*time.Minute, func() {
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"wipe","items":["`+ids[0]+`"]}`)
	})
	o.after(90*time.Minute, func() { o.decide(ids[0], "rejected") })
	o.after(150*time.Minute, func() { o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`) })
	o.after(180*time.Minute, func() {
		assert.Len(t, o.tenant.Approvals(), 4)
		o.decide(ids[0], "approved")
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, []string{ids[0]}, o.tenant.Wiped())
	assert.Equal(t, ids[1:], o.deviceIDs())
	for _, item := range removal(report).Items {
		assert.Equal(t, item.ID == ids[1], item.Device.Verdict == leaver.GivenUp)
	}
}

func TestAnswersOutliveAFailureOfTheStep(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(ids[0], "rejected")
		o.decide(ids[1], "rejected")
	})
	o.after(60*time.Minute, func() {
		o.forbid("GET", "/managedDevices")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	o.after(70*time.Minute, func() {
		assert.Equal(t, leaver.GraphForbidden, removal(o.progress().Report).Failure.Type)
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
				require.Equal(t, leaver.StepWaiting, removal(p.Report).State)
				require.Len(t, p.Waits, 2)
				assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
				assert.Equal(t, []leaver.Choice{"retry", "retire", "wipe", "wipeKeepUserData", "deleteRecord", "giveUp"}, p.Waits[0].Choices)
				assert.Equal(t, leaver.WaitForApproval, p.Waits[1].For)
				assert.Equal(t, []leaver.Choice{"approved", "giveUp"}, p.Waits[1].Choices)
				assert.Contains(t, o.currentDetails(), "**Waits for a person**: removeAllDevices (GraphBadRequest)")
				assert.Contains(t, o.currentDetails(), "**Waits for a second administrator**")
				refusals["choice: wipe is not for an item that awaits approval"] = o.update(leaver.Answer, `{"step":"removeAllDevices","choice":"wipe","items":["`+ids[0]+`"]}`)
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
				o.decide(ids[0], "approved")
				o.decide(ids[1]+"/retire", "approved")
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
	o.fleet(graphsim.Device{Name: "SILENT", OperatingSystem: "Windows", CheckIn: -1})
	o.after(time.Hour, func() {
		o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "LATE", OperatingSystem: "Windows"})
	})
	for hour := range 8 {
		o.after(time.Duration(2+hour)*time.Hour, func() {
			if all := o.tenant.Approvals(); len(all) > 0 && all[len(all)-1].Status == "needsApproval" {
				o.decide("/retire", "expired")
			}
		})
	}
	o.after(9*time.Hour+30*time.Minute, func() {
		assert.Greater(t, len(o.tenant.Approvals()), 5)
		items := said(removal(o.progress().Report))
		assert.Equal(t, leaver.Failed, items["SILENT"].Outcome)
		assert.Equal(t, leaver.Silent, items["SILENT"].Device.Verdict)
		assert.True(t, items["LATE"].AwaitsApproval())
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(`{"userId":"adele@contoso.com","deviceDeadline":"5h"}`)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
}

// What is approved for one device is done, and what another does is seen, while a
// third waits for a second administrator.
func TestDevicesAreFollowedWhileAnotherAwaitsApproval(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.fleet(graphsim.Device{Name: "SILENT", OperatingSystem: "Windows", CheckIn: -1})
	o.after(time.Hour, func() {
		o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
		o.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "LATE", OperatingSystem: "Windows"})
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.StepAwaitingApproval, removal(p.Report).State)
		require.Len(t, p.Waits, 2)
		assert.Equal(t, leaver.WaitForApproval, p.Waits[0].For)
		assert.Equal(t, leaver.WaitForDevices, p.Waits[1].For)
		user := o.tenant.Users()[graphsim.Leaver]
		o.fleet(user.Devices[1:]...)
	})
	o.after(3*time.Hour, func() {
		items := said(removal(o.progress().Report))
		assert.Equal(t, leaver.Gone, items["SILENT"].Device.Verdict)
		assert.True(t, items["LATE"].AwaitsApproval())
		o.decide("/retire", "approved")
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "2 devices gone", removal(report).Detail)
}

// Nobody needs to approve anything about a device that is gone.
func TestADeviceThatIsGoneAwaitsNoApproval(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() { o.decide(ids[0], "approved") })
	o.after(60*time.Minute, func() {
		assert.Equal(t, leaver.StepAwaitingApproval, removal(o.progress().Report).State)
		o.fleet()
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, "2 devices gone", removal(report).Detail)
}

// A device is given up just when a second administrator approves: before anybody has
// looked, and while a look that has learned of it is at work.
func TestWhatIsGivenUpWhenItIsApprovedIsNotAsked(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before the look", "during the look"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			o, _ := approving(t)
			o.letActivitiesFinish()
			ids := o.deviceIDs()
			giveUp := func() {
				o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[0]+`"]}`)
			}
			approved := false
			o.after(30*time.Minute, func() {
				o.decide(ids[0], "approved")
				o.decide(ids[1], "approved")
				approved = true
				if when == "before the look" {
					giveUp()
				}
			})
			o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
				if info.ActivityType.Name == leaver.ActivityLookAtDevices && approved && when == "during the look" {
					approved = false
					giveUp()
				}
			})
			report, err := o.run(wipeWindows)
			require.NoError(t, err)
			assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
			assert.Equal(t, ids[1:], o.tenant.Wiped())
			assert.Equal(t, ids[:1], o.deviceIDs())
		})
	}
}

// Somebody tells "approved" of a request that was rejected.
func TestARefusedCodeOfTheOneActionCanBeMended(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	o.forbid("GET", "/operationApprovalRequests")
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() {
		o.decide("/removeAll", "rejected")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`) // by mistake
	})
	o.after(time.Hour, func() {
		require.Equal(t, leaver.StepWaiting, removal(o.progress().Report).State)
		o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
	})
	o.after(2*time.Hour, func() {
		require.Len(t, o.tenant.Approvals(), 2, "it is filed again, for all devices")
		o.decide("/removeAll", "approved")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Empty(t, o.deviceIDs())
}

// The list of requests knows of the approval before the call does.
func TestAnApprovalThatHasNotReachedTheCallMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if code := r.Header.Get("x-msft-approval-code"); code != "" {
			w.Header().Set("x-msft-approval-code", code)
			w.WriteHeader(403)
			return
		}
		next.ServeHTTP(w, r)
	}))
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() { o.decide("/wipe", "approved") })
	ended := o.countActivities()
	o.after(3*time.Hour, func() {
		assert.Less(t, *ended, 10)
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
}

// Somebody tells it too early, where the worker may not read the requests.
func TestToldTooEarlyWithoutTheListLeavesAWayOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if code := r.Header.Get("x-msft-approval-code"); code != "" {
			w.Header().Set("x-msft-approval-code", code) // it waits still
			w.WriteHeader(403)
			return
		}
		next.ServeHTTP(w, r)
	}))
	o.forbid("GET", "/operationApprovalRequests")
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1})
	o.after(30*time.Minute, func() { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`) })
	o.after(35*time.Minute, func() {
		p := o.progress()
		require.NotEmpty(t, p.Waits)
		assert.Equal(t, leaver.WaitForApproval, p.Waits[0].For, "a second administrator is awaited still")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
}

// Not every tenant's codes are GUIDs.
func TestACodeIsResentAsItCame(t *testing.T) {
	t.Parallel()
	const code = "eyJyZXF1ZXN0IjoiMDEyMzQ1Njc4OWFiY2RlZiIsInYiOjF9=="
	var sent atomic.Value
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/wipe") {
			if sent.Store(r.Header.Get("x-msft-approval-code")); sent.Load() == "" {
				w.Header().Set("x-msft-approval-code", code)
				w.WriteHeader(403)
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`) })
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, code, sent.Load())
}

// A tenant may queue a call with a status of success.
func TestAHeaderThatTellsOfARequestIsHeededWhateverTheStatus(t *testing.T) {
	t.Parallel()
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/wipe") {
			w.Header().Set("x-msft-approval-code", "0c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a10")
			w.WriteHeader(202)
			return
		}
		next.ServeHTTP(w, r)
	}))
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() {
		assert.True(t, said(removal(o.progress().Report))["A"].AwaitsApproval())
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
}

// The list misses a device that was given up, just when the one action for all is
// approved, which would be done to that device too.
func TestAGivenUpDeviceThatTheListMissesIsNotRetired(t *testing.T) {
	t.Parallel()
	var miss atomic.Value
	miss.Store("")
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if miss.Load() == "" || !strings.HasSuffix(r.URL.Path, "/managedDevices") {
			next.ServeHTTP(w, r)
			return
		}
		listWithout(w, r, next, func(id any) bool { return id == miss.Load() })
	}))
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1})
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`)
	})
	o.after(60*time.Minute, func() {
		miss.Store(ids[1])
		o.decide("/removeAll", "approved")
	})
	o.after(90*time.Minute, func() { miss.Store("") })
	o.after(24*time.Hour, o.CancelWorkflow)
	_, _ = o.run(adele)
	for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
		assert.Equal(t, "managed", d.State, d.Name+" was given up, or awaits an approval of its own")
	}
}

// The list misses every device for one look, just when a request is approved.
func TestAListThatMissesADeviceOnceLosesNoCode(t *testing.T) {
	t.Parallel()
	var misses atomic.Int32
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/managedDevices") || misses.Add(-1) < 0 {
			next.ServeHTTP(w, r)
			return
		}
		listWithout(w, r, next, func(any) bool { return true })
	}))
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() { o.decide(ids[0], "approved") })
	o.after(75*time.Minute, func() {
		require.Equal(t, leaver.StepAwaitingApproval, removal(o.progress().Report).State)
		misses.Store(1)
		o.decide(ids[1], "approved")
	})
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Len(t, o.tenant.Wiped(), 2)
	assert.Len(t, o.tenant.Approvals(), 2, "it was approved: nothing is to be filed again")
}
