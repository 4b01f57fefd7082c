package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemoveAllDevicesRetiresEachAndSaysWhich(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.Configure(graphsim.Settings{PageSize: 1})
	result := does(t, s, 1, leaver.ActivityRemoveAllDevices)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, result.Detail, "accepted the retirement of 3 devices")
	require.Len(t, result.Items, 3)
	for i, device := range s.Users()[adele].Devices {
		item := result.Items[i]
		assert.Equal(t, "retirePending", device.State)
		assert.Equal(t, []string{device.ID, device.Name, string(leaver.Leaving)}, []string{item.ID, item.Device.Name, string(item.Device.Verdict)})
		assert.Empty(t, item.Outcome, "that they left is for a look to say")
	}
	again := does(t, s, 1, leaver.ActivityRemoveAllDevices)
	assert.Equal(t, leaver.AlreadyDone, again.Outcome)
	assert.Len(t, again.Items, 3)
	assert.Equal(t, 1, s.posted())
}

func TestALeaverWithoutDevicesHasNothingPosted(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "no managed devices"}, does(t, s, 1, leaver.ActivityRemoveAllDevices))
	assert.Empty(t, s.writes())
}

func TestRemoveAllDevicesPostsUnlessAllAreLeaving(t *testing.T) {
	t.Parallel()
	for state, posted := range map[string]int{
		"retirePending": 0, "retireIssued": 0, "wipePending": 0, "wipeIssued": 0, "deletePending": 0,
		"managed": 1, "retireFailed": 1, "retireCanceled": 1, "wipeFailed": 1, "unhealthy": 1, "somethingNew": 1,
	} {
		s := set(t, withDevices(never, never))
		s.become(state, "retirePending")
		result := does(t, s, 1, leaver.ActivityRemoveAllDevices)
		assert.Equal(t, posted == 1, result.Outcome == leaver.Done, state)
		assert.Equal(t, posted == 0, result.Detail == "2 devices already leaving", state)
		assert.Len(t, result.Items, 2, "each is still to be proven gone")
		assert.Equal(t, [2]int{posted, posted}, [2]int{s.posted(), len(s.writes())}, state)
	}
}

// A later attempt may see what an earlier one did.
func TestRemoveAllDevicesWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	type row struct {
		checkIns    []time.Duration
		fault       graphsim.Fault
		posted, now int
	}
	table(t, map[string]row{
		"it was heard":                   {[]time.Duration{never, never}, graphsim.Fault{Cut: true}, 1, 2},
		"it was heard, and one has left": {[]time.Duration{atOnce, never}, graphsim.Fault{Cut: true}, 1, 1},
		"it was heard, and all left":     {[]time.Duration{atOnce}, graphsim.Fault{Cut: true}, 1, 0},
		"it was not heard":               {[]time.Duration{never}, graphsim.Fault{Reset: true}, 2, 1},
	}, func(t *testing.T, c row) {
		s := set(t, withDevices(c.checkIns...))
		s.spoil(leaver.RemoveAll, c.fault)
		waiting(t, s, errorOf(do(t, s, leaver.ActivityRemoveAllDevices)), leaver.GraphUnavailable)
		result := does(t, s, 2, leaver.ActivityRemoveAllDevices)
		assert.Equal(t, leaver.Done, result.Outcome, "it may have been this activity's doing")
		assert.Len(t, result.Items, c.now)
		assert.Equal(t, c.posted, s.posted())
	})
}

// The call for all may have been heard by some devices and not by others. Repeating it
// does no harm, but an approved code is good for one call.
func TestALostAnswerToTheCallForAllMayShowInSome(t *testing.T) {
	t.Parallel()
	type states = []string
	type row struct {
		before, after  states
		want, approved devices.Answer
	}
	table(t, map[string]row{
		"in none":                             {states{"managed", "managed", "managed"}, states{"managed", "managed", "managed"}, devices.Accepted, devices.Accepted},
		"in some":                             {states{"managed", "managed", "managed"}, states{"retirePending", "managed", "managed"}, devices.Accepted, ""},
		"in some that failed":                 {states{"managed", "managed", "managed"}, states{"retireFailed", "managed", "managed"}, devices.Accepted, ""},
		"in all":                              {states{"managed", "managed", "managed"}, states{"retirePending", "retireIssued", "retireFailed"}, devices.Unknown, devices.Unknown},
		"in all, one was leaving before":      {states{"wipePending", "managed", "managed"}, states{"wipePending", "retirePending", "retirePending"}, devices.Unknown, devices.Unknown},
		"in none, and one was leaving before": {states{"wipePending", "managed", "managed"}, states{"wipePending", "managed", "managed"}, devices.Accepted, devices.Accepted},
	}, func(t *testing.T, c row) {
		for code, want := range map[string]devices.Answer{"": c.want, "code": c.approved} {
			s := set(t, withDevices(never, never, never))
			s.become(c.before...)
			request := s.decided(leaver.RemoveAll)
			request.Code = code
			s.become(c.after...)
			outcome, err := s.tries(t, 2, request)
			assert.Equal(t, want == devices.Accepted, s.posted() == 1, "%q", code)
			if want == "" {
				waiting(t, s, err, leaver.GraphUnavailable)
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, want, outcome.Answer, "%q", code)
		}
	})
}
