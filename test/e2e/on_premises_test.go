package e2e

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Active Directory had disabled Adele's account before: one synchronisation of the tenant shows that it stays so.
func TestASynchronisedAccountIsDoneAfterASynchronisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{SyncEvery: leaver.Duration(5 * time.Second)})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.OnPremisesSyncEnabled, adele.AccountEnabled, adele.DisabledOnPremises = true, false, true
	w.tenant.Add(adele)
	w.before = w.tenant.Users()

	w.start("W")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	assert.Equal(t, leaver.AlreadyDone, step(report, leaver.StepDisableAccount).Outcome)
	waited := step(report, leaver.StepDisableInActiveDirectory)
	assert.Equal(t, leaver.Done, waited.Outcome)
	require.Len(t, waited.Items, 1)
	assert.Contains(t, waited.Items[0].Detail, "has left the account disabled")
	assert.NotZero(t, w.requests("GET", "/organization"))
	w.nobodyElse()
}
