package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
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

func TestAnIntuneThatHangsDoesNotHoldUpThePlan(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	s.Fail(graphsim.Fault{Path: "/managedDevices", Times: -1, Delay: leaver.Duration(time.Hour)})
	var plan leaver.Plan
	require.NoError(t, (&attempt{timeout: time.Second}).run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele}, &plan))
	assert.Contains(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Note, "no answer from Intune in time")
	s.Heal()

	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Delay: leaver.Duration(time.Hour)})
	require.NoError(t, (&attempt{timeout: time.Second}).run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele}, &plan))
	items := stepOf(t, plan, leaver.StepRemoveAllDevices).Items
	assert.Equal(t, leaver.RecoveryKeyUnknown, items[0].Device.RecoveryKey)
	assert.Contains(t, items[0].Detail, "is not known")
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
	assert.Contains(t, failure.Message(), "1 device for a person to decide about: retire is not supported")
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

func TestOneDeviceThatIsRefusedKeepsNoOtherFromBeingAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	first := s.Users()[adele].Devices[0].ID
	s.Fail(graphsim.Fault{Path: first + "/wipe", Status: 400, Code: "BadRequest", Message: "The action is not supported for this device.", Times: -1})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure, seen := refusedBy(t, s, err)
	assert.Equal(t, string(leaver.GraphBadRequest), failure.Type())
	assert.Contains(t, failure.Message(), "1 device for a person to decide about: Graph refuses the request: The action is not supported for this device.")
	assert.Contains(t, seen.Choices, leaver.GiveUp)
	assert.Empty(t, seen.Items[0].Device.Action)
	var states []string
	for _, d := range s.Users()[adele].Devices {
		states = append(states, d.State)
	}
	assert.Equal(t, []string{"managed", "wipePending", "wipePending"}, states)

	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, chosen(request, seen, "retire"))
	require.NoError(t, err)
	assert.Equal(t, leaver.Retire, result.Items[0].Device.Action)
}

func TestWhatIsRefusedIsNotReportedAsAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Fail(graphsim.Fault{Path: "/removeAllDevicesFromManagement", Status: 400, Code: "BadRequest", Message: "Request not applicable to target tenant.", Times: -1})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	failure, seen := refusedBy(t, s, err)
	assert.Equal(t, string(leaver.IntuneNotLicensed), failure.Type())
	s.Heal()
	s.Configure(graphsim.Settings{DelegatedRemoval: true})
	second := s.Users()[adele].Devices[1].ID
	s.Fail(graphsim.Fault{Path: second + "/retire", Status: 400, Code: "BadRequest", Times: -1})
	_, err = do(t, s, leaver.ActivityRemoveAllDevices)
	_, one := refusedBy(t, s, err)
	for _, refused := range []leaver.Item{seen.Items[0], seen.Items[1], one.Items[1]} {
		assert.Empty(t, refused.Device.Action)
		assert.Nil(t, refused.Device.ActionAt)
		assert.Equal(t, leaver.NotAsked, refused.Device.Verdict)
	}
	assert.Equal(t, leaver.Retire, one.Items[0].Device.Action)
}

func TestWhatWasLeavingAnywayIsNotCountedAsAccepted(t *testing.T) {
	t.Parallel()
	users := withDevices(never, never, never)
	users[0].Devices[0].State, users[0].Devices[1].State = "wipePending", "retirePending"
	s := set(t, users)
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, "Intune accepted the retirement of 1 device; whether they left is seen by awaitDevicesRemoved; 2 devices already leaving", result.Detail)
}

func TestADeviceThatFailsAsThePolicyAskedItIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	for failures, writes := range map[int]int{1: 2, 2: 2} {
		users := withDevices(atOnce)
		users[0].Devices[0].Failures = failures
		s := set(t, users)
		request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}}
		result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
		require.NoError(t, err)
		request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
		first := &attempt{}
		_, err = first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		remaining(t, s, err)
		result, err = (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		if failures == 2 {
			var failure *temporal.ApplicationError
			failure, result = refusedBy(t, s, err)
			assert.Contains(t, failure.Message(), "each was asked twice")
		}
		assert.Equal(t, failures == 1, result.Items[0].Device.Verdict == leaver.Gone)
		assert.Equal(t, writes, s.written("POST wipe"))
	}
}

// Somebody had asked a device to leave before, and takes it back meanwhile.
func TestADeviceThatStaysAfterAllIsTreatedAsThePolicySays(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"managed", "retireCanceled"} {
		for owner, wanted := range map[string][]string{"personal": nil, "company": {"POST wipe"}} {
			s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{OperatingSystem: "Windows", OwnerType: owner, State: "retirePending", CheckIn: -1}}}})
			request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{
				Personal: leaver.DeviceActions{Default: leaver.Keep}, Company: leaver.DeviceActions{Default: leaver.Wipe}}}
			result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
			require.NoError(t, err)
			assert.Equal(t, leaver.AlreadyDone, result.Outcome)
			user := s.Users()[adele]
			user.Devices[0].State = state
			s.Add(user)
			request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
			_, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
			assert.Equal(t, owner == "personal", err == nil, "the one that is kept needs no wait")
			assert.Equal(t, wanted, s.writes(), "%s %s", owner, state)
		}
	}
}

func TestADeviceEnrolledSinceThatIsLeavingIsNotKept(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	request := removed(t, s)
	request.Devices = &leaver.DevicePolicy{Personal: leaver.DeviceActions{Default: leaver.Keep}}
	s.Enroll(adele, graphsim.Device{Name: "PRIVATE-LT-01", OperatingSystem: "Windows", OwnerType: "personal", State: "wipePending", CheckIn: -1})
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, leaver.Leaving, last(t, look)[0].Device.Verdict)
}

// The removal was left out by a person after some devices had been asked.
func TestWhatWasAskedIsFollowedThoughTheRemovalWasLeftOut(t *testing.T) {
	t.Parallel()
	users := withDevices(never)
	users[0].Devices = append(users[0].Devices, graphsim.Device{Name: "CONTOSO-PH-01", OperatingSystem: "Android"})
	s := set(t, users)
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	_, seen := refusedBy(t, s, err)
	request := leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{
		leaver.StepRemoveAllDevices: {Outcome: leaver.Skipped, Items: seen.Items}}}
	look := &attempt{}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	require.Len(t, last(t, look), 1)
	user := s.Users()[adele]
	user.Devices = user.Devices[1:]
	s.Add(user)
	result, err := (&attempt{number: 2, heard: last(t, look)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, "1 device gone; 1 more still managed and not touched", result.Detail)
	assert.Len(t, s.writes(), 1)
}

func TestTheDeadlineIsForTheOthersWhileOneAwaitsApproval(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	s.Enroll(adele, graphsim.Device{Name: "CONTOSO-LT-99", OperatingSystem: "Windows"})
	_, err := (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure, seen := refusedBy(t, s, err)
	assert.Equal(t, string(leaver.ApprovalRequired), failure.Type())
	assert.Contains(t, failure.Message(), "the deadline has passed")
	assert.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	assert.Equal(t, leaver.Failed, seen.Items[0].Outcome)
	assert.True(t, seen.Items[1].AwaitsApproval())
	assert.Contains(t, seen.Choices, leaver.WaitLonger)
}

func TestGraphIsNotCalledBeforeItWantsToBe(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	at := time.Now().Add(time.Hour)
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), NotBefore: &at})
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphThrottled), failure.Type())
	assert.Greater(t, failure.NextRetryDelay(), 59*time.Minute)
	assert.Empty(t, s.Requests())
	before := time.Now().Add(-time.Second)
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), NotBefore: &before})
	require.NoError(t, err)
}

// What an attempt has done is told before Graph is waited for, and when to go on.
func TestWhatWasDoneIsToldBeforeGraphIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{DelegatedRemoval: true, DailyRetires: 1})
	request := leaver.StepRequest{UserID: s.id(adele), Changes: true}
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Ongoing, result.Outcome, "a write is told")
	assert.Nil(t, result.NotBefore)
	request.Items = result.Items
	result, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Ongoing, result.Outcome, "and then why the next one waits")
	assert.Contains(t, result.Detail, "waiting until tomorrow")
	assert.Equal(t, leaver.Retire, result.Items[0].Device.Action)
	require.NotNil(t, result.NotBefore)
	request.Items, request.NotBefore = result.Items, nil
	require.NotNil(t, request.Items[1].Held.NotBefore)
	request.Items[1].Held.NotBefore = nil
	s.NextDay()
	result, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, 1, s.posted(), "the tenant had refused it")
	assert.Len(t, s.Users()[adele].Devices, 2)
	for _, d := range s.Users()[adele].Devices {
		assert.Equal(t, "retirePending", d.State)
	}
}

// A device that was handed to somebody before it could be asked is not said to be
// leaving.
func TestADeviceThatIsSomebodyElsesAndWasNotAskedIsAQuestion(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 2)
	waiting := awaits(t, s, request)
	s.Decide(s.Approvals()[0].Code, "approved")
	waiting.HandsOver = true
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	s.reassign()
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	_, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	assert.True(t, seen.Items[1].AwaitsApproval(), "it may be listed again")
	s.Decide(s.Approvals()[1].Code, "approved")
	request.Items = seen.Items
	_, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, looked(t, s, request))
	_, seen = refusedBy(t, s, err)
	assert.Contains(t, seen.Items[1].Detail, "no longer listed for the leaver, and was not asked")
	assert.Equal(t, leaver.NotAsked, seen.Items[1].Device.Verdict)
	assert.Equal(t, 1, s.accepted())
}
