package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// approving is a tenant that wants a second administrator for what is done to
// each of Adele's devices, and the request of a step that does something.
func approving(t *testing.T, settings graphsim.Settings, devices int) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, withDevices(make([]time.Duration, devices)...))
	settings.MultiAdminApproval = true
	s.Configure(settings)
	policy := leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}
	return s, leaver.StepRequest{UserID: s.id(adele), Devices: &policy, Justification: "Offboarding of a leaver (ticket INC-0042)"}
}

// awaits makes the step ask for approval and returns the items that wait.
func awaits(t *testing.T, s *stage, request leaver.StepRequest) leaver.StepRequest {
	t.Helper()
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure := failed(t, s, err)
	require.Equal(t, string(leaver.ApprovalRequired), failure.Type(), failure.Message())
	assert.True(t, failure.NonRetryable())
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.Equal(t, []leaver.Choice{leaver.Approved, leaver.GiveUp}, seen.Choices)
	request.Items = seen.Items
	return request
}

// looked is what AwaitApproval found out about the items.
func looked(t *testing.T, s *stage, request leaver.StepRequest) leaver.StepRequest {
	t.Helper()
	result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitApproval, request)
	require.NoError(t, err)
	request.Items = result.Items
	return request
}

func TestAnActionThatIsQueuedIsDoneWithItsCodeOnceApproved(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 412} {
		s, request := approving(t, graphsim.Settings{ApprovalStatus: status}, 2)
		waiting := awaits(t, s, request)
		require.Len(t, s.Approvals(), 2)
		for i, requested := range s.Approvals() {
			assert.Equal(t, "Offboarding of a leaver (ticket INC-0042)", requested.Justification)
			item := waiting.Items[i]
			assert.Equal(t, requested.Code, item.Approval.Code)
			assert.Equal(t, leaver.Wipe, item.Approval.Operation)
			assert.WithinDuration(t, time.Now(), item.Approval.RequestedAt, time.Minute)
			assert.Equal(t, leaver.AwaitingApproval, item.Device.Verdict)
			assert.Empty(t, item.Device.Action, "it has not been asked yet")
		}
		assert.Empty(t, s.Wiped())

		_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitApproval, waiting)
		undecided := failed(t, s, err)
		assert.False(t, undecided.NonRetryable())
		assert.Equal(t, time.Minute, undecided.NextRetryDelay())

		s.Decide(s.Approvals()[1].Code, "approved")
		waiting = awaits(t, s, looked(t, s, waiting))
		assert.Equal(t, leaver.ApprovalNeeded, waiting.Items[0].Approval.Status, "one still waits")
		assert.Equal(t, leaver.Wipe, waiting.Items[1].Device.Action, "the other was done at once")
		assert.Equal(t, leaver.ApprovalCompleted, waiting.Items[1].Approval.Status)
		assert.Len(t, s.Approvals(), 2, "nothing is filed twice")

		s.Decide(s.Approvals()[0].Code, "approved")
		result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, result.Outcome)
		assert.Len(t, s.Wiped(), 2)
		for _, item := range result.Items {
			require.NotNil(t, item.Approval, "also of the one that has left meanwhile")
			assert.Equal(t, leaver.ApprovalCompleted, item.Approval.Status)
		}
	}
}

func TestTheOneActionIsApprovedForAllDevicesTogether(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{ApprovalForAll: true}, 3)
	request.Devices = nil
	waiting := awaits(t, s, request)
	require.Len(t, s.Approvals(), 1)
	late := graphsim.Device{ID: "7d1c3c1e-9a43-4c5e-9a61-0d8f2f4f7a10", Name: "CONTOSO-LT-0499", OperatingSystem: "Windows"}
	s.Enroll(adele, late)
	waiting = awaits(t, s, waiting)
	require.Len(t, s.Approvals(), 1, "a device enrolled meanwhile needs no request of its own")
	require.Len(t, waiting.Items, 4)

	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	require.Len(t, result.Items, 4)
	for _, item := range result.Items {
		assert.Equal(t, leaver.Retire, item.Device.Action)
		assert.Zero(t, item.Device.OwnCalls)
		assert.Equal(t, leaver.ApprovalCompleted, item.Approval.Status)
	}
	assert.Empty(t, s.Users()[adele].Devices)
}

func TestARequestThatExpiredIsFiledAgain(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]graphsim.Settings{"each": {}, "all": {ApprovalForAll: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, request := approving(t, settings, 1)
			if settings.ApprovalForAll {
				request.Devices = nil
			}
			waiting := awaits(t, s, request)
			s.Decide(s.Approvals()[0].Code, "expired")
			waiting = awaits(t, s, looked(t, s, waiting))
			require.Len(t, s.Approvals(), 2)
			assert.Equal(t, s.Approvals()[1].Code, waiting.Items[0].Approval.Code)
			s.Decide(s.Approvals()[1].Code, "approved")
			_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
			require.NoError(t, err)
			assert.Empty(t, s.Users()[adele].Devices)
		})
	}
}

func TestWhatASecondAdministratorRejectsIsForAPerson(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"rejected", "cancelled"} {
		s, request := approving(t, graphsim.Settings{}, 1)
		waiting := awaits(t, s, request)
		s.Decide(s.Approvals()[0].Code, status)
		rejected := looked(t, s, waiting)
		_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, rejected)
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
		var seen leaver.StepResult
		require.NoError(t, failure.Details(&seen))
		assert.Contains(t, seen.Items[0].Detail, status+" in Intune")
		assert.Contains(t, seen.Choices, leaver.Choice(leaver.Wipe))
		assert.Equal(t, 1, s.written("POST wipe"))

		// A person wants it nevertheless: that is a new request.
		rejected.Items = seen.Items
		rejected.Items[0].Outcome, rejected.Items[0].Choice = "", leaver.Choice(leaver.Wipe)
		again := awaits(t, s, rejected)
		require.Len(t, s.Approvals(), 2)
		assert.Equal(t, s.Approvals()[1].Code, again.Items[0].Approval.Code)
	}
}

func TestAWorkerThatMayNotReadApprovalsIsToldOrGoesByTheirAge(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitApproval, waiting)
	failure := failed(t, s, err)
	assert.False(t, failure.NonRetryable(), "somebody may grant it")
	assert.Contains(t, failure.Message(), "DeviceManagementConfiguration.Read.All")

	waiting.Items[0].Approval.RequestedAt = time.Now().Add(-73 * time.Hour)
	assert.Equal(t, leaver.ApprovalExpired, looked(t, s, waiting).Items[0].Approval.Status)

	waiting.Items[0].Approval.RequestedAt = time.Now()
	s.Decide(s.Approvals()[0].Code, "approved")
	waiting.Items[0].Choice = leaver.Approved
	_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	require.NoError(t, err)
	assert.Len(t, s.Wiped(), 1)
}

func TestADeviceThatChangedHandsWhileItWaitedIsNotTouched(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	s.reassign()
	s.Decide(s.Approvals()[0].Code, "approved")
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Empty(t, s.Wiped())
	assert.Equal(t, "managed", s.Users()[megan].Devices[0].State)
}

func TestAnApprovedCallWhoseAnswerIsLostIsNotFiledAgain(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 1)
	waiting := awaits(t, s, request)
	s.Decide(s.Approvals()[0].Code, "approved")
	devices := s.Users()[adele].Devices
	devices[0].CheckIn = leaver.Duration(never)
	s.Add(graphsim.User{ID: s.id(adele), UserPrincipalName: adele, Devices: devices})
	s.Fail(graphsim.Fault{Method: "POST", Cut: true})
	waiting = looked(t, s, waiting)
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	assert.Equal(t, string(leaver.GraphUnavailable), failed(t, s, err).Type())
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, waiting)
	require.NoError(t, err)
	assert.Equal(t, leaver.Wipe, result.Items[0].Device.Action)
	assert.Len(t, s.Approvals(), 1)
	assert.Equal(t, 2, s.written("POST wipe"))
}

// Where Intune's day is over, its wording is not known: any that speaks of a
// daily limit counts.
func TestADailyLimitWaitsUntilTomorrow(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	s.Configure(graphsim.Settings{DailyRetires: 1})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphThrottled), failure.Type())
	assert.False(t, failure.NonRetryable())
	tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	assert.WithinDuration(t, tomorrow, time.Now().Add(failure.NextRetryDelay()), 10*time.Minute)
	s.Configure(graphsim.Settings{})
	_, err = do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(s.Users()[adele].Devices[0].State, "retire"))
}

// refusedBy is what the tenant said of the items when the step failed for good.
func refusedBy(t *testing.T, s *stage, err error) (*temporal.ApplicationError, leaver.StepResult) {
	t.Helper()
	failure := failed(t, s, err)
	assert.True(t, failure.NonRetryable(), "it is for a person: %s", failure.Message())
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	return failure, seen
}

func TestADeviceThatWasGivenUpIsNotRetiredWithTheOthers(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{ApprovalForAll: true}, 2)
	request.Devices = nil
	waiting := awaits(t, s, request)
	waiting.Items[1].Choice = leaver.GiveUp
	waiting = awaits(t, s, waiting)
	assert.Equal(t, leaver.GivenUp, waiting.Items[1].Device.Verdict)

	s.Decide(s.Approvals()[0].Code, "approved")
	waiting = awaits(t, s, looked(t, s, waiting))
	require.Len(t, s.Approvals(), 2, "what was approved is too much; the other device has a request of its own")
	s.Decide(s.Approvals()[1].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	assert.Equal(t, leaver.Retire, result.Items[0].Device.Action)
	left := s.Users()[adele].Devices
	require.Len(t, left, 1)
	assert.Equal(t, result.Items[1].ID, left[0].ID)
	assert.Equal(t, "managed", left[0].State)
}

func TestWhatIsEnrolledWhileARequestForAllWaitsIsJudgedFirst(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]graphsim.Device{
		"harm":   {Name: "CONTOSO-PH-09", OperatingSystem: "Android"},
		"no key": {Name: "CONTOSO-LT-09", OperatingSystem: "Windows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := withDevices(never)
			users[0].Devices[0].RecoveryKey = true
			s := set(t, users)
			s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
			waiting := awaits(t, s, leaver.StepRequest{UserID: s.id(adele), Devices: &leaver.DevicePolicy{RequireRecoveryKey: true}})
			s.Enroll(adele, late)
			s.Decide(s.Approvals()[0].Code, "approved")
			_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
			_, seen := refusedBy(t, s, err)
			require.Len(t, s.Approvals(), 2)
			s.Decide(s.Approvals()[1].Code, "approved")
			waiting.Items = seen.Items
			_, err = (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
			_, seen = refusedBy(t, s, err)
			assert.Equal(t, leaver.Failed, seen.Items[1].Outcome)
			devices := s.Users()[adele].Devices
			assert.Equal(t, []string{"retirePending", "managed"}, []string{devices[0].State, devices[1].State})
		})
	}
}

func TestWhatIsEnrolledJustBeforeAnApprovedRequestForAllIsRetiredWithIt(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{ApprovalForAll: true}, 1)
	request.Devices = nil
	waiting := awaits(t, s, request)
	s.Enroll(adele, graphsim.Device{Name: "CONTOSO-LT-09", OperatingSystem: "Windows"})
	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	require.Len(t, result.Items, 2)
	assert.Equal(t, leaver.Retire, result.Items[1].Device.Action)
	assert.Empty(t, s.Users()[adele].Devices)
}

func TestADeviceThatFailsAfterAnApprovalIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{ApprovalForAll: true}, 1)
	user := s.Users()[adele]
	user.Devices[0].Failures = 1
	s.Add(user)
	request.Devices = nil
	waiting := awaits(t, s, request)
	s.Decide(s.Approvals()[0].Code, "approved")
	result, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, looked(t, s, waiting))
	require.NoError(t, err)
	request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
	_, err = (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure, seen := refusedBy(t, s, err)
	assert.Equal(t, string(leaver.ApprovalRequired), failure.Type())
	require.Len(t, s.Approvals(), 2)
	request.Items = seen.Items
	s.Decide(s.Approvals()[1].Code, "approved")
	request = looked(t, s, request)
	look := &attempt{}
	_, err = look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	result, err = (&attempt{number: 2, heard: last(t, look)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Gone, result.Items[0].Device.Verdict)
	assert.Equal(t, "it failed to leave", result.Items[0].Device.Because)
}

func TestAStatusThatIsNoDecisionIsNone(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"unknown", "unknownFutureValue", "needsApproval"} {
		s, request := approving(t, graphsim.Settings{}, 1)
		waiting := awaits(t, s, request)
		s.Decide(s.Approvals()[0].Code, status)
		_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitApproval, waiting)
		assert.False(t, failed(t, s, err).NonRetryable(), status)
	}
}

// A device that is refused is no reason to keep quiet about it while another
// waits for a second administrator.
func TestOneDeviceMayBeRefusedWhileAnotherAwaitsApproval(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 2)
	second := s.Users()[adele].Devices[1].ID
	s.Fail(graphsim.Fault{Path: second + "/wipe", Status: 400, Code: "BadRequest", Times: -1})
	_, err := (&attempt{}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	failure, seen := refusedBy(t, s, err)
	assert.Equal(t, string(leaver.ApprovalRequired), failure.Type())
	assert.Contains(t, failure.Message(), "a second administrator's approval is awaited for 1 device in Intune")
	assert.Contains(t, failure.Message(), "1 device for a person to decide about: Graph refuses the request")
	assert.Equal(t, []leaver.Choice{"approved", "giveUp", "retire", "wipe", "wipeKeepUserData", "deleteRecord"}, seen.Choices)
	assert.True(t, seen.Items[0].AwaitsApproval())
	assert.Equal(t, leaver.Failed, seen.Items[1].Outcome)
	assert.Equal(t, leaver.GraphBadRequest, seen.Items[1].Failure)
}

// A worker that dies between filing a request and noting its code cannot learn
// it: filing again is answered with 409.
func TestARequestWhoseCodeWasLostIsForAPersonAndTheOthersHaveTheirTurn(t *testing.T) {
	t.Parallel()
	s, request := approving(t, graphsim.Settings{}, 2)
	first := &attempt{}
	require.Error(t, first.run(t, s, leaver.ActivityRemoveAllDevices, request, &leaver.StepResult{}))
	var before []leaver.Item
	require.NoError(t, first.heartbeats[0].Get(&before))
	_, err := (&attempt{number: 2, heard: before}).do(t, s, leaver.ActivityRemoveAllDevices, request)
	_, seen := refusedBy(t, s, err)
	assert.Contains(t, seen.Items[0].Detail, "is pending in Intune already")
	assert.True(t, seen.Items[1].AwaitsApproval())
}
