package activities_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomFleet(r *rand.Rand, user string) graphsim.User {
	u := graphsim.User{UserPrincipalName: user, AccountEnabled: true}
	for i := range r.IntN(6) {
		u.Devices = append(u.Devices, graphsim.Device{
			Name:            fmt.Sprintf("%s-%d", strings.ToUpper(user[:2]), i),
			OperatingSystem: pick(r, "Windows", "macOS", "iOS", "Android", "Linux", ""),
			OwnerType:       pick(r, "company", "personal", "unknown"),
			State:           pick(r, "managed", "managed", "managed", "retirePending", "retireFailed", "unhealthy"),
			CheckIn:         leaver.Duration(pick(r, atOnce, atOnce, never)),
			Failures:        pick(r, 0, 0, 0, 1, 2, 3),
			RecoveryKey:     pick(r, true, true, false),
		})
	}
	return u
}

func randomPolicy(r *rand.Rand) leaver.DevicePolicy {
	action := func() leaver.DeviceAction {
		return pick(r, "", "", leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord, leaver.Keep)
	}
	actions := func() leaver.DeviceActions {
		return leaver.DeviceActions{Default: action(), Windows: action(), MacOS: action(), IOS: action(), Android: action(), Linux: action()}
	}
	policy := pick(r, leaver.DevicePolicy{}, leaver.DevicePolicy{Company: actions(), Personal: actions()}, leaver.DevicePolicy{Company: actions(), Personal: actions()})
	policy.RequireRecoveryKey = pick(r, true, false, false)
	return policy
}

func randomFault(r *rand.Rand) graphsim.Fault {
	f := pick(r, graphsim.Fault{Status: 429, RetryAfter: "0.001"}, graphsim.Fault{Status: 503, HTML: true}, graphsim.Fault{Reset: true},
		graphsim.Fault{Cut: true}, graphsim.Fault{Status: 500}, graphsim.Fault{Status: 403, Code: "Forbidden"}, graphsim.Fault{Status: 405})
	f.Method, f.Times = pick(r, "POST", "GET", "DELETE", "POST"), 1+r.IntN(3)
	return f
}

// persist makes attempts until the activity ends, as Temporal would, each of
// which knows what the last one heartbeated; the last ones are at the deadline.
func persist(t *testing.T, s *stage, name string, request leaver.StepRequest) (leaver.StepResult, error) {
	t.Helper()
	var heard any
	for n := int32(1); n < 40; n++ {
		a := &attempt{number: n, heard: heard}
		if n > 20 {
			a.age = 24 * time.Hour
		}
		result, err := a.do(t, s, name, request)
		var failure *temporal.ApplicationError
		if err == nil || assert.ErrorAs(t, err, &failure) && failure.NonRetryable() {
			return result, err
		}
		if len(a.heartbeats) > 0 {
			heard = last(t, a)
		}
	}
	require.Fail(t, "it does not end")
	return leaver.StepResult{}, nil
}

// Whatever the fleet, the policy and the faults: what is said of each device is
// what the tenant holds, and nothing outside of the policy is written to.
func TestWhatIsSaidOfEachDeviceIsTrueAndNothingElseIsTouched(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			s := set(t, []graphsim.User{randomFleet(r, adele), randomFleet(r, megan)})
			policy := randomPolicy(r)
			before := s.Users()
			s.Configure(graphsim.Settings{PageSize: pick(r, 0, 1, 2), DelegatedRemoval: pick(r, true, false, false)})
			for range r.IntN(4) {
				s.Fail(randomFault(r))
			}
			request := leaver.StepRequest{UserID: s.id(adele), Devices: &policy,
				Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(24 * time.Hour)}}

			result, err := persist(t, s, leaver.ActivityRemoveAllDevices, request)
			if err == nil {
				before[adele] = enrollMore(r, s, before[adele])
				request.Results = map[string]leaver.StepResult{leaver.StepRemoveAllDevices: result}
				result, err = persist(t, s, leaver.ActivityAwaitDevicesRemoved, request)
			}
			if err != nil {
				var failure *temporal.ApplicationError
				require.ErrorAs(t, err, &failure)
				if failure.HasDetails() {
					require.NoError(t, failure.Details(&result))
				}
			}
			assertTrue(t, s, before[adele], policy, result, err == nil)
			assert.Equal(t, before[megan], s.Users()[megan])
			for _, request := range s.Requests() {
				if request.Writes() {
					assertWanted(t, before[adele], policy, request)
				}
			}
		})
	}
}

// enrollMore returns the user with the devices that were enrolled since.
func enrollMore(r *rand.Rand, s *stage, u graphsim.User) graphsim.User {
	u.Devices = slices.Clone(u.Devices)
	for i, device := range randomFleet(r, adele).Devices {
		device.ID, device.State = fmt.Sprint("late-", i), "managed"
		s.Enroll(adele, device)
		u.Devices = append(u.Devices, device)
	}
	return u
}

// assertWanted asserts that a write is the leaver's and what the policy says of
// the device.
func assertWanted(t *testing.T, before graphsim.User, policy leaver.DevicePolicy, request graphsim.Request) {
	t.Helper()
	if strings.HasSuffix(request.Path, "/removeAllDevicesFromManagement") {
		assert.Equal(t, before.ID, request.UserID)
		assert.True(t, policy.RetiresAll())
		for _, device := range before.Devices {
			assert.False(t, lacksKey(device, policy) && !strings.HasPrefix(device.ID, "late-"), "%s has no recovery key", device.Name)
		}
		return
	}
	id, call, _ := strings.Cut(strings.TrimPrefix(request.Path, "/deviceManagement/managedDevices/"), "/")
	at := slices.IndexFunc(before.Devices, func(d graphsim.Device) bool { return d.ID == id })
	require.GreaterOrEqual(t, at, 0, "%s is no device of the leaver", request.Path)
	device := before.Devices[at]
	planned := policy.For(device.OwnerType, device.OperatingSystem)
	switch call {
	case "retire":
		assert.True(t, planned == leaver.Retire || device.State == "retireFailed", "%s is to be %s", device.Name, planned)
	case "wipe":
		assert.Contains(t, []leaver.DeviceAction{leaver.Wipe, leaver.WipeKeepUserData}, planned, device.Name)
	default:
		assert.Equal(t, leaver.DeleteRecord, planned, device.Name)
	}
	assert.False(t, lacksKey(device, policy), "%s has no recovery key", device.Name)
}

// lacksKey reports whether a device must not be asked to leave, for want of a
// recovery key.
func lacksKey(d graphsim.Device, policy leaver.DevicePolicy) bool {
	planned := policy.For(d.OwnerType, d.OperatingSystem)
	return policy.RequireRecoveryKey && d.OperatingSystem == "Windows" && !d.RecoveryKey && planned != leaver.DeleteRecord && planned != leaver.Keep
}

func assertTrue(t *testing.T, s *stage, before graphsim.User, policy leaver.DevicePolicy, result leaver.StepResult, ended bool) {
	t.Helper()
	still := map[string]graphsim.Device{}
	for _, d := range s.Users()[adele].Devices {
		still[d.ID] = d
	}
	said := map[string]leaver.Item{}
	for _, item := range result.Items {
		said[item.ID] = item
		_, there := still[item.ID]
		switch item.Device.Verdict {
		case leaver.Gone:
			assert.False(t, there, "%s is said to be gone", item.Device.Name)
			assert.Equal(t, leaver.Done, item.Outcome)
		case leaver.Kept, leaver.Silent, leaver.RemovalFailed, leaver.RemovalCanceled:
			assert.True(t, there, "%s is said to be %s", item.Device.Name, item.Device.Verdict)
		}
		if ended {
			assert.Contains(t, []leaver.Verdict{leaver.Gone, leaver.Kept}, item.Device.Verdict, item.Device.Name)
		}
	}
	for _, device := range before.Devices {
		planned := policy.For(device.OwnerType, device.OperatingSystem)
		now, there := still[device.ID]
		if ended {
			require.Contains(t, said, device.ID, "every device is in the report")
			assert.Equal(t, !there, said[device.ID].Device.Verdict == leaver.Gone, device.Name)
		}
		if planned == leaver.Keep {
			assert.True(t, there, "%s is to be kept", device.Name)
			assert.Equal(t, device.State, now.State, device.Name)
		}
		wipes := planned == leaver.Wipe || planned == leaver.WipeKeepUserData
		if slices.Contains(s.Wiped(), device.ID) {
			assert.True(t, wipes, "%s was wiped and is to be %s", device.Name, planned)
		}
		if slices.Contains(s.WipedButUserData(), device.ID) {
			assert.Equal(t, leaver.WipeKeepUserData, planned, device.Name)
		}
	}
}
