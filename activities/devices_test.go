package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemoveAllDevicesRetiresEachAndSaysWhich(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.Configure(graphsim.Settings{PageSize: 1})
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, result.Detail, "accepted the retirement of 3 devices")
	require.Len(t, result.Items, 3)
	for i, device := range s.Users()[adele].Devices {
		assert.Equal(t, "retirePending", device.State)
		assert.Equal(t, device.ID, result.Items[i].ID)
		assert.Equal(t, device.Name, result.Items[i].Device.Name)
		assert.Empty(t, result.Items[i].Outcome, "that they left is for AwaitDevicesRemoved to say")
	}
	assert.Equal(t, 1, s.posted())
}

func TestALeaverWithoutDevicesHasNothingPosted(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "no managed devices"}, result)
	assert.Empty(t, s.writes())
}

func TestDevicesThatAreLeavingAlreadyAreNotPostedAgain(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{Name: "CONTOSO-LT-0417", State: state, CheckIn: -1}}}})
			result, err := do(t, s, leaver.ActivityRemoveAllDevices)
			require.NoError(t, err)
			assert.Equal(t, leaver.AlreadyDone, result.Outcome)
			assert.Equal(t, "1 device already leaving", result.Detail)
			assert.Len(t, result.Items, 1, "it is still to be proven gone")
			assert.Empty(t, s.writes())
		})
	}
}

func TestADeviceWhoseRetirementFailedIsPostedAgain(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"managed", "retireFailed", "retireCanceled", "wipeFailed", "unhealthy", "somethingNew"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{
				{Name: "CONTOSO-LT-0417", State: state, CheckIn: -1}, {Name: "CONTOSO-LT-0418", State: "retirePending", CheckIn: -1},
			}}})
			result, err := do(t, s, leaver.ActivityRemoveAllDevices)
			require.NoError(t, err)
			assert.Equal(t, leaver.Done, result.Outcome)
			assert.Len(t, result.Items, 2)
			assert.Equal(t, 1, s.posted())
		})
	}
}

func TestRemoveAllDevicesAgainIsAlreadyDone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Len(t, result.Items, 2)
	assert.Equal(t, 1, s.posted())
}

func TestADiedRemovalIsDoneAndKeepsWhatItListed(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, never))
	s.Fail(graphsim.Fault{Method: "POST", Cut: true})
	listed := s.Users()[adele].Devices
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	assert.Equal(t, string(leaver.GraphUnavailable), failed(t, s, err).Type())
	require.NotEmpty(t, first.heartbeats, "before anything was asked")
	var noted []leaver.Item
	require.NoError(t, first.heartbeats[0].Get(&noted))
	require.Len(t, s.Users()[adele].Devices, 1, "one device has left since")

	result, err := (&attempt{number: 2, heard: noted}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome, "it was this activity's doing")
	require.Len(t, result.Items, 2)
	assert.Equal(t, listed[0].ID, result.Items[0].ID)
	assert.Equal(t, listed[1].ID, result.Items[1].ID)
	assert.Equal(t, "retirePending", result.Items[1].Device.ManagementState, "what is still there is described as it is now")
	assert.Equal(t, 1, s.posted())
}

func TestADiedRemovalOfWhichAllHaveLeftIsDone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	heard := []leaver.Item{{ID: "9b1b6e5c-6f0f-4d5c-8f0e-5d1f0a4d3c2b", Device: &leaver.Device{Name: "CONTOSO-LT-0417", Action: leaver.Retire}}}
	result, err := (&attempt{number: 2, heard: heard}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, heard, result.Items)
	assert.Empty(t, s.writes())
}

func TestADiedRemovalThatWasNotHeardIsPostedAgain(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Method: "POST", Reset: true})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	require.Error(t, err)
	var noted []leaver.Item
	require.NoError(t, first.heartbeats[0].Get(&noted))

	result, err := (&attempt{number: 2, heard: noted}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Len(t, result.Items, 1)
	assert.Equal(t, "retirePending", s.Users()[adele].Devices[0].State)
}

func TestWhereTheActionForAllIsRefusedEachDeviceIsRetiredByItself(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]graphsim.Fault{
		"forbidden":   {Status: 403, Code: "Forbidden"},
		"not allowed": {Status: 405},
		"no route":    {Status: 404, Code: "UnknownError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users := withDevices(never, never, never)
			users[0].Devices[1].State = "wipePending"
			s := set(t, users)
			fault.Method, fault.Path, fault.Times = "POST", "/removeAllDevicesFromManagement", -1
			s.Fail(fault)
			result, err := do(t, s, leaver.ActivityRemoveAllDevices)
			require.NoError(t, err)
			assert.Equal(t, leaver.Done, result.Outcome)
			assert.Contains(t, result.Detail, "the tenant refuses removeAllDevicesFromManagement, so each device was asked by a call of its own")
			assert.Equal(t, 2, s.retired(), "the one that is leaving is left alone")
			for i, own := range []int{1, 0, 1} {
				assert.Equal(t, own, result.Items[i].Device.OwnCalls)
			}
			assert.Equal(t, "retirePending", s.Users()[adele].Devices[0].State)
		})
	}
}

func TestRetiringOneByOneGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.Fail(graphsim.Fault{Path: "/removeAllDevicesFromManagement", Times: -1, Status: 403, Code: "Forbidden"})
	third := s.Users()[adele].Devices[2].ID
	s.Fail(graphsim.Fault{Path: third + "/retire", Status: 503})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	assert.Equal(t, string(leaver.GraphUnavailable), failed(t, s, err).Type())
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, 1, s.posted(), "the one action is not tried a second time")
	assert.Equal(t, 4, s.retired(), "three devices, one of them twice")
}

func TestADeviceThatLeavesMeanwhileIsNoError(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/removeAllDevicesFromManagement", Status: 405})
	s.Fail(graphsim.Fault{Path: "/retire", Status: 404, Code: "ResourceNotFound"})
	s.Fail(graphsim.Fault{Method: "GET", Path: s.Users()[adele].Devices[0].ID, Status: 404, Code: "ResourceNotFound"})
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele)})
	assert.False(t, failed(t, s, err).NonRetryable(), "the list lags")
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: s.id(adele)})
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome, "nobody here has asked it")
}

func TestWhereApprovalIsDemandedNothingElseIsTried(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 412} {
		s := set(t, withDevices(never))
		s.Fail(graphsim.Fault{Method: "POST", Status: status, Code: "BadRequest", Message: "Header 'x-msft-approval-justification' is required to request approval"})
		_, err := do(t, s, leaver.ActivityRemoveAllDevices)
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.ApprovalRequired), failure.Type())
		assert.True(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "Multi Admin Approval")
		assert.Zero(t, s.retired())
	}
}

func TestAUserWhoIsGoneIsNotWorkedAround(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Method: "POST", Status: 404, Code: "Request_ResourceNotFound"})
	_, err := do(t, s, leaver.ActivityRemoveAllDevices)
	assert.Equal(t, string(leaver.UserNotFound), failed(t, s, err).Type())
	assert.Zero(t, s.retired())
}
