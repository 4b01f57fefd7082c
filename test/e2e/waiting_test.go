package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
)

// BenchmarkWaitingOffboardings tells what offboardings that wait for their devices
// cost their worker in memory: what is freed when its cache of workflows is emptied. A
// full cache lets go of those that were quiet the longest, and reads their histories
// again when something happens.
func BenchmarkWaitingOffboardings(b *testing.B) {
	for _, s := range []struct {
		devices, offboardings, cache int
		// most is what one may cost, in KB.
		most float64
	}{
		{devices: 1, offboardings: 1000, cache: 2000, most: 32},
		{devices: 1, offboardings: 1000, cache: 100, most: 32},
		{devices: 5, offboardings: 400, cache: 2000, most: 35},
		{devices: 20, offboardings: 400, cache: 2000, most: 40},
	} {
		b.Run(fmt.Sprintf("devices=%d/cache=%d", s.devices, s.cache), func(b *testing.B) {
			worker.SetStickyWorkflowCacheSize(s.cache)
			w := newWorld(b, settings{NoWorker: true, Unrecorded: true})
			for i := range s.offboardings {
				user := fleet(name(i), s.devices, 0)
				for n := range user.Devices {
					user.Devices[n].CheckIn = -1
				}
				w.tenant.Add(user)
			}
			run := w.inProcess(plugin.Config{})
			defer run.Stop()
			for b.Loop() {
				for i := range s.offboardings {
					w.startWith(fmt.Sprint(i), leaver.Request{UserID: name(i)})
				}
				w.quiet(s.offboardings)
				before := inUse()
				heap(b, "cached")
				worker.PurgeStickyWorkflowCache()
				time.Sleep(time.Second)
				all := float64(before-inUse()) / 1024
				heap(b, "purged")
				b.ReportMetric(all, "KB/all")
				cached := float64(min(s.cache, s.offboardings))
				b.ReportMetric(all/cached, "KB/cached-offboarding")
				// What else the process frees meanwhile differs by up to 3 MB between an idle machine and a busy one,
				// however many are cached: a thousand of the same cost 31.0 MB alone, and 33.8 MB beside other work.
				const noise = 3000
				if all > s.most*cached+noise {
					b.Errorf("%.0f waiting offboardings with %d devices cost %.0f KB, want %.0f each at most", cached, s.devices, all, s.most)
				}
			}
		})
	}
}

// quiet waits until every offboarding has looked at its devices for the plan, before
// it asked them, while it asked them, and a minute after, when it saw them on their way.
// Then there is nothing to do for another minute.
func (w *world) quiet(offboardings int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		looks := map[string]int{}
		for _, r := range w.tenant.Requests() {
			if r.Method == "GET" && filepath.Base(r.Path) == "managedDevices" {
				looks[r.UserID]++
			}
		}
		for _, n := range looks {
			if n < 4 {
				return false
			}
		}
		return len(looks) == offboardings
	}, 2*patience, time.Second)
	time.Sleep(5 * time.Second)
}

// inProcess starts a worker in this process.
func (w *world) inProcess(c plugin.Config) worker.Worker {
	w.t.Helper()
	// A thousand that begin together and look for each other are more than the development server takes.
	c.Guards.MaxStarts, c.Guards.MaxDevices, c.Guards.AllowOthers = -1, 1000, true
	c.Credential, c.GraphURL = token(w.tenant.Token(graphsim.Application)), w.graphURL
	offboarding, err := plugin.NewPlugin(c)
	require.NoError(w.t, err)
	run := worker.New(w.temporal, leaver.TaskQueue, worker.Options{
		Plugins: []worker.Plugin{offboarding}, MaxConcurrentWorkflowTaskPollers: 10, MaxConcurrentActivityTaskPollers: 10,
	})
	require.NoError(w.t, run.Start())
	return run
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

// heap stores a profile of the memory, where the environment names a folder for them:
// the difference of two tells what it is that an offboarding costs.
func heap(b *testing.B, moment string) {
	folder := os.Getenv("LEAVER_TEST_HEAPS")
	if folder == "" {
		return
	}
	file, err := os.Create(filepath.Join(folder, fileName(b.Name())+"-"+moment+".pprof"))
	require.NoError(b, err)
	defer file.Close()
	require.NoError(b, pprof.Lookup("heap").WriteTo(file, 0))
}
