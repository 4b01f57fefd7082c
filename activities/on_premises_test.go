package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// synced is a stage with Adele as Active Directory has her, and a clock that a test moves.
type synced struct {
	*stage
	now  time.Time
	item leaver.Item
}

func newSynced(t *testing.T, settings graphsim.Settings, disabledBefore bool) *synced {
	t.Helper()
	s := &synced{stage: set(t, nil), now: time.Date(2026, 3, 2, 9, 10, 0, 0, time.UTC)}
	s.Clock(func() time.Time { return s.now })
	settings.SyncEvery = leaver.Duration(30 * time.Minute)
	s.Configure(settings)
	s.Add(graphsim.User{UserPrincipalName: adele, AccountEnabled: !disabledBefore, DisabledOnPremises: disabledBefore, OnPremisesSyncEnabled: true})
	disabled, err := call[leaver.StepResult](t, s.stage, 1, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: s.id(adele)})
	require.NoError(t, err)
	list, err := call[leaver.StepResult](t, s.stage, 1, leaver.ActivityListOnPremisesAccount,
		leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{leaver.StepDisableAccount: disabled}})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	s.item = list.Items[0]
	assert.Equal(t, "Active Directory", s.item.Name)
	assert.Contains(t, s.item.Detail, "disable the account in Active Directory")
	return s
}

// list lists the account again.
func (s *synced) list(t *testing.T, known leaver.Item) (leaver.Item, error) {
	t.Helper()
	list, err := call[leaver.StepResult](t, s.stage, 1, leaver.ActivityListOnPremisesAccount, leaver.StepRequest{UserID: s.id(adele), Items: []leaver.Item{known}})
	if err != nil {
		return leaver.Item{}, err
	}
	return list.Items[0], nil
}

// await makes one attempt at that time of the morning.
func (s *synced) await(t *testing.T, hour, minute int) (leaver.Item, error) {
	t.Helper()
	s.now = time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC)
	return call[leaver.Item](t, s.stage, 1, leaver.ActivityAwaitOnPremisesAccount, leaver.ItemRequest{UserID: s.id(adele), Item: s.item})
}

// Entra answers 204, and the next synchronisation undoes it: that is never called done.
func TestASynchronisedAccountIsDisabledWhenASynchronisationShowsIt(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{false, true} {
		s := newSynced(t, graphsim.Settings{RefusesMastered: refuses}, false)
		assert.Equal(t, refuses, s.Users()[adele].AccountEnabled)
		for _, minute := range []int{20, 35, 59} {
			again, err := s.await(t, 9, minute)
			if minute == 35 && !refuses { // the synchronisation of half past nine has enabled the account
				require.NoError(t, err)
				assert.Contains(t, again.Detail, "sign-in is blocked again: disable the account in Active Directory")
				list, err := s.list(t, again)
				require.NoError(t, err)
				assert.Empty(t, list.Outcome, "it is waited for again")
				assert.Equal(t, again.Before, list.Before)
				s.item = list
			} else {
				assert.True(t, leaver.IsFailure(err, leaver.GraphUnavailable), "%v", err)
				assert.ErrorContains(t, err, "no synchronisation has shown yet that Active Directory has disabled the account")
			}
			assert.Equal(t, refuses, s.Users()[adele].AccountEnabled, "sign-in is blocked in Entra where Entra allows it")
		}
		require.True(t, s.DisableOnPremises(adele))
		_, err := s.await(t, 9, 59)
		assert.Error(t, err, "the synchronisation has not run yet")
		done, err := s.await(t, 10, 1)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, done.Outcome)
		assert.Equal(t, "the synchronisation of 2026-03-02T10:00:00Z has left the account disabled", done.Detail)
		assert.False(t, s.Users()[adele].AccountEnabled)

		list, err := s.list(t, done)
		require.NoError(t, err)
		assert.Equal(t, leaver.AlreadyDone, list.Outcome, "the list is the proof")
	}
}

// Active Directory has nothing to change of an account that it disabled before, so that one synchronisation of the
// tenant is the proof.
func TestASynchronisedAccountThatWasDisabledBeforeNeedsOneSynchronisation(t *testing.T) {
	t.Parallel()
	s := newSynced(t, graphsim.Settings{}, true)
	assert.Empty(t, s.item.Outcome)
	_, err := s.await(t, 9, 29)
	assert.Error(t, err)
	done, err := s.await(t, 9, 31)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, done.Outcome)
	assert.Contains(t, done.Detail, "2026-03-02T09:30:00Z")
	for _, r := range s.Requests() {
		assert.False(t, r.Writes())
	}
}

func TestEntraMayLeaveItToActiveDirectoryToDisableAnAccount(t *testing.T) {
	t.Parallel()
	s := newSynced(t, graphsim.Settings{RefusesMastered: true}, false)
	disabled, err := call[leaver.StepResult](t, s.stage, 1, leaver.ActivityDisableAccount, leaver.StepRequest{UserID: s.id(adele)})
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, disabled.Outcome)
	assert.Contains(t, disabled.Detail, "Active Directory")
}

// Only the plan of a synchronised account has the step, and it is this step then that disables the account.
func TestThePlanOfASynchronisedAccountWaitsForActiveDirectory(t *testing.T) {
	t.Parallel()
	for _, is := range []bool{false, true} {
		s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, OnPremisesSyncEnabled: is}})
		disables := map[string]bool{}
		for _, step := range planFor(t, s, leaver.Request{UserID: adele}).Steps {
			if step.DisablesAccount {
				disables[step.Name] = true
			}
		}
		assert.Equal(t, map[string]bool{map[bool]string{false: leaver.StepDisableAccount, true: leaver.StepDisableInActiveDirectory}[is]: true}, disables)
	}
}
