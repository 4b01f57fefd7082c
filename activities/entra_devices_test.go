package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEntraDevicesAreDisabledAndReadBack(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	before := s.Users()
	items := disabling.does(t, s, request)
	require.Len(t, items, 1, "the one that was kept is left alone")
	assert.Equal(t, leaver.Done, items[0].Outcome)
	assert.Equal(t, before[adele].EntraDevices[0].ID, items[0].ID)
	after := s.Users()
	assert.False(t, after[adele].EntraDevices[0].AccountEnabled)
	assert.True(t, after[adele].EntraDevices[1].AccountEnabled)
	assert.Equal(t, before[megan], after[megan])

	items = disabling.does(t, s, request)
	assert.Equal(t, leaver.AlreadyDone, items[0].Outcome)
	assert.Equal(t, []string{"PATCH " + after[adele].EntraDevices[0].ID}, s.writes())
}

func TestEntraDevicesAreDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	open := disabling.lists(t, s, request).Items[0]
	_, err := disabling.changes(t, s, 1, request, open)
	require.NoError(t, err, "one that is disabled is deleted too")
	for _, item := range deleting.does(t, s, request) {
		assert.Equal(t, leaver.Done, item.Outcome)
	}
	assert.Len(t, s.Users()[adele].EntraDevices, 1, "the one that was kept")
	for _, item := range deleting.does(t, s, request) {
		assert.Equal(t, leaver.AlreadyDone, item.Outcome)
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
		_, err := step.changes(t, s, 1, request, items[0])
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.GraphForbidden), failure.Type())
		assert.True(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "Device.ReadWrite.All")
		assert.Contains(t, failure.Message(), "LEAVER_DEVICE_CREDENTIAL=device-code")
	}
	items := disabling.lists(t, s, request).Items
	item, err := disabling.changes(t, s, 1, request, items[1])
	require.NoError(t, err, "the phone holds up no laptop")
	assert.Equal(t, leaver.Done, item.Outcome)

	s.config.DeviceCredential = token(s.Token(graphsim.Delegated))
	s.offboarding, err = plugin.New(s.config)
	require.NoError(t, err)
	items = disabling.does(t, s, request)
	assert.Equal(t, leaver.Done, items[0].Outcome)
}

func TestADeviceThatEntraHasForSomebodyElseIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	open := map[each]leaver.Item{disabling: disabling.lists(t, s, request).Items[0], deleting: deleting.lists(t, s, request).Items[0]}
	from := s.Users()[adele]
	s.Add(graphsim.User{UserPrincipalName: megan, EntraDevices: from.EntraDevices})
	from.EntraDevices = nil
	s.Add(from)
	for step, before := range open {
		item := step.does(t, s, request)[0]
		assert.Equal(t, leaver.AlreadyDone, item.Outcome)
		assert.Contains(t, item.Detail, "no such device registered for the leaver")

		require.Empty(t, before.Outcome)
		item, err := step.changes(t, s, 1, request, before)
		require.NoError(t, err)
		assert.Contains(t, item.Detail, "no such device registered for the leaver", "it was listed before")
	}
	assert.Empty(t, s.writes())
}

// The id of an item and its device belong together.
func TestADeviceObjectOfAnotherDeviceIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	for _, step := range []each{disabling, deleting} {
		items := step.lists(t, s, request).Items
		swapped := leaver.Item{ID: items[1].ID, Device: items[0].Device}
		item, err := step.changes(t, s, 1, request, swapped)
		require.NoError(t, err)
		assert.Contains(t, item.Detail, "no such device registered for the leaver")
	}
	assert.Empty(t, s.writes())
}

func TestHiddenPropertiesAreNoDisabledDevices(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	open := disabling.lists(t, s, request).Items[0]
	s.Fail(graphsim.Fault{Path: "/registeredDevices", Times: -1, Status: 403, Code: "Authorization_RequestDenied"})
	_, err := call[leaver.StepResult](t, s, 1, disabling.list, request)
	assert.Contains(t, failed(t, s, err).Message(), "Device.Read.All")
	_, err = disabling.changes(t, s, 1, request, open)
	assert.Contains(t, failed(t, s, err).Message(), "Device.Read.All")
}

func TestEntraDeletesNoDeviceThatAutopilotStillHas(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	s.inAutopilot(request, gone(request, 0).Device.SerialNumber)
	open := deleting.lists(t, s, request).Items[0]
	_, err := deleting.changes(t, s, 1, request, open)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphBadRequest), failure.Type())
	assert.True(t, failure.NonRetryable(), "a person takes it out of Autopilot, and retries")
	autopilot.does(t, s, request)
	open.Outcome, open.Failure = leaver.Failed, leaver.GraphBadRequest
	item, err := deleting.changes(t, s, 1, request, open)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, item.Outcome)
}
