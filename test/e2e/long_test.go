package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nobody has so many devices but an account that enrolled a whole company's: no number
// of devices may end an offboarding.
func TestAThousandDevicesLeaveThoughTheirWorkerIsKilled(t *testing.T) {
	t.Parallel()
	const devices, spread = leaver.MaxDevices, 200 * time.Second
	w := newWorld(t, settings{Unrecorded: true, Env: []string{"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=2s"}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = fleet("", devices, spread).Devices
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	began := time.Now()
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Devices: eachWiped})
	for _, asked := range []int{devices / 5, devices} {
		w.until("the devices are asked", func() bool { return w.requests("POST", "/wipe") >= asked })
		w.worker.Kill()
		w.startWorker()
	}
	report, err := w.reportWithin("W", 3*patience)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	t.Logf("ended after %s", time.Since(began).Round(time.Second))

	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].Devices)
	items, wiped := step(report, leaver.StepRemoveAllDevices).Items, w.tenant.Wiped()
	assert.Len(t, items, devices)
	assert.Len(t, wiped, devices)
	for _, item := range items {
		assert.Equal(t, leaver.Gone, item.Device.Verdict)
		assert.Contains(t, wiped, item.ID)
		if assert.NotNil(t, item.Device.Asked(), item.ID) {
			assert.Equal(t, leaver.Wipe, item.Device.Asked().Action)
		}
	}
	assert.Equal(t, devices, w.requests("POST", "/wipe"), "each was asked once")
	for i, r := range w.runs("W") {
		t.Logf("run %d: %d events, %d bytes", i+1, r.Events, r.Bytes)
		assert.Less(t, r.Bytes, int64(10<<20), "the server warns of a history of 10 MB")
	}
	w.nobodyElse()
}

// The server suggests early to continue as new, so that an offboarding with questions,
// answers, approvals and a late arrival takes several runs. Nothing is lost between
// them, and whoever follows the offboarding sees one.
func TestAnOffboardingGoesOnOverManyRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Server: []string{"--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40"}})
	w.tenant.Configure(graphsim.Settings{MultiAdminApproval: true, DelegatedRemoval: true})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = fleet("", 6, 3*time.Second).Devices
	adele.Devices[1].Failures = 1
	w.tenant.Add(adele)
	w.before = w.tenant.Users()
	devices := w.before[graphsim.Leaver].Devices

	w.must(programs.starter, "start", graphsim.Leaver, "--detach", "--workflow-id", "W", "--reason", "leaves on Friday")
	watched := make(chan string, 1)
	go func() {
		out, err := w.run(programs.starter, "watch", graphsim.Leaver, "--workflow-id", "W")
		if err != nil {
			out += err.Error()
		}
		watched <- out
	}()
	w.awaiting("W", 6)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "skipStep", "--input", `{"step":"removeAllDevice"}`)
	w.until("the wrong signal is shown", func() bool { return len(w.progress("W").Refused) == 1 })
	w.decideAbout("approved", devices[:4]...)
	w.decideAbout("rejected", devices[4:]...)
	w.until("two are questions", func() bool { return w.verdicts("W")[leaver.NotAsked] == 2 })

	// The one that failed is asked again, and so is one by a signal and one by an update.
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer",
		"--input", `{"step":"removeAllDevices","choice":"retry","items":["`+devices[4].ID+`"],"by":"tctl"}`)
	w.must(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--address", w.server.Address, "--name", "answer",
		"--input", `{"step":"removeAllDevices","choice":"wipe","items":["`+devices[5].ID+`"],"by":"temporal"}`)
	late := graphsim.Device{ID: "8d4c9f6e-1b2a-4c3d-9e8f-7a6b5c4d3e2f", Name: "CONTOSO-LT-0999", OperatingSystem: "Windows", CheckIn: leaver.Duration(time.Second)}
	w.until("three have left", func() bool { return w.verdicts("W")[leaver.Gone] == 3 })
	w.tenant.Enroll(graphsim.Leaver, late)
	before := w.before[graphsim.Leaver]
	before.Devices = append(before.Devices, late)
	w.before[graphsim.Leaver] = before
	w.awaiting("W", 10)
	status := w.must(programs.starter, "status", graphsim.Leaver, "--workflow-id", "W")
	assert.Contains(t, status, "second administrator")
	assert.Contains(t, status, late.Name)
	w.decideAbout("approved", devices[1], devices[4], devices[5], late)

	report := w.finished("W")
	runs := w.runs("W")
	for i, r := range runs {
		t.Logf("run %d: %d events, %d bytes", i+1, r.Events, r.Bytes)
	}
	require.GreaterOrEqual(t, len(runs), 3)
	w.keepHistory("W", runs[1].ID, "second-run")
	removal := step(report, leaver.StepRemoveAllDevices)
	require.Len(t, removal.Decisions, 2)
	assert.Equal(t, "tctl", removal.Decisions[0].By)
	assert.Equal(t, "temporal", removal.Decisions[1].By)
	assert.Len(t, w.progress("W").Refused, 1)
	assert.Len(t, w.tenant.Approvals(), 10, "each was filed once")
	assert.Equal(t, []string{devices[5].ID}, w.tenant.Wiped())
	assert.WithinDuration(t, w.started("W", runs[0].ID), report.StartedAt, time.Second, "it began with the first run")
	// A request and what was then approved are two calls.
	for i, want := range [][]leaver.CallAnswer{{"queued", "accepted"}, {"queued", "accepted", "queued", "accepted"}, {"queued", "accepted"},
		{"queued", "accepted"}, {"queued", "queued", "accepted"}, {"queued", "queued", "accepted"}, {"queued", "accepted"}} {
		var answers []leaver.CallAnswer
		for _, call := range device(report, before.Devices[i].ID).Calls {
			answers = append(answers, call.Answer)
		}
		assert.Equal(t, want, answers, before.Devices[i].Name)
	}

	out := <-watched
	assert.Contains(t, out, "Offboarding of adele@contoso.com: completed")
	assert.Contains(t, out, "7 devices gone")
	assert.Contains(t, w.must(programs.starter, "status", graphsim.Leaver, "--workflow-id", "W"), "completed")
	assert.NotContains(t, strings.ToLower(out), "continued as new")
}

// decideAbout is what a second administrator does about the request that waits for
// each of the devices.
func (w *world) decideAbout(status string, devices ...graphsim.Device) {
	w.t.Helper()
	for _, d := range devices {
		found := false
		for n, request := range w.tenant.Approvals() {
			if strings.Contains(request.Call, d.ID) && request.Status == "needsApproval" {
				w.decide(status, n)
				found = true
			}
		}
		require.True(w.t, found, "a request waits for %s", d.Name)
	}
}

func (w *world) verdicts(id string) map[leaver.Verdict]int {
	w.t.Helper()
	verdicts := map[leaver.Verdict]int{}
	for _, item := range step(w.progress(id).Report, leaver.StepRemoveAllDevices).Items {
		if item.Device != nil {
			verdicts[item.Device.Verdict]++
		}
	}
	return verdicts
}

// started is when a run began.
func (w *world) started(id, runID string) time.Time {
	w.t.Helper()
	described, err := w.temporal.DescribeWorkflow(w.t.Context(), id, runID)
	require.NoError(w.t, err)
	return described.RawResponse.GetWorkflowExecutionInfo().GetStartTime().AsTime()
}
