package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// synchronised has Active Directory own Adele's account, and synchronise every half hour.
func synchronised(t *testing.T, refuses bool) *office {
	t.Helper()
	o := newOffice(t).set(graphsim.Settings{SyncEvery: leaver.Duration(30 * time.Minute), RefusesMastered: refuses})
	user := o.tenant.Users()[graphsim.Leaver]
	user.OnPremisesSyncEnabled = true
	o.tenant.Add(user)
	return o
}

// The other steps do not wait for Active Directory, and the offboarding does not end before a synchronisation has shown
// that the account is disabled there.
func TestASynchronisedAccountIsDoneWhenActiveDirectoryHasDisabledIt(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{false, true} {
		o := synchronised(t, refuses)
		o.after(100*time.Minute, func() {
			p := o.progress()
			assert.Equal(t, leaver.Running, p.Status)
			assert.Equal(t, leaver.StepRunning, p.Steps[1].State)
			assert.Contains(t, p.Steps[1].Items[0].Detail, "disable the account in Active Directory")
			assert.Equal(t, leaver.Done, p.Steps[3].Outcome, "the devices are gone")
			require.True(t, o.tenant.DisableOnPremises(graphsim.Leaver))
		})
		report := o.ends(leaver.Completed, adele)
		want := map[bool]string{false: "done", true: "skipped"}[refuses]
		assert.Equal(t, "disableAccount "+want+", disableInActiveDirectory done, revokeSessions done, removeAllDevices done", outcomes(report))
		assert.Contains(t, report.Steps[1].Items[0].Detail, "has left the account disabled")
		assert.False(t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
		assert.Nil(t, report.EnabledAgain, "that a synchronisation enables the account does not mean that the person is hired again")
	}
}

// A synchronisation that goes on enabling the account becomes a question.
func TestAnAccountThatActiveDirectoryDoesNotDisableBecomesAQuestion(t *testing.T) {
	t.Parallel()
	o := synchronised(t, false)
	o.after(30*time.Hour, func() {
		p := o.progress()
		require.Equal(t, leaver.StepWaiting, p.Steps[1].State)
		assert.Contains(t, p.Steps[1].Failure.Message, "it was changed 10 times, and Microsoft lists it again")
		require.True(t, o.tenant.DisableOnPremises(graphsim.Leaver))
		o.signal(leaver.Answer, `{"step":"disableInActiveDirectory","choice":"retry"}`)
	})
	o.ends(leaver.Completed, adele)
}
