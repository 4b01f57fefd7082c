package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Listed still, known no more: A takes every attempt's one write, B is never asked.
func TestPhantomHoldsUpOthers(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	a := s.Users()[adele].Devices[0].ID
	s.Fail(graphsim.Fault{Path: a + "/wipe", Status: 404, Code: "ResourceNotFound", Times: -1})
	s.Fail(graphsim.Fault{Method: "GET", Path: a, Status: 404, Code: "ResourceNotFound", Times: -1})
	attempts(t, s, 30, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
	assert.Equal(t, "wipePending", s.Users()[adele].Devices[1].State)
}

// Called alone, a device that is another user's by now.
func TestAloneEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	first := &attempt{}
	request := leaver.StepRequest{UserID: s.id(adele), Poll: &leaver.Poll{First: dayLong.First, Longest: dayLong.Longest, Deadline: dayLong.Deadline}}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	s.reassign()
	second := &attempt{number: 2, heard: last(t, first), age: time.Hour}
	_, err = second.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	heard := last(t, second)
	for n := range int32(3) {
		again := &attempt{number: 40 + n, heard: heard, age: 25 * time.Hour}
		_, err = again.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		failure := failed(t, s, err)
		if failure.NonRetryable() {
			return
		}
		heard = last(t, again)
	}
	assert.True(t, failed(t, s, err).NonRetryable(), "the deadline is an hour ago")
}

// A's wipe was chosen, B's retirement is the policy's.
func TestHoldAlikeHoldsWhatWasAsked(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "DEVICE-AA", OperatingSystem: "Android", CheckIn: -1}, {Name: "B", OperatingSystem: "Windows", CheckIn: -1},
		{Name: "C", OperatingSystem: "Windows", CheckIn: -1}, {Name: "D", OperatingSystem: "Windows", CheckIn: -1}}}})
	request := leaver.StepRequest{UserID: s.id(adele), HandsOver: true, Changes: true}
	// the first turn: A is a question, one of the others is asked
	var result leaver.StepResult
	require.NoError(t, (&attempt{}).run(t, s, leaver.ActivityRemoveAllDevices, request, &result))
	require.Equal(t, leaver.Ongoing, result.Outcome)
	require.Equal(t, leaver.Failed, result.Items[0].Outcome)
	// somebody answers at once
	request.Items = result.Items
	request.Items[0].Outcome, request.Items[0].Choice = "", "wipe"
	s.Configure(graphsim.Settings{DailyWipes: 1})
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Times: -1, Status: 429, Code: "TooManyRequests", Message: "The daily limit for wipe actions has been exceeded for this tenant."})
	for range 8 { // as the workflow runs it
		a := &attempt{}
		err := a.run(t, s, leaver.ActivityRemoveAllDevices, request, &result)
		if err != nil {
			result.Items = last(t, a)
		}
		request.Items = result.Items
	}
	for _, d := range s.Users()[adele].Devices[1:] {
		assert.Equal(t, "retirePending", d.State, d.Name)
	}
}

// A pending wipe that keeps the user's data is no full wipe.
func keptWiped(t *testing.T, settings graphsim.Settings) (*stage, leaver.StepRequest) {
	s := set(t, withDevices(never))
	policy := &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.WipeKeepUserData}}
	request := leaver.StepRequest{UserID: s.id(adele), Devices: policy}
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	request.Poll = &leaver.Poll{First: dayLong.First, Longest: dayLong.Longest, Deadline: dayLong.Deadline}
	_, err = (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	require.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	s.Configure(settings)
	return s, chosen(request, seen, "wipe")
}

func TestAFullWipeWhoseAnswerIsLostIsSentAgain(t *testing.T) {
	t.Parallel()
	s, request := keptWiped(t, graphsim.Settings{})
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Status: 503})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	second := &attempt{number: 2, heard: last(t, first)}
	_, err = second.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, 3, s.written("POST wipe"), "once by the policy, once in vain, and once more")
}

func TestAFullWipeThatIsApprovedIsSent(t *testing.T) {
	t.Parallel()
	s, request := keptWiped(t, graphsim.Settings{MultiAdminApproval: true})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	_, seen := refusedBy(t, s, err)
	require.Len(t, s.Approvals(), 1)
	request.Items = seen.Items
	s.Decide(s.Approvals()[0].Code, "approved")
	look := &attempt{}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, "completed", s.Approvals()[0].Status, "it was never sent")
}

// LATE's key cannot be read; it must not share the approval for all.
func TestWithoutAKeyNoneJoins(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{{Name: "DEVICE-AA", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}}
	waiting := awaits(t, s, request)
	waiting.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: {Outcome: leaver.Done, Items: waiting.Items}}
	s.Enroll(adele, graphsim.Device{Name: "LATE", OperatingSystem: "Windows", CheckIn: -1})
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Status: 503})
	heard := any(nil)
	var items []leaver.Item
	for n := range int32(2) {
		look := &attempt{number: n + 1, heard: heard}
		_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, waiting)
		if len(look.heartbeats) > 0 {
			items = last(t, look)
		} else {
			_, seen := refusedBy(t, s, err)
			items = seen.Items
		}
		heard = items
	}
	// somebody tells that it is approved, for all that wait, as the workflow notes it
	for n := range items {
		if items[n].AwaitsApproval() {
			items[n].Choice, items[n].Held = leaver.Approved, nil
		}
	}
	s.Decide(s.Approvals()[0].Code, "approved")
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	waiting.Items = items
	(&attempt{}).run(t, s, leaver.ActivityAwaitDevicesRemoved, waiting, &leaver.StepResult{})
	for _, d := range s.Users()[adele].Devices {
		if d.Name == "LATE" {
			assert.Equal(t, "managed", d.State, "nobody knows whether there is a key")
		}
	}
}

// The same: the approval that was given is thrown away.
func TestTheApprovalOfTheOthersIsKept(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{{Name: "DEVICE-AA", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}}
	waiting := awaits(t, s, request)
	waiting.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: {Outcome: leaver.Done, Items: waiting.Items}}
	s.Enroll(adele, graphsim.Device{Name: "LATE", OperatingSystem: "Windows", CheckIn: -1, RecoveryKey: true})
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: 1, Status: 503})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, waiting)
	_, seen := refusedBy(t, s, err)
	waiting.Items = seen.Items
	s.Decide(s.Approvals()[0].Code, "approved")
	_ = (&attempt{}).run(t, s, leaver.ActivityAwaitDevicesRemoved, waiting, &leaver.StepResult{})
	for _, d := range s.Users()[adele].Devices {
		assert.Equal(t, "retirePending", d.State, d.Name)
	}
	assert.Len(t, s.Approvals(), 1, "it was approved")
}

// Retry-After of a 503 is heeded.
func TestRetryAfterOf503(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Status: 503, RetryAfter: "120", Times: -1})
	err := (&attempt{}).run(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows}, &leaver.StepResult{})
	assert.Equal(t, 2*time.Minute, failed(t, s, err).NextRetryDelay(), failed(t, s, err).Message())
}

// A choice that waits for tomorrow, after the deadline.
func TestNoLookASecondUntilTomorrow(t *testing.T) {
	t.Parallel()
	s, request, seen := overdue(t, graphsim.Device{Name: "DEVICE-AA", OperatingSystem: "Windows"})
	request = chosen(request, seen, "wipe")
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Times: -1, Status: 429, Code: "TooManyRequests", Message: "The daily limit for wipe actions has been exceeded for this tenant."})
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(2 * time.Hour)}
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	_, err = (&attempt{number: 9, age: 3 * time.Hour, heard: last(t, first)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	f := remaining(t, s, err)
	assert.Greater(t, f.NextRetryDelay(), time.Minute)
}

// A retirement that failed is asked once more, not twice, when an answer is lost.
func TestAskedOnceMoreThoughTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	users := withDevices(atOnce)
	users[0].Devices[0].Failures = 3
	s := set(t, users)
	request := removed(t, s)
	s.Fail(graphsim.Fault{Method: "POST", Path: "/retire", Cut: true})
	first := &attempt{}
	_, _ = first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	heard := last(t, first)
	for n := range int32(4) {
		next := &attempt{number: n + 2, heard: heard}
		if _, err := next.do(t, s, leaver.ActivityAwaitDevicesRemoved, request); failed(t, s, err).NonRetryable() {
			break
		}
		heard = last(t, next)
	}
	assert.Equal(t, 1, s.retired())
}

// Transport errors
func TestAnAnswerThatIsLostEachTimeHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	a := s.Users()[adele].Devices[0].ID
	s.Fail(graphsim.Fault{Path: a + "/wipe", Reset: true, Times: -1})
	attempts(t, s, 8, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
	assert.Equal(t, "wipePending", s.Users()[adele].Devices[1].State)
}

func TestStatus408HoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, f := range []graphsim.Fault{{Status: 408}, {Status: 404, Code: "Directory_ObjectNotFound"}} {
		s := set(t, withDevices(never, never))
		f.Path, f.Times = s.Users()[adele].Devices[0].ID+"/wipe", -1
		s.Fail(f)
		attempts(t, s, 8, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
		assert.Equal(t, "wipePending", s.Users()[adele].Devices[1].State, f.Status)
	}
}

// A look by id that fails once, on the second day: the device was asked, and leaves.
func TestOneLookThatFailsIsNoQuestion(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	id := s.Users()[adele].Devices[0].ID
	s.reassign()
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(30 * 24 * time.Hour)}
	s.Fail(graphsim.Fault{Method: "GET", Path: id, Status: 503})
	_, err := (&attempt{number: 40, age: 30 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	f := failed(t, s, err)
	assert.False(t, f.NonRetryable())
}

// A waits for tomorrow, B for a moment.
func TestTheSoonestCounts(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "DEVICE-AA", OperatingSystem: "Android", CheckIn: -1}, {Name: "DEVICE-BB", OperatingSystem: "Windows", CheckIn: -1, RecoveryKey: true}}}})
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Status: 503, Times: -1})
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Times: -1, Status: 429, Code: "TooManyRequests", Message: "The daily limit for wipe actions has been exceeded for this tenant."})
	policy := &leaver.DevicePolicy{RequireRecoveryKey: true, Personal: leaver.DeviceActions{IOS: leaver.Keep}}
	request := leaver.StepRequest{UserID: s.id(adele), Devices: policy, HandsOver: true, Changes: true, Items: []leaver.Item{
		{ID: s.Users()[adele].Devices[0].ID, Choice: "wipe", Device: &leaver.Device{OperatingSystem: "Android", OwnerType: "company", Planned: leaver.Retire}}}}
	var result leaver.StepResult
	err := (&attempt{}).run(t, s, leaver.ActivityRemoveAllDevices, request, &result)
	require.NoError(t, err)
	assert.True(t, result.NotBefore == nil || time.Until(*result.NotBefore) < time.Minute, "the key may be readable in a moment")
}

// Somebody else has retired what waits for tomorrow.
func TestADeviceThatLeavesSaysNotThatItWaits(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{DailyWipes: 1})
	first := &attempt{}
	_, _ = first.do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
	u := s.Users()[adele]
	for i := range u.Devices {
		if u.Devices[i].State == "managed" {
			u.Devices[i].State = "retirePending"
		}
	}
	s.Add(u)
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows})
	require.NoError(t, err)
	for _, i := range result.Items {
		assert.Empty(t, i.Detail)
		assert.Nil(t, i.Held)
	}
}

// Intune fails on A; B's request is approved meanwhile.
func TestOneThatFailsHoldsUpNoApproval(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	a := s.Users()[adele].Devices[0].ID
	s.Fail(graphsim.Fault{Path: a + "/wipe", Status: 500, Times: -1})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows, HandsOver: true, Changes: true}
	for n := range 20 {
		next := &attempt{}
		var result leaver.StepResult
		if err := next.run(t, s, leaver.ActivityRemoveAllDevices, request, &result); err != nil {
			result.Items = last(t, next)
		}
		request.Items = result.Items
		if n == 8 {
			require.Len(t, s.Approvals(), 1)
			s.Decide(s.Approvals()[0].Code, "approved")
		}
	}
	assert.Equal(t, "wipePending", s.Users()[adele].Devices[1].State)
}
func TestWhatWasWipedOutlivesAListOfTagsThatIsRefused(t *testing.T) {
	t.Parallel()
	users := withDevices()
	users[0].AppRegistrations = []graphsim.AppRegistration{{DeviceTag: "11111111-0000-4000-8000-000000000001"}, {DeviceTag: "11111111-0000-4000-8000-000000000002"}}
	s := set(t, users)
	request := leaver.StepRequest{UserID: s.id(adele)}
	first := &attempt{}
	require.Error(t, first.run(t, s, leaver.ActivityWipeManagedAppRegistrations, request, &leaver.StepResult{}))
	require.Len(t, s.writes(), 1)
	s.Fail(graphsim.Fault{Method: "GET", Path: "/managedAppRegistrations", Times: -1, Status: 403, Code: "Forbidden"})
	_, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityWipeManagedAppRegistrations, request)
	assert.True(t, failed(t, s, err).HasDetails(), "the apps of one device have been asked")
}

func TestNothingIsCalledBeforeGraphAllows(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	later := time.Now().Add(time.Hour)
	_, _ = (&attempt{}).do(t, s, leaver.ActivityWipeManagedAppRegistrations, leaver.StepRequest{UserID: s.id(adele), NotBefore: &later})
	assert.Empty(t, s.Requests())
}

// One device waits for tomorrow; another one's request is approved in the meantime.
func TestADayThatIsUsedUpHoldsUpNoApproval(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "DEVICE-AA", OperatingSystem: "Windows", CheckIn: -1}, {Name: "DEVICE-BB", OperatingSystem: "iOS", CheckIn: -1}}}})
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	request := leaver.StepRequest{UserID: s.id(adele), Devices: wipesWindows, HandsOver: true, Changes: true}
	awaiting := awaits(t, s, leaver.StepRequest{UserID: request.UserID, Devices: request.Devices})
	request.Items = awaiting.Items
	s.Fail(graphsim.Fault{Method: "POST", Path: "/wipe", Times: -1, Status: 429, RetryAfter: "72000", Code: "TooManyRequests", Message: "The daily limit for wipe actions has been exceeded for this tenant."})
	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	require.NotNil(t, result.NotBefore)
	assert.Less(t, time.Until(*result.NotBefore), 16*time.Minute, "the other one's approval may come any time")

	s.Decide(s.Approvals()[1].Code, "approved")
	request.Items = result.Items
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	require.NoError(t, err)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[1].State)
	assert.Equal(t, 2, s.written("POST wipe"), "filed, and refused once today")
}
