package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/internal/whole"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
)

// wholeWorld is a world in which Adele has something of everything, and thirty groups of each kind, and leaves; nobody
// is to approve that. The device steps sign in as a person: an application may not disable what runs no Windows.
func wholeWorld(t testing.TB, s settings, tenant graphsim.Settings, faults ...graphsim.Fault) (*world, *whole.Case) {
	t.Helper()
	s.NoWorker = true
	w := newWorld(t, s)
	tenant.PackagesTake, tenant.NumbersTake, tenant.LicensesTake = leaver.Duration(2*time.Second), leaver.Duration(time.Second), leaver.Duration(4*time.Second)
	w.tenant.Configure(tenant)
	c := whole.Fill(w.tenant, 30, time.Now())
	for _, fault := range faults {
		w.tenant.Fail(fault)
	}
	w.env = append(w.env, "LEAVER_PRIVILEGED_USERS=clear", "LEAVER_DEVICE_CREDENTIAL=simulated", "LEAVER_DEVICE_GRAPH_TOKEN="+w.tenant.Token(graphsim.Delegated))
	w.startWorker()
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Steps: c.Steps(3 * time.Second)})
	return w, c
}

// wholeEnd asserts that what could be taken away is gone, that the report tells so of each item, and that nobody else
// has lost anything.
func (w *world) wholeEnd(c *whole.Case) {
	w.t.Helper()
	report, err := w.reportWithin("W", 3*patience)
	require.NoError(w.t, err)
	assert.Empty(w.t, c.Lies(report))
	assert.Empty(w.t, c.Differences())
}

// lists reports whether an offboarding reads a list just now: Temporal takes five minutes to notice that a worker has
// died over one, and a minute over anything else.
func (w *world) lists(id string) bool {
	w.t.Helper()
	described, err := w.temporal.DescribeWorkflow(w.t.Context(), id, "")
	require.NoError(w.t, err)
	return slices.ContainsFunc(described.RawResponse.GetPendingActivities(), func(a *workflowpb.PendingActivityInfo) bool {
		return a.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED && strings.HasPrefix(a.GetActivityType().GetName(), "List")
	})
}

func TestTheWholeLeaverEndsWithWhatCannotBeTakenAway(t *testing.T) {
	t.Parallel()
	w, c := wholeWorld(t, settings{}, graphsim.Settings{})
	w.wholeEnd(c)
}

// A request in five meets a fault, each kind of which comes at its own pace, while the worker is killed twice and
// stopped once and the server is killed. The storm ends after fifteen hundred requests, or some minutes: an attempt of fourteen calls
// succeeds in it once in twenty times, and Temporal's pauses between attempts grow to minutes. Where time is skipped,
// TestTheWholeLeaver of the workflows goes through the storm to the end.
func TestTheWholeLeaverInAStorm(t *testing.T) {
	t.Parallel()
	w, c := wholeWorld(t, settings{Database: true}, graphsim.Settings{}, whole.Storm()...)
	for _, strike := range []func(){
		func() { w.worker.Kill(); w.startWorker() },
		func() { w.server.Kill(); w.startServer() },
		func() { require.NoError(t, w.worker.Stop()); w.startWorker() },
		func() { w.worker.Kill(); w.startWorker() },
		w.tenant.Heal,
	} {
		// Towards the end the pauses between attempts are long, and the requests few.
		before, since := len(w.tenant.Requests()), time.Now()
		w.until("the offboarding reads no list", func() bool {
			return (len(w.tenant.Requests()) > before+300 || time.Since(since) > 40*time.Second) && !w.lists("W")
		})
		strike()
	}
	faults, requests := 0, w.tenant.Requests()
	for _, r := range requests {
		if r.Fault {
			faults++
		}
	}
	assert.InDelta(t, 0.2, float64(faults)/float64(len(requests)), 0.03)
	w.wholeEnd(c)
}

// Reads show for three minutes what was before a write. The tenant's clock is a hundred times as fast as the worker's,
// so that these are two seconds: the worker, which looks again after 1, 2, 4 and more seconds, looks in vain twice at
// least, as it does where minutes are minutes.
func TestTheWholeLeaverWhereReadsLagByMinutes(t *testing.T) {
	t.Parallel()
	start := time.Now()
	clock := func() time.Time { return start.Add(100 * time.Since(start)) }
	w, c := wholeWorld(t, settings{Clock: clock}, graphsim.Settings{Lag: leaver.Duration(3 * time.Minute)})
	w.wholeEnd(c)
}
