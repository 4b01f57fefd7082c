package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/require"
)

// slowest is the longest chain of calls of an offboarding of four devices, each of which
// needs what the call before it has answered.
var slowest = []string{
	"the leaver", "the devices, for the plan", "their recovery keys", // PlanOffboarding
	"the leaver", "disable the account", "the leaver", "revoke the sessions",
	"the devices", "the devices, before they are asked", "ask them all",
	"the devices", "each that is not listed any more, side by side", "and once more",
}

// A Graph that needs 200 ms for each call makes an offboarding as long as its longest
// chain of calls, and not as long as all of them.
func BenchmarkASlowGraph(b *testing.B) {
	const each, most = 200 * time.Millisecond, 1.2
	best := time.Hour // of three: the machine may be busy with something else
	for b.Loop() {
		for range 3 {
			o := newOffice(b)
			o.tenant.Fail(graphsim.Fault{Times: -1, Delay: leaver.Duration(each)})
			begin := time.Now()
			report := o.ends(leaver.Completed, adele)
			best = min(best, time.Since(begin))
			require.Len(b, removal(report).Items, 4)
			b.ReportMetric(float64(len(o.tenant.Requests())), "calls")
		}
	}
	ratio := float64(best) / float64(each) / float64(len(slowest))
	b.ReportMetric(float64(len(slowest)), "chain")
	b.ReportMetric(ratio, "spent/chain")
	if ratio > most {
		b.Errorf("an offboarding takes %.2f times its longest chain of calls, want %.1f at most", ratio, most)
	}
}
