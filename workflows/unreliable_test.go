package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
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

// A device is given up just when RemoveAllDevices ends and hands over.
func TestWhatIsGivenUpWhileTheRemovalHandsOverStaysSo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "WAITS", OperatingSystem: "Windows"}, graphsim.Device{Name: "GOES", OperatingSystem: "Windows"})
	ids := o.deviceIDs()
	starts := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name != leaver.ActivityRemoveAllDevices {
			return
		}
		starts++
		switch {
		case starts == 2: // the second device's turn: no approval is wanted any more, and Graph is out of order once
			o.tenant.Configure(graphsim.Settings{})
			o.tenant.Fail(graphsim.Fault{Method: "POST", Path: ids[1] + "/wipe", Status: 503})
		case starts == 3:
			o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[0]+`"]}`)
		}
	})
	o.after(30*time.Minute, func() {
		o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
		o.decide(0, "approved")
	})
	_, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.NotContains(t, o.tenant.Wiped(), ids[0], "a person has given it up")
}

// A decision and a retry that come in one workflow task.
func TestADecisionAboutOneDeviceIsNotOvertakenByOneAboutAll(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.decide(0, "rejected")
		o.decide(1, "rejected")
	})
	o.after(60*time.Minute, func() {
		o.tenant.Configure(graphsim.Settings{})
		o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(`{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`))
		o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
	})
	_, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.NotContains(t, o.tenant.Wiped(), ids[1], "a person has given it up before the retry")
}

// Graph lists a device and does not know it by its id.
func TestADeviceThatIsListedAndNotKnownMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o, _ := approving(t)
	o.tenant.Fail(graphsim.Fault{Method: "GET", Path: o.deviceIDs()[0], Status: 404, Code: "ResourceNotFound", Times: -1})
	n, from := 0, time.Time{}
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name != leaver.ActivityAwaitApproval {
			return
		}
		if n++; n == 1 {
			from = o.Now()
		}
		if n == 200 {
			assert.Greater(t, o.Now().Sub(from), time.Hour, "200 activities, each with its events in the history")
			o.CancelWorkflow()
		}
	})
	o.after(24*time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(wipeWindows)
}

func TestOneDeviceOnWhichIntuneFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "BROKEN", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
	o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[0] + "/wipe", Status: 500, Times: -1})
	o.after(time.Hour, func() {
		assert.Len(t, o.tenant.Wiped(), 2)
		o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
	})
	// The broken one may have heard: it is followed.
	o.after(2*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`) })
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Gone, said(report.Steps[3])["A"].Device.Verdict)
	assert.Equal(t, leaver.Gone, said(report.Steps[3])["B"].Device.Verdict)
}

func TestWhatWasDoneIsInTheReportWhereNothingIsHandedOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{DailyWipes: 1})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1})
	o.after(2*time.Hour, func() {
		o.signal(leaver.Abort, `{}`)
	})
	report, err := o.run(`{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}},"steps":{"awaitDevicesRemoved":{"skip":true}}}`)
	require.Error(t, err)
	assert.Equal(t, "wipePending", o.tenant.Users()[graphsim.Leaver].Devices[0].State)
	assert.Equal(t, leaver.Wipe, said(report.Steps[2])["A"].Device.Action)
}

// The one action was refused for the day, and the report says that each was asked.
func TestWhatADailyLimitRefusedWasNotAsked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{DailyRetires: 1})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1})
	o.after(2*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`) })
	o.after(45*24*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`) })
	report, err := o.run(adele)
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, report.Steps[3].Outcome)
	assert.Less(t, report.EndedAt.Sub(report.StartedAt), 24*time.Hour, "nothing was asked: nothing is to be waited for")
}

// Somebody tells "approved" of a request that was rejected.
func TestARefusedCodeOfTheOneActionCanBeMended(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	o.forbid("GET", "/operationApprovalRequests")
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() {
		o.decide(0, "rejected")
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`) // by mistake
	})
	for hour := range 5 {
		o.after(time.Duration(hour+1)*time.Hour, func() {
			p := o.progress()
			if p.Steps[2].State == leaver.StepWaiting {
				o.signal(leaver.RetryStep, `{"step":"removeAllDevices"}`)
			}
		})
	}
	o.after(6*time.Hour, func() {
		assert.Greater(t, len(o.tenant.Approvals()), 1, "five retries, and none files it again")
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// A step of somebody else's that says what was asked and not when.
func TestAnItemWithAnActionAndNoTimeBreaksNothing(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "Watch", Kind: leaver.Polls, OnFailure: leaver.Ask,
		Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Minute), Deadline: leaver.Duration(5 * time.Hour), For: "devices", Changes: true}})
	n := 0
	o.watches(time.Minute, func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		n++
		result := leaver.StepResult{Outcome: leaver.Ongoing, Items: []leaver.Item{{ID: "d1", Device: &leaver.Device{Action: leaver.Retire}}}}
		if n == 3 {
			result.Outcome = leaver.Done
		}
		return result, nil
	})
	_, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
}

// The details in the Web UI, which servers log, hold what somebody typed.
func TestARefusedSignalPutsNoNameIntoTheDetails(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.forbid("PATCH", "")
	o.after(time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"disableAccount","adele@contoso.com":"x"}`) })
	o.after(2*time.Hour, func() {
		assert.NotContains(t, o.currentDetails(), "adele@contoso.com")
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// listWithout answers with a list that misses some.
func listWithout(w http.ResponseWriter, r *http.Request, next http.Handler, missing func(id any) bool) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	var page map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &page)
	page["value"] = slices.DeleteFunc(page["value"].([]any), func(d any) bool { return missing(d.(map[string]any)["id"]) })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(page)
}

// before puts a handler in front of the tenant.
func before(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(*plugin.Config) {
	return func(c *plugin.Config) {
		target, _ := url.Parse(c.GraphURL)
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, proxy) }))
		t.Cleanup(server.Close)
		c.GraphURL = server.URL + target.Path
	}
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
	o.after(30*time.Minute, func() { o.decide(0, "approved") })
	n := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityRemoveAllDevices {
			if n++; n == 100 {
				assert.Fail(t, "a hot loop", "100 removals at %s", o.Now())
				o.CancelWorkflow()
			}
		}
	})
	o.after(3*time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(wipeWindows)
}

// The list misses a device that was given up, just when the one action for all is done.
func TestAGivenUpDeviceThatTheListMissesIsNotRetired(t *testing.T) {
	t.Parallel()
	miss := ""
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if miss == "" || !strings.HasSuffix(r.URL.Path, "/managedDevices") {
			next.ServeHTTP(w, r)
			return
		}
		listWithout(w, r, next, func(id any) bool { return id == miss })
	}))
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1})
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() {
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp","items":["`+ids[1]+`"]}`)
	})
	o.after(60*time.Minute, func() {
		miss = ids[1]
		o.decide(0, "approved")
	})
	o.after(61*time.Minute, func() { miss = "" })
	o.after(24*time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(adele)
	for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
		assert.Equal(t, "managed", d.State, fmt.Sprint(d.Name, " was given up"))
	}
}

// A code that is no GUID.
func TestACodeIsResentAsItCame(t *testing.T) {
	t.Parallel()
	const code = "eyJyZXF1ZXN0IjoiMDEyMzQ1Njc4OWFiY2RlZiIsInYiOjF9=="
	sent := ""
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/wipe") {
			if sent = r.Header.Get("x-msft-approval-code"); sent == "" {
				w.Header().Set("x-msft-approval-code", code)
				w.WriteHeader(403)
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"})
	o.after(30*time.Minute, func() {
		o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"approved"}`)
	})
	o.after(time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(wipeWindows)
	assert.Equal(t, code, sent)
}

// withQuestions are devices that the policy would harm, beside one that leaves.
func withQuestions(o *office, names ...string) {
	devices := []graphsim.Device{{Name: "GOES", OperatingSystem: "Windows", CheckIn: -1}}
	for _, name := range names {
		devices = append(devices, graphsim.Device{Name: name, OperatingSystem: "Android", CheckIn: -1})
	}
	o.fleet(devices...)
}

// Somebody gives up a device that has left by itself: nothing was left behind.
func TestAGivenUpDeviceThatHasLeftIsNoException(t *testing.T) {
	t.Parallel()
	o := newOffice(t, slow)
	withQuestions(o, "H")
	o.after(time.Hour, func() {
		require.Equal(t, leaver.StepWaiting, o.progress().Steps[3].State)
		o.fleet()
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp"}`)
	})
	report, err := o.run(adele)
	require.NoError(t, err)
	require.Len(t, report.Steps[3].Decisions, 1)
	assert.Equal(t, leaver.Gone, said(report.Steps[3])["H"].Device.Verdict)
	assert.Equal(t, leaver.Completed, report.Status)
}

// What was chosen may be changed until it is acted on, and an answer for all does
// not overrule one for a device.
func TestAnAnswerMayBeChangedUntilItIsActedOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, slow)
	withQuestions(o, "A", "B", "C")
	o.after(time.Hour, func() {
		ids := o.deviceIDs()
		answer := func(choice, id string) {
			o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(fmt.Sprintf(`{"step":"awaitDevicesRemoved","choice":%q,"items":[%q]}`, choice, id)))
		}
		answer("wipe", ids[1])
		answer("wipe", ids[2])
		answer("giveUp", ids[1])
		o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp"}`)
	})
	o.after(2*time.Hour, func() {
		assert.Empty(t, o.progress().Refused)
		o.signal(leaver.Abort, `{}`)
	})
	report, err := o.run(adele)
	require.Error(t, err)
	items := said(report.Steps[3])
	assert.Equal(t, leaver.GivenUp, items["A"].Device.Verdict)
	assert.Equal(t, leaver.Wipe, items["B"].Device.Action)
	assert.Equal(t, leaver.GivenUp, items["C"].Device.Verdict)
}

// The optional steps are ended between two turns like the removal.
func TestWhatWasDeletedInTheTurnsBeforeIsInTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", SerialNumber: "SN-A"}, graphsim.Device{Name: "B", OperatingSystem: "Windows", SerialNumber: "SN-B"},
		graphsim.Device{Name: "C", OperatingSystem: "Windows", SerialNumber: "SN-C"})
	adele := o.tenant.Users()[graphsim.Leaver]
	for _, d := range adele.Devices {
		adele.Autopilot = append(adele.Autopilot, graphsim.AutopilotIdentity{ID: "ap-" + d.Name, SerialNumber: d.SerialNumber, ManagedDeviceID: d.ID})
	}
	o.tenant.Add(adele)
	n := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityDeleteAutopilotIdentities {
			if n++; n == 3 {
				o.signal(leaver.Abort, `{}`)
			}
		}
	})
	report, err := o.run(`{"userId":"adele@contoso.com","steps":{"deleteAutopilotIdentities":{"include":true}}}`)
	require.Error(t, err)
	step := report.Steps[4]
	assert.Equal(t, leaver.Canceled, step.Outcome)
	require.Len(t, step.Items, 3)
	assert.NotEmpty(t, step.Items[0].Detail+string(step.Items[0].Outcome), "its identity was deleted")
}

// Abort or skip between two turns.
func TestWhatWasDoneInTheTurnsBeforeIsInTheReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "C", OperatingSystem: "Windows", CheckIn: -1})
	n := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityRemoveAllDevices {
			if n++; n == 3 {
				o.signal(leaver.SkipStep, `{"step":"removeAllDevices"}`)
			}
		}
	})
	o.after(48*24*time.Hour, func() { o.signal(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`) })
	report, err := o.run(wipeWindows)
	require.NoError(t, err)
	assert.Equal(t, leaver.Wipe, said(report.Steps[2])["A"].Device.Action)
	for _, d := range o.tenant.Users()[graphsim.Leaver].Devices {
		if d.State == "wipePending" {
			assert.Equal(t, leaver.Wipe, said(report.Steps[2])[d.Name].Device.Action, d.Name)
		}
	}
}

// Nothing was asked of the device: what would be waited for?
func TestWaitingLongerIsNotOfferedForADeviceThatWasNotAsked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "GOES", OperatingSystem: "Windows"}, graphsim.Device{Name: "HARM", OperatingSystem: "Android", CheckIn: -1})
	o.after(time.Hour, func() {
		assert.NotContains(t, o.progress().Waits[0].Choices, leaver.WaitLonger)
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// The step to which the removal would hand over is left out while it runs.
func TestNothingIsHandedOverToAStepThatIsLeftOutMeanwhile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.letActivitiesFinish()
	o.fleet(graphsim.Device{Name: "HARM", OperatingSystem: "Android", CheckIn: -1}, graphsim.Device{Name: "GOES", OperatingSystem: "Windows"})
	o.tenant.Fail(graphsim.Fault{Method: "POST", Path: "/retire", Status: 503})
	n := 0
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityRemoveAllDevices {
			if n++; n == 2 {
				o.signal(leaver.SkipStep, `{"step":"awaitDevicesRemoved"}`)
			}
		}
	})
	o.after(time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.StepWaiting, p.Steps[2].State)
		o.signal(leaver.Abort, `{}`)
	})
	report, err := o.run(adele)
	require.Error(t, err)
	assert.NotEqual(t, leaver.Done, report.Steps[2].Outcome)
}

// Queued, with a status of success.
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
		assert.NotNil(t, said(o.progress().Steps[2])["A"].Approval)
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
}

// A decision that cannot be carried out for days can be taken back.
func TestAChoiceThatCannotBeCarriedOutCanBeTakenBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t, slow)
	o.tenant.Configure(graphsim.Settings{})
	o.fleet(graphsim.Device{Name: "GOES", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "H", OperatingSystem: "Android", CheckIn: -1})
	h := o.deviceIDs()[1]
	o.tenant.Fail(graphsim.Fault{Path: h + "/wipe", Status: 500, Times: -1})
	o.after(time.Hour, func() { o.signal(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"wipe"}`) })
	var refused func() error
	o.after(70*time.Minute, func() {
		refused = o.update(leaver.Answer, `{"step":"awaitDevicesRemoved","choice":"giveUp","items":["`+h+`"]}`)
	})
	o.after(71*time.Minute, func() {
		assert.NoError(t, refused())
		o.signal(leaver.Abort, `{}`)
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// Somebody else's step awaits approval of things that are no devices.
func TestAnApprovalOfSomethingElseMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tenant.Configure(graphsim.Settings{})
	n := 0
	o.RegisterActivityWithOptions(func(context.Context, leaver.Request) (leaver.Plan, error) {
		return leaver.Plan{Leaver: leaver.Leaver{ID: "1"}, Steps: []leaver.Step{{Name: "own", Activity: "Own", Kind: leaver.Writes, OnFailure: leaver.Ask}}}, nil
	}, activity.RegisterOptions{Name: leaver.ActivityPlanOffboarding, DisableAlreadyRegisteredCheck: true})
	o.RegisterActivityWithOptions(func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		if n++; n > 100 {
			return leaver.StepResult{Outcome: leaver.Done}, nil
		}
		item := leaver.Item{ID: "group-1", Approval: &leaver.Approval{Code: "c", Status: leaver.ApprovalNeeded, RequestedAt: time.Now()}}
		return leaver.StepResult{}, leaver.Failure{Type: leaver.ApprovalRequired, Message: "Own: waits", Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: []leaver.Item{item}}}}.Err()
	}, activity.RegisterOptions{Name: "Own"})
	o.after(24*time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(`{"userId":"1"}`)
	assert.Less(t, n, 10)
}

// The list misses a device for one look, just when its request is approved.
func TestAListThatMissesADeviceOnceLosesNoCode(t *testing.T) {
	t.Parallel()
	miss, misses := "", 0
	o := newOffice(t, before(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if miss == "" || misses == 0 || !strings.HasSuffix(r.URL.Path, "/managedDevices") {
			next.ServeHTTP(w, r)
			return
		}
		misses--
		listWithout(w, r, next, func(any) bool { return true })
	}))
	o.tenant.Configure(graphsim.Settings{MultiAdminApproval: true})
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows"}, graphsim.Device{Name: "B", OperatingSystem: "Windows"})
	ids := o.deviceIDs()
	o.after(30*time.Minute, func() { o.decide(0, "approved") })
	o.after(75*time.Minute, func() {
		require.Equal(t, leaver.StepAwaitingApproval, o.progress().Steps[3].State)
		miss, misses = ids[1], 1
		o.decide(1, "approved")
	})
	o.after(110*time.Minute, func() {
		p := o.progress()
		assert.NotEqual(t, leaver.StepWaiting, p.Steps[3].State)
		o.signal(leaver.RetryStep, `{"step":"awaitDevicesRemoved"}`)
	})
	o.after(120*time.Minute, func() {
		assert.Len(t, o.tenant.Approvals(), 2, "it was approved: nothing is to be filed again")
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
	assert.Len(t, o.tenant.Wiped(), 2)
}

// The device whose chosen wipe Intune did not do leaves by itself, and nobody awaits the devices.
func TestAChoiceThatIsLeftOverMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "H", OperatingSystem: "Android", CheckIn: -1})
	h := o.deviceIDs()[0]
	o.tenant.Fail(graphsim.Fault{Path: h + "/wipe", Status: 500, Times: -1})
	o.after(time.Hour, func() { o.signal(leaver.Answer, `{"step":"removeAllDevices","choice":"wipe"}`) })
	n := 0
	o.after(time.Hour+2*time.Minute, func() {
		o.fleet() // it has left
		n = 0
	})
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == leaver.ActivityRemoveAllDevices {
			if n++; n == 100 {
				assert.Fail(t, "a hot loop", "100 removals at %s", o.Now())
				o.CancelWorkflow()
			}
		}
	})
	o.after(24*time.Hour, func() { o.CancelWorkflow() })
	_, _ = o.run(`{"userId":"adele@contoso.com","steps":{"awaitDevicesRemoved":{"skip":true}}}`)
}

// Too early, where the worker may not read the requests.
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
		assert.NotEmpty(t, p.Waits, "a second administrator is awaited still")
		refused := o.update(leaver.Answer, `{"step":"removeAllDevices","choice":"giveUp"}`)
		o.after(time.Minute, func() { assert.NoError(t, refused(), "the device can be given up"); o.CancelWorkflow() })
	})
	_, _ = o.run(wipeWindows)
}

// A host's step that hands over by itself, and is followed by nothing.
func TestAHostsStepThatHandsOverToNobodyMakesNoHotLoop(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "own", Activity: "Own", Kind: leaver.Writes, OnFailure: leaver.Ask, HandsOver: true})
	n := 0
	o.RegisterActivityWithOptions(func(context.Context, leaver.StepRequest) (leaver.StepResult, error) {
		if n++; n > 100 {
			return leaver.StepResult{Outcome: leaver.Done}, nil
		}
		return leaver.StepResult{Outcome: leaver.Done, Items: []leaver.Item{{ID: "1", Outcome: leaver.Failed}}}, nil
	}, activity.RegisterOptions{Name: "Own"})
	_, _ = o.run(`{"userId":"1"}`)
	assert.Less(t, n, 10)
}

// The phantom, with the workflow around it.
func TestPhantomInAWorkflow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.fleet(graphsim.Device{Name: "A", OperatingSystem: "Windows", CheckIn: -1}, graphsim.Device{Name: "B", OperatingSystem: "Windows", CheckIn: -1})
	a := o.deviceIDs()[0]
	o.tenant.Fail(graphsim.Fault{Path: a + "/wipe", Status: 404, Code: "ResourceNotFound", Times: -1})
	o.tenant.Fail(graphsim.Fault{Method: "GET", Path: a, Status: 404, Code: "ResourceNotFound", Times: -1})
	o.after(time.Hour, func() {
		assert.Equal(t, "wipePending", o.tenant.Users()[graphsim.Leaver].Devices[1].State)
		o.CancelWorkflow()
	})
	_, _ = o.run(wipeWindows)
}
