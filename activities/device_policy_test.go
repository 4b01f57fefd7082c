package activities_test

import (
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var ids = [...]string{
	"0c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a10", "1c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a11", "2c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a12",
	"3c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a13", "4c6d1f0e-53f5-4d1c-9f3a-1f0a7c1e5a14",
}

// fleet is Adele with devices of every kind that policies tell apart.
func fleet() []graphsim.User {
	return []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{ID: ids[0], Name: "CONTOSO-LT-01", OperatingSystem: "Windows", CheckIn: -1},
		{ID: ids[1], Name: "CONTOSO-MB-01", OperatingSystem: "macOS", CheckIn: -1},
		{ID: ids[2], Name: "CONTOSO-PH-01", OperatingSystem: "Android", CheckIn: -1},
		{ID: ids[3], Name: "PRIVATE-PH-01", OperatingSystem: "Android", OwnerType: "personal", CheckIn: -1},
		{ID: ids[4], Name: "PRIVATE-LT-01", OperatingSystem: "Windows", OwnerType: "personal", CheckIn: -1},
	}}}
}

var mixed = leaver.DevicePolicy{
	Company:  leaver.DeviceActions{Windows: leaver.WipeKeepUserData, MacOS: leaver.DeleteRecord, Android: leaver.Wipe},
	Personal: leaver.DeviceActions{Windows: leaver.Keep},
}

func TestAPlanShowsWhatWillHappenToEachDevice(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	plan := planFor(t, s, leaver.Request{UserID: adele, Devices: &leaver.DevicePolicy{
		Company: leaver.DeviceActions{Windows: leaver.Wipe, Android: leaver.DeleteRecord}, Personal: leaver.DeviceActions{Android: leaver.Wipe, Windows: leaver.Keep}}})
	step := stepOf(t, plan, leaver.StepRemoveAllDevices)
	require.Len(t, step.Items, 5)
	for i, want := range []struct {
		action leaver.DeviceAction
		why    string
	}{
		{leaver.Wipe, ""}, {leaver.Retire, ""}, {leaver.DeleteRecord, "a person will be asked: deleting the record of a corporate Android device resets it to factory settings"},
		{leaver.Wipe, "a person will be asked: a personal Android device has a work profile only, which Graph cannot wipe"}, {leaver.Keep, "left as it is, as the policy says"},
	} {
		item := step.Items[i]
		assert.Equal(t, want.action, item.Device.Planned, item.Device.Name)
		if want.why != "" {
			assert.True(t, strings.HasPrefix(item.Detail, want.why), item.Detail)
		}
		assert.Empty(t, item.Outcome, "nothing has happened yet")
		assert.Empty(t, item.Device.Action)
	}
	assert.Empty(t, s.writes())
	assert.Equal(t, step.Devices, stepOf(t, plan, leaver.StepAwaitDevicesRemoved).Devices)
}

func TestAPlanSaysWhichDevicesAreLeavingAlready(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{Name: "CONTOSO-LT-01", OperatingSystem: "Windows", State: "retirePending", CheckIn: -1}}}})
	item := stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices).Items[0]
	assert.Equal(t, "already leaving", item.Detail)
	assert.Empty(t, item.Device.Planned)
	assert.Len(t, s.Requests(), 2, "no recovery key is looked for")
}

func TestTheWorkersPolicyIsForRequestsThatSayNothing(t *testing.T) {
	t.Parallel()
	s := set(t, fleet(), func(c *plugin.Config) { c.DevicePolicy = mixed })
	assert.Equal(t, &mixed, stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices).Devices)
	all := &leaver.DevicePolicy{}
	assert.Equal(t, all, stepOf(t, planFor(t, s, leaver.Request{UserID: adele, Devices: all}), leaver.StepRemoveAllDevices).Devices, "it replaces the worker's as a whole")
}

func TestDevicesThatCannotBeReadDoNotHoldUpThePlan(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 503} {
		s := set(t, fleet())
		s.Fail(graphsim.Fault{Path: "/managedDevices", Times: -1, Status: status})
		step := stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices)
		assert.Contains(t, step.Note, "the devices could not be read for the plan: ")
		assert.Empty(t, step.Skip)
	}
	s := set(t, fleet())
	s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503})
	err := (&attempt{}).run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele, DryRun: true}, &leaver.Plan{})
	assert.Equal(t, string(leaver.GraphUnavailable), failed(t, s, err).Type(), "a dry run waits: the plan is all that it gives")
}

func TestEachDeviceIsTreatedAsThePolicySays(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: &mixed})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "Intune accepted what was asked of 4 devices; whether they left is seen by awaitDevicesRemoved; 1 device left as decided", result.Detail)
	assert.ElementsMatch(t, []string{"POST wipe", "DELETE " + ids[1], "POST wipe", "POST retire"}, s.writes())
	states := map[string]string{}
	for _, d := range s.Users()[adele].Devices {
		states[d.ID] = d.State
	}
	assert.Equal(t, map[string]string{ids[0]: "wipePending", ids[2]: "wipePending", ids[3]: "retirePending", ids[4]: "managed"}, states)
	assert.Equal(t, leaver.Skipped, result.Items[4].Outcome)
	assert.Equal(t, leaver.Kept, result.Items[4].Device.Verdict)

	await := leaver.StepRequest{UserID: s.id(adele), Devices: &mixed, Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}}
	user := s.Users()[adele]
	user.Devices = user.Devices[3:]
	s.Add(user)
	result, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, await)
	require.NoError(t, err)
	assert.Equal(t, "4 devices gone; 1 device left as decided", result.Detail)
}

func TestTheOneActionForAllIsNotUsedWhereThePolicyKeepsAny(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	policy := &leaver.DevicePolicy{Personal: leaver.DeviceActions{Default: leaver.Keep}}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: policy})
	require.NoError(t, err)
	assert.Zero(t, s.posted(), "it would also take a personal device that is enrolled just then")
	assert.Equal(t, 1, s.retired())
}

func TestADeviceThatThePolicyWouldHarmIsAQuestionAfterTheOthers(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	request := leaver.StepRequest{UserID: s.id(adele)}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
	assert.True(t, failure.NonRetryable())
	assert.Contains(t, failure.Message(), "1 device not touched")
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.NotContains(t, seen.Choices, leaver.WaitLonger)
	assert.Equal(t, leaver.Failed, seen.Items[2].Outcome)
	assert.Contains(t, seen.Items[2].Detail, "retire is not supported for a corporate Android device")
	assert.Equal(t, 4, s.retired())
	assert.Zero(t, s.posted(), "the one action would take that one too")

	request.Items = seen.Items
	request.Items[2].Outcome, request.Items[2].Choice = "", "wipe"
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, 4, s.retired(), "nobody is asked twice")
	assert.Equal(t, 1, s.written("POST wipe"))
	assert.Equal(t, leaver.Wipe, result.Items[2].Device.Action)
}

func TestADeviceThatIsGivenUpIsNotAskedAfterACrash(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	heard := []leaver.Item{{ID: ids[2], Outcome: leaver.Skipped, Device: &leaver.Device{Verdict: leaver.GivenUp}}}
	policy := &leaver.DevicePolicy{Company: leaver.DeviceActions{Android: leaver.Wipe}}
	_, err := (&attempt{number: 2, heard: heard}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: policy})
	require.NoError(t, err)
	assert.Zero(t, s.written("POST wipe"))
}

func TestADeviceEnrolledSinceIsTreatedAsThePolicySays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		device  graphsim.Device
		writes  string
		outcome leaver.Outcome
	}{
		"wiped":   {graphsim.Device{OperatingSystem: "Android"}, "POST wipe", ""},
		"kept":    {graphsim.Device{OperatingSystem: "Windows", OwnerType: "personal"}, "", leaver.Skipped},
		"retired": {graphsim.Device{OperatingSystem: "iOS"}, "POST retire", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices())
			request := removed(t, s)
			request.Devices = &mixed
			c.device.Name, c.device.CheckIn = "CONTOSO-XX-99", -1
			s.Enroll(adele, c.device)
			look := &attempt{}
			result, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
			if c.outcome == leaver.Skipped {
				require.NoError(t, err)
				assert.Equal(t, "0 devices gone; 1 device left as decided", result.Detail)
				assert.Empty(t, s.writes())
				return
			}
			remaining(t, s, err)
			assert.Equal(t, []string{c.writes}, s.writes())
		})
	}
}

func TestADeviceEnrolledSinceThatThePolicyWouldHarmIsAQuestion(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	request := removed(t, s)
	s.Enroll(adele, graphsim.Device{Name: "CONTOSO-PH-99", OperatingSystem: "Android"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure := failed(t, s, err)
	assert.True(t, failure.NonRetryable())
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.NotEmpty(t, seen.Choices)
	assert.Equal(t, leaver.Failed, seen.Items[0].Outcome)
	assert.Empty(t, s.writes())
}
