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

// approving is an office whose tenant wants a second administrator for the devices A and
// B, each of which is to be wiped; ids are theirs.
func approving(t *testing.T) (o *office, ids []string) {
	o = newOffice(t).set(graphsim.Settings{MultiAdminApproval: true}).fleet(windows("A"), windows("B"))
	return o, o.deviceIDs()
}

// filed is the last request for approval of a call for a device, by its name, or whose path
// holds a text.
func (o *office) filed(what string) graphsim.ApprovalRequest {
	o.t.Helper()
	if item, known := said(o.removal())[what]; known {
		what = item.ID
	}
	all := o.tenant.Approvals()
	slices.Reverse(all)
	at := slices.IndexFunc(all, func(r graphsim.ApprovalRequest) bool { return strings.Contains(r.Call, what) })
	require.GreaterOrEqual(o.t, at, 0, "no request for approval of %s", what)
	return all[at]
}

// decide is what a second administrator does about such requests.
func (o *office) decide(status string, all ...string) {
	o.t.Helper()
	for _, what := range all {
		require.True(o.t, o.tenant.Decide(o.filed(what).Code, status))
	}
}

const wipeWindows = `{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}}}`

func TestAStepThatIsEndedWhileItAwaitsApprovalAsksNothing(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		o, ids := approving(t)
		o.after(30*time.Minute, func() { interrupt.how(o) })
		step := removal(o.ends(interrupt.status, wipeWindows))
		assert.Equal(t, interrupt.outcome, step.Outcome, name)
		for _, item := range step.Items {
			assert.Nil(t, item.Device.Asked())
			assert.NotEmpty(t, item.Approval.Code, "the request is in Intune still")
		}
		assert.Empty(t, o.tenant.Wiped())
		assert.Equal(t, ids, o.deviceIDs())
	}
}

// A device is given up just when a second administrator approves: before anybody has
// looked, and while a look that has learned of it is at work.
func TestWhatIsGivenUpWhenItIsApprovedIsNotAsked(t *testing.T) {
	t.Parallel()
	for _, duringTheLook := range []bool{false, true} {
		o, ids := approving(t)
		o.letActivitiesFinish()
		approved := false
		o.after(30*time.Minute, func() {
			o.decide("approved", "A", "B")
			if approved = true; !duringTheLook {
				o.answer(leaver.GiveUp, "A")
			}
		})
		o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			if info.ActivityType.Name == leaver.ActivityLookAtDevices && approved && duringTheLook {
				approved = false
				o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[0]+`"]}`)
			}
		})
		o.ends(leaver.CompletedWithExceptions, wipeWindows)
		assert.Equal(t, ids[1:], o.tenant.Wiped())
		assert.Equal(t, ids[:1], o.deviceIDs())
	}
}

// stillWaits answers each call that carries a code as if it waited still.
func stillWaits(t *testing.T) *office {
	return newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if code := r.Header.Get("x-msft-approval-code"); code != "" {
			w.Header().Set("x-msft-approval-code", code)
			w.WriteHeader(403)
			return
		}
		next.ServeHTTP(w, r)
	})).set(graphsim.Settings{MultiAdminApproval: true})
}

// The list of requests knows of the approval before the call does.
func TestAnApprovalThatHasNotReachedTheCallMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := stillWaits(t).fleet(windows("A"))
	o.after(30*time.Minute, func() { o.decide("approved", "/wipe") })
	ended := o.countActivities()
	o.after(3*time.Hour, func() {
		assert.Less(t, *ended, 10)
		o.CancelWorkflow()
	})
	o.ends(leaver.CanceledStatus, wipeWindows)
}

// Somebody tells it too early, where the worker may not read the requests.
func TestToldTooEarlyWithoutTheListLeavesAWayOut(t *testing.T) {
	t.Parallel()
	o := stillWaits(t).fleet(silent("A")).forbid("GET", "/operationApprovalRequests")
	o.after(30*time.Minute, func() { o.answer(leaver.Approved) })
	o.after(35*time.Minute, func() {
		assert.Equal(t, "approval [answer skipStep abort] [approved giveUp]", waits(o.progress()), "a second administrator is awaited still")
		o.answer(leaver.GiveUp)
	})
	o.ends(leaver.CompletedWithExceptions, wipeWindows)
}

// Not every tenant's codes are GUIDs, and a tenant may queue a call with a status of success.
func TestACodeIsTakenWhateverTheStatusAndResentAsItCame(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 202} {
		const code = "eyJyZXF1ZXN0IjoiMDEyMzQ1Njc4OWFiY2RlZiIsInYiOjF9=="
		var sent atomic.Value
		o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if strings.HasSuffix(r.URL.Path, "/wipe") {
				if sent.Store(r.Header.Get("x-msft-approval-code")); sent.Load() == "" {
					w.Header().Set("x-msft-approval-code", code)
					w.WriteHeader(status)
					return
				}
			}
			next.ServeHTTP(w, r)
		})).fleet(windows("A"))
		o.after(30*time.Minute, func() {
			assert.Equal(t, "A awaitingApproval", o.stands())
			o.answer(leaver.Approved)
		})
		o.ends(leaver.Completed, wipeWindows)
		assert.Equal(t, code, sent.Load())
	}
}

// missing is an office whose list of devices misses one, by its id, or "all".
func missing(t *testing.T, misses func() string) *office {
	return newOffice(t, quarterHourly, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/managedDevices") {
			missed := misses()
			listWithout(w, r, next, func(id any) bool { return missed == "all" || missed == id })
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// The list misses a device that was given up, just when the one action for all is
// approved, which would be done to that device too.
func TestAGivenUpDeviceThatTheListMissesIsNotRetired(t *testing.T) {
	t.Parallel()
	var miss atomic.Value
	miss.Store("")
	o := missing(t, func() string { return miss.Load().(string) })
	o.set(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true}).fleet(windows("A"), silent("B"))
	o.after(30*time.Minute, func() { o.answer(leaver.GiveUp, "B") })
	o.after(60*time.Minute, func() {
		miss.Store(o.deviceIDs()[1])
		o.decide("approved", "/removeAll")
	})
	o.after(90*time.Minute, func() { miss.Store("") })
	o.after(24*time.Hour, o.CancelWorkflow)
	o.ends(leaver.CanceledStatus, adele)
	for _, d := range o.devices() {
		assert.Equal(t, "managed", d.State, d.Name+" was given up, or awaits an approval of its own")
	}
}

// The list misses every device for one look, just when a request is approved.
func TestAListThatMissesADeviceOnceLosesNoCode(t *testing.T) {
	t.Parallel()
	var once atomic.Value
	once.Store("")
	o := missing(t, func() string { return once.Swap("").(string) })
	o.set(graphsim.Settings{MultiAdminApproval: true}).fleet(windows("A"), windows("B"))
	o.after(30*time.Minute, func() { o.decide("approved", "A") })
	o.after(75*time.Minute, func() {
		require.Equal(t, "A gone, B awaitingApproval", o.stands())
		once.Store("all")
		o.decide("approved", "B")
	})
	o.ends(leaver.Completed, wipeWindows)
	assert.Len(t, o.tenant.Wiped(), 2)
	assert.Len(t, o.tenant.Approvals(), 2, "it was approved: nothing is to be filed again")
}

// A list that misses a device, and one that misses all, is no proof that they have left.
func TestAListThatMissesADeviceDoesNotMakeItGone(t *testing.T) {
	t.Parallel()
	var misses atomic.Value
	misses.Store("")
	o := missing(t, func() string { return misses.Load().(string) }).fleet(silent("A"))
	o.after(time.Hour, func() { misses.Store("all") })
	o.after(2*time.Hour, func() {
		assert.Equal(t, "A leaving", o.stands())
		assert.Contains(t, o.removal().Items[0].Detail, "no longer listed for the leaver")
		misses.Store("")
		o.fleet()
	})
	assert.Equal(t, "A gone", stands(removal(o.ends(leaver.Completed, adele))))
}

// Somebody tells by mistake that an item's request is approved, and it is rejected later: a retry reads what was decided.
func TestAnItemThatWasToldToBeApprovedByMistakeCanBeAskedAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t).set(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true}).forbid("GET", "/operationApprovalRequests")
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices, user.AppRegistrations = nil, []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	o.tenant.Add(user)
	const path = "/wipeManagedAppRegistrationsByDeviceTag"
	says := func(choice leaver.Choice) {
		o.signal(leaver.Answer, `{"step":"wipeManagedAppRegistrations","choice":"`+string(choice)+`"}`)
	}
	o.after(30*time.Minute, func() { says(leaver.Approved) })
	o.after(time.Hour, func() {
		assert.Equal(t, leaver.GraphBadRequest, o.progress().Steps[3].Items[0].Failure, "Intune does not take a code that is not approved")
		o.decide("rejected", path)
		o.tenant.Heal()
		says(leaver.Retry)
	})
	o.after(2*time.Hour, func() {
		item := o.progress().Steps[3].Items[0]
		assert.Equal(t, leaver.ApprovalRejected, item.Approval.Status, "%+v", item)
		says(leaver.Retry)
	})
	o.after(3*time.Hour, func() { o.decide("approved", path) })
	report := o.ends(leaver.Completed, `{"userId":"adele@contoso.com","steps":{"wipeManagedAppRegistrations":{"include":true}}}`)
	assert.Equal(t, leaver.ApprovalCompleted, report.Steps[3].Items[0].Approval.Status)
	assert.Len(t, o.tenant.Approvals(), 2)
}

// What is gone before its request is approved was not changed by it.
func TestAnApprovalThatNothingNeededIsNotReportedAsUsed(t *testing.T) {
	t.Parallel()
	o := newOffice(t).set(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices, user.AppRegistrations = nil, []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	o.tenant.Add(user)
	o.after(30*time.Minute, func() {
		user := o.tenant.Users()[graphsim.Leaver]
		user.AppRegistrations = nil
		o.tenant.Add(user)
	})
	item := o.ends(leaver.Completed, `{"userId":"adele@contoso.com","steps":{"wipeManagedAppRegistrations":{"include":true}}}`).Steps[3].Items[0]
	assert.Equal(t, leaver.Done, item.Outcome)
	assert.Equal(t, leaver.ApprovalNeeded, item.Approval.Status)
}
