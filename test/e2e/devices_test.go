package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// change replaces Adele's devices before anything was done to them.
func (w *world) change(change func(devices []graphsim.Device)) []graphsim.Device {
	w.t.Helper()
	adele := w.tenant.Users()[graphsim.Leaver]
	change(adele.Devices)
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	return adele.Devices
}

func device(report leaver.Report, id string) *leaver.Device {
	for _, item := range step(report, leaver.StepRemoveAllDevices).Items {
		if item.ID == id {
			return item.Device
		}
	}
	return &leaver.Device{}
}

func TestADeviceThatFailsIsAskedAgainAndOneThatFailsTwiceIsForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	devices := w.change(func(devices []graphsim.Device) { devices[0].Failures, devices[1].Failures = 1, 2 })
	w.start("W")
	w.until("one is a question and the others have left", func() bool {
		s := step(w.progress("W").Report, leaver.StepRemoveAllDevices)
		return s.State == leaver.StepWaiting && !slices.ContainsFunc(s.Items, func(i leaver.Item) bool { return i.Outcome == "" })
	})
	waiting := w.progress("W").Report
	for i, d := range devices {
		seen := device(waiting, d.ID)
		want := leaver.Gone
		if i == 1 {
			want = leaver.RemovalFailed
			assert.Equal(t, "retireFailed", seen.ManagementState)
		}
		assert.Equal(t, want, seen.Verdict, d.Name)
		require.NotEmpty(t, seen.Calls)
		assert.Equal(t, leaver.Retire, seen.Calls[0].Action)
		assert.True(t, seen.Calls[0].All, "the first call was for all")
		assert.Len(t, seen.Calls, 1+min(d.Failures, 1), d.Name)
	}
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "wipe", devices[1].Name)
	report := w.finished("W")
	asked := device(report, devices[1].ID).Asked()
	require.NotNil(t, asked)
	assert.Equal(t, leaver.Wipe, asked.Action)
	assert.True(t, asked.Chosen, "a person chose it")
	assert.Equal(t, []string{devices[1].ID}, w.tenant.Wiped())
	assert.Equal(t, 1, w.requests("POST", "/wipe"))
	assert.Equal(t, 1, w.requests("POST", "/removeAllDevicesFromManagement"))
	assert.Equal(t, 2, w.requests("POST", "/retire"), "one for each that failed")
}

func TestADeviceEnrolledMeanwhileIsRetiredLikeTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 4 * time.Second})
	w.start("W")
	w.arrived("POST", "/removeAllDevicesFromManagement")
	w.until("a look at the devices", func() bool { return w.requests("GET", "/managedDevices") > 2 })
	late := graphsim.Device{ID: "8d4c9f6e-1b2a-4c3d-9e8f-7a6b5c4d3e2f", Name: "CONTOSO-LT-0999", OperatingSystem: "Windows", CheckIn: leaver.Duration(time.Second)}
	w.tenant.Enroll(graphsim.Leaver, late)
	before := w.before[graphsim.Leaver]
	before.Devices = append(before.Devices, late)
	w.before[graphsim.Leaver] = before
	report := w.finished("W")
	assert.Equal(t, leaver.Gone, device(report, late.ID).Verdict)
	require.Len(t, device(report, late.ID).Calls, 1)
	assert.False(t, device(report, late.ID).Calls[0].All, "it was asked by a call of its own")
	assert.Equal(t, 1, w.requests("POST", "/retire"))
}

func TestWhereTheActionForAllIsRefusedEachDeviceIsRetiredAndTheReportSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
	w.start("W")
	report := w.finished("W")
	assert.Contains(t, step(report, leaver.StepRemoveAllDevices).Detail, "the tenant refuses removeAllDevicesFromManagement")
	assert.Equal(t, 1, w.requests("POST", "/removeAllDevicesFromManagement"))
	assert.Equal(t, 4, w.requests("POST", "/retire"))
}

func TestAtTheDeadlineAPersonDecidesAboutEachDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	devices := w.change(func(devices []graphsim.Device) {
		for i := range devices {
			devices[i].CheckIn = -1
		}
	})
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, DeviceDeadline: leaver.Duration(3 * time.Second)})
	w.waiting("W", leaver.StepRemoveAllDevices)
	for _, item := range step(w.progress("W").Report, leaver.StepRemoveAllDevices).Items {
		assert.Equal(t, leaver.Silent, item.Device.Verdict)
	}
	answer := func(choice string, devices ...string) {
		w.must(programs.starter, append([]string{"answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, choice, "--by", "it@contoso.com"}, devices...)...)
	}
	// By name, by id as a signal, and for all the others.
	answer("deleteRecord", "CONTOSO-LT-0417")
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer",
		"--input", `{"step":"removeAllDevices","choice":"deleteRecord","items":["`+devices[3].ID+`"]}`)
	w.until("the signal is taken", func() bool {
		return len(step(w.progress("W").Report, leaver.StepRemoveAllDevices).Decisions) == 2
	})
	answer("giveUp")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, "2 devices gone; 2 devices left as decided", step(report, leaver.StepRemoveAllDevices).Detail)
	for i, want := range []leaver.Verdict{leaver.Gone, leaver.GivenUp, leaver.GivenUp, leaver.Gone} {
		assert.Equal(t, want, device(report, devices[i].ID).Verdict, devices[i].Name)
	}
	assert.Len(t, w.tenant.Users()[graphsim.Leaver].Devices, 2)
	assert.Equal(t, 2, w.requests("DELETE", ""))
	w.nobodyElse()
}

// Twelve devices over four platforms and both owners, each of which ends as the
// policy says.
func TestAMixedFleetEndsAsThePolicySays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Env: []string{`LEAVER_DEVICE_POLICY={"personal":{"default":"keep"}}`}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = nil
	for _, owner := range []string{"company", "personal"} {
		for _, system := range []string{"Windows", "macOS", "iOS", "Android", "Windows", "iOS"} {
			adele.Devices = append(adele.Devices, graphsim.Device{OwnerType: owner, OperatingSystem: system, CheckIn: leaver.Duration(time.Second),
				Name: fmt.Sprintf("%s-%s-%d", owner, system, len(adele.Devices))})
		}
	}
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	policy := `{"company":{"default":"retire","windows":"wipeKeepUserData","android":"wipe","macOS":"deleteRecord"},"personal":{"windows":"keep"}}`

	plan := decode[leaver.Report](t, jsonOf(w.must(programs.starter, "start", graphsim.Leaver, "--dry-run", "--devices", policy, "-o", "json")))
	out := w.must(programs.starter, "status", graphsim.Leaver)
	assert.Contains(t, out, "planned: wipeKeepUserData")
	assert.Equal(t, w.before, w.tenant.Users())

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--devices", policy)
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status, "what the policy keeps is no exception")
	want := map[string]leaver.DeviceAction{
		"company Windows": leaver.WipeKeepUserData, "company macOS": leaver.DeleteRecord, "company iOS": leaver.Retire, "company Android": leaver.Wipe,
		"personal Windows": leaver.Keep, "personal macOS": leaver.Retire, "personal iOS": leaver.Retire, "personal Android": leaver.Retire,
	}
	var wiped, kept []string
	for i, d := range w.before[graphsim.Leaver].Devices {
		action := want[d.OwnerType+" "+d.OperatingSystem]
		planned := step(plan, leaver.StepRemoveAllDevices).Items[i]
		assert.Equal(t, d.ID, planned.ID)
		assert.Equal(t, action, planned.Device.Planned, d.Name)
		seen := device(report, d.ID)
		if action == leaver.Keep {
			assert.Equal(t, leaver.Kept, seen.Verdict, d.Name)
			assert.Empty(t, seen.Calls)
			continue
		}
		require.NotNil(t, seen.Asked(), d.Name)
		assert.Equal(t, action, seen.Asked().Action, d.Name)
		assert.Equal(t, leaver.Gone, seen.Verdict, d.Name)
		if action == leaver.Wipe || action == leaver.WipeKeepUserData {
			wiped = append(wiped, d.ID)
		}
		if action == leaver.WipeKeepUserData {
			kept = append(kept, d.ID)
		}
	}
	assert.ElementsMatch(t, wiped, w.tenant.Wiped())
	assert.ElementsMatch(t, kept, w.tenant.WipedButUserData())
	left := w.tenant.Users()[graphsim.Leaver].Devices
	require.Len(t, left, 2)
	for _, d := range left {
		assert.Equal(t, "managed", d.State)
		assert.Equal(t, "personal Windows", d.OwnerType+" "+d.OperatingSystem)
	}
	w.nobodyElse()
}

// What remains of devices elsewhere goes when it is asked for, in the order that
// Entra and Autopilot want.
func TestTheRestOfADeviceGoesWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = []graphsim.Device{
		{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", CheckIn: leaver.Duration(time.Second), RecoveryKey: true},
		{Name: "CONTOSO-LT-0418", OperatingSystem: "Windows", CheckIn: leaver.Duration(time.Second)},
	}
	adele.EntraDevices = nil
	w.tenant.Add(adele)
	adele = w.tenant.Users()[graphsim.Leaver]
	adele.Autopilot = []graphsim.AutopilotIdentity{{ID: "9b0e1a52-6a52-4a6e-8f0f-0f8a52d2a111", SerialNumber: adele.Devices[0].SerialNumber, AzureADDeviceID: adele.Devices[0].AzureADDeviceID}}
	adele.AppRegistrations = []graphsim.AppRegistration{{ID: "T_1", DeviceTag: "6f1c2d3e-tag"}}
	w.tenant.Add(adele)
	w.before = w.tenant.Users()

	dry := w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "plan", "--dry-run")
	assert.Contains(t, dry, "no BitLocker recovery key is on record")
	assert.NotContains(t, dry, "Autopilot", "it is off unless asked for")
	planned, err := w.report("plan")
	require.NoError(t, err)
	assert.Equal(t, leaver.Planned, planned.Status)

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--detach", "--devices", `{"requireRecoveryKey":true}`, "--include", "deleteAutopilotIdentities",
		"--include", "disableEntraDevices,deleteEntraDevices", "--include", "wipeManagedAppRegistrations")
	w.waiting("W", leaver.StepRemoveAllDevices)
	w.until("the one with a key on record is asked", func() bool { return w.requests("POST", "/retire") == 1 })
	w.must(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--address", w.server.Address, "--name", "answer",
		"--input", `{"step":"removeAllDevices","choice":"retire","by":"it@contoso.com","reason":"the disk is empty"}`)
	w.completed("W")
	after := w.tenant.Users()[graphsim.Leaver]
	assert.Empty(t, after.Devices)
	assert.Empty(t, after.Autopilot)
	assert.Empty(t, after.EntraDevices)
	assert.Empty(t, after.AppRegistrations)
	assert.Equal(t, 2, w.requests("PATCH", "")-1, "disabled before they were deleted; one is the account")
}

// Half-way the calls are refused, and a person leaves the step out. That ends it: the
// report says what was asked of two devices, and the others are asked nothing.
func TestARemovalThatIsLeftOutHalfWaySaysWhatWasAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{DelegatedRemoval: true})
	devices := w.change(func(devices []graphsim.Device) {
		for i := range devices {
			devices[i].CheckIn = -1
		}
	})
	for _, d := range devices[2:] {
		w.tenant.Fail(graphsim.Fault{Path: d.ID + "/retire", Times: -1, Status: 403, Code: "Forbidden"})
	}
	w.start("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	w.until("two devices were asked", func() bool {
		p := w.progress("W").Report
		return device(p, devices[0].ID).Asked() != nil && device(p, devices[1].ID).Asked() != nil
	})
	w.must(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--address", w.server.Address, "--name", "skipStep",
		"--input", `{"step":"removeAllDevices","by":"it@contoso.com"}`)
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, leaver.Skipped, step(report, leaver.StepRemoveAllDevices).Outcome)
	for i, d := range w.tenant.Users()[graphsim.Leaver].Devices {
		seen, want := device(report, d.ID), "retirePending"
		if i > 1 {
			want = "managed"
			assert.Nil(t, seen.Asked(), d.Name)
		} else if assert.NotNil(t, seen.Asked(), d.Name) {
			assert.Equal(t, leaver.CallAccepted, seen.Asked().Answer)
		}
		assert.Equal(t, want, d.State, d.Name)
	}
	w.nobodyElse()
}

// However somebody ends a removal that is at work: the report says of each device that
// was asked that it was, and nothing is asked afterwards.
func TestWhoeverEndsARemovalAtWorkLearnsWhatWasAsked(t *testing.T) {
	t.Parallel()
	for name, end := range map[string][]string{
		"skipped":  {"skip-step", "lee@contoso.com", leaver.StepRemoveAllDevices},
		"aborted":  {"abort", "lee@contoso.com"},
		"canceled": {"cancel", "lee@contoso.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{})
			const count = 40
			lee := graphsim.User{UserPrincipalName: "lee@contoso.com", AccountEnabled: true}
			for range count {
				lee.Devices = append(lee.Devices, graphsim.Device{Name: "CONTOSO-LT", OperatingSystem: "Windows", CheckIn: -1})
			}
			w.tenant.Add(lee)
			w.tenant.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Times: -1, Late: leaver.Duration(200 * time.Millisecond)})
			w.startWith("W", leaver.Request{UserID: "lee@contoso.com", Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}})
			w.until("four devices are asked", func() bool { return w.requests("POST", "/wipe") >= 4 })
			w.must(programs.starter, append(end, "--workflow-id", "W")...)
			report, _ := w.report("W")
			asked := w.requests("POST", "/wipe")
			wiped := 0
			for _, d := range w.tenant.Users()["lee@contoso.com"].Devices {
				call := device(report, d.ID).Asked()
				if d.State == "managed" {
					// It may have been about to be asked.
					assert.True(t, call == nil || call.Answer == leaver.CallUnknown, "%+v", call)
					continue
				}
				wiped++
				if assert.NotNil(t, call, d.State) {
					assert.Equal(t, leaver.Wipe, call.Action)
					assert.Contains(t, []leaver.CallAnswer{leaver.CallAccepted, leaver.CallUnknown}, call.Answer)
				}
			}
			assert.GreaterOrEqual(t, wiped, 4)
			assert.Less(t, wiped, count, "nothing else was started")
			time.Sleep(3 * time.Second)
			assert.Equal(t, asked, w.requests("POST", "/wipe"), "and nothing is asked afterwards")
		})
	}
}
