package activities_test

import (
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

// seesNothing makes a look that waits on, as expected, because nothing differs.
func (a attempt) seesNothing(t *testing.T, s *stage, request devices.LookRequest) *temporal.ApplicationError {
	t.Helper()
	failure := waiting(t, s, errorOf(a.looks(t, s, request)), leaver.DevicesRemain)
	assert.Equal(t, temporal.ApplicationErrorCategoryBenign, failure.Category(), "it is no error")
	return failure
}

func TestALookTellsOfEachDeviceOnEveryPage(t *testing.T) {
	t.Parallel()
	users := withDevices(never, never, never)
	users[0].Devices[2].AzureADDeviceID = zeros
	s := set(t, users)
	s.Configure(graphsim.Settings{PageSize: 1})
	var want devices.Sight
	for _, d := range s.Users()[adele].Devices {
		want.Listed = append(want.Listed, devices.Seen{ID: d.ID, DeviceFacts: leaver.DeviceFacts{Name: d.Name, OperatingSystem: "Windows", OwnerType: "company",
			ManagementState: "managed", LastSyncDateTime: d.LastSync.UTC().Truncate(time.Second), SerialNumber: d.SerialNumber, AzureADDeviceID: d.AzureADDeviceID}})
	}
	want.Listed[2].AzureADDeviceID = ""
	assert.Equal(t, want, attempt{}.sees(t, s, devices.LookRequest{}))
	assert.Empty(t, s.writes())
	assert.Len(t, s.Requests(), 3, "the three pages alone")
}

// Two devices are known. Something happens to the first.
func TestALookTellsWhatDiffersFromWhatIsKnown(t *testing.T) {
	t.Parallel()
	asked := time.Now().Truncate(time.Second)
	syncs := func(after time.Duration) func(*stage) {
		return ofFirst(func(d *graphsim.Device) { d.LastSync = asked.Add(after) })
	}
	leaves := func(s *stage) { s.leave(1) }
	type sights struct{ listed, unlisted, gone int }
	type row struct {
		happens func(s *stage)
		knows   func(k *devices.Known)
		want    sights
	}
	table(t, map[string]row{
		"nothing":                           {want: sights{}},
		"its state":                         {happens: func(s *stage) { s.become("retirePending") }, want: sights{listed: 1}},
		"its owner":                         {happens: ofFirst(func(d *graphsim.Device) { d.OwnerType = "personal" }), want: sights{listed: 1}},
		"its name":                          {happens: ofFirst(func(d *graphsim.Device) { d.Name = "ANOTHER" })},
		"a check-in, and nothing was asked": {happens: syncs(time.Hour)},
		"a check-in after it was asked":     {happens: syncs(time.Second), knows: func(k *devices.Known) { k.AskedAt = asked }, want: sights{listed: 1}},
		"a check-in in the same second":     {happens: syncs(0), knows: func(k *devices.Known) { k.AskedAt = asked.Add(time.Second / 2) }, want: sights{listed: 1}},
		"a check-in before it was asked":    {happens: syncs(-time.Second), knows: func(k *devices.Known) { k.AskedAt = asked }},
		"it is another user's":              {happens: func(s *stage) { s.give(1) }, want: sights{unlisted: 1}},
		"it is another user's still":        {happens: func(s *stage) { s.give(1) }, knows: func(k *devices.Known) { k.Unlisted = true }},
		"it is listed again":                {knows: func(k *devices.Known) { k.Unlisted = true }, want: sights{listed: 1}},
		"it can be read again":              {knows: func(k *devices.Known) { k.Unread = "grant it" }, want: sights{listed: 1}},
		"it has left":                       {happens: leaves, want: sights{gone: 1}},
		"it has left another user":          {happens: leaves, knows: func(k *devices.Known) { k.Unlisted = true }, want: sights{gone: 1}},
		"it has left, and a replica lags": {happens: func(s *stage) {
			s.Fail(graphsim.Fault{Path: s.Users()[adele].Devices[0].ID, Times: -1, Status: 404, Code: "Directory_ObjectNotFound"})
			leaves(s)
		}},
		"another one is enrolled": {happens: func(s *stage) { s.Enroll(adele, phone) }, want: sights{listed: 1}},
		// A list that is read page by page may miss devices.
		"the list misses both": {happens: func(s *stage) {
			s.front.HandleFunc("GET "+graphsim.GraphPath+"/v1.0/users/{id}/managedDevices", says(`{"value":[]}`))
		}, want: sights{unlisted: 2}},
	}, func(t *testing.T, c row) {
		s := set(t, withDevices(never, never))
		before := attempt{}.sees(t, s, devices.LookRequest{})
		request := watching(before)
		if c.knows != nil {
			c.knows(&request.Known[0])
		}
		if c.happens != nil {
			c.happens(s)
		}
		if c.want == (sights{}) {
			attempt{number: 2}.seesNothing(t, s, request)
			return
		}
		sight := attempt{number: 2}.sees(t, s, request)
		assert.Equal(t, c.want, sights{len(sight.Listed), len(sight.Unlisted), len(sight.Gone)})
		assert.Subset(t, []string{before.Listed[0].ID}, sight.Gone)
		for _, seen := range append(sight.Listed, sight.Unlisted...) {
			assert.NotEmpty(t, seen.ManagementState)
			assert.NotEmpty(t, seen.OperatingSystem)
			isNew := seen.ID != before.Listed[0].ID && seen.ID != before.Listed[1].ID
			told := [3]bool{seen.Name != "", seen.SerialNumber != "", seen.AzureADDeviceID != ""}
			assert.Equal(t, [3]bool{isNew, isNew, isNew}, told, "what does not change is told once")
		}
		if c.happens == nil {
			return
		}
		fleet := &devices.Fleet{}
		fleet.Saw(before, asked)
		fleet.Saw(sight, asked)
		// The workflow leaves out what is gone.
		request.Known = slices.DeleteFunc(fleet.Known(), func(k devices.Known) bool { return k.Gone })
		attempt{number: 2}.seesNothing(t, s, request)
	})
}

func TestALookThatWaitsDoublesItsWaitUpToTheLongest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never, never))
	s.become("retirePending")
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	const hour = time.Hour
	for _, c := range []struct {
		first, longest time.Duration
		waits          map[int32]time.Duration
	}{
		{time.Minute, 4 * hour, map[int32]time.Duration{1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 8: 128 * time.Minute, 9: 4 * hour, 10_000: 4 * hour}},
		{4 * hour, 12 * hour, map[int32]time.Duration{1: 4 * hour, 2: 8 * hour, 3: 12 * hour, 64: 12 * hour}},
		{12 * hour, 12 * hour, map[int32]time.Duration{1: 12 * hour}},
	} {
		request.First, request.Longest = leaver.Duration(c.first), leaver.Duration(c.longest)
		for number, want := range c.waits {
			looked := len(s.Requests())
			failure := attempt{number: number}.seesNothing(t, s, request)
			assert.Equal(t, want, failure.NextRetryDelay(), "attempt %d", number)
			assert.Equal(t, "LookAtDevices: nothing differs: 3 devices still managed (managed 2, retirePending 1)", failure.Message())
			assert.Equal(t, number == 1, len(s.Requests()) == looked, "at first, the devices were looked at just now")
		}
	}
	request.Known = request.Known[:1]
	assert.Contains(t, attempt{}.seesNothing(t, s, request).Message(), "1 device still managed")
}

func TestALookAsksTheTenantNothingOfWhatItNeedNotKnow(t *testing.T) {
	t.Parallel()
	assert.Empty(t, attempt{}.sees(t, set(t, withDevices()), devices.LookRequest{}), "there is no device")
	s := set(t, append(withDevices(never, never), graphsim.User{UserPrincipalName: megan, Devices: []graphsim.Device{laptop}}))
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	request.Keys = true // for devices that are new
	before := len(s.Requests())
	attempt{number: 2}.seesNothing(t, s, request)
	assert.Len(t, s.Requests(), before+1, "the list alone is read")
	request.Wait = false
	assert.Empty(t, attempt{}.sees(t, s, request), "it tells at once that nothing differs")
}

func TestALookSaysWhetherARecoveryKeyIsOnRecord(t *testing.T) {
	t.Parallel()
	lost := graphsim.Device{Name: "CONTOSO-LT-01", OperatingSystem: "Windows 11"}
	kept, unknown := lost, lost
	kept.RecoveryKey, unknown.AzureADDeviceID, unknown.SerialNumber = true, zeros, "SN-1"
	type row struct {
		device graphsim.Device
		fault  graphsim.Fault
		want   leaver.RecoveryKey
		says   string
	}
	table(t, map[string]row{
		"on record":         {kept, graphsim.Fault{}, leaver.RecoveryKeyOnRecord, ""},
		"missing":           {lost, graphsim.Fault{}, leaver.RecoveryKeyMissing, ""},
		"unknown to Entra":  {unknown, graphsim.Fault{}, leaver.RecoveryKeyUnknown, "Entra does not know the device"},
		"refused":           {lost, graphsim.Fault{Status: 403, Code: "Forbidden"}, leaver.RecoveryKeyUnknown, "BitlockerKey.ReadBasic.All"},
		"Graph is down":     {lost, graphsim.Fault{Status: 503}, "", "Graph is not available"},
		"no answer":         {lost, graphsim.Fault{Reset: true}, "", "Microsoft could not be reached"},
		"a lagging replica": {lost, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, "", "Graph is not available"},
	}, func(t *testing.T, c row) {
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
		seen := sight.Listed[1]
		assert.Equal(t, c.want, seen.RecoveryKey)
		assert.Contains(t, seen.KeyUnread, c.says)
		assert.Equal(t, c.says == "", seen.KeyUnread == "")
		assertNameless(t, s, seen.KeyUnread)

		// The device core has it looked for again, where it is not known.
		request := watching(sight)
		request.Known[1].NeedsKey = true
		if c.want == "" {
			attempt{number: 2}.seesNothing(t, s, request)
			s.Heal()
			c.want = leaver.RecoveryKeyMissing
		}
		again := attempt{number: 3}.sees(t, s, request)
		require.Len(t, again.Listed, 1)
		assert.Equal(t, c.want, again.Listed[0].RecoveryKey)
	})
}

// One that was given to somebody else may be out of the worker's reach. Another device
// has left meanwhile.
func TestADeviceThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	type row struct {
		fault graphsim.Fault
		told  int
	}
	table(t, map[string]row{
		"refused":        {graphsim.Fault{Status: 403, Code: "Forbidden"}, 1},
		"Intune is down": {graphsim.Fault{Status: 500}, 0},
		"no answer":      {graphsim.Fault{Reset: true}, 0},
	}, func(t *testing.T, c row) {
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
			if !request.Wait && c.told == 0 {
				waiting(t, s, errorOf(look.looks(t, s, request)), leaver.GraphUnavailable)
				look = aWhile
			}
			sight := look.sees(t, s, request)
			assert.Equal(t, []string{before.Listed[2].ID}, sight.Gone)
			assert.Empty(t, sight.Listed)
			require.Len(t, sight.Unlisted, c.told)
			if c.told == 0 {
				continue
			}
			seen := sight.Unlisted[0]
			assert.Equal(t, before.Listed[0].ID, seen.ID)
			assert.Contains(t, seen.Unread, "DeviceManagementManagedDevices.Read.All")
			assertNameless(t, s, seen.Unread)

			// That it cannot be read is told once, though each answer has an id of its own.
			after := watching(before)
			after.Known = after.Known[:2]
			after.Known[0].Unlisted, after.Known[0].Unread = true, seen.Unread
			attempt{number: 2}.seesNothing(t, s, after)
		}
	})
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
	s.leave(100)
	s.become(slices.Repeat([]string{"retirePending"}, 50)...)
	sight := attempt{number: 2}.sees(t, s, watching(before))
	assert.Equal(t, [3]int{50, 100, 100}, [3]int{len(sight.Listed), len(sight.Unlisted), len(sight.Gone)})
}
