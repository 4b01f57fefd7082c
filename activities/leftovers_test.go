package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// departed is Adele whose devices have left Intune, and a step that comes after.
// The last device was kept.
func departed(t *testing.T, devices ...graphsim.Device) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{
		{UserPrincipalName: adele, AccountEnabled: true, Devices: append(devices, graphsim.Device{Name: "CONTOSO-LT-0500", OperatingSystem: "Linux", CheckIn: leaver.Duration(never)})},
		{UserPrincipalName: megan, AccountEnabled: true, Devices: []graphsim.Device{{Name: "CONTOSO-LT-0418", OperatingSystem: "Windows"}}},
	})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Linux: leaver.Keep}}}
	removed, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removed}
	gone, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepAwaitDevicesRemoved: gone}
	return s, request
}

var (
	laptop = graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"}
	phone  = graphsim.Device{Name: "CONTOSO-PH-0101", OperatingSystem: "iOS"}
)

func TestEntraDevicesAreDisabledAndReadBack(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	before := s.Users()
	result, err := (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	require.Len(t, result.Items, 1, "the one that was kept is left alone")
	after := s.Users()
	assert.False(t, after[adele].EntraDevices[0].AccountEnabled)
	assert.True(t, after[adele].EntraDevices[1].AccountEnabled)
	assert.Equal(t, before[megan], after[megan])

	result, err = (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Equal(t, 1, s.written("PATCH "+after[adele].EntraDevices[0].ID))
}

func TestEntraDevicesAreDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	result, err := (&attempt{}).do(t, s, leaver.ActivityDeleteEntraDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.Users()[adele].EntraDevices, 1)
	result, err = (&attempt{}).do(t, s, leaver.ActivityDeleteEntraDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
}

func TestADeviceThatEntraRefusesIsNamedAndTheOthersAreDone(t *testing.T) {
	t.Parallel()
	s, request := departed(t, phone, laptop)
	_, err := (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphForbidden), failure.Type())
	assert.Contains(t, failure.Message(), "1 of 2")
	assert.Contains(t, failure.Message(), "Device.ReadWrite.All")
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.Empty(t, seen.Choices)
	assert.Equal(t, leaver.Failed, seen.Items[0].Outcome)
	assert.Equal(t, leaver.Done, seen.Items[1].Outcome)
}

func TestADeviceThatEntraHasForSomebodyElseIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	from := s.Users()[adele]
	s.Add(graphsim.User{UserPrincipalName: megan, EntraDevices: from.EntraDevices})
	from.EntraDevices = nil
	s.Add(from)
	for _, name := range []string{leaver.ActivityDisableEntraDevices, leaver.ActivityDeleteEntraDevices} {
		result, err := (&attempt{}).do(t, s, name, request)
		require.NoError(t, err)
		assert.Equal(t, leaver.AlreadyDone, result.Outcome)
		assert.Contains(t, result.Items[0].Detail, "no such device registered for the leaver")
	}
}

func TestADelegatedCredentialReachesPhonesToo(t *testing.T) {
	t.Parallel()
	s, request := departed(t, phone)
	_, err := (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	assert.Contains(t, failed(t, s, err).Message(), "LEAVER_DEVICE_CREDENTIAL=device-code")

	s.config.DeviceCredential = token(s.Token(graphsim.Delegated))
	s.offboarding, err = plugin.New(s.config)
	require.NoError(t, err)
	result, err := (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
}

func TestADeviceThatIsEnrolledAnewIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop, laptop)
	gone := request.Results[leaver.StepAwaitDevicesRemoved].Items[0].Device
	user := s.Users()[adele]
	user.Autopilot = []graphsim.AutopilotIdentity{{ID: "a0", SerialNumber: gone.SerialNumber, AzureADDeviceID: gone.AzureADDeviceID}}
	s.Add(user)
	s.Enroll(megan, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: gone.AzureADDeviceID, SerialNumber: gone.SerialNumber})
	for name, detail := range map[string]string{
		leaver.ActivityDisableEntraDevices:       "1 device done, 1 device enrolled anew and not touched",
		leaver.ActivityDeleteAutopilotIdentities: "1 device needed nothing, 1 device enrolled anew and not touched",
	} {
		result, err := (&attempt{}).do(t, s, name, request)
		require.NoError(t, err)
		assert.Contains(t, result.Detail, detail)
		assert.Equal(t, leaver.Skipped, result.Items[0].Outcome)
	}
	assert.True(t, s.Users()[adele].EntraDevices[0].AccountEnabled)
	assert.Len(t, s.Users()[adele].Autopilot, 1)
}

// Intune writes zeros where Entra does not know a device, and makers who give
// all their devices one serial number are not rare.
func TestZerosAreNoIDOfADevice(t *testing.T) {
	t.Parallel()
	const zeros = "00000000-0000-0000-0000-000000000000"
	unknown := graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: zeros, SerialNumber: "Default string"}
	s, request := departed(t, unknown)
	other := s.Users()[megan]
	other.Autopilot = []graphsim.AutopilotIdentity{{ID: "a2", SerialNumber: unknown.SerialNumber, ManagedDeviceID: zeros, AzureADDeviceID: zeros}}
	other.EntraDevices = append(other.EntraDevices, graphsim.EntraDevice{ID: "e2", DeviceID: zeros, OperatingSystem: "Windows", AccountEnabled: true})
	s.Add(other)
	accepted := s.accepted()
	for _, name := range []string{leaver.ActivityDeleteAutopilotIdentities, leaver.ActivityDisableEntraDevices, leaver.ActivityDeleteEntraDevices} {
		result, err := (&attempt{}).do(t, s, name, request)
		require.NoError(t, err)
		assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	}
	assert.Equal(t, accepted, s.accepted())
}

func TestWithoutProofThatADeviceHasLeftNothingOfItIsTouched(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	for _, name := range []string{leaver.ActivityDeleteAutopilotIdentities, leaver.ActivityDisableEntraDevices, leaver.ActivityDeleteEntraDevices} {
		_, err := do(t, s, name)
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
		assert.Contains(t, failure.Message(), "results.awaitDevicesRemoved")

		for outcome, want := range map[leaver.Outcome]leaver.Outcome{leaver.Done: leaver.AlreadyDone, leaver.Skipped: leaver.Skipped, leaver.Failed: leaver.Skipped} {
			awaited := leaver.StepResult{Outcome: outcome, Items: []leaver.Item{{ID: "d1", Device: &leaver.Device{Verdict: leaver.Silent}}}}
			result, err := (&attempt{}).do(t, s, name, leaver.StepRequest{UserID: request.UserID, Results: map[string]leaver.StepResult{leaver.StepAwaitDevicesRemoved: awaited}})
			require.NoError(t, err)
			assert.Equal(t, want, result.Outcome)
		}
	}
	assert.Equal(t, []string{"POST retire"}, s.writes(), "by which it left")
}

func TestWhatGraphAcceptsAndDoesNotShowIsLookedForAgain(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	gone := request.Results[leaver.StepAwaitDevicesRemoved].Items[0].Device
	user := s.Users()[adele]
	user.Autopilot = []graphsim.AutopilotIdentity{{ID: "a0", SerialNumber: gone.SerialNumber, AzureADDeviceID: gone.AzureADDeviceID}}
	s.Add(user)
	_, err := (&attempt{}).do(t, s, leaver.ActivityDeleteEntraDevices, request)
	assert.Equal(t, string(leaver.GraphBadRequest), failed(t, s, err).Type(), "Autopilot has it")
	for name, id := range map[string]string{leaver.ActivityDeleteAutopilotIdentities: "a0", leaver.ActivityDeleteEntraDevices: user.EntraDevices[0].ID} {
		user.Autopilot = user.Autopilot[:0]
		if id == "a0" {
			user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: id, SerialNumber: gone.SerialNumber, AzureADDeviceID: gone.AzureADDeviceID})
		}
		s.Add(user)
		before := s.written("DELETE " + id)
		s.Configure(graphsim.Settings{Lags: true})
		first := &attempt{}
		_, err := first.do(t, s, name, request)
		failure := failed(t, s, err)
		assert.False(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "does not show it yet")
		assert.Equal(t, before+1, s.written("DELETE "+id))

		s.Configure(graphsim.Settings{})
		result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, name, request)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Items[0].Outcome)
		assert.Equal(t, before+1, s.written("DELETE "+id), "it is not asked for twice")
	}
}

func TestALostAnswerIsNotTakenForAlreadyDone(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	user := s.Users()[adele]
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}}
	s.Add(user)
	for _, name := range []string{leaver.ActivityDisableEntraDevices, leaver.ActivityDeleteEntraDevices, leaver.ActivityWipeManagedAppRegistrations} {
		for _, method := range []string{"PATCH", "DELETE", "POST"} {
			s.Fail(graphsim.Fault{Method: method, Cut: true})
		}
		first := &attempt{}
		_, err := first.do(t, s, name, request)
		assert.False(t, failed(t, s, err).NonRetryable())
		s.Heal()
		result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, name, request)
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome, name)
		assert.Equal(t, leaver.Done, result.Items[0].Outcome, name)
	}
}

func TestHiddenPropertiesAreNoDisabledDevices(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	s.Fail(graphsim.Fault{Path: "/registeredDevices", Times: -1, Status: 403, Code: "Authorization_RequestDenied"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityDisableEntraDevices, request)
	assert.Contains(t, failed(t, s, err).Message(), "Device.Read.All")
}

func TestAutopilotIdentitiesAreDeletedByTheDevicesOwnIDs(t *testing.T) {
	t.Parallel()
	const shared = "To be filled by O.E.M."
	s, request := departed(t, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", SerialNumber: shared},
		graphsim.Device{Name: "CONTOSO-LT-0419", OperatingSystem: "Windows", SerialNumber: "it's 4711"}, laptop, phone)
	user := s.Users()[adele]
	for i, item := range request.Results[leaver.StepAwaitDevicesRemoved].Items[:2] {
		user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: []string{"a0", "a1"}[i], SerialNumber: item.Device.SerialNumber, AzureADDeviceID: item.Device.AzureADDeviceID})
	}
	s.Add(user)
	other := s.Users()[megan]
	other.Autopilot = []graphsim.AutopilotIdentity{{ID: "a2", SerialNumber: shared, AzureADDeviceID: other.Devices[0].AzureADDeviceID}}
	s.Add(other)

	accepted := s.accepted()
	result, err := (&attempt{}).do(t, s, leaver.ActivityDeleteAutopilotIdentities, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "2 devices done, 2 devices needed nothing; 1 device not seen to leave Intune and not touched", result.Detail)
	assert.Empty(t, s.Users()[adele].Autopilot)
	assert.Len(t, s.Users()[megan].Autopilot, 1, "it has the same serial number")

	result, err = (&attempt{}).do(t, s, leaver.ActivityDeleteAutopilotIdentities, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Contains(t, result.Items[0].Detail, "with another device")
	assert.Equal(t, 2, s.accepted()-accepted)
}

func TestAppsWipeCompanyDataOnEachDevice(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	user := s.Users()[adele]
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}, {ID: "r2", DeviceTag: "t1"}, {ID: "r3", DeviceTag: "t2"}}
	s.Add(user)
	result, err := (&attempt{}).do(t, s, leaver.ActivityWipeManagedAppRegistrations, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, result.Detail, "2 devices")
	assert.Equal(t, 2, s.written("POST wipeManagedAppRegistrationsByDeviceTag"))
	assert.Empty(t, s.Users()[adele].AppRegistrations)
	result, err = (&attempt{}).do(t, s, leaver.ActivityWipeManagedAppRegistrations, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
}

func TestWhatIsLeftOfDevicesIsPlannedWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{laptop}}})
	include := func(names ...string) leaver.Plan {
		request := leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{}}
		for _, name := range names {
			request.Steps[name] = leaver.StepSettings{Include: true}
		}
		var plan leaver.Plan
		require.NoError(t, (&attempt{}).run(t, s, leaver.ActivityPlanOffboarding, request, &plan))
		require.NoError(t, plan.Check())
		return plan
	}
	assert.Len(t, include().Steps, 4)
	assert.Len(t, include(leaver.StepDisableAccount).Steps, 4, "it is on anyway")

	plan := include(leaver.StepDeleteEntraDevices, leaver.StepDeleteAutopilotIdentities)
	require.Len(t, plan.Steps, 6)
	autopilot, entra := plan.Steps[4], plan.Steps[5]
	assert.Equal(t, leaver.StepDeleteAutopilotIdentities, autopilot.Name)
	assert.Equal(t, []string{leaver.StepAwaitDevicesRemoved, leaver.StepDeleteAutopilotIdentities}, entra.After, "which one is off holds nothing back")
	assert.Contains(t, entra.Note, "BitLocker keys")
}

func TestThePlanSaysWhetherARecoveryKeyIsOnRecord(t *testing.T) {
	t.Parallel()
	withKey, without := laptop, laptop
	withKey.RecoveryKey = true
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{withKey, without, phone}}})
	plan := func() []leaver.Item {
		return stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices).Items
	}
	items := plan()
	assert.Equal(t, leaver.RecoveryKeyOnRecord, items[0].Device.RecoveryKey)
	assert.Empty(t, items[0].Detail)
	assert.Equal(t, leaver.RecoveryKeyMissing, items[1].Device.RecoveryKey)
	assert.Contains(t, items[1].Detail, "no BitLocker recovery key is on record")
	assert.Empty(t, items[2].Device.RecoveryKey, "there is none on a phone")

	policy := leaver.DevicePolicy{RequireRecoveryKey: true, Personal: leaver.DeviceActions{Default: leaver.Keep}}
	s.Enroll(adele, graphsim.Device{Name: "PRIVATE-LT-01", OperatingSystem: "Windows", OwnerType: "personal"})
	items = stepOf(t, planFor(t, s, leaver.Request{UserID: adele, Devices: &policy}), leaver.StepRemoveAllDevices).Items
	assert.Empty(t, items[0].Detail)
	assert.Equal(t, "a person will be asked: no BitLocker recovery key is on record", items[1].Detail)
	assert.Equal(t, "left as it is, as the policy says", items[3].Detail)

	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Status: 403, Code: "Authorization_RequestDenied"})
	items = plan()
	assert.Equal(t, leaver.RecoveryKeyUnknown, items[0].Device.RecoveryKey)
	assert.Contains(t, items[0].Detail, "BitlockerKey.ReadBasic.All")
}

func TestADeviceWithoutARequiredRecoveryKeyWaitsForAPerson(t *testing.T) {
	t.Parallel()
	withKey, without := laptop, laptop
	withKey.RecoveryKey = true
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{withKey, without, phone}}})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.Contains(t, seen.Items[1].Detail, "no BitLocker recovery key is on record, and the policy requires one")
	assert.Equal(t, []string{"POST retire", "POST retire"}, s.writes(), "the others were asked")

	// Somebody decides to do without.
	request.Items = seen.Items
	request.Items[1].Outcome, request.Items[1].Choice = "", leaver.Choice(leaver.Retire)
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, s.writes(), 3)

	// One enrolled since needs a key as well, however often it is looked at.
	request.Items, request.Results = nil, map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(time.Hour)}
	late := without
	late.ID = "0a1b2c3d-1111-4222-8333-444455556666"
	s.Enroll(adele, late)
	for range 2 {
		look := &attempt{}
		_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		failure = failed(t, s, err)
		assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
		assert.True(t, failure.NonRetryable())
		require.NoError(t, failure.Details(&seen))
		request.Items = seen.Items
	}
	assert.Len(t, s.writes(), 3)
}
