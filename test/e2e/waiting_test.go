package e2e

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
)

// BenchmarkWaitingOffboardings tells what offboardings that wait for a device
// cost their worker in memory: what is freed when its cache of workflows is
// emptied. A full cache lets go of those that were quiet the longest, and reads
// their histories again when something happens.
func BenchmarkWaitingOffboardings(b *testing.B) {
	const offboardings = 1000
	for _, cache := range []int{2 * offboardings, offboardings / 10} {
		b.Run(fmt.Sprintf("cache=%d", cache), func(b *testing.B) {
			worker.SetStickyWorkflowCacheSize(cache)
			w := newWorld(b, settings{NoWorker: true})
			for i := range offboardings {
				w.tenant.Add(graphsim.User{UserPrincipalName: name(i), AccountEnabled: true, Devices: []graphsim.Device{
					{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", CheckIn: -1},
				}})
			}
			offboarding, err := plugin.NewPlugin(plugin.Config{Credential: token(w.tenant.Token(graphsim.Application)), GraphURL: w.graphURL})
			require.NoError(b, err)
			run := worker.New(w.temporal, leaver.TaskQueue, worker.Options{
				Plugins: []worker.Plugin{offboarding}, MaxConcurrentWorkflowTaskPollers: 10, MaxConcurrentActivityTaskPollers: 10,
			})
			require.NoError(b, run.Start())
			defer run.Stop()
			for b.Loop() {
				for i := range offboardings {
					w.startWith(fmt.Sprint(i), leaver.Request{UserID: name(i)})
				}
				// Planning and removing look at the devices, and so does the wait, twice; then
				// there is nothing to do for a minute.
				require.Eventually(b, func() bool { return w.requests("GET", "/managedDevices") >= 4*offboardings }, patience, time.Second)
				time.Sleep(5 * time.Second)
				before := inUse()
				worker.PurgeStickyWorkflowCache()
				time.Sleep(time.Second)
				all := float64(before-inUse()) / 1024
				b.ReportMetric(all, "KB/all")
				cached := float64(min(cache, offboardings))
				b.ReportMetric(all/cached, "KB/cached-offboarding")
				// 30 KB is what one may cost. What else the process frees meanwhile was seen
				// to be some hundred KB, however many are cached.
				const noise = 2000
				if all > 30*cached+noise {
					b.Errorf("%.0f waiting offboardings cost %.0f KB, want 30 each at most", cached, all)
				}
			}
		})
	}
}

func name(i int) string { return fmt.Sprintf("leaver%d@contoso.com", i) }

// inUse is the memory of this process that is not garbage, in bytes.
func inUse() int64 {
	// The second one also frees what finalizers held, and shrinks stacks.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
