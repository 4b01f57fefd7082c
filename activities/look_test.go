package activities_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// aWhile is an attempt that was scheduled so long ago that single devices, or the requests
// for approval, are not waited for any more.
var aWhile = attempt{number: 2, age: time.Hour}

// looks makes a look at Adele's devices.
func (a attempt) looks(t *testing.T, s *stage, request devices.LookRequest) (devices.Sight, error) {
	t.Helper()
	request.UserID = s.id(adele)
	var sight devices.Sight
	err := a.run(t, s, leaver.ActivityLookAtDevices, request, &sight)
	return sight, err
}

// sees makes a look that succeeds.
func (a attempt) sees(t *testing.T, s *stage, request devices.LookRequest) devices.Sight {
	t.Helper()
	sight, err := a.looks(t, s, request)
	require.NoError(t, err)
	return sight
}

// watching is a look that waits until something differs from what the device core knows
// after a sight.
func watching(sight devices.Sight) devices.LookRequest {
	fleet := &devices.Fleet{}
	fleet.Saw(sight, time.Now())
	return devices.LookRequest{Known: fleet.Known(), Wait: true, First: leaver.Duration(time.Minute), Longest: leaver.Duration(4 * time.Hour)}
}

// assertNothingDiffers asserts that a look waits on, as expected.
func assertNothingDiffers(t *testing.T, s *stage, err error) *temporal.ApplicationError {
	t.Helper()
	failure := waiting(t, s, err, leaver.DevicesRemain)
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, failure.Category(), "it is no error")
	return failure
}

func TestALookTellsOfEachDeviceOnEveryPage(t *testing.T) {
	t.Parallel()
	users := withDevices(never, never, never)
	users[0].Devices[2].AzureADDeviceID = "00000000-0000-0000-0000-000000000000"
	s := set(t, users)
	s.Configure(graphsim.Settings{PageSize: 1})
	sight := attempt{}.sees(t, s, devices.LookRequest{})
	require.Len(t, sight.Listed, 3)
	for i, d := range s.Users()[adele].Devices {
		want := leaver.DeviceFacts{Name: d.Name, OperatingSystem: "Windows", OwnerType: "company", ManagementState: "managed",
			LastSyncDateTime: d.LastSync.UTC().Truncate(time.Second), SerialNumber: d.SerialNumber}
		if i < 2 {
			want.AzureADDeviceID = d.AzureADDeviceID
		}
		assert.Equal(t, devices.Seen{ID: d.ID, DeviceFacts: want}, sight.Listed[i])
	}
	sight.Listed = nil
	assert.Empty(t, sight)
	assert.Empty(t, s.writes())
	assert.Len(t, s.Requests(), 3, "the three pages alone")
}

func TestALeaverWithoutDevicesIsSeenToHaveNone(t *testing.T) {
	t.Parallel()
	assert.Empty(t, attempt{}.sees(t, set(t, withDevices()), devices.LookRequest{}))
}

// Two devices are known. Something happens to the first.
func TestALookTellsWhatDiffersFromWhatIsKnown(t *testing.T) {
	t.Parallel()
	asked := time.Now().Truncate(time.Second)
	device := func(change func(d *graphsim.Device)) func(*stage) {
		return func(s *stage) { s.change(func(user *graphsim.User) { change(&user.Devices[0]) }) }
	}
	syncs := func(after time.Duration) func(*stage) {
		return device(func(d *graphsim.Device) { d.LastSync = asked.Add(after) })
	}
	type sights struct{ listed, unlisted, gone int }
	for name, c := range map[string]struct {
		happens func(s *stage)
		knows   func(k *devices.Known)
		want    sights
	}{
		"nothing":                           {want: sights{}},
		"its state":                         {happens: device(func(d *graphsim.Device) { d.State = "retirePending" }), want: sights{listed: 1}},
		"its owner":                         {happens: device(func(d *graphsim.Device) { d.OwnerType = "personal" }), want: sights{listed: 1}},
		"its name":                          {happens: device(func(d *graphsim.Device) { d.Name = "ANOTHER" })},
		"a check-in, and nothing was asked": {happens: syncs(time.Hour)},
		"a check-in after it was asked":     {happens: syncs(time.Second), knows: func(k *devices.Known) { k.AskedAt = asked }, want: sights{listed: 1}},
		"a check-in in the same second":     {happens: syncs(0), knows: func(k *devices.Known) { k.AskedAt = asked.Add(time.Second / 2) }, want: sights{listed: 1}},
		"a check-in before it was asked":    {happens: syncs(-time.Second), knows: func(k *devices.Known) { k.AskedAt = asked }},
		"it is another user's":              {happens: func(s *stage) { s.give(1) }, want: sights{unlisted: 1}},
		"it is another user's still":        {happens: func(s *stage) { s.give(1) }, knows: func(k *devices.Known) { k.Unlisted = true }},
		"it is listed again":                {knows: func(k *devices.Known) { k.Unlisted = true }, want: sights{listed: 1}},
		"it can be read again":              {knows: func(k *devices.Known) { k.Unread = "grant it" }, want: sights{listed: 1}},
		"it has left":                       {happens: func(s *stage) { s.change(func(user *graphsim.User) { user.Devices = user.Devices[1:] }) }, want: sights{gone: 1}},
		"it has left another user":          {happens: func(s *stage) { s.change(func(user *graphsim.User) { user.Devices = user.Devices[1:] }) }, knows: func(k *devices.Known) { k.Unlisted = true }, want: sights{gone: 1}},
		"it has left, and a replica lags": {happens: func(s *stage) {
			s.Fail(graphsim.Fault{Path: s.Users()[adele].Devices[0].ID, Times: -1, Status: 404, Code: "Directory_ObjectNotFound"})
			s.change(func(user *graphsim.User) { user.Devices = user.Devices[1:] })
		}},
		"another one is enrolled": {happens: func(s *stage) { s.Enroll(adele, phone) }, want: sights{listed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never, never))
			before := attempt{}.sees(t, s, devices.LookRequest{})
			request := watching(before)
			if c.knows != nil {
				c.knows(&request.Known[0])
			}
			if c.happens != nil {
				c.happens(s)
			}
			sight, err := attempt{number: 2}.looks(t, s, request)
			if c.want == (sights{}) {
				assertNothingDiffers(t, s, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, sights{len(sight.Listed), len(sight.Unlisted), len(sight.Gone)})
			for _, id := range sight.Gone {
				assert.Equal(t, before.Listed[0].ID, id)
			}
			for _, seen := range append(sight.Listed, sight.Unlisted...) {
				assert.NotEmpty(t, seen.ManagementState)
				assert.NotEmpty(t, seen.OperatingSystem)
				isNew := seen.ID != before.Listed[0].ID && seen.ID != before.Listed[1].ID
				assert.Equal(t, isNew, seen.Name != "", "what does not change is told once")
				assert.Equal(t, isNew, seen.SerialNumber != "")
				assert.Equal(t, isNew, seen.AzureADDeviceID != "")
			}
			if c.happens == nil {
				return
			}
			fleet := &devices.Fleet{}
			fleet.Saw(before, asked)
			fleet.Saw(sight, asked)
			// The workflow leaves out what is gone.
			request.Known = slices.DeleteFunc(fleet.Known(), func(k devices.Known) bool { return k.Gone })
			_, err = attempt{number: 2}.looks(t, s, request)
			assertNothingDiffers(t, s, err)
		})
	}
}

// A list that is read page by page may miss a device.
func TestADeviceThatAListMissesIsNotGone(t *testing.T) {
	t.Parallel()
	missed := false
	s := behind(t, withDevices(never), http.MethodGet, "/managedDevices", func(s *stage, w http.ResponseWriter, r *http.Request) {
		if !missed {
			s.Handler().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"value":[]}`))
	})
	before := attempt{}.sees(t, s, devices.LookRequest{})
	missed = true
	sight := attempt{number: 2}.sees(t, s, watching(before))
	require.Len(t, sight.Unlisted, 1)
	assert.Equal(t, before.Listed[0].ID, sight.Unlisted[0].ID)
	assert.Empty(t, sight.Gone)
}

func TestALookThatNeedNotWaitTellsThatNothingDiffers(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	request.Wait = false
	assert.Empty(t, attempt{}.sees(t, s, request))
}

func TestALookThatWaitsDoublesItsWaitUpToTheLongest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.change(func(user *graphsim.User) { user.Devices[0].State = "retirePending" })
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	before := len(s.Requests())
	for _, c := range []struct {
		first, longest time.Duration
		number         int32
		want           time.Duration
	}{
		{time.Minute, 4 * time.Hour, 1, time.Minute},
		{4 * time.Hour, 12 * time.Hour, 1, 4 * time.Hour},
		{12 * time.Hour, 12 * time.Hour, 1, 12 * time.Hour},
		{time.Minute, 4 * time.Hour, 2, 2 * time.Minute},
		{time.Minute, 4 * time.Hour, 3, 4 * time.Minute},
		{time.Minute, 4 * time.Hour, 8, 128 * time.Minute},
		{time.Minute, 4 * time.Hour, 9, 4 * time.Hour},
		{time.Minute, 4 * time.Hour, 10_000, 4 * time.Hour},
		{4 * time.Hour, 12 * time.Hour, 2, 8 * time.Hour},
		{4 * time.Hour, 12 * time.Hour, 3, 12 * time.Hour},
		{4 * time.Hour, 12 * time.Hour, 64, 12 * time.Hour},
	} {
		request.First, request.Longest = leaver.Duration(c.first), leaver.Duration(c.longest)
		_, err := attempt{number: c.number}.looks(t, s, request)
		failure := assertNothingDiffers(t, s, err)
		assert.Equal(t, c.want, failure.NextRetryDelay(), "attempt %d", c.number)
		assert.Equal(t, "LookAtDevices: nothing differs: 3 devices still managed (managed 2, retirePending 1)", failure.Message())
		if c.number == 1 {
			assert.Len(t, s.Requests(), before, "the devices were looked at just now")
		}
	}
	request.Known = request.Known[:1]
	_, err := attempt{}.looks(t, s, request)
	assert.Contains(t, assertNothingDiffers(t, s, err).Message(), "1 device still managed")
}

func TestALookAsksTheTenantNothingOfWhatItNeedNotKnow(t *testing.T) {
	t.Parallel()
	s := set(t, append(withDevices(never, never), graphsim.User{UserPrincipalName: megan, Devices: []graphsim.Device{laptop}}))
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	request.Keys = true // for devices that are new
	before := len(s.Requests())
	_, err := attempt{number: 2}.looks(t, s, request)
	assertNothingDiffers(t, s, err)
	assert.Len(t, s.Requests(), before+1, "the list alone is read")
}

func TestALookSaysWhetherARecoveryKeyIsOnRecord(t *testing.T) {
	t.Parallel()
	const zeros = "00000000-0000-0000-0000-000000000000"
	windows := graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows 11", CheckIn: -1}
	with := func(change func(d *graphsim.Device)) graphsim.Device {
		d := windows
		change(&d)
		return d
	}
	for name, c := range map[string]struct {
		device graphsim.Device
		fault  graphsim.Fault
		want   leaver.RecoveryKey
		says   string
	}{
		"on record":         {with(func(d *graphsim.Device) { d.RecoveryKey = true }), graphsim.Fault{}, leaver.RecoveryKeyOnRecord, ""},
		"missing":           {windows, graphsim.Fault{}, leaver.RecoveryKeyMissing, ""},
		"unknown to Entra":  {with(func(d *graphsim.Device) { d.AzureADDeviceID, d.SerialNumber = zeros, "SN-1" }), graphsim.Fault{}, leaver.RecoveryKeyUnknown, "Entra does not know the device"},
		"refused":           {windows, graphsim.Fault{Status: 403, Code: "Forbidden"}, leaver.RecoveryKeyUnknown, "BitlockerKey.ReadBasic.All"},
		"Graph is down":     {windows, graphsim.Fault{Status: 503}, "", "Graph is not available"},
		"no answer":         {windows, graphsim.Fault{Reset: true}, "", "Graph could not be reached"},
		"a lagging replica": {windows, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, "", "Graph is not available"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, []graphsim.User{{UserPrincipalName: adele, Devices: []graphsim.Device{phone, c.device}}})
			if c.fault != (graphsim.Fault{}) {
				c.fault.Path, c.fault.Times = "/recoveryKeys", -1
				s.Fail(c.fault)
			}
			sight, err := attempt{}.looks(t, s, devices.LookRequest{Keys: true})
			if c.want == "" {
				waiting(t, s, err, leaver.GraphUnavailable)
				sight, err = aWhile.looks(t, s, devices.LookRequest{Keys: true})
			}
			require.NoError(t, err, "the phone is told of all the same")
			require.Len(t, sight.Listed, 2)
			assert.Empty(t, sight.Listed[0].RecoveryKey, "none is looked for")
			assert.Equal(t, c.want, sight.Listed[1].RecoveryKey)
			assert.Contains(t, sight.Listed[1].KeyUnread, c.says)
			assert.Equal(t, c.says == "", sight.Listed[1].KeyUnread == "")
			assertNameless(t, s, sight.Listed[1].KeyUnread)

			// The device core has it looked for again, where it is not known.
			request := watching(sight)
			request.Known[1].NeedsKey = true
			again, err := attempt{number: 2}.looks(t, s, request)
			if c.want == "" {
				assertNothingDiffers(t, s, err)
				s.Heal()
				again, err = attempt{number: 3}.looks(t, s, request)
				c.want = leaver.RecoveryKeyMissing
			}
			require.NoError(t, err)
			require.Len(t, again.Listed, 1)
			assert.Equal(t, c.want, again.Listed[0].RecoveryKey)
		})
	}
}

// A look that waits tells at once what it has seen.
func TestAKeyThatCannotBeReadKeepsNoOtherDeviceFromBeingTold(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	request.Known[0].NeedsKey = true
	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Status: 503})
	s.Enroll(adele, phone)
	sight := attempt{number: 2}.sees(t, s, request)
	require.Len(t, sight.Listed, 1)
	assert.Equal(t, phone.Name, sight.Listed[0].Name)
}

// One that was given to somebody else may be out of the worker's reach. Another device
// has left meanwhile.
func TestADeviceThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault graphsim.Fault
		told  bool
	}{
		"refused":        {graphsim.Fault{Status: 403, Code: "Forbidden"}, true},
		"Intune is down": {graphsim.Fault{Status: 500}, false},
		"no answer":      {graphsim.Fault{Reset: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, withDevices(never, never, never))
			before := attempt{}.sees(t, s, devices.LookRequest{})
			request := watching(before)
			s.give(1)
			s.change(func(user *graphsim.User) { user.Devices = user.Devices[:1] })
			c.fault.Method, c.fault.Path, c.fault.Times = "GET", before.Listed[0].ID, -1
			s.Fail(c.fault)

			for _, number := range []int32{1, 2} { // at once, or waiting
				request.Wait = number > 1
				look := attempt{number: number}
				if !request.Wait && !c.told {
					_, err := look.looks(t, s, request)
					waiting(t, s, err, leaver.GraphUnavailable)
					look = aWhile
				}
				sight := look.sees(t, s, request)
				assert.Equal(t, []string{before.Listed[2].ID}, sight.Gone)
				assert.Empty(t, sight.Listed)
				if !c.told {
					assert.Empty(t, sight.Unlisted)
					continue
				}
				require.Len(t, sight.Unlisted, 1)
				assert.Equal(t, before.Listed[0].ID, sight.Unlisted[0].ID)
				assert.Contains(t, sight.Unlisted[0].Unread, "DeviceManagementManagedDevices.Read.All")
				assertNameless(t, s, sight.Unlisted[0].Unread)

				// That it cannot be read is told once, though each answer has an id of its own.
				after := watching(before)
				after.Known = after.Known[:2]
				after.Known[0].Unlisted, after.Known[0].Unread = true, sight.Unlisted[0].Unread
				_, err := attempt{number: 2}.looks(t, s, after)
				assertNothingDiffers(t, s, err)
			}
		})
	}
}

func TestADeviceThatIntuneDoesNotAnswerForHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	before := attempt{}.sees(t, s, devices.LookRequest{})
	s.give(2)
	s.Fail(graphsim.Fault{Path: before.Listed[0].ID, Times: -1, Delay: leaver.Duration(time.Hour)})
	// Of the time that an attempt has, it keeps ten seconds.
	look := attempt{number: 2, age: time.Hour, timeout: 10*time.Second + 500*time.Millisecond}
	request := watching(before)
	request.Wait = false
	sight := look.sees(t, s, request)
	require.Len(t, sight.Unlisted, 1)
	assert.Equal(t, before.Listed[1].ID, sight.Unlisted[0].ID)
}

func TestFiveHundredDevicesAreLookedAtInOneAttempt(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(make([]time.Duration, 500)...))
	s.Configure(graphsim.Settings{PageSize: 100})
	before := attempt{}.sees(t, s, devices.LookRequest{Keys: true})
	require.Len(t, before.Listed, 500)
	s.give(100)
	s.change(func(user *graphsim.User) {
		user.Devices = user.Devices[100:]
		for i := range 50 {
			user.Devices[i].State = "retirePending"
		}
	})
	sight := attempt{number: 2}.sees(t, s, watching(before))
	assert.Equal(t, [3]int{50, 100, 100}, [3]int{len(sight.Listed), len(sight.Unlisted), len(sight.Gone)})
}
