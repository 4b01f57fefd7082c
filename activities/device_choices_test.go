package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// overdue is Adele with silent devices after the deadline, and what
// AwaitDevicesRemoved said of them.
func overdue(t *testing.T, devices ...graphsim.Device) (*stage, leaver.StepRequest, leaver.StepResult) {
	t.Helper()
	for i := range devices {
		devices[i].CheckIn = -1
	}
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: devices}, {UserPrincipalName: "megan@contoso.com"}})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Android: leaver.Wipe}}}
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}
	_, err = (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	var seen leaver.StepResult
	require.NoError(t, failed(t, s, err).Details(&seen))
	return s, request, seen
}

// failedTwice is Adele with a device that has failed to leave twice, and what
// AwaitDevicesRemoved said of it.
func failedTwice(t *testing.T) (*stage, leaver.StepRequest, leaver.StepResult) {
	t.Helper()
	users := withDevices(atOnce)
	users[0].Devices[0].Failures = 2
	s := set(t, users)
	request := removed(t, s)
	before := &attempt{}
	_, err := before.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	_, err = (&attempt{number: 2, heard: last(t, before)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	require.Equal(t, leaver.RemovalFailed, seen.Items[0].Device.Verdict)
	return s, request, seen
}

// chosen is the request of a step that goes on with choices, in order.
func chosen(request leaver.StepRequest, seen leaver.StepResult, choices ...leaver.Choice) leaver.StepRequest {
	request.Items = seen.Items
	for i, choice := range choices {
		request.Items[i].Outcome, request.Items[i].Choice = "", choice
	}
	return request
}

func TestAtTheDeadlineEachDeviceIsAQuestion(t *testing.T) {
	t.Parallel()
	_, _, seen := overdue(t, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows"})
	assert.Equal(t, []leaver.Choice{"waitLonger", "retire", "wipe", "wipeKeepUserData", "deleteRecord", "giveUp"}, seen.Choices)
}

func TestWhatAPersonDecidesIsDoneToEachDevice(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t,
		graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"}, graphsim.Device{Name: "CONTOSO-LT-02", OperatingSystem: "Windows"},
		graphsim.Device{Name: "CONTOSO-LT-03", OperatingSystem: "Windows"}, graphsim.Device{Name: "CONTOSO-LT-04", OperatingSystem: "Windows"},
		graphsim.Device{Name: "CONTOSO-LT-05", OperatingSystem: "Windows"})
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, leaver.WaitLonger, "retire", "wipe", "deleteRecord", leaver.GiveUp))
	assert.Contains(t, remaining(t, s, err).Message(), "4 of 5 devices still managed")
	items := last(t, look)
	for i, want := range []leaver.Item{
		{Device: &leaver.Device{Action: leaver.Retire, OwnCalls: 1, Verdict: leaver.Leaving}},
		{Device: &leaver.Device{Action: leaver.Retire, OwnCalls: 2, Verdict: leaver.Leaving}},
		{Device: &leaver.Device{Action: leaver.Wipe, OwnCalls: 2, Verdict: leaver.Leaving}},
		{Device: &leaver.Device{Action: leaver.DeleteRecord, OwnCalls: 2, Verdict: leaver.Leaving}},
		{Outcome: leaver.Skipped, Device: &leaver.Device{Action: leaver.Retire, OwnCalls: 1, Verdict: leaver.GivenUp}},
	} {
		name := items[i].Device.Name
		assert.Empty(t, items[i].Choice, name)
		assert.Equal(t, want.Outcome, items[i].Outcome, name)
		assert.Equal(t, want.Device.Action, items[i].Device.Action, name)
		assert.Equal(t, want.Device.OwnCalls, items[i].Device.OwnCalls, name)
		assert.Equal(t, want.Device.Verdict, items[i].Device.Verdict, name)
	}
	states := map[string]string{}
	for _, d := range s.Users()[adele].Devices {
		states[d.Name] = d.State
	}
	assert.Equal(t, map[string]string{"CONTOSO-LT-01": "retirePending", "CONTOSO-LT-02": "retirePending", "CONTOSO-LT-03": "wipePending", "CONTOSO-LT-05": "retirePending"}, states)

	user := s.Users()[adele]
	user.Devices = user.Devices[3:]
	s.Add(user)
	result, err := (&attempt{number: 2, heard: items}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "4 devices gone; 1 device left as decided", result.Detail)
}

func TestADeviceThatFailedIsWaitedForAgainAfterAChoice(t *testing.T) {
	t.Parallel()
	s, request, seen := failedTwice(t)
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "wipe"))
	remaining(t, s, err)
	assert.Equal(t, 1, s.written("POST wipe"))
}

func TestAChoiceThatWouldDoHarmIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t,
		graphsim.Device{Name: "PRIVATE-PH-01", OperatingSystem: "Android", OwnerType: "personal"},
		graphsim.Device{Name: "CONTOSO-PH-01", OperatingSystem: "Android"},
		graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"})
	before := len(s.writes())
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "wipe", "wipeKeepUserData", "wipe"))
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
	var again leaver.StepResult
	require.NoError(t, failure.Details(&again))
	assert.Equal(t, seen.Choices, again.Choices)
	assert.Contains(t, again.Items[0].Detail, "a work profile only, which Graph cannot wipe")
	assert.Contains(t, again.Items[1].Detail, "user data can be kept on Windows only")
	assert.Equal(t, []leaver.Outcome{leaver.Failed, leaver.Failed, ""}, []leaver.Outcome{again.Items[0].Outcome, again.Items[1].Outcome, again.Items[2].Outcome})
	assert.Equal(t, []string{"POST wipe"}, s.writes()[before:], "the one that is harmless")
}

func TestAChoiceThatGraphRefusesIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t, graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"})
	s.Fail(graphsim.Fault{Path: "/wipe", Status: 403, Code: "Forbidden"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "wipe"))
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphForbidden), failure.Type())
	var again leaver.StepResult
	require.NoError(t, failure.Details(&again))
	assert.Equal(t, seen.Choices, again.Choices)
	assert.Equal(t, leaver.Failed, again.Items[0].Outcome)
}

func TestAChoiceIsCarriedOutOnceGraphIsBackAndOnlyOnce(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t, graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"}, graphsim.Device{Name: "CONTOSO-LT-02", OperatingSystem: "Windows"})
	s.Fail(graphsim.Fault{Path: seen.Items[1].ID + "/wipe", Status: 503})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "wipe", "wipe"))
	remaining(t, s, err)
	assert.Equal(t, 1, last(t, first)[1].Held.Tries)
	second := &attempt{number: 2, heard: last(t, first)}
	_, err = second.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, 3, s.written("POST wipe"), "the second device's was answered with 503 once")
}

// Between the question and the answer a device may have been given to somebody.
func TestADeviceThatIsAnotherUsersByNowIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t, graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"})
	s.reassign()
	before := len(s.writes())
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "wipe"))
	assert.Contains(t, failed(t, s, err).Message(), "no longer listed for the leaver")
	assert.Len(t, s.writes(), before)
}

// A refusal that is one device's is not forgotten while the others have their turn.
func TestARefusedChoiceIsRememberedWhileOthersAreCarriedOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  graphsim.Device
		choice leaver.Choice
		why    leaver.FailureType
	}{
		"harm":    {graphsim.Device{Name: "PRIVATE-PH-01", OperatingSystem: "Android", OwnerType: "personal"}, "wipe", leaver.InvalidRequest},
		"refused": {graphsim.Device{Name: "CONTOSO-LT-00", OperatingSystem: "Windows"}, "deleteRecord", leaver.GraphForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, request, seen := overdue(t, c.first,
				graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows"}, graphsim.Device{Name: "CONTOSO-LT-02", OperatingSystem: "Windows"})
			s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Forbidden", Times: -1})
			_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, c.choice, "wipe", "wipe"))
			failure, again := refusedBy(t, s, err)
			assert.Equal(t, string(c.why), failure.Type())
			assert.Equal(t, leaver.Failed, again.Items[0].Outcome)
			assert.Equal(t, c.why, again.Items[0].Failure)
			assert.Empty(t, again.Items[0].Choice)
			assert.Equal(t, 2, s.written("POST wipe"))
		})
	}
}

func TestARefusedChoiceIsNotReplacedByThePolicysAction(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 2)
	waiting := awaits(t, s, request)
	for _, approval := range s.Approvals() {
		s.Decide(approval.Code, "rejected")
	}
	rejected := looked(t, s, waiting)
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, rejected)
	_, seen := refusedBy(t, s, err)
	s.Fail(graphsim.Fault{Method: "DELETE", Status: 403, Code: "Forbidden", Times: -1})
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, chosen(rejected, seen, "deleteRecord", "retire"))
	_, seen = refusedBy(t, s, err)
	assert.Equal(t, leaver.Failed, seen.Items[0].Outcome)
	assert.Contains(t, seen.Items[0].Detail, "DeviceManagementManagedDevices.ReadWrite.All")
	assert.Equal(t, leaver.Retire, seen.Items[1].Approval.Operation)
	require.Len(t, s.Approvals(), 3, "the wipe that was rejected is not filed again")
}

func TestWaitingLongerAsksNothingOfADeviceThatFailedTwice(t *testing.T) {
	t.Parallel()
	s, request, seen := failedTwice(t)
	user := s.Users()[adele]
	user.Devices[0].LastSync = time.Now().Add(-time.Hour)
	s.Add(user)
	writes := len(s.writes())
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, leaver.WaitLonger))
	remaining(t, s, err)
	assert.Len(t, s.writes(), writes)
	assert.Equal(t, leaver.Leaving, last(t, look)[0].Device.Verdict)

	user.Devices[0].LastSync = time.Now().Add(time.Second)
	s.Add(user)
	_, err = (&attempt{number: 2, heard: last(t, look)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen = refusedBy(t, s, err)
	assert.Equal(t, leaver.RemovalFailed, seen.Items[0].Device.Verdict, "it has failed once more")
}

// Deleting its record resets a corporate Android device: only where the policy
// says wipe is that no harm.
func TestTheRecordOfACorporateAndroidIsDeletedOnlyWherePolicySaysWipe(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t, graphsim.Device{Name: "CONTOSO-PH-01", OperatingSystem: "Android"})
	id := seen.Items[0].ID
	result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, chosen(request, seen, "deleteRecord"))
	require.Error(t, err, "it is gone with the next look")
	assert.Equal(t, 1, s.written("DELETE "+id))
	assert.Empty(t, result.Items)

	s = set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{Name: "CONTOSO-PH-01", OperatingSystem: "Android"}}}})
	_, err = do(t, s, leaver.ActivityRemoveAllDevices)
	_, seen = refusedBy(t, s, err)
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, chosen(leaver.StepRequest{UserID: s.id(adele)}, seen, "deleteRecord"))
	_, seen = refusedBy(t, s, err)
	assert.Contains(t, seen.Items[0].Detail, "resets it to factory settings: choose wipe")
	assert.Empty(t, s.writes())
}

func TestAnAndroidWhoseOwnerIsNotKnownIsNeitherWipedNorDeleted(t *testing.T) {
	t.Parallel()
	for _, action := range []leaver.DeviceAction{leaver.Wipe, leaver.DeleteRecord, leaver.Retire} {
		s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{OperatingSystem: "AndroidForWork", OwnerType: "unknown", CheckIn: -1}}}})
		request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: action}}}
		_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
		if action == leaver.Retire {
			require.NoError(t, err)
			continue
		}
		_, seen := refusedBy(t, s, err)
		assert.Contains(t, seen.Items[0].Detail, "set its owner in Intune, or choose retire")
		assert.Empty(t, s.writes())
	}
}

func TestUserDataIsKeptWhereThatIsSaidAndNowhereElse(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{
		{ID: ids[0], OperatingSystem: "Windows"}, {ID: ids[1], OperatingSystem: "Windows", OwnerType: "personal"}}}})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{
		Company: leaver.DeviceActions{Default: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.WipeKeepUserData}}}
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, ids[:2], s.Wiped())
	assert.Equal(t, ids[1:2], s.WipedButUserData())
}
