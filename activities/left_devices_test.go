package activities_test

import (
	"slices"
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

// zeros are what Intune writes for an id that it does not know.
const zeros = "00000000-0000-0000-0000-000000000000"

// each is a step of shape Each by the names of its activities.
type each struct{ list, change string }

var (
	autopilot = each{leaver.ActivityListAutopilotIdentities, leaver.ActivityDeleteAutopilotIdentity}
	disabling = each{leaver.ActivityListEnabledEntraDevices, leaver.ActivityDisableEntraDevice}
	deleting  = each{leaver.ActivityListEntraDevices, leaver.ActivityDeleteEntraDevice}
	appData   = each{leaver.ActivityListManagedAppRegistrations, leaver.ActivityWipeManagedAppRegistration}

	// ofDevices are the steps that touch devices which have left Intune.
	ofDevices = []each{autopilot, disabling, deleting}
	everyStep = append(slices.Clip(ofDevices), appData)
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
	return call[leaver.Item](t, s, number, e.change, leaver.ItemRequest{UserID: request.UserID, Settings: request.Settings, Item: item})
}

// changed is an item after an attempt that succeeds.
func (e each) changed(t *testing.T, s *stage, number int32, request leaver.StepRequest, item leaver.Item) leaver.Item {
	t.Helper()
	changed, err := e.changes(t, s, number, request, item)
	require.NoError(t, err)
	return changed
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
		changed := e.changed(t, s, 1, request, item)
		request.Items[i] = changed
		changed.Outcome, changed.Detail = "", ""
		assert.Equal(t, changed, item, "what was known of it stays with it")
	}
	assert.Equal(t, request.Items, e.lists(t, s, request).Items, "the second list proves what was done, and forgets nothing")
	return request.Items
}

// assertItem asserts how an item has ended, and what people are told of it.
func assertItem(t *testing.T, item leaver.Item, outcome leaver.Outcome, says string) {
	t.Helper()
	assert.Equal(t, outcome, item.Outcome)
	assert.NotEmpty(t, item.Detail)
	assert.Contains(t, item.Detail, says)
	assert.Empty(t, item.Failure)
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
	s.change(func(user *graphsim.User) {
		user.Autopilot = nil
		for n, serial := range serialNumbers {
			user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: "a" + string(rune('0'+n)), SerialNumber: serial, AzureADDeviceID: gone(request, n).Device.AzureADDeviceID})
		}
	})
}

// openItem gives Adele what the step changes, and lists it.
func openItem(t *testing.T, s *stage, step each, request leaver.StepRequest) leaver.Item {
	t.Helper()
	if step == autopilot {
		s.inAutopilot(request, gone(request, 0).Device.SerialNumber)
	}
	s.change(func(user *graphsim.User) {
		user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	})
	items := step.lists(t, s, request).Items
	require.Len(t, items, 1)
	require.Empty(t, items[0].Outcome)
	return items[0]
}

func TestWithoutProofThatADeviceHasLeftNothingOfItIsTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	for _, step := range ofDevices {
		_, err := call[leaver.StepResult](t, s, 1, step.list, leaver.StepRequest{UserID: request.UserID})
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "results.removeAllDevices")

		for outcome, want := range map[leaver.Outcome]leaver.Outcome{leaver.Done: "", leaver.AlreadyDone: "", leaver.Skipped: leaver.Skipped, leaver.Failed: leaver.Skipped} {
			removed := leaver.StepResult{Outcome: outcome, Items: []leaver.Item{{ID: "d1", Device: &leaver.Device{Verdict: leaver.Silent}}}}
			result := step.lists(t, s, leaver.StepRequest{UserID: request.UserID, Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removed}})
			assert.Equal(t, leaver.StepResult{Outcome: want, Detail: "no device has left Intune here"}, result)
		}

		for _, item := range []leaver.Item{
			{ID: "e1"},
			{ID: "e1", Device: &leaver.Device{ManagedDeviceID: "d1", Verdict: leaver.Silent}},
			{ID: "e1", Device: &leaver.Device{Verdict: leaver.Gone}},
			{Device: &leaver.Device{ManagedDeviceID: "d1", Verdict: leaver.Gone}},
		} {
			final(t, s, errorOf(step.changes(t, s, 1, request, item)), leaver.InvalidRequest)
		}
	}
	assert.Empty(t, s.Requests(), "nothing had to be read to know that")
}

func TestHowManyDevicesWereNotTouchedIsSaid(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	left := gone(request, 0)
	for _, step := range ofDevices {
		result := step.lists(t, s, request)
		assert.Equal(t, "1 device not seen to leave Intune and not touched", result.Detail)
		require.Len(t, result.Items, 1)
		// People see the device's name; its calls stand with removeAllDevices.
		assert.Equal(t, &leaver.Device{DeviceFacts: left.Device.DeviceFacts, ManagedDeviceID: left.ID, Verdict: leaver.Gone}, result.Items[0].Device)
	}
}

// enrolledAnew is a device that has left and that somebody has enrolled again.
func enrolledAnew(d *leaver.Device) graphsim.Device {
	return graphsim.Device{Name: d.Name, OperatingSystem: d.OperatingSystem, AzureADDeviceID: d.AzureADDeviceID, SerialNumber: d.SerialNumber}
}

func TestADeviceThatIsEnrolledAnewHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, step := range ofDevices {
		s, request := departed(t, laptop, laptop)
		if step != deleting {
			s.inAutopilot(request, gone(request, 0).Device.SerialNumber, gone(request, 1).Device.SerialNumber)
		}
		s.Enroll(megan, enrolledAnew(gone(request, 0).Device))
		items := step.does(t, s, request)
		assertItem(t, items[0], leaver.Skipped, "enrolled anew")
		assertItem(t, items[1], leaver.Done, "")
		assert.Len(t, s.writes(), 1)
	}
}

// Something happens to an item after it was listed. It was to be changed when the step
// began: whoever has changed it by now, it is done.
func TestOnlyWhatIsStillAsItWasListedIsChanged(t *testing.T) {
	t.Parallel()
	type row struct {
		steps           []each
		happens         func(s *stage, open leaver.Item)
		changed, listed leaver.Outcome
		says            string
	}
	table(t, map[string]row{
		"somebody has changed it by hand": {everyStep, func(s *stage, _ leaver.Item) {
			s.change(func(user *graphsim.User) { user.EntraDevices, user.Autopilot, user.AppRegistrations = nil, nil, nil })
		}, leaver.Done, leaver.AlreadyDone, ""},
		"the device is enrolled anew": {ofDevices, func(s *stage, open leaver.Item) {
			s.Enroll(megan, enrolledAnew(open.Device))
		}, leaver.Skipped, leaver.Skipped, "enrolled anew"},
		"Autopilot knows the device as another one that Intune manages by now": {[]each{autopilot}, func(s *stage, open leaver.Item) {
			other := graphsim.Device{ID: "bbbbbbbb-0000-4000-8000-000000000002", Name: "MEGANS", OperatingSystem: "Windows", SerialNumber: open.Device.SerialNumber}
			s.Enroll(megan, other)
			s.change(func(user *graphsim.User) { user.Autopilot[0].ManagedDeviceID = other.ID })
		}, leaver.Skipped, leaver.Skipped, "with another device"},
		"Entra has the device for somebody else": {[]each{disabling, deleting}, func(s *stage, _ leaver.Item) {
			s.change(func(user *graphsim.User) {
				s.Add(graphsim.User{UserPrincipalName: megan, EntraDevices: user.EntraDevices})
				user.EntraDevices = nil
			})
		}, leaver.Done, leaver.AlreadyDone, notRegistered},
	}, func(t *testing.T, c row) {
		for _, step := range c.steps {
			s, request := departed(t, laptop)
			open := openItem(t, s, step, request)
			c.happens(s, open)
			for number := range int32(2) {
				assertItem(t, step.changed(t, s, number+1, request, open), c.changed, c.says)
			}
			for _, item := range step.does(t, s, request) { // where nothing was listed before
				assertItem(t, item, c.listed, c.says)
			}
			assert.Empty(t, s.writes())
		}
	})
}

// Intune writes zeros where Entra does not know a device, and makers who give
// all their devices one serial number are not rare.
func TestZerosAreNoIDOfADevice(t *testing.T) {
	t.Parallel()
	unknown := graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: zeros, SerialNumber: "Default string"}
	s, request := departed(t, unknown)
	s.change(func(user *graphsim.User) {
		user.EntraDevices = append(user.EntraDevices, graphsim.EntraDevice{ID: "e1", DeviceID: zeros, OperatingSystem: "Windows", AccountEnabled: true})
	})
	other := s.Users()[megan]
	other.Autopilot = []graphsim.AutopilotIdentity{{ID: "a2", SerialNumber: unknown.SerialNumber, ManagedDeviceID: zeros, AzureADDeviceID: zeros}}
	s.Add(other)
	for _, step := range ofDevices {
		items := step.does(t, s, request)
		require.Len(t, items, 1)
		assert.Contains(t, []leaver.Outcome{leaver.AlreadyDone, leaver.Skipped}, items[0].Outcome)
		assert.NotEmpty(t, items[0].Detail)
		for _, id := range []string{"a2", "e1"} {
			step.changed(t, s, 1, request, leaver.Item{ID: id, Device: items[0].Device})
		}
	}
	assert.Empty(t, s.writes())
}

// A 404 may mean that Graph does not know the call, and then nothing was done, or that a
// replica lags and does not find what Graph lists.
func TestAChangeThatFailedIsTriedAgainAndNotTakenForDone(t *testing.T) {
	t.Parallel()
	type row struct {
		fault  graphsim.Fault
		why    leaver.FailureType
		writes int
	}
	table(t, map[string]row{
		"a lost answer":              {graphsim.Fault{Cut: true}, leaver.GraphUnavailable, 1},
		"no route":                   {graphsim.Fault{Status: 404, Code: "UnknownError"}, leaver.GraphBadRequest, 2},
		"a lagging Intune":           {graphsim.Fault{Status: 404, Code: "ResourceNotFound"}, leaver.GraphUnavailable, 2},
		"a lagging Entra":            {graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound"}, leaver.GraphUnavailable, 2},
		"a lagging copy of a tenant": {graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, leaver.GraphUnavailable, 2},
	}, func(t *testing.T, c row) {
		for _, step := range everyStep {
			s, request := departed(t, laptop)
			open := openItem(t, s, step, request)
			for _, c.fault.Method = range []string{"PATCH", "DELETE", "POST"} {
				s.Fail(c.fault)
			}
			failed(t, s, errorOf(step.changes(t, s, 1, request, open)), c.why, true)
			s.Heal()
			assertItem(t, step.changed(t, s, 2, request, open), leaver.Done, "")
			assert.Equal(t, [2]int{c.writes, 1}, [2]int{len(s.writes()), s.accepted()})

			// A person has it tried again, by an activity that makes a first attempt.
			tried := leaver.Item{ID: open.ID, Device: open.Device, Outcome: leaver.Failed, Failure: leaver.GraphUnavailable, Detail: "no answer"}
			again := step.changed(t, s, 1, request, tried)
			assertItem(t, again, leaver.Done, "")
			assert.NotEqual(t, tried.Detail, again.Detail)

			// Nobody has: the second list sees it.
			request.Items = []leaver.Item{tried}
			assert.Equal(t, []leaver.Item{again}, step.lists(t, s, request).Items)
		}
	})
}

func TestWhatGraphAcceptsAndDoesNotShowIsLookedForAgain(t *testing.T) {
	t.Parallel()
	for _, step := range []each{autopilot, deleting} {
		s, request := departed(t, laptop)
		open := openItem(t, s, step, request)
		s.Configure(graphsim.Settings{Lags: true})
		// From the second attempt on Graph does not find by its id what it still lists.
		for before, says := range []string{"does not show it yet", "does not find it"} {
			assert.Contains(t, waiting(t, s, errorOf(step.changes(t, s, int32(before)+1, request, open)), leaver.GraphUnavailable).Message(), says)
			assert.Equal(t, 1, s.accepted())
			request.Items = []leaver.Item{open}
			assert.Empty(t, step.lists(t, s, request).Items[0].Outcome, "it is no proof")
		}
		s.Configure(graphsim.Settings{})
		assertItem(t, step.changed(t, s, 3, request, open), leaver.Done, "")
		assert.Len(t, s.writes(), 2)
	}
}

// What was changed needs no list to be known; where properties are hidden, nothing is known.
func TestAListThatIsRefusedIsAFailureOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step             each
		path, code, says string
	}{
		{autopilot, "/windowsAutopilotDeviceIdentities", "Forbidden", ""},
		{appData, "/managedAppRegistrations", "Forbidden", ""},
		{deleting, "/registeredDevices", "Forbidden", "Device.Read.All"},
		{disabling, "/registeredDevices", "Authorization_RequestDenied", "Device.Read.All"},
		{disabling, "/deviceManagement/managedDevices", "Forbidden", ""},
	} {
		s, request := departed(t, laptop)
		open := openItem(t, s, c.step, request)
		s.Fail(graphsim.Fault{Method: "GET", Path: c.path, Times: -1, Status: 403, Code: c.code})
		assert.Contains(t, final(t, s, errorOf(call[leaver.StepResult](t, s, 1, c.step.list, request)), leaver.GraphForbidden).Message(), c.says)
		assert.Contains(t, final(t, s, errorOf(c.step.changes(t, s, 1, request, open)), leaver.GraphForbidden).Message(), c.says)
		assert.Empty(t, s.writes(), "what cannot be read first is not changed")
	}
}
