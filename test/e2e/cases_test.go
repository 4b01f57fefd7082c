package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What people have met with Graph, by the ids of the reports: each is over by itself, and
// nobody is asked.
func TestWhatPassesIsWaitedForAndNobodyIsAsked(t *testing.T) {
	t.Parallel()
	const list, post = "/managedDevices", "/removeAllDevicesFromManagement"
	unauthorized := graphsim.Fault{Method: http.MethodGet, Status: 401, Code: "InvalidAuthenticationToken", Message: "Access token validation failure."}
	listing := func(f graphsim.Fault) graphsim.Fault {
		f.Path = list
		return f
	}
	for name, c := range map[string]struct {
		first graphsim.Fault
		// after is done once the removal is accepted.
		after func(w *world)
		wants int // removals of all devices
	}{
		"B03, a date that cannot be read":      {first: graphsim.Fault{Path: list, Times: 2, Row: `{"id":"d9","deviceName":"B","lastSyncDateTime":""}`}, wants: 1},
		"B08, the first call's good token":     {first: unauthorized, wants: 1},
		"B09, a good token while they leave":   {after: func(w *world) { w.tenant.Fail(listing(unauthorized)) }, wants: 1},
		"B11, another update at the same time": {first: graphsim.Fault{Method: http.MethodPatch, Status: 409, Code: "Directory_ConcurrencyViolation", Message: "Please wait briefly and retry."}, wants: 1},
		"B13, a 400 without a reason": {after: func(w *world) {
			w.tenant.Fail(graphsim.Fault{Path: list, Status: 400, Message: "An error has occurred"})
		}, wants: 1},
		"B15, the account is deleted meanwhile": {after: func(w *world) {
			adele := w.tenant.Users()[graphsim.Leaver]
			adele.Deleted = true
			w.tenant.Add(adele)
		}, wants: 1},
		"B31, a 200 that is none": {first: graphsim.Fault{Path: post, Status: 200, Code: "Forbidden", Message: "Application is not authorized."}, wants: 1}, // each by its own call
		"B34, a busy Intune":      {first: graphsim.Fault{Path: post, Times: 2, Status: 409, Code: "Conflict", Message: "Another operation is in progress."}, wants: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{CheckIn: 5 * time.Second})
			if c.first != (graphsim.Fault{}) {
				w.tenant.Fail(c.first)
			}
			w.startWith("W", leaver.Request{UserID: graphsim.Leaver, OnFailure: leaver.Continue})
			if c.after != nil {
				w.arrived("POST", post)
				c.after(w)
			}
			w.completed("W")
			adele := w.tenant.Users()[graphsim.Leaver]
			assert.Empty(t, adele.Devices)
			assert.False(t, adele.AccountEnabled)
			assert.Equal(t, c.wants, w.requests("POST", post))
		})
	}
}

// B01: a next link leads to the same page for ever.
func TestAListWithoutEndIsForAPersonAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Path: "/managedDevices", Loop: true, Times: -1})
	w.start("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	failure := step(w.progress("W").Report, leaver.StepRemoveAllDevices).Failure
	require.NotNil(t, failure)
	assert.Equal(t, leaver.GraphBadResponse, failure.Type)
	assert.Contains(t, failure.Message, "leads to one that was read already")
	assert.LessOrEqual(t, w.requests("GET", "/managedDevices"), 4)
	w.tenant.Heal()
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "retryStep", "--input", `{"step":"removeAllDevices"}`)
	w.finished("W")
}

// B17: the account was deleted before anybody thought of the devices.
func TestTheDevicesOfADeletedLeaverAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Deleted = true
	w.tenant.Add(adele)
	out := w.must(programs.starter, "start", "{"+strings.ToUpper(adele.ID)+"}", "--workflow-id", "W")
	assert.Contains(t, out, "the account is deleted already")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].Devices)
	w.reported(report, adele.Devices)
	for name, before := range w.before {
		if name != graphsim.Leaver {
			assert.Equal(t, before, w.tenant.Users()[name])
		}
	}
}

// B25 and B27: what is given and cannot be read is refused, and leaves a trace.
func TestSeveralInputsAndUnknownSignalsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: time.Minute})
	out, err := w.run(programs.temporal, "workflow", "execute", "--address", w.server.Address, "--task-queue", leaver.TaskQueue, "--type", leaver.WorkflowType, "--workflow-id", "TWO",
		"--input", `{"userId":"`+graphsim.Leaver+`"}`, "--input", `{"dryRun":true}`)
	require.Error(t, err)
	assert.Contains(t, out, "must be one JSON object, and several were given")
	assert.Empty(t, w.tenant.Requests())

	w.start("W")
	w.arrived("POST", "/removeAllDevicesFromManagement")
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "skip-step", "--input", `{"step":"removeAllDevices"}`)
	w.until("the wrong name is shown", func() bool {
		refused := w.progress("W").Refused
		return len(refused) == 1 && refused[0].Action == "skip-step" && strings.Contains(refused[0].Why, "skipStep was probably meant")
	})
	w.must(programs.temporal, "workflow", "signal", "--workflow-id", "W", "--name", "abort", "--input", `{}`, "--input", `{"userId":"megan@contoso.com"}`)
	w.until("the signal with two inputs is shown as refused", func() bool {
		return slices.ContainsFunc(w.progress("W").Refused, func(r leaver.RefusedSignal) bool {
			return r.Action == leaver.Abort && strings.Contains(r.Why, "several were given")
		})
	})
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "abort", "--input", `{}`)
	_, err = w.report("W")
	require.Error(t, err)
}

// B30: the right answer, and nothing happens on the device. B48: who enrolled a device is
// not who uses it.
func TestADeviceThatHearsOfNothingAndOneThatSomebodyElseUses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Env: []string{"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=1s"}})
	devices := w.change(func(devices []graphsim.Device) {
		devices[0].Ignores, devices[0].CheckIn = 1, leaver.Duration(4*time.Second)
		devices[1].UserPrincipalName = "megan@contoso.com"
	})
	w.start("W")
	w.approve("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	w.until("the others have left", func() bool { return w.verdicts("W")[leaver.Gone] == len(devices)-1 })
	asks := step(w.progress("W").Report, leaver.StepRemoveAllDevices).Items
	for _, item := range asks {
		if item.ID == devices[1].ID {
			assert.Contains(t, item.Detail, "names somebody else as its user")
			assert.Empty(t, item.Device.Calls)
		}
	}
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "retire", strings.ToLower(devices[1].Name))
	report := w.finished("W")
	calls := device(report, devices[0].ID).Calls
	require.Len(t, calls, 2)
	assert.Equal(t, uint8(2), calls[0].CheckIns)
	assert.True(t, calls[1].Again, "it was asked once more, by its own call")
}

// B18: planning that waits says for what, since when and until when.
func TestPlanningThatWaitsSaysForWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Method: http.MethodGet, Status: 429, Code: "TooManyRequests", RetryAfter: "61"})
	w.start("W")
	w.until("planning waits", func() bool { return len(w.progress("W").Waits) == 1 })
	wait := w.progress("W").Waits[0]
	assert.Equal(t, leaver.WaitForGraph, wait.For)
	assert.Contains(t, wait.Why, "too many requests, waiting")
	assert.WithinDuration(t, time.Now().Add(24*time.Hour), wait.Until, time.Minute)
	status := w.must(programs.starter, "status", graphsim.Leaver, "--workflow-id", "W")
	assert.Contains(t, status, "there is no plan yet")
	assert.Contains(t, status, "too many requests, waiting")
	assert.Contains(t, w.must(programs.temporal, "workflow", "metadata", "--workflow-id", "W", "--address", w.server.Address), "waits for Graph since")
	w.finished("W")
}

// B23: Intune is slow in large tenants.
func TestASlowIntuneIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Unrecorded: true, Env: []string{"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=2s"}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = fleet("", 30, 0).Devices
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	w.tenant.Fail(graphsim.Fault{Method: http.MethodGet, Times: -1, Delay: leaver.Duration(1500 * time.Millisecond)})
	w.start("W")
	report := w.finished("W")
	assert.Len(t, step(report, leaver.StepRemoveAllDevices).Items, 30)
}
