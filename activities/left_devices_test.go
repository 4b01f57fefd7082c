package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	laptop = graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}
	phone  = graphsim.Device{Name: "CONTOSO-PH-0101", OperatingSystem: "iOS"}
)

// each is a step of shape Each by the names of its activities.
type each struct{ list, change string }

var (
	autopilot = each{leaver.ActivityListAutopilotIdentities, leaver.ActivityDeleteAutopilotIdentity}
	disabling = each{leaver.ActivityListEnabledEntraDevices, leaver.ActivityDisableEntraDevice}
	deleting  = each{leaver.ActivityListEntraDevices, leaver.ActivityDeleteEntraDevice}
	appData   = each{leaver.ActivityListManagedAppRegistrations, leaver.ActivityWipeManagedAppRegistration}

	// ofDevices are the steps that touch devices which have left Intune.
	ofDevices = []each{autopilot, disabling, deleting}
)

// lists lists the items of a step.
func (e each) lists(t *testing.T, s *stage, request leaver.StepRequest) leaver.StepResult {
	t.Helper()
	result, err := call[leaver.StepResult](t, s, 1, e.list, request)
	require.NoError(t, err)
	return result
}

// changes makes one attempt to change an item.
func (e each) changes(t *testing.T, s *stage, number int32, request leaver.StepRequest, item leaver.Item) (leaver.Item, error) {
	t.Helper()
	return call[leaver.Item](t, s, number, e.change, leaver.ItemRequest{UserID: request.UserID, Item: item})
}

// does a whole step: it lists, changes each open item, and lists again.
func (e each) does(t *testing.T, s *stage, request leaver.StepRequest) []leaver.Item {
	t.Helper()
	request.Items = e.lists(t, s, request).Items
	for i, item := range request.Items {
		if item.Outcome != "" {
			continue
		}
		assert.Empty(t, item.Detail)
		changed, err := e.changes(t, s, 1, request, item)
		require.NoError(t, err)
		assert.Equal(t, item.ID, changed.ID)
		assert.Equal(t, item.Device, changed.Device)
		request.Items[i] = changed
	}
	proof := e.lists(t, s, request)
	assert.Equal(t, request.Items, proof.Items, "the second list proves what was done, and forgets nothing")
	return proof.Items
}

// departed is Adele whose devices have left Intune, and a step that comes after. Her
// last device was kept.
func departed(t *testing.T, devices ...graphsim.Device) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{
		{UserPrincipalName: adele, AccountEnabled: true, Devices: append(devices, graphsim.Device{Name: "CONTOSO-LT-0500", OperatingSystem: "Linux"})},
		{UserPrincipalName: megan, AccountEnabled: true, Devices: []graphsim.Device{{Name: "CONTOSO-LT-0418", OperatingSystem: "Windows"}}},
	})
	removed := leaver.StepResult{Outcome: leaver.Done}
	user := s.Users()[adele]
	for _, d := range user.Devices {
		removed.Items = append(removed.Items, leaver.Item{ID: d.ID, Outcome: leaver.Done, Device: &leaver.Device{
			DeviceFacts: leaver.DeviceFacts{Name: d.Name, OperatingSystem: d.OperatingSystem, OwnerType: d.OwnerType, AzureADDeviceID: d.AzureADDeviceID, SerialNumber: d.SerialNumber},
			Calls:       []leaver.Call{{Action: leaver.Retire, Answer: leaver.CallAccepted}}, Verdict: leaver.Gone,
		}})
	}
	kept := &removed.Items[len(devices)]
	kept.Outcome, kept.Device.Verdict = leaver.Skipped, leaver.Kept
	user.Devices = user.Devices[len(devices):]
	s.Add(user)
	return s, leaver.StepRequest{UserID: user.ID, Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removed}}
}

// gone is the n-th device that has left.
func gone(request leaver.StepRequest, n int) leaver.Item {
	return request.Results[leaver.StepRemoveAllDevices].Items[n]
}

// inAutopilot has Autopilot know the devices that have left, as a0, a1, and so on.
func (s *stage) inAutopilot(request leaver.StepRequest, serialNumbers ...string) {
	user := s.Users()[adele]
	user.Autopilot = nil
	for n, serial := range serialNumbers {
		user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: "a" + string(rune('0'+n)), SerialNumber: serial, AzureADDeviceID: gone(request, n).Device.AzureADDeviceID})
	}
	s.Add(user)
}

func TestWithoutProofThatADeviceHasLeftNothingOfItIsTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	for _, step := range ofDevices {
		_, err := call[leaver.StepResult](t, s, 1, step.list, leaver.StepRequest{UserID: request.UserID})
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
		assert.Contains(t, failure.Message(), "results.removeAllDevices")

		for outcome, want := range map[leaver.Outcome]leaver.Outcome{leaver.Done: "", leaver.AlreadyDone: "", leaver.Skipped: leaver.Skipped, leaver.Failed: leaver.Skipped} {
			removed := leaver.StepResult{Outcome: outcome, Items: []leaver.Item{{ID: "d1", Device: &leaver.Device{Verdict: leaver.Silent}}}}
			result := step.lists(t, s, leaver.StepRequest{UserID: request.UserID, Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removed}})
			assert.Equal(t, want, result.Outcome)
			assert.Empty(t, result.Items)
			assert.Equal(t, "no device has left Intune here", result.Detail)
		}

		for _, item := range []leaver.Item{
			{ID: "e1"},
			{ID: "e1", Device: &leaver.Device{ManagedDeviceID: "d1", Verdict: leaver.Silent}},
			{ID: "e1", Device: &leaver.Device{Verdict: leaver.Gone}},
			{Device: &leaver.Device{ManagedDeviceID: "d1", Verdict: leaver.Gone}},
		} {
			_, err := step.changes(t, s, 1, request, item)
			failure := failed(t, s, err)
			assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
			assert.True(t, failure.NonRetryable())
		}
	}
	assert.Empty(t, s.Requests(), "nothing had to be read to know that")
}

func TestHowManyDevicesWereNotTouchedIsSaid(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	for _, step := range ofDevices {
		result := step.lists(t, s, request)
		assert.Equal(t, "1 device not seen to leave Intune and not touched", result.Detail)
		require.Len(t, result.Items, 1)
		assert.Empty(t, result.Items[0].Device.Calls, "they stand with removeAllDevices")
		assert.Equal(t, gone(request, 0).ID, result.Items[0].Device.ManagedDeviceID)
		assert.Equal(t, laptop.Name, result.Items[0].Device.Name, "people see the device's name")
	}
}

func TestADeviceThatIsEnrolledAnewIsNotTouched(t *testing.T) {
	t.Parallel()
	for _, step := range ofDevices {
		s, request := departed(t, laptop, laptop)
		s.inAutopilot(request, gone(request, 0).Device.SerialNumber, gone(request, 1).Device.SerialNumber)
		if step == deleting {
			s.inAutopilot(request)
		}
		before := step.lists(t, s, request).Items
		device := gone(request, 0).Device
		s.Enroll(megan, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: device.AzureADDeviceID, SerialNumber: device.SerialNumber})

		// The device was enrolled after the first list.
		require.Empty(t, before[0].Outcome)
		item, err := step.changes(t, s, 1, request, before[0])
		require.NoError(t, err)
		assert.Equal(t, leaver.Skipped, item.Outcome)
		assert.Contains(t, item.Detail, "enrolled anew")
		assert.Empty(t, s.writes())

		// And before it.
		after := step.does(t, s, request)
		assert.Equal(t, leaver.Skipped, after[0].Outcome)
		assert.Contains(t, after[0].Detail, "enrolled anew")
		assert.Equal(t, leaver.Done, after[1].Outcome)
		assert.Len(t, s.writes(), 1)
	}
}

// Intune writes zeros where Entra does not know a device, and makers who give
// all their devices one serial number are not rare.
func TestZerosAreNoIDOfADevice(t *testing.T) {
	t.Parallel()
	const zeros = "00000000-0000-0000-0000-000000000000"
	unknown := graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: zeros, SerialNumber: "Default string"}
	s, request := departed(t, unknown)
	user := s.Users()[adele]
	user.EntraDevices = append(user.EntraDevices, graphsim.EntraDevice{ID: "e1", DeviceID: zeros, OperatingSystem: "Windows", AccountEnabled: true})
	s.Add(user)
	other := s.Users()[megan]
	other.Autopilot = []graphsim.AutopilotIdentity{{ID: "a2", SerialNumber: unknown.SerialNumber, ManagedDeviceID: zeros, AzureADDeviceID: zeros}}
	s.Add(other)
	for _, step := range ofDevices {
		items := step.does(t, s, request)
		require.Len(t, items, 1)
		assert.Contains(t, []leaver.Outcome{leaver.AlreadyDone, leaver.Skipped}, items[0].Outcome)
		assert.NotEmpty(t, items[0].Detail)
		for _, id := range []string{"a2", "e1"} {
			item := items[0]
			item.ID, item.Outcome = id, ""
			_, err := step.changes(t, s, 1, request, item)
			require.NoError(t, err)
		}
	}
	assert.Empty(t, s.writes())
}

// An item that was changed by hand after it was listed is done, whoever did it: it was
// not so before the step.
func TestWhatSomebodyElseHasChangedSinceIsDone(t *testing.T) {
	t.Parallel()
	for _, step := range append(ofDevices, appData) {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		user := s.Users()[adele]
		user.EntraDevices, user.Autopilot, user.AppRegistrations = nil, nil, nil
		s.Add(user)
		item, err := step.changes(t, s, 1, request, open)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.NotEmpty(t, item.Detail)
		assert.Empty(t, s.writes())
	}
}

// openItem gives Adele what the step changes, and lists it.
func openItem(t *testing.T, s *stage, step each, request leaver.StepRequest) leaver.Item {
	t.Helper()
	if step == autopilot {
		s.inAutopilot(request, gone(request, 0).Device.SerialNumber)
	}
	user := s.Users()[adele]
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	s.Add(user)
	items := step.lists(t, s, request).Items
	require.Len(t, items, 1)
	require.Empty(t, items[0].Outcome)
	return items[0]
}

func TestALostAnswerIsNotTakenForAlreadyDone(t *testing.T) {
	t.Parallel()
	for _, step := range append(ofDevices, appData) {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		for _, method := range []string{"PATCH", "DELETE", "POST"} {
			s.Fail(graphsim.Fault{Method: method, Cut: true})
		}
		_, err := step.changes(t, s, 1, request, open)
		assert.False(t, failed(t, s, err).NonRetryable())
		s.Heal()
		item, err := step.changes(t, s, 2, request, open)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.Len(t, s.writes(), 1)

		// A person has it tried again, by an activity that makes a first attempt.
		tried := leaver.Item{ID: open.ID, Device: open.Device, Outcome: leaver.Failed, Failure: leaver.GraphUnavailable, Detail: "no answer"}
		item, err = step.changes(t, s, 1, request, tried)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.Empty(t, item.Failure)
		assert.NotEqual(t, tried.Detail, item.Detail)

		// Nobody has: the second list sees it.
		request.Items = []leaver.Item{tried}
		proof := step.lists(t, s, request).Items
		require.Len(t, proof, 1)
		assert.Equal(t, open.ID, proof[0].ID)
		assert.Equal(t, leaver.Done, proof[0].Outcome)
		assert.Empty(t, proof[0].Failure)
		assert.NotEqual(t, tried.Detail, proof[0].Detail)
	}
}

func TestWhatGraphAcceptsAndDoesNotShowIsLookedForAgain(t *testing.T) {
	t.Parallel()
	for _, step := range []each{autopilot, deleting} {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		s.Configure(graphsim.Settings{Lags: true})
		_, err := step.changes(t, s, 1, request, open)
		failure := failed(t, s, err)
		assert.False(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "does not show it yet")
		assert.Equal(t, 1, s.accepted())
		request.Items = []leaver.Item{open}
		assert.Empty(t, step.lists(t, s, request).Items[0].Outcome, "it is no proof")

		// Graph no longer finds by its id what it still lists.
		_, err = step.changes(t, s, 2, request, open)
		failure = failed(t, s, err)
		assert.False(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "does not find it")
		assert.Equal(t, 1, s.accepted())

		s.Configure(graphsim.Settings{})
		item, err := step.changes(t, s, 3, request, open)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.Len(t, s.writes(), 2)
	}
}

// A 404 may mean that Graph does not know the call, and then nothing was done.
func TestANoRouteIsNoAcceptanceForAnyItem(t *testing.T) {
	t.Parallel()
	for _, step := range append(ofDevices, appData) {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		for _, method := range []string{"PATCH", "DELETE", "POST"} {
			s.Fail(graphsim.Fault{Method: method, Times: -1, Status: 404, Code: "UnknownError"})
		}
		_, err := step.changes(t, s, 1, request, open)
		assert.True(t, failed(t, s, err).NonRetryable())
	}
}

// A replica that lags does not find what Graph lists.
func TestALagging404IsNotTakenForDone(t *testing.T) {
	t.Parallel()
	for _, step := range append(ofDevices, appData) {
		for _, code := range []string{"ResourceNotFound", "Request_ResourceNotFound", "Directory_ObjectNotFound"} {
			s, request := departed(t, laptop)
			open := openItem(t, s, step, request)
			for _, method := range []string{"PATCH", "DELETE", "POST"} {
				s.Fail(graphsim.Fault{Method: method, Status: 404, Code: code})
			}
			_, err := step.changes(t, s, 1, request, open)
			assert.False(t, failed(t, s, err).NonRetryable())
			item, err := step.changes(t, s, 2, request, open)
			require.NoError(t, err)
			assert.Equal(t, leaver.Done, item.Outcome)
			assert.Equal(t, 1, s.accepted())
		}
	}
}

// What was changed needs no list to be known.
func TestAListThatIsRefusedIsAFailureOfItsOwn(t *testing.T) {
	t.Parallel()
	for path, step := range map[string]each{"/windowsAutopilotDeviceIdentities": autopilot, "/managedAppRegistrations": appData, "/registeredDevices": deleting, "/deviceManagement/managedDevices": disabling} {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		s.Fail(graphsim.Fault{Method: "GET", Path: path, Times: -1, Status: 403, Code: "Forbidden"})
		_, err := call[leaver.StepResult](t, s, 1, step.list, request)
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.GraphForbidden), failure.Type())
		assert.True(t, failure.NonRetryable())
		_, err = step.changes(t, s, 1, request, open)
		assert.True(t, failed(t, s, err).NonRetryable())
		assert.Empty(t, s.writes(), "what cannot be read first is not changed")
	}
}
