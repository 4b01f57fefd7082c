package e2e

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADayThatIsUsedUpIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{DelegatedRemoval: true, DailyRetires: 2, NextDay: "4"})
	w.start("W")
	w.until("the day is used up", func() bool { return w.requests("POST", "/retire") == 4 })
	w.until("and progress says so", func() bool {
		p := w.progress("W")
		return slices.ContainsFunc(p.Waits, func(wait leaver.Wait) bool { return wait.For == leaver.WaitForGraph && wait.Until.After(time.Now()) }) &&
			slices.ContainsFunc(step(p.Report, leaver.StepRemoveAllDevices).Items, func(i leaver.Item) bool {
				return strings.Contains(i.Detail, "daily limit")
			})
	})
	w.tenant.NextDay()
	w.finished("W")
	assert.Equal(t, 6, w.requests("POST", "/retire"), "four, and two that were refused")
	for _, r := range w.tenant.Requests() {
		assert.False(t, r.Early)
	}
}

// Whatever the number of offboardings and workers, no 20 seconds see more than the
// 200 writes that Intune takes from an application.
func TestWritesToDevicesKeepToIntunesLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	first := w.worker
	t.Cleanup(func() { _ = first.Stop() })
	w.startWorker()
	const leavers, each = 30, 9
	for i := range leavers {
		user := graphsim.User{UserPrincipalName: name(i), AccountEnabled: true}
		for range each {
			user.Devices = append(user.Devices, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", CheckIn: leaver.Duration(time.Second)})
		}
		w.tenant.Add(user)
	}
	for i := range leavers {
		w.startWith(fmt.Sprint(i), leaver.Request{UserID: name(i), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}}})
	}
	for i := range leavers {
		report, err := w.report(fmt.Sprint(i))
		require.NoError(t, err)
		assert.Equal(t, leaver.Completed, report.Status)
	}
	var writes []time.Time
	for _, r := range w.tenant.Requests() {
		if r.Writes() && strings.Contains(r.Path, "evice") {
			writes = append(writes, r.At)
		}
	}
	require.Len(t, writes, leavers*each)
	most := 0
	for i, at := range writes {
		until := sort.Search(len(writes), func(n int) bool { return writes[n].Sub(at) >= 20*time.Second })
		most = max(most, until-i)
	}
	t.Logf("at most %d writes in 20 seconds, of %d in %s", most, len(writes), writes[len(writes)-1].Sub(writes[0]))
	assert.LessOrEqual(t, most, 200)
}

// A minute in which no device does anything leaves no event in the history,
// while the devices are looked at all the time.
func TestAQuietMinuteAddsNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Env: []string{"LEAVER_FIRST_POLL=1s", "LEAVER_LONGEST_POLL=2s"}})
	w.change(func(devices []graphsim.Device) {
		for i := range devices {
			devices[i].CheckIn = -1
		}
	})
	w.start("W")
	w.until("the wait is quiet", func() bool { return w.requests("GET", "/managedDevices") >= 6 })
	events, looks := w.events("W"), w.requests("GET", "/managedDevices")
	time.Sleep(time.Minute)
	assert.Equal(t, events, w.events("W"))
	assert.Greater(t, w.requests("GET", "/managedDevices"), looks+20)
	for _, item := range step(w.progress("W").Report, leaver.StepRemoveAllDevices).Items {
		assert.Equal(t, "retirePending", item.Device.ManagementState)
	}
	w.must(programs.temporal, "workflow", "cancel", "--workflow-id", "W", "--address", w.server.Address)
	_, err := w.report("W")
	require.Error(t, err)
}

func (w *world) events(id string) int64 {
	w.t.Helper()
	described, err := w.temporal.DescribeWorkflow(w.t.Context(), id, "")
	require.NoError(w.t, err)
	return described.RawResponse.GetWorkflowExecutionInfo().GetHistoryLength()
}
