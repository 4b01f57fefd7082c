package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a Graph does that is out of order for one device, one call or one moment.

var (
	wipesWindows = &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}
	dayLong      = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour), Changes: true}
)

// attempts makes n attempts, each of which knows what the one before has noted.
func attempts(t *testing.T, s *stage, n int32, name string, request leaver.StepRequest) {
	var heard any
	for number := range n {
		a := &attempt{number: number + 1, heard: heard}
		var result leaver.StepResult
		if a.run(t, s, name, request, &result) == nil {
			return
		}
		heard = last(t, a)
	}
}

func TestANoRouteIsNoAcceptance(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Fail(graphsim.Fault{Method: "POST", Times: -1, Status: 404, Code: "UnknownError"})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	assert.True(t, failed(t, s, err).NonRetryable())
}

func TestANoRouteIsNoAcceptanceForApps(t *testing.T) {
	t.Parallel()
	users := withDevices()
	users[0].AppRegistrations = []graphsim.AppRegistration{{DeviceTag: "11111111-0000-4000-8000-000000000001"}}
	s := set(t, users)
	s.Fail(graphsim.Fault{Method: "POST", Times: -1, Status: 404, Code: "UnknownError"})
	_, err := do(t, s, leaver.ActivityWipeManagedAppRegistrations)
	assert.True(t, failed(t, s, err).NonRetryable())
}

// A replica that lags does not find a device that Intune lists.
func TestALagging404IsNotTakenForAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Status: 404, Code: "ResourceNotFound"})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, request)
	assert.False(t, failed(t, s, err).NonRetryable())
	_, err = (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, "wipePending", s.Users()[adele].Devices[0].State)
}

func TestTheAnswerToADevicesOwnCallMayBeLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		graphsim.Fault
		calls int
	}{
		"after it was heard":  {graphsim.Fault{Cut: true}, 1},
		"before it was heard": {graphsim.Fault{Reset: true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never))
			request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}
			fault.Method, fault.Path = "POST", "/wipe"
			s.Fail(fault.Fault)
			first := &attempt{}
			_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, request)
			require.Error(t, err)
			assert.Equal(t, leaver.Wipe, last(t, first)[0].Device.Asking)
			assert.Empty(t, last(t, first)[0].Device.Action, "nothing is known")
			result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, request)
			require.NoError(t, err)
			assert.Equal(t, fault.calls, s.written("POST wipe"))
			d := result.Items[0].Device
			assert.Equal(t, leaver.Wipe, d.Action, "it was this offboarding's doing")
			assert.NotNil(t, d.ActionAt)
			assert.Equal(t, 1, d.OwnCalls)
			assert.Empty(t, d.Asking)
		})
	}
}

func TestTheAnswerAboutALateArrivalMayBeLost(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	request := removed(t, s)
	s.Enroll(adele, graphsim.Device{Name: "LATE", OperatingSystem: "Windows", CheckIn: -1})
	s.Fail(graphsim.Fault{Method: "POST", Path: "/retire", Cut: true})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.Error(t, err)
	again := &attempt{number: 2, heard: last(t, first)}
	_, err = again.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, leaver.Retire, last(t, again)[0].Device.Action)
	assert.Equal(t, 1, s.retired())
}

// The device left before its answer could be read.
func TestADeviceThatIsGoneWasAskedWhateverTheAnswer(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce))
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Cut: true})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.Error(t, err)
	removal, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removal}
	result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Wipe, result.Items[0].Device.Action)
	assert.Equal(t, leaver.Gone, result.Items[0].Device.Verdict)
}

func TestWhatADailyLimitRefusedWasNotAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{DailyRetires: 1})
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), HandsOver: true})
	require.NoError(t, err)
	require.Len(t, result.Items, 2)
	for _, i := range result.Items {
		assert.Empty(t, i.Device.Action)
		assert.Equal(t, leaver.NotAsked, i.Device.Verdict)
	}
}

func TestADeviceForWhichIntuneFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	broken := s.Users()[adele].Devices[0].ID
	s.Fail(graphsim.Fault{Path: broken + "/wipe", Status: 500, Times: -1})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}
	attempts(t, s, 6, leaver.ActivityRemoveAllDevices, request)
	for _, d := range s.Users()[adele].Devices[1:] {
		assert.Equal(t, "wipePending", d.State)
	}
	held := []leaver.Item{{ID: broken, Device: &leaver.Device{}, Held: &leaver.Held{Tries: 300, Since: time.Now().Add(-25 * time.Hour)}}}
	_, err := (&attempt{number: 300, heard: held}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	_, seen := refusedBy(t, s, err)
	assert.Equal(t, leaver.NotAsked, seen.Items[0].Device.Verdict, "after a day it is for a person")
	assert.Contains(t, seen.Choices, leaver.GiveUp)
}

// Wipes and retirements have limits of their own.
func TestAUsedUpDayForWipesHoldsUpNoRetirement(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "A", OperatingSystem: "Windows", CheckIn: -1}, {Name: "B", OperatingSystem: "Windows", CheckIn: -1}, {Name: "D", OperatingSystem: "Windows", CheckIn: -1}, {Name: "C", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{DailyWipes: 1})
	attempts(t, s, 9, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[3].State)
	assert.Equal(t, 2, s.written("POST wipe"), "one refusal is enough for a day")
}

// What is to wait until tomorrow is left to AwaitDevicesRemoved, which follows the
// others meanwhile.
func TestAUsedUpDayKeepsNoDeviceFromBeingFollowed(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, never))
	s.Configure(graphsim.Settings{DailyWipes: 1})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows, HandsOver: true}
	removal, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, removal.Outcome)
	assert.Contains(t, removal.Detail, "1 device still to be asked, by awaitDevicesRemoved")
	request.Results, request.HandsOver = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: removal}, false
	look := &attempt{}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	assert.Contains(t, remaining(t, s, err).Message(), "daily limit")
	items := last(t, look)
	assert.Equal(t, leaver.Gone, items[0].Device.Verdict)
	assert.Equal(t, 2, s.written("POST wipe"), "it is not asked again today")

	s.NextDay()
	items[1].Held.NotBefore = nil // as on the next day
	look = &attempt{number: 5, heard: items}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, leaver.Wipe, last(t, look)[1].Device.Action)
}

func TestAUsedUpDayForDeletionsWaitsUntilTomorrow(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{DailyDeletes: 1})
	policy := &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.DeleteRecord}}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: policy})
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphThrottled), failure.Type())
	assert.Contains(t, failure.Message(), "daily limit")
	assert.Len(t, s.Users()[adele].Devices, 1)
}

func TestAtTheDeadlineSilentDevicesAreAQuestionThoughAnotherCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	s.Enroll(adele, graphsim.Device{Name: "LATE", OperatingSystem: "Windows", CheckIn: -1})
	s.Fail(graphsim.Fault{Path: "/retire", Status: 500, Times: -1})
	request.Poll, request.Items = dayLong, request.Results[leaver.StepRemoveAllDevices].Items
	_, err := (&attempt{number: 50, age: 100 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	assert.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	assert.Equal(t, leaver.NotAsked, seen.Items[1].Device.Verdict)
}

// Days without news are no days on which Graph has failed.
func TestAHiccupAfterQuietDaysIsNoQuestion(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	s.Enroll(adele, graphsim.Device{Name: "LATE", OperatingSystem: "Windows", CheckIn: -1})
	s.Fail(graphsim.Fault{Path: "/retire", Status: 503})
	look := &attempt{number: 50, age: 100 * time.Hour}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, 1, last(t, look)[1].Held.Tries)
	again := &attempt{number: 51, age: 104 * time.Hour, heard: last(t, look)}
	_, err = again.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, leaver.Retire, last(t, again)[1].Device.Action)
	assert.Nil(t, last(t, again)[1].Held)
}

// One that was given to somebody else may be out of the worker's reach.
func TestADeviceThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 403} {
		s := set(t, withDevices(never, never, never))
		request := removed(t, s)
		user := s.Users()[adele]
		moved := user.Devices[0].ID
		s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Devices: user.Devices[:1]})
		user.Devices = user.Devices[1:2] // and the third has left
		s.Add(user)
		s.Fail(graphsim.Fault{Method: "GET", Path: moved, Status: status, Times: -1})
		request.Poll, request.Items = dayLong, request.Results[leaver.StepRemoveAllDevices].Items
		_, err := (&attempt{number: 50, age: 100 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		_, seen := refusedBy(t, s, err)
		assert.NotEqual(t, leaver.Gone, seen.Items[0].Device.Verdict)
		assert.Equal(t, leaver.Silent, seen.Items[1].Device.Verdict)
		assert.Equal(t, leaver.Gone, seen.Items[2].Device.Verdict)

		request.Items = seen.Items
		for i := range request.Items[:2] {
			request.Items[i].Outcome, request.Items[i].Choice = "", leaver.GiveUp
		}
		result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		require.NoError(t, err, status)
		assert.Equal(t, leaver.GivenUp, result.Items[0].Device.Verdict)
	}
}

// A phone needs no recovery key.
func TestAKeyThatCannotBeReadHoldsUpNoPhone(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "CONTOSO-LT-1", OperatingSystem: "Windows", CheckIn: -1}, {Name: "CONTOSO-PH-1", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Status: 503})
	attempts(t, s, 8, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}})
	assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[1].State)
	assert.Zero(t, s.posted(), "the one call for all would take the laptop too")
}

// And once it can be read, one call does for all.
func TestAHiccupIsNoReasonForCallsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "CONTOSO-LT-1", OperatingSystem: "Windows", CheckIn: -1, RecoveryKey: true}, {Name: "CONTOSO-PH-1", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: 2, Status: 503})
	attempts(t, s, 8, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}})
	assert.Equal(t, 1, s.posted())
	assert.Zero(t, s.retired())
}

func TestWhatWasDoneOutlivesAListThatIsRefused(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 2)
	first := &attempt{}
	require.ErrorContains(t, first.run(t, s, leaver.ActivityRemoveAllDevices, request, &leaver.StepResult{}), "asked by the next attempt")
	require.Len(t, s.Approvals(), 1)
	s.Fail(graphsim.Fault{Method: "GET", Path: "/managedDevices", Status: 403, Code: "Forbidden"})
	_, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure := failed(t, s, err)
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	request.Items = seen.Items // as somebody retries
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	_, seen = refusedBy(t, s, err)
	assert.True(t, seen.Items[0].AwaitsApproval(), seen.Items[0].Detail)
}

func TestWhatWasDeletedOutlivesALookThatIsRefused(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Autopilot: []graphsim.AutopilotIdentity{
		{ID: "ap-1", SerialNumber: "SN-1", ManagedDeviceID: "d1"}, {ID: "ap-2", SerialNumber: "SN-2", ManagedDeviceID: "d2"}}}})
	left := func(id, serial string) leaver.Item {
		return leaver.Item{ID: id, Outcome: leaver.Done, Device: &leaver.Device{OperatingSystem: "Windows", SerialNumber: serial, Verdict: leaver.Gone}}
	}
	request := leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{
		leaver.StepAwaitDevicesRemoved: {Outcome: leaver.Done, Items: []leaver.Item{left("d1", "SN-1"), left("d2", "SN-2")}}}}
	first := &attempt{}
	require.Error(t, first.run(t, s, leaver.ActivityDeleteAutopilotIdentities, request, &leaver.StepResult{}))
	require.Len(t, s.writes(), 1)
	s.Fail(graphsim.Fault{Method: "GET", Path: "/windowsAutopilotDeviceIdentities", Times: -1, Status: 403, Code: "Forbidden"})
	_, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityDeleteAutopilotIdentities, request)
	assert.True(t, failed(t, s, err).HasDetails(), "one identity has been deleted")
}

// Autopilot knows the device as another one that Intune manages by now.
func TestAnAutopilotIdentityThatNamesAnotherManagedDeviceIsNotDeleted(t *testing.T) {
	t.Parallel()
	const entra, old, fresh = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
	s := set(t, []graphsim.User{
		{UserPrincipalName: adele, AccountEnabled: true, Autopilot: []graphsim.AutopilotIdentity{{ID: "ap-1", SerialNumber: "SN-1", ManagedDeviceID: fresh, AzureADDeviceID: entra}}},
		{UserPrincipalName: megan, AccountEnabled: true, Devices: []graphsim.Device{{ID: fresh, Name: "MEGANS", OperatingSystem: "Windows", SerialNumber: "SN-1", AzureADDeviceID: "aaaaaaaa-0000-4000-8000-000000000009"}}},
	})
	result, err := (&attempt{}).do(t, s, leaver.ActivityDeleteAutopilotIdentities, leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{
		leaver.StepAwaitDevicesRemoved: {Outcome: leaver.Done, Items: []leaver.Item{{ID: old, Outcome: leaver.Done, Device: &leaver.Device{OperatingSystem: "Windows", SerialNumber: "SN-1", AzureADDeviceID: entra, Verdict: leaver.Gone}}}}}})
	require.NoError(t, err)
	assert.Contains(t, result.Items[0].Detail, "with another device")
	assert.Empty(t, s.writes(), "it is Megan's")
}

func TestARequestThatGraphSaysStillWaitsIsNotFiledAgain(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	waiting.Items[0].Approval.RequestedAt = time.Now().Add(-73 * time.Hour)
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitApproval, waiting)
	assert.False(t, failed(t, s, err).NonRetryable())
}

func TestAnApprovalThatIsToldIsNotOverruledByTheRequestsAge(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	s.Decide(s.Approvals()[0].Code, "approved")
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	waiting.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: {Outcome: leaver.Done, Items: waiting.Items}}
	waiting.Items[0].Approval.RequestedAt = time.Now().Add(-73 * time.Hour)
	waiting.Items[0].Choice = leaver.Approved
	_, _ = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, waiting)
	assert.Len(t, s.Approvals(), 1)
	assert.Len(t, s.Wiped(), 1)
}

// Somebody tells "approved" of a request for all devices that was rejected.
func TestACodeThatIsRefusedIsAQuestion(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{ApprovalForAll: true}, 2)
	request.Devices = nil
	waiting := awaits(t, s, request)
	s.Decide(s.Approvals()[0].Code, "rejected")
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	for i := range waiting.Items {
		waiting.Items[i].Choice = leaver.Approved
	}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	_, seen := refusedBy(t, s, err)
	assert.Contains(t, seen.Choices, leaver.GiveUp)
	waiting.Items = nil
	for _, i := range seen.Items {
		assert.Equal(t, leaver.Failed, i.Outcome)
		waiting.Items = append(waiting.Items, i.Anew()) // as a retry does it
	}
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	_, seen = refusedBy(t, s, err)
	assert.True(t, seen.Items[0].AwaitsApproval())
	assert.Len(t, s.Approvals(), 2)
}

// A worker that may read the requests knows better than whoever is too early.
func TestAnApprovalThatIsToldTooEarlyIsWaitedForStill(t *testing.T) {
	t.Parallel()
	for _, forAll := range []bool{false, true} {
		s, request := approving(t, graphsim.Settings{ApprovalForAll: forAll}, 1)
		if forAll {
			request.Devices = nil
		}
		waiting := awaits(t, s, request)
		waiting.Items[0].Choice = leaver.Approved
		writes := len(s.writes())
		_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
		_, seen := refusedBy(t, s, err)
		assert.True(t, seen.Items[0].AwaitsApproval())
		assert.Empty(t, seen.Items[0].Choice)
		assert.Len(t, s.writes(), writes)
	}
}

func TestADeviceThatChangedHandsIsNotSaidToBeLeaving(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	s.reassign()
	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Contains(t, result.Detail, "no longer listed for the leaver and not asked")
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	look := &attempt{}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	_, err = (&attempt{number: 2, heard: last(t, look)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure, seen := refusedBy(t, s, err)
	assert.NotContains(t, failure.Message(), "asked twice")
	assert.Equal(t, leaver.NotAsked, seen.Items[0].Device.Verdict)
}

func TestADeviceThatLeftTheListBeforeItsTurnIsNotSaidToBeLeaving(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}
	first := &attempt{}
	require.Error(t, first.run(t, s, leaver.ActivityRemoveAllDevices, request, &leaver.StepResult{}))
	user := s.Users()[adele]
	s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Devices: user.Devices[1:]})
	user.Devices = user.Devices[:1]
	s.Add(user)
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.NotContains(t, result.Detail, "already leaving")
}

// The policy keeps the device by now, and deleting its record would reset it.
func TestAnApprovedDeletionIsJudgedOnceMore(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "CONTOSO-PH-1", OperatingSystem: "Android", OwnerType: "personal", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	policy := leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: leaver.DeleteRecord}, Company: leaver.DeviceActions{Android: leaver.Keep}}
	waiting := awaits(t, s, leaver.StepRequest{UserID: s.id(adele), Devices: &policy})
	user := s.Users()[adele]
	user.Devices[0].OwnerType = "company"
	s.Add(user)
	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Equal(t, leaver.Kept, result.Items[0].Device.Verdict)
	assert.Empty(t, s.Wiped())
}

func TestAnExpiredRequestIsJudgedOnceMore(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "CONTOSO-LT-1", OperatingSystem: "Windows", OwnerType: "company", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	policy := leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}, Personal: leaver.DeviceActions{Windows: leaver.Keep}}
	waiting := awaits(t, s, leaver.StepRequest{UserID: s.id(adele), Devices: &policy})
	user := s.Users()[adele]
	user.Devices[0].OwnerType = "personal"
	s.Add(user)
	s.Decide(s.Approvals()[0].Code, "expired")
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Len(t, s.Approvals(), 1)
}

func TestADeviceThatHasLeftWhenItsWipeIsChosenIsNoQuestion(t *testing.T) {
	t.Parallel()
	s := set(t, fleet()[:1])
	user := s.Users()[adele]
	user.Devices = user.Devices[2:3]
	s.Add(user)
	request := leaver.StepRequest{UserID: s.id(adele), HandsOver: true}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	_, seen := refusedBy(t, s, err)
	user.Devices = nil
	s.Add(user)
	request.Items = seen.Items
	request.Items[0].Outcome, request.Items[0].Choice = "", "wipe"
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
}

// silentAndWiped is a device that was silent until the deadline, and the wipe that
// somebody chose for it awaits approval: Intune shows the retirement still.
func silentAndWiped(t *testing.T) (*stage, leaver.StepRequest) {
	s := set(t, withDevices(never))
	request := removed(t, s)
	request.Poll = &leaver.Poll{First: dayLong.First, Longest: dayLong.Longest, Deadline: dayLong.Deadline}
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	_, err := (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	require.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	request.Items = seen.Items
	request.Items[0].Outcome, request.Items[0].Choice = "", "wipe"
	_, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure, seen := refusedBy(t, s, err)
	require.Len(t, s.Approvals(), 1)
	assert.Equal(t, string(leaver.ApprovalRequired), failure.Type())
	assert.Equal(t, leaver.ApprovalNeeded, seen.Items[0].Approval.Status)
	request.Items = seen.Items
	return s, request
}

func TestAWipeThatIsChosenForASilentDeviceWaitsForItsApproval(t *testing.T) {
	t.Parallel()
	s, request := silentAndWiped(t)
	s.Decide(s.Approvals()[0].Code, "approved")
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, "wipePending", s.Users()[adele].Devices[0].State)
	assert.Equal(t, leaver.Wipe, last(t, look)[0].Device.Action)
	assert.Equal(t, leaver.ApprovalCompleted, last(t, look)[0].Approval.Status)
}

func TestASilentDeviceWhoseWipeIsRejectedHasNotFailed(t *testing.T) {
	t.Parallel()
	s, request := silentAndWiped(t)
	s.Decide(s.Approvals()[0].Code, "rejected")
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	assert.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[0].State)
}

func TestARetirementBySomebodyElseIsNoApprovedWipe(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	user := s.Users()[adele]
	user.Devices[0].State, user.Devices[0].CheckIn = "retirePending", -1
	s.Add(user)
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	_, seen := refusedBy(t, s, err)
	assert.Empty(t, seen.Items[0].Device.Action)
	assert.True(t, seen.Items[0].AwaitsApproval())
}

func TestWhatGraphSaysOfAPersonIsNotStored(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Method: "POST", Times: -1, Status: 400, Code: "BadRequest", Message: "The primary user Adele Vance of CONTOSO-LT-0410 is blocked."})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	failed(t, s, err) // looks for names
}
