package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Adele is hired again: her account is enabled.
func TestNothingIsChangedOnceTheAccountIsEnabledAgain(t *testing.T) {
	t.Parallel()
	for _, action := range everyAction {
		s := set(t, withDevices(never, never))
		request := s.decided(action)
		request.AccountDisabled = true
		assert.Equal(t, devices.Outcome{Answer: devices.Held, AccountEnabled: true}, s.asks(t, 1, request), "%s", action)
		later := s.asks(t, 2, request)
		assert.NotEmpty(t, later.Why)
		later.Why = ""
		assert.Equal(t, devices.Outcome{Answer: devices.Unknown, AccountEnabled: true}, later, "an attempt before may have made it")
		assert.Empty(t, s.writes())

		s.Fail(graphsim.Fault{Method: "GET", Path: "/users/" + s.id(adele), Status: 503, Times: 1})
		waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
		assert.Empty(t, s.writes(), "it is not known")

		s.change(func(u *graphsim.User) { u.AccountEnabled = false })
		assert.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
	}
	for _, step := range everyStep {
		s, request := departed(t, laptop)
		item := openItem(t, s, step, request)
		change := leaver.ItemRequest{UserID: request.UserID, Item: item, AccountDisabled: true}
		_, err := call[leaver.Item](t, s, 1, step.change, change)
		final(t, s, err, leaver.AccountEnabled)
		assert.Empty(t, s.writes())
		s.change(func(u *graphsim.User) { u.AccountEnabled = false })
		changed, err := call[leaver.Item](t, s, 1, step.change, change)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, changed.Outcome)
	}
	for _, activity := range []string{leaver.ActivityRevokeSessions, leaver.ActivityRemoveAllDevices} {
		s := set(t, withDevices(never))
		_, err := call[leaver.StepResult](t, s, 1, activity, leaver.StepRequest{UserID: s.id(adele), AccountDisabled: true})
		final(t, s, err, leaver.AccountEnabled)
		assert.Empty(t, s.writes())
	}
}

// Nobody signs in to an account that is gone, and the devices stay to be removed.
func TestAnAccountThatIsGoneHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := s.decided(leaver.Wipe)
	request.AccountDisabled = true
	s.change(func(u *graphsim.User) { u.Deleted = true })
	assert.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
}

// Entra forgets a deleted account after 30 days, and a phone may be silent for longer.
func TestAnAccountThatEntraHasForgottenHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for _, action := range onItsOwn {
		s := set(t, withDevices(never, never))
		request := s.decided(action)
		request.AccountDisabled = true
		s.change(func(u *graphsim.User) { u.Deleted = true })
		deleted := graphsim.Fault{Method: "GET", Path: "/directory/deletedItems/" + request.UserID, Status: 503, Times: 1}
		s.Fail(deleted)
		waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
		assert.Empty(t, s.writes(), "it is not known")
		deleted.Status, deleted.Code, deleted.Times = 404, "Request_ResourceNotFound", -1
		s.Fail(deleted)
		assert.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer, "%s", action)
	}
}
