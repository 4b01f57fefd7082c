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
	result, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, result.Detail, "accepted the retirement of 3 devices")
	require.Len(t, result.Items, 3)
	for i, device := range s.Users()[adele].Devices {
		assert.Equal(t, "retirePending", device.State)
		assert.Equal(t, device.ID, result.Items[i].ID)
		assert.Equal(t, device.Name, result.Items[i].Device.Name)
		assert.Equal(t, leaver.Leaving, result.Items[i].Device.Verdict)
		assert.Empty(t, result.Items[i].Outcome, "that they left is for a look to say")
	}
	assert.Equal(t, 1, s.posted())

	again, err := do(t, s, leaver.ActivityRemoveAllDevices)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, again.Outcome)
	assert.Len(t, again.Items, 3)
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

func TestRemoveAllDevicesPostsUnlessAllAreLeaving(t *testing.T) {
	t.Parallel()
	for state, posted := range map[string]int{
		"retirePending": 0, "retireIssued": 0, "wipePending": 0, "wipeIssued": 0, "deletePending": 0,
		"managed": 1, "retireFailed": 1, "retireCanceled": 1, "wipeFailed": 1, "unhealthy": 1, "somethingNew": 1,
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			users := withDevices(never, never)
			users[0].Devices[0].State, users[0].Devices[1].State = state, "retirePending"
			s := set(t, users)
			result, err := do(t, s, leaver.ActivityRemoveAllDevices)
			require.NoError(t, err)
			assert.Equal(t, posted == 1, result.Outcome == leaver.Done)
			assert.Equal(t, posted == 0, result.Detail == "2 devices already leaving")
			assert.Len(t, result.Items, 2, "each is still to be proven gone")
			assert.Equal(t, posted, s.posted())
			assert.Len(t, s.writes(), posted)
		})
	}
}

// A later attempt may see what an earlier one did.
func TestRemoveAllDevicesWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		checkIns    []time.Duration
		fault       graphsim.Fault
		posted, now int
	}{
		"it was heard":                   {[]time.Duration{never, never}, graphsim.Fault{Cut: true}, 1, 2},
		"it was heard, and one has left": {[]time.Duration{atOnce, never}, graphsim.Fault{Cut: true}, 1, 1},
		"it was heard, and all left":     {[]time.Duration{atOnce}, graphsim.Fault{Cut: true}, 1, 0},
		"it was not heard":               {[]time.Duration{never}, graphsim.Fault{Reset: true}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(c.checkIns...))
			s.spoil(leaver.RemoveAll, c.fault)
			_, err := do(t, s, leaver.ActivityRemoveAllDevices)
			waiting(t, s, err, leaver.GraphUnavailable)
			result, err := call[leaver.StepResult](t, s, 2, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: adele})
			require.NoError(t, err)
			assert.Equal(t, leaver.Done, result.Outcome, "it may have been this activity's doing")
			assert.Len(t, result.Items, c.now)
			assert.Equal(t, c.posted, s.posted())
		})
	}
}

// Alone, the activity works around nothing: it fails, and says why.
func TestRemoveAllDevicesAloneFailsWhereItIsRefused(t *testing.T) {
	t.Parallel()
	const header = "Header 'x-msft-approval-justification' is required to request approval"
	for name, c := range map[string]struct {
		settings graphsim.Settings
		fault    graphsim.Fault
		want     leaver.FailureType
		says     string
	}{
		"approval, as 400":        {graphsim.Settings{}, graphsim.Fault{Status: 400, Code: "BadRequest", Message: header}, leaver.ApprovalRequired, "Multi Admin Approval"},
		"approval, as 403":        {graphsim.Settings{}, graphsim.Fault{Status: 403, Message: header}, leaver.ApprovalRequired, "Multi Admin Approval"},
		"approval, as 412":        {graphsim.Settings{}, graphsim.Fault{Status: 412, Message: header}, leaver.ApprovalRequired, "Multi Admin Approval"},
		"approval is asked for":   {graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true}, graphsim.Fault{}, leaver.ApprovalRequired, "OffboardUser waits for that"},
		"approval is pending":     {graphsim.Settings{}, graphsim.Fault{Status: 409, Code: "Conflict"}, leaver.ApprovalRequired, "pending in Intune already"},
		"forbidden":               {graphsim.Settings{}, graphsim.Fault{Status: 403, Code: "Forbidden"}, leaver.GraphForbidden, "PrivilegedOperations.All"},
		"for delegated tokens":    {graphsim.Settings{DelegatedRemoval: true}, graphsim.Fault{}, leaver.GraphForbidden, "LEAVER_DEVICE_CREDENTIAL=device-code"},
		"not allowed":             {graphsim.Settings{}, graphsim.Fault{Status: 405}, leaver.GraphBadRequest, "405"},
		"a route that is unknown": {graphsim.Settings{}, graphsim.Fault{Status: 404, Code: "UnknownError"}, leaver.GraphBadRequest, "404"},
		"a user who is gone":      {graphsim.Settings{}, graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound"}, leaver.UserNotFound, "no such user"},
		"without a licence":       {graphsim.Settings{NoIntune: true}, graphsim.Fault{}, leaver.IntuneNotLicensed, "no active Intune licence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never))
			s.Configure(c.settings)
			if c.fault.Status != 0 {
				s.spoil(leaver.RemoveAll, c.fault)
			}
			_, err := do(t, s, leaver.ActivityRemoveAllDevices)
			assert.Contains(t, final(t, s, err, c.want).Message(), c.says)
			assert.LessOrEqual(t, len(s.writes()), 1, "nothing else is tried")
			assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
		})
	}
}

// The call for all may have been heard by some devices and not by others. Repeating it
// does no harm, but an approved code is good for one call.
func TestALostAnswerToTheCallForAllMayShowInSome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after [3]string
		want          devices.Answer
		approved      devices.Answer
	}{
		"in none":                             {[3]string{"managed", "managed", "managed"}, [3]string{"managed", "managed", "managed"}, devices.Accepted, devices.Accepted},
		"in some":                             {[3]string{"managed", "managed", "managed"}, [3]string{"retirePending", "managed", "managed"}, devices.Accepted, ""},
		"in some that failed":                 {[3]string{"managed", "managed", "managed"}, [3]string{"retireFailed", "managed", "managed"}, devices.Accepted, ""},
		"in all":                              {[3]string{"managed", "managed", "managed"}, [3]string{"retirePending", "retireIssued", "retireFailed"}, devices.Unknown, devices.Unknown},
		"in all, one was leaving before":      {[3]string{"wipePending", "managed", "managed"}, [3]string{"wipePending", "retirePending", "retirePending"}, devices.Unknown, devices.Unknown},
		"in none, and one was leaving before": {[3]string{"wipePending", "managed", "managed"}, [3]string{"wipePending", "managed", "managed"}, devices.Accepted, devices.Accepted},
	} {
		for _, code := range []string{"", "code"} {
			t.Run(name+" "+code, func(t *testing.T) {
				t.Parallel()
				s := set(t, withDevices(never, never, never))
				become := func(states [3]string) func(*graphsim.User) {
					return func(user *graphsim.User) {
						for i := range states {
							user.Devices[i].State = states[i]
						}
					}
				}
				s.change(become(c.before))
				request := s.decided(leaver.RemoveAll)
				request.Code = code
				s.change(become(c.after))
				want := c.want
				if code != "" {
					want = c.approved
				}
				outcome, err := s.tries(t, 2, request)
				assert.Equal(t, want == devices.Accepted, s.posted() == 1)
				if want == "" {
					waiting(t, s, err, leaver.GraphUnavailable)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, want, outcome.Answer)
			})
		}
	}
}
