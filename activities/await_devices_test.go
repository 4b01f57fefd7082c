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

// last is what an attempt heartbeated last.
func last(t *testing.T, a *attempt) []leaver.Item {
	t.Helper()
	require.NotEmpty(t, a.heartbeats)
	var items []leaver.Item
	require.NoError(t, a.heartbeats[len(a.heartbeats)-1].Get(&items))
	return items
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

func TestADeviceEnrolledSinceIsRetiredLikeTheOthers(t *testing.T) {
	t.Parallel()
	for name, devices := range map[string][]time.Duration{"after others": {atOnce}, "after none": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(devices...))
			request := removed(t, s)
			user := s.Users()[adele]
			user.Devices = []graphsim.Device{{Name: "CONTOSO-LT-0999"}}
			s.Add(user)
			first := &attempt{}
			_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
			remaining(t, s, err)
			newcomer := last(t, first)[len(devices)]
			assert.Equal(t, "it was enrolled since", newcomer.Device.Because)
			assert.Equal(t, leaver.Retire, newcomer.Device.Action)
			assert.Equal(t, 1, newcomer.Device.OwnCalls)

			result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
			require.NoError(t, err)
			assert.Equal(t, leaver.Done, result.Outcome)
			assert.Len(t, result.Items, len(devices)+1)
			assert.Empty(t, s.Users()[adele].Devices)
		})
	}
}

func TestADeviceThatFailsToLeaveIsAskedOnceMoreByItsOwnCall(t *testing.T) {
	t.Parallel()
	users := withDevices(atOnce, atOnce)
	users[0].Devices[0].Failures = 1
	s := set(t, users)
	request := removed(t, s)
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, 1, last(t, first)[0].Device.OwnCalls)
	result, err := (&attempt{number: 2, heard: last(t, first)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	require.NoError(t, err)
	assert.Equal(t, "2 devices gone", result.Detail)
	assert.Equal(t, 1, s.retired(), "the other one left when it was first asked")
}

func TestADeviceThatFailsTwiceIsForAPersonOnceNoOtherIsOnItsWay(t *testing.T) {
	t.Parallel()
	users := withDevices(atOnce, never)
	users[0].Devices[0].Failures = 2
	s := set(t, users)
	request := removed(t, s)
	before := &attempt{}
	_, err := before.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	again := &attempt{number: 2, heard: last(t, before)}
	_, err = again.do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Equal(t, leaver.RemovalFailed, last(t, again)[0].Device.Verdict)
	assert.Equal(t, leaver.Leaving, last(t, again)[1].Device.Verdict, "it is still waited for")

	user := s.Users()[adele]
	user.Devices = user.Devices[:1]
	s.Add(user)
	_, err = (&attempt{number: 3, heard: last(t, again)}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.DevicesRemain), failure.Type())
	assert.True(t, failure.NonRetryable())
	assert.Contains(t, failure.Message(), "1 of 2 devices still managed (retireFailed 1); each was asked twice")
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	assert.Equal(t, leaver.RemovalFailed, seen.Items[0].Device.Verdict)
	assert.Equal(t, leaver.Failed, seen.Items[0].Outcome)
	assert.Equal(t, leaver.Gone, seen.Items[1].Device.Verdict)
	assert.Equal(t, 1, s.retired(), "twice is all: once for all, once by itself")
}

// A failure that was there before the device was asked again proves nothing.
func TestAFailureOfBeforeIsNotTakenForASecondOne(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{{Name: "CONTOSO-LT-0417", State: "retireFailed", CheckIn: -1}}}})
	device := s.Users()[adele].Devices[0]
	now := time.Now()
	heard := []leaver.Item{{ID: device.ID, Device: &leaver.Device{Name: device.Name, ManagementState: "retireFailed", Action: leaver.Retire, ActionAt: &now, OwnCalls: 1}}}
	request := leaver.StepRequest{UserID: s.id(adele), Results: map[string]leaver.StepResult{leaver.StepRemoveAllDevices: {Outcome: leaver.Done, Items: heard}}}
	_, err := (&attempt{number: 2, heard: heard}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Zero(t, s.retired())
}

func TestADeviceOfAnotherUserIsNeverAsked(t *testing.T) {
	t.Parallel()
	users := withDevices(atOnce)
	users[0].Devices[0].Failures = 1
	s := set(t, users)
	request := removed(t, s)
	s.reassign()
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	remaining(t, s, err)
	assert.Zero(t, s.retired())
}

func TestARefusalToAskAgainIsForAPersonAndKeepsWhatWasSeen(t *testing.T) {
	t.Parallel()
	users := withDevices(atOnce)
	users[0].Devices[0].Failures = 1
	s := set(t, users)
	request := removed(t, s)
	s.Fail(graphsim.Fault{Path: "/retire", Times: -1, Status: 403, Code: "Forbidden"})
	_, err := (&attempt{}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.GraphForbidden), failure.Type())
	var seen leaver.StepResult
	require.NoError(t, failure.Details(&seen))
	require.Len(t, seen.Items, 1)
	assert.Equal(t, "retireFailed", seen.Items[0].Device.ManagementState)
}

func TestADeviceThatStaysSilentIsToldFromOneThatChecksIn(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{
		{Name: "CONTOSO-LT-0417", CheckIn: -1}, {Name: "CONTOSO-LT-0418", CheckIn: leaver.Duration(time.Hour), LastSync: time.Now().Add(time.Hour)},
	}}})
	request := removed(t, s)
	request.Poll = &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}
	_, err := (&attempt{number: 31, age: 24 * time.Hour}).do(t, s, leaver.ActivityAwaitDevicesRemoved, request)
	var seen leaver.StepResult
	require.NoError(t, failed(t, s, err).Details(&seen))
	assert.Equal(t, leaver.Silent, seen.Items[0].Device.Verdict)
	assert.Equal(t, leaver.Leaving, seen.Items[1].Device.Verdict)
	for _, i := range seen.Items {
		assert.Equal(t, leaver.Retire, i.Device.Action)
		assert.NotNil(t, i.Device.ActionAt)
	}
}

func TestAwaitDevicesRemovedAloneTracksWhatItFirstSaw(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never), func(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 5*time.Minute, time.Hour })
	first := &attempt{}
	_, err := first.do(t, s, leaver.ActivityAwaitDevicesRemoved, leaver.StepRequest{UserID: adele})
	assert.Equal(t, 5*time.Minute, remaining(t, s, err).NextRetryDelay(), "the worker's rhythm")
	assert.Empty(t, s.writes(), "it asks nothing of any device")
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
