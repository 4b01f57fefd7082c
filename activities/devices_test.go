package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
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
	require.Len(t, first.heartbeats, 1)
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
	heard := []leaver.Item{{ID: "9b1b6e5c-6f0f-4d5c-8f0e-5d1f0a4d3c2b", Device: &leaver.Device{Name: "CONTOSO-LT-0417"}}}
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

// remaining asserts that err says "not yet" and returns the failure.
func remaining(t *testing.T, s *stage, err error) *temporal.ApplicationError {
	t.Helper()
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
	assert.False(t, failure.NonRetryable())
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, failure.Category(), "it is no error")
	return failure
}

// removed runs RemoveAllDevices and returns what AwaitDevicesRemoved is given.
func removed(t *testing.T, s *stage) leaver.StepRequest {
	t.Helper()
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	return leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}}
}

func TestDevicesAreGoneWhenNeitherListedNorKnown(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, atOnce))
	result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, removed(t, s))
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "2 devices gone", result.Detail)
	require.Len(t, result.Items, 2)
	for _, item := range result.Items {
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.NotEmpty(t, item.Device.Name, "the report still says which device it was")
	}
}

func TestADeviceThatRemainsIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, never, never))
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, removed(t, s))
	failure := remaining(t, s, err)
	assert.Equal(t, "AwaitDevicesRemoved: 2 of 3 devices still managed (retirePending 2)", failure.Message())
	assert.Equal(t, time.Minute, failure.NextRetryDelay())
	require.Len(t, look.heartbeats, 1)
	var seen []leaver.Item
	require.NoError(t, look.heartbeats[0].Get(&seen))
	assert.Equal(t, []leaver.Outcome{leaver.Done, "", ""}, []leaver.Outcome{seen[0].Outcome, seen[1].Outcome, seen[2].Outcome})
}

func TestTheWaitDoublesUpToTheLongest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	month := leaver.Duration(30 * 24 * time.Hour)
	minutes := leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(4 * time.Hour), Deadline: month}
	hours := leaver.Poll{First: leaver.Duration(4 * time.Hour), Longest: leaver.Duration(12 * time.Hour), Deadline: month}
	for _, c := range []struct {
		rhythm leaver.Poll
		number int32
		want   time.Duration
	}{
		{minutes, 1, time.Minute},
		{minutes, 2, 2 * time.Minute},
		{minutes, 3, 4 * time.Minute},
		{minutes, 8, 128 * time.Minute},
		{minutes, 9, 4 * time.Hour},
		{minutes, 10_000, 4 * time.Hour},
		{hours, 1, 4 * time.Hour},
		{hours, 2, 8 * time.Hour},
		{hours, 3, 12 * time.Hour},
		{hours, 21, 12 * time.Hour},
		{hours, 64, 12 * time.Hour},
	} {
		request.Poll = &c.rhythm
		_, err := (&attempt{number: c.number}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
		assert.Equal(t, c.want, remaining(t, s, err).NextRetryDelay(), "attempt %d of %v", c.number, c.rhythm)
	}
}

func TestTheLastLookIsAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}
	_, err := (&attempt{number: 30, age: 24*time.Hour - 10*time.Minute}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	wait := remaining(t, s, err).NextRetryDelay()
	assert.LessOrEqual(t, wait, 10*time.Minute)
	assert.Greater(t, wait, 9*time.Minute)
}

func TestADeviceThatNeverChecksInIsReportedAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, never))
	request := removed(t, s)
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}
	_, err := (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
	assert.True(t, failure.NonRetryable(), "waiting longer is for a person to decide")
	assert.NotEqual(t, temporal.ApplicationErrorCategoryBenign, failure.Category())
	assert.Contains(t, failure.Message(), "1 of 2 devices still managed (retirePending 1); the deadline has passed")
	assert.Contains(t, failure.Message(), "retryStep")
	assert.Contains(t, failure.Message(), "skipStep")
	var seen leaver.StepResult
	require.True(t, failure.HasDetails())
	require.NoError(t, failure.Details(&seen))
	assert.Equal(t, leaver.Failed, seen.Outcome)
	require.Len(t, seen.Items, 2)
	assert.Equal(t, leaver.Done, seen.Items[0].Outcome)
	assert.Equal(t, leaver.Failed, seen.Items[1].Outcome)
	assert.Equal(t, s.Users()[adele].Devices[0].ID, seen.Items[1].ID)
	assert.Equal(t, "retirePending", seen.Items[1].Device.ManagementState)
}

func TestADeviceGivenToAnotherUserIsNotGone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	s.reassign()
	require.Empty(t, s.Users()[adele].Devices)
	look := &attempt{}
	_, err := look.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	assert.Contains(t, remaining(t, s, err).Message(), "1 of 1 device still managed")
	var seen []leaver.Item
	require.NoError(t, look.heartbeats[0].Get(&seen))
	assert.Equal(t, "still managed, no longer listed for the leaver", seen[0].Detail)
	assert.Empty(t, seen[0].Outcome)
}

func TestAListThatMissesADeviceForAMomentProvesNothing(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce))
	request := removed(t, s)
	s.Fail(graphsim.Fault{Path: request.Results[leaver.StepRemoveAllDevices].Items[0].ID, Status: 404, Code: "Directory_ObjectNotFound"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphUnavailable), failure.Type(), "a lagging replica's 404 is no absence")
	assert.False(t, failure.NonRetryable())

	result, err := (&attempt{number: 2}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
}

func TestADeviceThatWasSeenGoneIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce, never))
	request := removed(t, s)
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	var seen []leaver.Item
	require.NoError(t, first.heartbeats[0].Get(&seen))
	asked := len(s.Requests())
	_, err = (&attempt{number: 2, heard: seen}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	assert.Contains(t, remaining(t, s, err).Message(), "1 of 2 devices")
	assert.Len(t, s.Requests(), asked+1, "the list alone is read")
}

func TestADeviceThatIsListedAgainIsNotGone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := removed(t, s)
	items := request.Results[leaver.StepRemoveAllDevices].Items
	items[0].Outcome = leaver.Done
	_, err := (&attempt{number: 2, heard: items}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	assert.Contains(t, remaining(t, s, err).Message(), "1 of 1 device still managed")
}

func TestADeviceEnrolledSinceIsReportedAndDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(atOnce))
	request := removed(t, s)
	user := s.Users()[adele]
	user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0999"}}
	s.Add(user)
	result, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "1 device gone; 1 device enrolled since and not touched", result.Detail)
	assert.Len(t, result.Items, 1)
}

func TestAwaitDevicesRemovedAloneTracksWhatItFirstSaw(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never), func(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 5*time.Minute, time.Hour })
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, leaver.StepRequest{UserID: adele})
	assert.Equal(t, 5*time.Minute, remaining(t, s, err).NextRetryDelay(), "the worker's rhythm")
	var seen []leaver.Item
	require.NoError(t, first.heartbeats[0].Get(&seen))

	user := s.Users()[adele]
	user.Devices = nil
	s.Add(user)
	result, err := (&attempt{number: 2, heard: seen}).do(t, s, leaver.ActivityAwaitDevicesRemoved, leaver.StepRequest{UserID: adele})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Equal(t, "1 device gone", result.Detail)
}

func TestAwaitDevicesRemovedAloneWithoutDevicesIsAlreadyDone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	result, err := do(t, s, leaver.ActivityAwaitDevicesRemoved)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "no managed devices"}, result)
}
