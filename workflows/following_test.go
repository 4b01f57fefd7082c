package workflows_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// A tenant's day was used up: what it refused was not asked, and what it took was,
// whoever ends the step.
func TestTheReportTellsWhatADailyLimitLetThrough(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		for request, settings := range map[string]graphsim.Settings{adele: {DailyRetires: 1}, wipeWindows: {DailyWipes: 1}} {
			o := newOffice(t).set(settings).fleet(silent("A"), silent("B"))
			o.after(2*time.Hour, func() { interrupt.how(o) })
			report := o.ends(interrupt.status, request)
			items, asked := said(removal(report)), 0
			for _, d := range o.devices() {
				assert.Equal(t, d.State == "wipePending", items[d.Name].Device.Asked() != nil, "%s: %s", name, d.Name)
				if d.State == "wipePending" {
					asked++
				}
			}
			assert.Equal(t, settings.DailyWipes, asked, "one action for both is one too many")
			assert.Less(t, report.EndedAt.Sub(report.StartedAt), 3*time.Hour)
		}
	}
}

// An answer about one device, while an outage keeps another from being asked, does
// not have a third one asked again.
func TestADeviceIsAskedTwiceAndNoMore(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly).set(graphsim.Settings{DelegatedRemoval: true}).fleet(silent("F1"), silent("F2"), harm("HARM"))
	fail := func() {
		devices := o.devices()
		for i := range devices[:2] {
			devices[i].State, devices[i].LastSync = "retireFailed", o.Now().Add(time.Second)
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
		o.answer(leaver.GiveUp, "HARM")
	})
	o.after(80*time.Minute, func() {
		assert.Equal(t, leaver.RemovalFailed, said(o.removal())["F1"].Device.Verdict)
		o.signal(leaver.Abort, `{}`)
	})
	o.ends(leaver.Aborted, adele)
	assert.Equal(t, 2, o.requested("POST", first+"/retire"))
}

// One device on which Intune fails for ever holds up no other, nor do ten: each frees
// its place after a minute. No more than ten calls begin at a time.
func TestDevicesOnWhichIntuneFailsHoldUpNoOther(t *testing.T) {
	t.Parallel()
	for _, broken := range []int{1, 10} {
		o := newOffice(t).set(graphsim.Settings{DelegatedRemoval: true})
		var devices []graphsim.Device
		for i := range 35 {
			devices = append(devices, windows(fmt.Sprint("D", i)))
		}
		for _, id := range o.fleet(devices...).deviceIDs()[:broken] {
			o.tenant.Fail(graphsim.Fault{Path: id + "/retire", Status: 500, Times: -1})
		}
		most := o.mostAtWork(leaver.ActivityRetireDevice)
		o.after(30*time.Second, func() { assert.LessOrEqual(t, *most, 10) })
		o.after(10*time.Minute, func() {
			assert.Len(t, o.deviceIDs(), broken, "all others have left")
			assert.Equal(t, fmt.Sprintf("%d devices gone", 35-broken), strings.Split(o.removal().Detail, "; ")[1])
			assert.Empty(t, o.progress().Refused)
		})
		o.after(25*time.Hour, func() {
			assert.Equal(t, leaver.StepWaiting, o.removal().State, "after a day each is a question")
			for _, item := range o.removal().Items[:broken] {
				assert.Equal(t, leaver.Unknown, item.Device.Verdict)
				assert.Equal(t, leaver.GraphUnavailable, item.Failure)
			}
			o.tenant.Heal()
			o.signal(leaver.RetryStep, onRemoval)
		})
		o.ends(leaver.Completed, adele)
		assert.Empty(t, o.deviceIDs())
	}
}

// A Graph whose replicas disagree may tell another story with every look.
func TestAGraphThatContradictsItselfFillsNoHistory(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(silent("A"))
	told := 0
	o.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, err error) {
		if info.ActivityType.Name != leaver.ActivityLookAtDevices || err != nil {
			return
		}
		told++
		devices := o.devices()
		devices[0].State = map[string]string{"managed": "retirePending", "retirePending": "managed"}[devices[0].State]
		o.fleet(devices...)
	})
	o.after(24*time.Hour, o.CancelWorkflow)
	o.ends(leaver.CanceledStatus, adele)
	assert.Greater(t, told, 100)
	assert.Less(t, told, 24*12+20, "after the first twenty, one in five minutes at most")
}

// Graph lists a device and does not know it by its id, or knows it and does not find it
// for the call: that device is a question in the end, and the other is asked.
func TestADeviceThatGraphKnowsByHalvesMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]string{"not known by its id": {"GET "}, "not found for the call": {"POST /wipe"}, "neither": {"GET ", "POST /wipe"}} {
		o := newOffice(t).fleet(silent("PHANTOM"), silent("B"))
		for _, f := range faults {
			method, call, _ := strings.Cut(f, " ")
			o.tenant.Fail(graphsim.Fault{Method: method, Path: o.deviceIDs()[0] + call, Status: 404, Code: "ResourceNotFound", Times: -1})
		}
		ended := o.countActivities()
		o.after(30*time.Hour, func() {
			assert.Less(t, *ended, 40)
			items := said(o.removal())
			assert.Equal(t, leaver.Leaving, items["B"].Device.Verdict)
			assert.Equal(t, "wipePending", o.devices()[1].State)
			assert.Equal(t, leaver.Failed, items["PHANTOM"].Outcome, name)
			o.CancelWorkflow()
		})
		o.ends(leaver.CanceledStatus, wipeWindows)
	}
}

// mostAtWork counts how many activities of a name are at work at most, in their first attempts.
func (o *office) mostAtWork(name string) *int {
	atWork, most := 0, 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == name && info.Attempt == 1 {
			atWork++
			most = max(most, atWork)
		}
	})
	o.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == name {
			atWork--
		}
	})
	return &most
}

// The offboarding waits for a person, for weeks maybe, and has a call to make: no timer fills its history.
func TestAHeldOffboardingSleeps(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(silent("SILENT"))
	timers := 0
	o.SetOnTimerScheduledListener(func(string, time.Duration) { timers++ })
	o.after(2*time.Hour, func() {
		enabled(o)
		o.tenant.Enroll(graphsim.Leaver, windows("NEW"))
	})
	o.after(10*time.Hour, func() {
		require.NotNil(t, o.progress().EnabledAgain)
		timers = 0
	})
	o.after(10*24*time.Hour, func() {
		assert.Less(t, timers, 20)
		o.signal(leaver.Abort, `{}`)
	})
	o.ends(leaver.Aborted, adele)
}

// A retry reads the account, as the first attempt did.
func TestAStepThatWaitsIsNotRetriedOnceTheAccountIsEnabledAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(windows("A")).forbid("POST", "/revokeSignInSessions").forbid("POST", "/confirmCompromised")
	o.after(time.Hour, func() {
		o.tenant.Heal()
		enabled(o)
		o.signal(leaver.RetryStep, `{"step":"revokeSessions"}`)
	})
	o.after(2*time.Hour, func() { o.signal(leaver.RetryStep, `{"step":"confirmCompromised"}`) })
	o.after(3*time.Hour, func() {
		assert.Equal(t, "person [continueOffboarding abort] []", waits(o.progress()))
		assert.Equal(t, 1, o.requested("POST", "/confirmCompromised"), "it was refused before")
		o.signal(leaver.ContinueOffboarding, `{}`)
	})
	o.ends(leaver.Completed, `{"userId":"adele@contoso.com","steps":{"confirmCompromised":{"include":true}}}`)
	assert.Equal(t, 2, o.requested("POST", "/confirmCompromised"))
}

// An account that was deleted before is restored, and a laptop given to who is hired again.
func TestAnAccountThatIsRestoredIsFoundEnabled(t *testing.T) {
	t.Parallel()
	o := newOffice(t).fleet(silent("PHONE"))
	user := o.tenant.Users()[graphsim.Leaver]
	user.Deleted = true
	o.tenant.Add(user)
	o.after(2*time.Hour, func() {
		user := o.tenant.Users()[graphsim.Leaver]
		user.Deleted, user.AccountEnabled = false, true
		o.tenant.Add(user)
		o.tenant.Enroll(graphsim.Leaver, windows("NEW"))
	})
	o.after(20*time.Hour, func() {
		assert.Equal(t, "NEW notAsked, PHONE leaving", o.stands())
		require.NotNil(t, o.progress().EnabledAgain)
		o.signal(leaver.Abort, `{}`)
	})
	o.ends(leaver.Aborted, `{"userId":"`+user.ID+`"}`)
	assert.Len(t, o.devices(), 2)
}

// Whether another offboarding of the leaver runs cannot be found out: a strict plan is carried out by nobody.
func TestAStrictPlanIsNotCarriedOutWhereAnotherOffboardingMayRun(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		o := newPlanned(t)
		step := single("one", "Succeed")
		o.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
			return leaver.Plan{Leaver: leaver.Leaver{ID: "1", UserPrincipalName: "adele@contoso.com"}, Only: true, Strict: strict, Steps: []leaver.Step{step}}, nil
		}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding, DisableAlreadyRegisteredCheck: true})
		o.RegisterActivityWithOptions(func(context.Context, leaver.OnlyRequest) (leaver.OnlyResult, error) {
			return leaver.OnlyResult{}, leaver.Failure{Type: leaver.GraphBadResponse, Message: "a memo cannot be read"}.Err()
		}, activity.RegisterOptions{Name: leaver.ActivityFindOther})
		report, err := o.run(user1)
		if strict {
			assert.True(t, leaver.IsFailure(err, leaver.ProtectedUser), "%v", err)
			assert.ErrorContains(t, err, "onlyOffboarding could not be checked")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, leaver.GuardNotChecked, report.Guards[0].Result)
	}
}
