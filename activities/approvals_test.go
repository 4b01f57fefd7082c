package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
