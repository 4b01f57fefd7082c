package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const notRegistered = "no such device registered for the leaver"

func TestEntraDevicesAreDisabledAndReadBack(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	before := s.Users()
	items := disabling.does(t, s, request)
	require.Len(t, items, 1, "the one that was kept is left alone")
	assert.Equal(t, leaver.Done, items[0].Outcome)
	assert.Equal(t, before[adele].EntraDevices[0].ID, items[0].ID)
	before[adele].EntraDevices[0].AccountEnabled = false
	assert.Equal(t, before, s.Users(), "nothing else has changed")

	assert.Equal(t, leaver.AlreadyDone, disabling.does(t, s, request)[0].Outcome)
	assert.Equal(t, []string{"PATCH " + items[0].ID}, s.writes())
}

func TestEntraDevicesAreDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	disabling.changed(t, s, 1, request, disabling.lists(t, s, request).Items[0]) // one that is disabled is deleted too
	for _, want := range []leaver.Outcome{leaver.Done, leaver.AlreadyDone} {
		for _, item := range deleting.does(t, s, request) {
			assert.Equal(t, want, item.Outcome)
		}
		assert.Len(t, s.Users()[adele].EntraDevices, 1, "the one that was kept")
	}
	assert.Len(t, s.writes(), 3)
}

// Applications may change Windows devices only.
func TestADelegatedCredentialReachesPhonesToo(t *testing.T) {
	t.Parallel()
	s, request := departed(t, phone, laptop)
	for _, step := range []each{disabling, deleting} {
		items := step.lists(t, s, request).Items
		require.Len(t, items, 2)
		message := final(t, s, errorOf(step.changes(t, s, 1, request, items[0])), leaver.GraphForbidden).Message()
		assert.Contains(t, message, "Device.ReadWrite.All")
		assert.Contains(t, message, "LEAVER_DEVICE_CREDENTIAL=device-code")
	}
	laptop := disabling.lists(t, s, request).Items[1]
	assert.Equal(t, leaver.Done, disabling.changed(t, s, 1, request, laptop).Outcome, "the phone holds up no laptop")

	var err error
	s.config.DeviceCredential = token(s.Token(graphsim.Delegated))
	s.offboarding, err = plugin.New(s.config)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, disabling.does(t, s, request)[0].Outcome)
	s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Authorization_RequestDenied"})
	refused := final(t, s, errorOf(deleting.changes(t, s, 1, request, deleting.lists(t, s, request).Items[0])), leaver.GraphForbidden)
	assert.NotContains(t, refused.Message(), "LEAVER_DEVICE_CREDENTIAL", "the worker has such a credential")
}

// The id of an item and its device belong together.
func TestADeviceObjectOfAnotherDeviceIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	for _, step := range []each{disabling, deleting} {
		items := step.lists(t, s, request).Items
		assertItem(t, step.changed(t, s, 1, request, leaver.Item{ID: items[1].ID, Device: items[0].Device}), leaver.Done, notRegistered)
	}
	assert.Empty(t, s.writes())
}

func TestEntraDeletesNoDeviceThatAutopilotStillHas(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	s.inAutopilot(request, gone(request, 0).Device.SerialNumber)
	open := deleting.lists(t, s, request).Items[0]
	final(t, s, errorOf(deleting.changes(t, s, 1, request, open)), leaver.GraphBadRequest) // a person takes it out of Autopilot, and retries
	autopilot.does(t, s, request)
	open.Outcome, open.Failure = leaver.Failed, leaver.GraphBadRequest
	assert.Equal(t, leaver.Done, deleting.changed(t, s, 1, request, open).Outcome)
}

// Entra tells what is registered for a user by the account alone.
func TestTheEntraDevicesOfADeletedAccountAreForAPerson(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	s.change(func(u *graphsim.User) { u.Deleted = true })
	for _, step := range []each{disabling, deleting} {
		items := step.lists(t, s, request).Items
		require.Len(t, items, 1)
		assert.Equal(t, leaver.Failed, items[0].Outcome)
		assert.Empty(t, items[0].Failure, "no retry would help")
		assert.Contains(t, items[0].Detail, "see the device there")
	}
}

func TestAnAccountThatIsDeletedWhileItsDevicesAreChangedIsForAPerson(t *testing.T) {
	t.Parallel()
	for _, step := range []each{disabling, deleting} {
		s, request := departed(t, laptop)
		open := step.lists(t, s, request).Items[0]
		s.change(func(u *graphsim.User) { u.Deleted = true })
		refused := final(t, s, errorOf(step.changes(t, s, 1, request, open)), leaver.UserNotFound)
		assert.Contains(t, refused.Message(), "Entra knows the account no more")
		assert.Empty(t, s.writes())
	}
}
