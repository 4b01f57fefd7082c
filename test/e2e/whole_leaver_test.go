package e2e

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/internal/whole"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wholeWorld is a world in which Adele has something of everything, and thirty groups of each kind, and leaves; nobody
// is to approve that. The device steps sign in as a person: an application may not disable what runs no Windows.
func wholeWorld(t testing.TB, s settings, tenant graphsim.Settings) (*world, *whole.Case) {
	t.Helper()
	s.NoWorker = true
	w := newWorld(t, s)
	tenant.PackagesTake, tenant.NumbersTake, tenant.LicensesTake = leaver.Duration(2*time.Second), leaver.Duration(time.Second), leaver.Duration(4*time.Second)
	w.tenant.Configure(tenant)
	c := whole.Fill(w.tenant, 30, time.Now())
	w.env = append(w.env, "LEAVER_PRIVILEGED_USERS=clear", "LEAVER_DEVICE_CREDENTIAL=simulated", "LEAVER_DEVICE_GRAPH_TOKEN="+w.tenant.Token(graphsim.Delegated))
	w.startWorker()
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Steps: c.Steps(3 * time.Second)})
	return w, c
}

// wholeEnd asserts that what could be taken away is gone, that the report tells so of each item, and that nobody else
// has lost anything.
func (w *world) wholeEnd(c *whole.Case) {
	w.t.Helper()
	// Temporal takes five minutes to notice that a worker has died over a list.
	report, err := w.reportWithin("W", 3*patience)
	require.NoError(w.t, err)
	assert.Empty(w.t, c.Lies(report))
	assert.Empty(w.t, c.Differences())
}

func TestTheWholeLeaverEndsWithWhatCannotBeTakenAway(t *testing.T) {
	t.Parallel()
	w, c := wholeWorld(t, settings{}, graphsim.Settings{})
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
