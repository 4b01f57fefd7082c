package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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

// windows is a device that leaves at once; silent one that never checks in; harm one
// that the usual policy would harm, so that it is a question at once.
func windows(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Windows"}
}

func silent(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Windows", CheckIn: -1}
}

func harm(name string) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Android", CheckIn: -1}
}

// answer sends a choice about devices, by their names.
func (o *office) answer(choice leaver.Choice, names ...string) {
	items := said(removal(o.progress().Report))
	var ids []string
	for _, name := range names {
		ids = append(ids, items[name].ID)
	}
	list, _ := json.Marshal(ids)
	o.signal(leaver.Answer, fmt.Sprintf(`{"step":"removeAllDevices","choice":%q,"items":%s}`, choice, list))
}

// One device that the policy would do harm to, one that fails twice and one that is
// silent: each is a question in its own time, and none of them keeps the others
// from being followed.
func TestAQuestionAboutOneDeviceHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.fleet(windows("GONE"), graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 2}, silent("SILENT"), harm("HARM"))
	o.after(time.Hour, func() {
		p := o.progress()
		step, items := removal(p.Report), said(removal(p.Report))
		assert.Equal(t, leaver.Waiting, p.Status)
		assert.Equal(t, leaver.StepWaiting, step.State)
		assert.Equal(t, "1 device is on its way; 2 devices for a person to decide about; 1 device gone", step.Detail)
		assert.Equal(t, leaver.Gone, items["GONE"].Device.Verdict)
		assert.Equal(t, leaver.RemovalFailed, items["FAILS"].Device.Verdict, "it was asked again meanwhile")
		assert.Equal(t, leaver.Failed, items["FAILS"].Outcome, "and is a question at once")
		assert.Len(t, items["FAILS"].Device.Calls, 2)
		assert.True(t, items["FAILS"].Device.Asked().Again)
		assert.Equal(t, leaver.Leaving, items["SILENT"].Device.Verdict)
		assert.Empty(t, items["SILENT"].Outcome)
		assert.Equal(t, leaver.NotAsked, items["HARM"].Device.Verdict)
		require.Len(t, p.Waits, 2)
		assert.Equal(t, leaver.WaitForPerson, p.Waits[0].For)
		assert.Contains(t, p.Waits[0].Choices, leaver.GiveUp)
		assert.Equal(t, leaver.WaitForDevices, p.Waits[1].For)
		assert.Contains(t, o.currentDetails(), "**Waits for a person**: removeAllDevices")
		user := o.tenant.Users()[graphsim.Leaver]
		for i := range user.Devices {
			if user.Devices[i].Name == "HARM" {
				user.Devices[i].CheckIn = 0
			}
		}
		o.tenant.Add(user)
		o.answer("wipe", "HARM")
	})
	o.after(2*time.Hour, func() {
		items := said(removal(o.progress().Report))
		assert.Equal(t, leaver.Gone, items["HARM"].Device.Verdict, "it did not wait for the answer about the other")
		assert.Equal(t, leaver.Failed, items["FAILS"].Outcome)
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	o.after(3*time.Hour, func() {
		step := removal(o.progress().Report)
		assert.Equal(t, leaver.StepRunning, step.State, "nothing is asked any more")
		user := o.tenant.Users()[graphsim.Leaver]
		require.Equal(t, "FAILS", user.Devices[0].Name)
		o.fleet(user.Devices[0])
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	items := said(removal(report))
	for name, want := range map[string]leaver.Verdict{"GONE": leaver.Gone, "FAILS": leaver.GivenUp, "SILENT": leaver.Gone, "HARM": leaver.Gone} {
		assert.Equal(t, want, items[name].Device.Verdict, name)
	}
	assert.Equal(t, "3 devices gone; 1 device left as decided", removal(report).Detail)
}

// Without people nothing is asked, and all that can leave is followed to its end. The
// step ends failed: done never hides an item that failed.
func TestWithoutPeopleAllThatCanLeaveIsFollowed(t *testing.T) {
	t.Parallel()
	for _, onFailure := range []string{"continue", "fail"} {
		o := newOffice(t)
		o.fleet(graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 1}, harm("HARM"))
		report, err := o.run(`{"userId":"adele@contoso.com","onFailure":"` + onFailure + `"}`)
		require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
		assert.Equal(t, leaver.Failed, removal(report).Outcome)
		assert.Contains(t, removal(report).Detail, "1 device for a person to decide about")
		items := said(removal(report))
		assert.Equal(t, leaver.Gone, items["FAILS"].Device.Verdict)
		assert.Equal(t, leaver.Failed, items["HARM"].Outcome)
		assert.Equal(t, leaver.NotAsked, items["HARM"].Device.Verdict)
	}
}

// What was refused is asked again by the step that asked it, as often as a person wants.
func TestWhatFailedIsRetriedByTheSameStep(t *testing.T) {
	t.Parallel()
	for name, retry := range map[string]func(*office){
		"the step":   func(o *office) { o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`) },
		"the device": func(o *office) { o.answer(leaver.Retry, "B") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fleet(windows("A"), windows("B"))
			o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Times: 2, Status: 400, Code: "BadRequest"})
			for hour := range 2 {
				o.after(time.Duration(hour+1)*time.Hour, func() {
					items := said(removal(o.progress().Report))
					assert.Equal(t, leaver.Gone, items["A"].Device.Verdict)
					assert.Equal(t, leaver.GraphBadRequest, items["B"].Failure)
					assert.Len(t, items["B"].Device.Calls, hour+1)
					retry(o)
				})
			}
			report, err := o.run(wipeWindows)
			require.NoError(t, err)
			assert.Equal(t, leaver.Completed, report.Status)
			assert.Equal(t, leaver.Done, removal(report).Outcome)
			assert.Len(t, said(removal(report))["B"].Device.Calls, 3)
			assert.Len(t, o.tenant.Wiped(), 2)
		})
	}
}

// A device that somebody takes out of Intune by hand stays in the report, whether a
// person says anything or not, and the offboarding goes on.
func TestAQuestionThatAnswersItselfHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(*office){
		"by itself":     func(*office) {},
		"after a retry": func(o *office) { o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`) },
		"given up":      func(o *office) { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fleet(windows("REFUSED"))
			o.tenant.Fail(graphsim.Fault{Path: "/wipe", Status: 400, Code: "BadRequest", Times: -1})
			o.after(time.Hour, func() {
				p := o.progress()
				require.Equal(t, leaver.StepWaiting, removal(p.Report).State, "a question is all that is left")
				require.Len(t, p.Waits, 1)
				o.fleet()
				then(o)
			})
			report, err := o.run(`{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}},"steps":{"disableEntraDevices":{"include":true}}}`)
			require.NoError(t, err)
			require.Len(t, removal(report).Items, 1)
			assert.Equal(t, leaver.Gone, removal(report).Items[0].Device.Verdict)
			assert.Equal(t, leaver.Done, report.Steps[3].Outcome, "its device object is disabled")
			assert.Less(t, report.EndedAt.Sub(report.StartedAt), 6*time.Hour)
			assert.Equal(t, leaver.Completed, report.Status, "nothing was left behind")
		})
	}
}

// Whoever waits longer gets the whole deadline again, and that is no exception.
func TestWaitingLongerRenewsTheDeadline(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.fleet(silent("SILENT"))
	verdict := func(hour int, want leaver.Verdict) {
		o.after(time.Duration(hour)*time.Hour, func() {
			assert.Equal(t, want, removal(o.progress().Report).Items[0].Device.Verdict, hour)
		})
	}
	verdict(4, leaver.Leaving)
	verdict(6, leaver.Silent)
	o.after(7*time.Hour, func() { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"waitLonger"}`) })
	verdict(8, leaver.Leaving)
	verdict(11, leaver.Leaving)
	verdict(13, leaver.Silent)
	o.after(14*time.Hour, func() { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"waitLonger"}`) })
	o.after(15*time.Hour, func() { o.fleet() })
	report, err := o.run(`{"userId":"adele@contoso.com","deviceDeadline":"5h"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
}

// Nothing was asked of the device: what would be waited for?
func TestWaitingLongerIsNotOfferedForADeviceThatWasNotAsked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(windows("GOES"), harm("HARM"))
	o.after(time.Hour, func() {
		assert.NotContains(t, o.progress().Waits[0].Choices, leaver.WaitLonger)
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// A day that is used up for one device hides no question about another, and what
// was done before is in the report whoever stops the step meanwhile.
func TestADayThatIsUsedUpForOneDeviceHidesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
	o.fleet(silent("GOES"), harm("H1"), harm("H2"), harm("H3"), harm("H4"))
	o.after(time.Hour, func() { o.answer("wipe", "H1") })
	o.after(90*time.Minute, func() { o.answer("wipe", "H2", "H4") })
	o.after(2*time.Hour, func() {
		step := removal(o.progress().Report)
		assert.Equal(t, leaver.StepWaiting, step.State)
		assert.Contains(t, step.Detail, "the tenant's daily limit for this is used up, waiting until tomorrow")
		items := said(step)
		assert.Equal(t, leaver.Wipe, items["H1"].Device.Asked().Action)
		assert.Equal(t, leaver.NotAsked, items["H2"].Device.Verdict)
		assert.Equal(t, leaver.Choice(leaver.Wipe), items["H2"].Choice)
		o.answer(leaver.GiveUp, "H3", "H4") // H4's choice is taken back
	})
	o.after(3*time.Hour, func() {
		p := o.progress()
		assert.Empty(t, p.Refused)
		for _, name := range []string{"H3", "H4"} {
			assert.Equal(t, leaver.GivenUp, said(removal(p.Report))[name].Device.Verdict, "that needs no write")
		}
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	items := said(removal(report))
	assert.Equal(t, leaver.Wipe, items["H1"].Device.Asked().Action)
	assert.Nil(t, items["H2"].Device.Asked())
	assert.LessOrEqual(t, o.requested("POST", "/wipe"), 3, "tomorrow is waited for")
}

// A tenant's day was used up: what it refused was not asked, and what it took was,
// whoever ends the step.
func TestTheReportTellsWhatADailyLimitLetThrough(t *testing.T) {
	t.Parallel()
	for name, interrupt := range interruptions {
		for request, settings := range map[string]graphsim.Settings{adele: {DailyRetires: 1}, wipeWindows: {DailyWipes: 1}} {
			o := newOffice(t)
			o.tenant.Configure(settings)
			o.fleet(silent("A"), silent("B"))
			o.after(2*time.Hour, func() { interrupt(o) })
			report, _ := o.run(request)
			items, asked := said(removal(report)), 0
			for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
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
	o := newOffice(t, quarterHourly)
	o.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
	o.fleet(silent("F1"), silent("F2"), harm("HARM"))
	fail := func() {
		devices := o.tenant.Users()[graphsim.Leaver].Devices
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
		assert.Equal(t, leaver.RemovalFailed, said(removal(o.progress().Report))["F1"].Device.Verdict)
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
	assert.Equal(t, 2, o.requested("POST", first+"/retire"))
}

// What was chosen may be changed until it is acted on, and an answer for all does
// not overrule one for a device.
func TestAnAnswerMayBeChangedUntilItIsActedOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, quarterHourly)
	o.fleet(silent("GOES"), harm("A"), harm("B"), harm("C"))
	o.after(time.Hour, func() {
		ids := o.deviceIDs()
		answer := func(choice, id string) {
			o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(fmt.Sprintf(`{"step":"removeAllDevices","choice":%q,"items":[%q]}`, choice, id)))
		}
		answer("wipe", ids[1])
		answer("wipe", ids[2])
		answer("giveUp", ids[1])
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
	})
	o.after(2*time.Hour, func() {
		assert.Empty(t, o.progress().Refused)
		o.signal(leaver.Abort, `{}`)
	})
	report, err := o.run(adele)
	require.Error(t, err)
	items := said(removal(report))
	assert.Equal(t, leaver.GivenUp, items["A"].Device.Verdict)
	assert.Nil(t, items["A"].Device.Asked())
	assert.Equal(t, leaver.Wipe, items["B"].Device.Asked().Action)
	assert.Equal(t, leaver.GivenUp, items["C"].Device.Verdict)
}

// A decision that cannot be carried out can be taken back: while Intune does not answer
// the call, and when it has failed for a day and is a question again.
func TestAChoiceThatCannotBeCarriedOutCanBeTakenBack(t *testing.T) {
	t.Parallel()
	for when, taken := range map[time.Duration]leaver.Outcome{2 * time.Hour: "", 26 * time.Hour: leaver.Failed} {
		t.Run(when.String(), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fleet(silent("GOES"), harm("H"))
			o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Status: 500, Times: -1})
			o.after(time.Hour, func() { o.answer("wipe", "H") })
			o.after(when, func() {
				item := said(removal(o.progress().Report))["H"]
				assert.Equal(t, taken, item.Outcome)
				if taken == leaver.Failed {
					assert.Equal(t, leaver.Unknown, item.Device.Verdict, "Intune may have heard")
					assert.Contains(t, item.Detail, "Intune has not done it for a day")
				}
				o.answer(leaver.GiveUp, "H")
			})
			o.after(when+time.Hour, func() {
				assert.Empty(t, o.progress().Refused)
				assert.Equal(t, leaver.GivenUp, said(removal(o.progress().Report))["H"].Device.Verdict)
				o.signal(leaver.Abort, `{}`)
			})
			report, err := o.run(adele)
			require.Error(t, err)
			assert.Equal(t, leaver.CallUnknown, said(removal(report))["H"].Device.Asked().Answer)
		})
	}
}

// One device on which Intune fails for ever holds up no other, nor do ten: each frees
// its place after a minute. No more than ten calls begin at a time.
func TestDevicesOnWhichIntuneFailsHoldUpNoOther(t *testing.T) {
	t.Parallel()
	for _, broken := range []int{1, 10} {
		t.Run(fmt.Sprint(broken), func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
			var devices []graphsim.Device
			for i := range 35 {
				devices = append(devices, windows(fmt.Sprint("D", i)))
			}
			o.fleet(devices...)
			for _, id := range o.deviceIDs()[:broken] {
				o.tenant.Fail(graphsim.Fault{Path: id + "/retire", Status: 500, Times: -1})
			}
			atWork, most := 0, 0
			o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
				if info.ActivityType.Name == leaver.ActivityRetireDevice && info.Attempt == 1 {
					atWork++
					most = max(most, atWork)
				}
			})
			o.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
				if info.ActivityType.Name == leaver.ActivityRetireDevice {
					atWork--
				}
			})
			o.after(30*time.Second, func() { assert.LessOrEqual(t, most, 10) })
			o.after(10*time.Minute, func() {
				assert.Len(t, o.deviceIDs(), broken, "all others have left")
				p := o.progress()
				assert.Equal(t, fmt.Sprintf("%d devices gone", 35-broken), strings.Split(removal(p.Report).Detail, "; ")[1])
				assert.Empty(t, p.Refused)
			})
			o.after(25*time.Hour, func() {
				step := removal(o.progress().Report)
				assert.Equal(t, leaver.StepWaiting, step.State, "after a day each is a question")
				for _, item := range step.Items[:broken] {
					assert.Equal(t, leaver.Unknown, item.Device.Verdict)
					assert.Equal(t, leaver.GraphUnavailable, item.Failure)
				}
				o.tenant.Heal()
				o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
			})
			report, err := o.run(adele)
			require.NoError(t, err)
			assert.Equal(t, leaver.Completed, report.Status)
			assert.Empty(t, o.deviceIDs())
		})
	}
}

// A Graph whose replicas disagree may tell another story with every look.
func TestAGraphThatContradictsItselfFillsNoHistory(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(silent("A"))
	told := 0
	o.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, err error) {
		if info.ActivityType.Name != leaver.ActivityLookAtDevices || err != nil {
			return
		}
		told++
		devices := o.tenant.Users()[graphsim.Leaver].Devices
		devices[0].State = map[string]string{"managed": "retirePending", "retirePending": "managed"}[devices[0].State]
		o.fleet(devices...)
	})
	o.after(24*time.Hour, o.CancelWorkflow)
	_, err := o.run(adele)
	require.Error(t, err)
	assert.Greater(t, told, 100)
	assert.Less(t, told, 24*12+20, "after the first twenty, one in five minutes at most")
}

// Graph lists a device and does not know it by its id, or knows it and does not find it
// for the call: that device is a question in the end, and the other is asked.
func TestADeviceThatGraphKnowsByHalvesMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]string{"not known by its id": {"GET "}, "not found for the call": {"POST /wipe"}, "neither": {"GET ", "POST /wipe"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fleet(silent("PHANTOM"), silent("B"))
			for _, f := range faults {
				method, call, _ := strings.Cut(f, " ")
				o.tenant.Fail(graphsim.Fault{Method: method, Path: o.deviceIDs()[0] + call, Status: 404, Code: "ResourceNotFound", Times: -1})
			}
			ended := o.countActivities()
			o.after(30*time.Hour, func() {
				assert.Less(t, *ended, 40)
				items := said(removal(o.progress().Report))
				assert.Equal(t, leaver.Leaving, items["B"].Device.Verdict)
				assert.Equal(t, "wipePending", o.tenant.Users()[graphsim.Leaver].Devices[1].State)
				assert.Equal(t, leaver.Failed, items["PHANTOM"].Outcome)
				o.CancelWorkflow()
			})
			_, _ = o.run(wipeWindows)
		})
	}
}

// The device whose chosen wipe Intune did not do leaves by itself.
func TestAChoiceThatIsLeftOverMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(harm("H"))
	o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[0] + "/wipe", Status: 500, Times: -1})
	o.after(time.Hour, func() { o.answer("wipe", "H") })
	o.after(time.Hour+2*time.Minute, func() { o.fleet() })
	ended := o.countActivities()
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Less(t, *ended, 20)
	assert.Less(t, report.EndedAt.Sub(report.StartedAt), 24*time.Hour)
}

// A list that misses a device, and one that misses all, is no proof that they have left.
func TestAListThatMissesADeviceDoesNotMakeItGone(t *testing.T) {
	t.Parallel()
	var missing atomic.Bool
	o := newOffice(t, quarterHourly, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if missing.Load() && strings.HasSuffix(r.URL.Path, "/managedDevices") {
			listWithout(w, r, next, func(any) bool { return true })
			return
		}
		next.ServeHTTP(w, r)
	}))
	o.fleet(silent("A"))
	o.after(time.Hour, func() { missing.Store(true) })
	o.after(2*time.Hour, func() {
		item := said(removal(o.progress().Report))["A"]
		assert.Equal(t, leaver.Leaving, item.Device.Verdict)
		assert.Contains(t, item.Detail, "no longer listed for the leaver")
		missing.Store(false)
		o.fleet()
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Gone, said(removal(report))["A"].Device.Verdict)
}

// A device is enrolled after the others have left, while a step that comes after the
// removal waits for a person: it is found, asked, and what comes after is done for it too.
func TestADeviceThatIsEnrolledMeanwhileIsAskedAndWhatComesAfterIsDoneForIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices, user.EntraDevices = []graphsim.Device{windows("FIRST")}, nil
	o.tenant.Add(user)
	o.forbid("PATCH", o.tenant.Users()[graphsim.Leaver].EntraDevices[0].ID)
	o.after(time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Done, removal(p.Report).Outcome)
		require.Equal(t, leaver.StepWaiting, p.Steps[4].State)
		o.tenant.Enroll(graphsim.Leaver, windows("LATE"))
		o.tenant.Heal()
		o.signal(leaver.RetryStep, `{"step":"disableEntraDevices"}`)
	})
	report, err := o.run(`{"userId":"adele@contoso.com","steps":{"disableEntraDevices":{"include":true},"deleteAutopilotIdentities":{"include":true}}}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	items := said(removal(report))
	require.Len(t, items, 2)
	for _, name := range []string{"FIRST", "LATE"} {
		assert.Equal(t, leaver.Gone, items[name].Device.Verdict, name)
		assert.NotNil(t, items[name].Device.Asked(), name)
	}
	for _, step := range report.Steps[3:] {
		assert.Len(t, step.Items, 2, step.Name)
	}
	for _, d := range o.tenant.Users()[graphsim.Leaver].EntraDevices {
		assert.False(t, d.AccountEnabled)
	}
}
