package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

const megan = "megan@contoso.com"

// month is an offboarding with everything that may happen during one: devices of
// every kind, policies, faults, second administrators, people who decide this and
// that, devices that are enrolled, handed over or check in at last.
type month struct {
	*office
	r      *rand.Rand
	leaver string
	policy leaver.DevicePolicy
	// devices is what was ever enrolled for the leaver, by id.
	devices map[string]graphsim.Device
	// chosen is what a person decided about each device, and givenUp how many
	// requests there had been when that was to give it up.
	chosen  map[string][]leaver.Choice
	givenUp map[string]int
	hours   int
	enabled *enabledSpan
	onStart []func(*activity.Info, converter.EncodedValues)
	// foreign are the devices of Megan that a list of Adele's holds.
	foreign map[string]graphsim.Device
}

// seeds is how many months are tried: as many as LEAVER_TEST_SEEDS says, if it does.
func seeds(t *testing.T, usual uint64) uint64 {
	t.Helper()
	if text := os.Getenv("LEAVER_TEST_SEEDS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		return n
	}
	return usual
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newMonth(t *testing.T, seed uint64) *month {
	m := &month{office: newOffice(t), r: rand.New(rand.NewPCG(seed, 7)), devices: map[string]graphsim.Device{}, foreign: map[string]graphsim.Device{}, chosen: map[string][]leaver.Choice{}, givenUp: map[string]int{}}
	m.leaver = m.tenant.Users()[graphsim.Leaver].ID
	m.fleet()
	m.tenant.Clock(func() time.Time { return m.Now() })
	for range one(m.r, m.r.IntN(6), m.r.IntN(6), m.r.IntN(6), m.r.IntN(31)) {
		m.enroll(graphsim.Leaver)
	}
	m.enroll(megan)
	action := func() leaver.DeviceAction {
		return one(m.r, "", "", leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord, leaver.Keep)
	}
	if m.r.IntN(3) > 0 {
		m.policy = leaver.DevicePolicy{Company: leaver.DeviceActions{Default: action(), Windows: action(), Android: action()}, Personal: leaver.DeviceActions{Default: action(), Android: action()}}
	}
	m.policy.RequireRecoveryKey = one(m.r, true, false, false)
	settings := graphsim.Settings{PageSize: one(m.r, 0, 1, 2), DelegatedRemoval: one(m.r, true, false, false),
		MultiAdminApproval: one(m.r, true, false), DailyRetires: one(m.r, 0, 0, 2), DailyWipes: one(m.r, 0, 0, 1), NextDay: "14400"}
	if m.r.IntN(4) == 0 {
		// The one action for all, and one approval for it.
		m.policy = leaver.DevicePolicy{}
		settings = graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true}
	}
	m.tenant.Configure(settings)
	for range m.r.IntN(4) {
		f := one(m.r, graphsim.Fault{Status: 429, RetryAfter: "0.001"}, graphsim.Fault{Status: 503, HTML: true}, graphsim.Fault{Reset: true}, graphsim.Fault{Cut: true}, graphsim.Fault{Cut: true},
			graphsim.Fault{Status: 400, Code: "BadRequest"}, graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken"},
			graphsim.Fault{Status: 403, Code: "Forbidden"}, graphsim.Fault{Status: 405})
		f.Method, f.Times, f.Path = one(m.r, "POST", "DELETE", "GET"), 1+m.r.IntN(3), one(m.r, "/retire", "/wipe", "/managedDevices", "/removeAll", "/operationApprovalRequests")
		m.tenant.Fail(f)
	}
	if m.r.IntN(3) == 0 {
		m.interrupt()
	}
	if m.r.IntN(3) == 0 {
		m.handOver()
	}
	m.begin = func() {
		m.after(time.Hour, m.hour)
		m.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, input converter.EncodedValues) {
			for _, on := range m.onStart {
				on(info, input)
			}
		})
		if m.r.IntN(2) == 0 {
			m.letActivitiesFinish()
		}
	}
	return m
}

// interrupt has somebody in some months leave out the removal while it is at work, or
// end the whole.
func (m *month) interrupt() {
	at, starts := 1+m.r.IntN(25), 0
	how := one(m.r, "left out", "aborted", "canceled")
	m.onStart = append(m.onStart, func(info *activity.Info, _ converter.EncodedValues) {
		switch info.ActivityType.Name {
		case leaver.ActivityPlanOffboarding, leaver.ActivityDisableAccount, leaver.ActivityRevokeSessions:
		default:
			if starts++; starts == at {
				interruptions[how].how(m.office)
			}
		}
	})
}

// handOver has somebody give a device to Megan just before it is asked: it is hers when the activity begins.
func (m *month) handOver() {
	nth, writes := 1+m.r.IntN(4), 0
	m.onStart = append(m.onStart, func(info *activity.Info, input converter.EncodedValues) {
		var request devices.WriteRequest
		switch info.ActivityType.Name {
		case leaver.ActivityRetireDevice, leaver.ActivityWipeDevice, leaver.ActivityDeleteDeviceRecord:
			if writes++; writes != nth || info.Attempt > 1 || input.Get(&request) != nil {
				return
			}
		default:
			return
		}
		adele, other := m.tenant.Users()[graphsim.Leaver], m.tenant.Users()[megan]
		if at := slices.IndexFunc(adele.Devices, func(d graphsim.Device) bool { return d.ID == request.IDs[0] }); at >= 0 {
			other.Devices, adele.Devices = append(other.Devices, adele.Devices[at]), slices.Delete(adele.Devices, at, at+1)
			m.tenant.Add(adele, other)
			handedOver.Add(1)
		}
	})
}

// handedOver counts the devices that were given away just before they were asked.
var handedOver atomic.Int64

func (m *month) enroll(user string) {
	device := graphsim.Device{
		ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", m.r.Uint32()%100000000), Name: "DEVICE", OperatingSystem: one(m.r, "Windows", "macOS", "iOS", "Android", ""),
		OwnerType: one(m.r, "company", "personal", "unknown"), State: one(m.r, "managed", "managed", "managed", "retirePending", "unhealthy"),
		CheckIn: leaver.Duration(one(m.r, 0, 0, -1)), Failures: one(m.r, 0, 0, 0, 1, 2), RecoveryKey: one(m.r, true, false),
	}
	if m.r.IntN(20) == 0 && user == graphsim.Leaver {
		device.UserID = m.tenant.Users()[megan].ID
	}
	if m.tenant.Enroll(user, device) && user == graphsim.Leaver {
		m.devices[device.ID] = device
		if device.UserID != "" {
			m.foreign[device.ID] = device
		}
	}
}

// enabledSpan is which requests the tenant had while the account was enabled again and nobody had decided to go
// on: from the first of them, to the one after the last.
type enabledSpan struct{ from, to int }

// hour is what happens in one hour.
func (m *month) hour() {
	m.hours++
	last := m.hours > 60
	if m.hours > 200 {
		assert.Fail(m.t, "it does not end", "%+v", m.progress())
		m.CancelWorkflow()
		return
	}
	if last {
		m.tenant.Heal()
		m.tenant.NextDay()
	} else if m.hours < 20 {
		m.happen()
		if m.r.IntN(8) == 0 {
			renew(m.office)
		}
	}
	for _, request := range m.tenant.Approvals() {
		if request.Status == "needsApproval" && (last || m.r.IntN(3) == 0) {
			status := one(m.r, "approved", "approved", "rejected", "expired", "cancelled")
			m.tenant.Decide(request.Code, map[bool]string{false: status, true: "approved"}[last])
		}
	}
	p := m.progress()
	for _, wait := range p.Waits {
		switch {
		case !last && m.r.IntN(3) == 0:
		case wait.For == leaver.WaitForPerson:
			m.decide(p, wait, last)
		case wait.For == leaver.WaitForApproval && m.r.IntN(4) == 0: // which only devices await
			m.giveUpWaiting(p, wait)
		}
	}
	m.after(time.Hour, m.hour)
}

// happen is what nobody who watches the offboarding does.
func (m *month) happen() {
	adele, other := m.tenant.Users()[graphsim.Leaver], m.tenant.Users()[megan]
	switch m.r.IntN(9) {
	case 5:
		if m.enabled == nil && !adele.AccountEnabled {
			m.enabled = &enabledSpan{from: len(m.tenant.Requests()), to: math.MaxInt}
			enabled(m.office)
		}
	case 0:
		m.enroll(graphsim.Leaver)
	case 1:
		if n := len(adele.Devices); n > 0 {
			other.Devices = append(other.Devices, adele.Devices[n-1])
			adele.Devices = adele.Devices[:n-1]
			m.tenant.Add(adele, other)
		}
	case 2:
		m.tenant.NextDay()
	case 3:
		for i := range adele.Devices {
			adele.Devices[i].CheckIn = 0
		}
		m.tenant.Add(adele)
	case 4:
		if n := len(adele.Devices); n > 0 && strings.HasSuffix(adele.Devices[0].State, "Pending") {
			adele.Devices[0].State = strings.TrimSuffix(adele.Devices[0].State, "Pending") + "Canceled"
			m.tenant.Add(adele)
		}
	}
}

// decide is what a person does about a step that waits.
func (m *month) decide(p leaver.Progress, wait leaver.Wait, last bool) {
	var failed []string
	for _, s := range p.Steps {
		for _, i := range s.Items {
			if s.Name == wait.Step && i.Outcome == leaver.Failed {
				failed = append(failed, i.ID)
			}
		}
	}
	switch {
	case slices.Contains(wait.Actions, leaver.Approve):
		m.signal(leaver.Approve, `{"by":"it@contoso.com"}`)
		return
	case slices.Contains(wait.Actions, leaver.ContinueOffboarding):
		m.signal(leaver.ContinueOffboarding, `{}`)
		m.enabled.to = len(m.tenant.Requests())
		return
	case len(wait.Choices) == 0 || len(failed) == 0 || !last && m.r.IntN(5) == 0 && slices.Contains(wait.Actions, leaver.RetryStep):
		action := leaver.RetryStep
		if last || m.r.IntN(12) == 0 || !slices.Contains(wait.Actions, leaver.RetryStep) {
			action = leaver.SkipStep
		}
		m.signal(action, fmt.Sprintf(`{"step":%q}`, wait.Step))
		return
	case !last && m.r.IntN(2) == 0:
		failed = failed[:1]
	}
	choice := leaver.GiveUp
	if !last {
		choice = one(m.r, wait.Choices...)
	}
	m.choose(wait.Step, choice, failed)
}

// choose sends an answer, and keeps what it is.
func (m *month) choose(step string, choice leaver.Choice, ids []string) {
	for _, id := range ids {
		m.chosen[id] = append(m.chosen[id], choice)
		if choice == leaver.GiveUp {
			m.givenUp[id] = len(m.tenant.Requests())
		}
	}
	items, _ := json.Marshal(ids)
	m.signal(leaver.Answer, fmt.Sprintf(`{"step":%q,"choice":%q,"items":%s}`, step, choice, items))
}

// giveUpWaiting gives up one of the devices that await approval.
func (m *month) giveUpWaiting(p leaver.Progress, wait leaver.Wait) {
	items := removal(p.Report).Items
	if at := slices.IndexFunc(items, leaver.Item.AwaitsApproval); at >= 0 {
		m.choose(wait.Step, leaver.GiveUp, []string{items[at].ID})
	}
}

// Whatever happens: what the report says of each device is what the tenant holds,
// every device is in it, nothing is done to one that neither the policy nor a
// person wanted done, and nothing at all to anybody else's.
func TestWhateverHappensTheReportIsTrueAndNobodyElseIsTouched(t *testing.T) {
	t.Parallel()
	ended, runs := map[leaver.Status]int{}, 0
	n := int(seeds(t, 250))
	for seed := range uint64(n) {
		m := newMonth(t, seed)
		policy, err := json.Marshal(m.policy)
		require.NoError(t, err)
		report, _ := m.run(fmt.Sprintf(`{"userId":"adele@contoso.com","deviceDeadline":"30h","onFailure":%q,"devices":%s}`,
			one(m.r, leaver.Ask, leaver.Ask, leaver.Ask, leaver.Ask, leaver.Continue, leaver.Fail), policy))
		ended[report.Status]++
		runs += m.runs
		latest := map[string]leaver.Item{}
		for _, s := range report.Steps {
			for _, i := range s.Items {
				latest[i.ID] = i
			}
		}
		m.assertReport(seed, report, latest)
		m.assertWrites(seed, latest)
		if t.Failed() {
			all, _ := json.MarshalIndent(report, "", " ")
			t.Logf("seed %d: policy %s, %s", seed, policy, all)
			return
		}
	}
	t.Logf("how they ended: %v; %d runs continued as new; %d devices given away just before they were asked", ended, runs, handedOver.Load())
	assert.Greater(t, handedOver.Load(), int64(n/50))
	assert.Greater(t, runs, n/5)
	for status, least := range map[leaver.Status]int{leaver.Completed: n / 15, leaver.CompletedWithExceptions: n / 9,
		leaver.Incomplete: n / 50, leaver.Aborted: n / 50, leaver.CanceledStatus: n / 50} {
		assert.Greater(t, ended[status], least, status)
	}
}

// latest holds the last that the report says of each device.
func (m *month) assertReport(seed uint64, report leaver.Report, latest map[string]leaver.Item) {
	m.t.Helper()
	owner, state := map[string]string{}, map[string]string{}
	for name, user := range m.tenant.Users() {
		for _, d := range user.Devices {
			owner[d.ID], state[d.ID] = name, d.State
		}
	}
	removal := report.Steps[2].Outcome
	whole := removal == leaver.Done || removal == leaver.AlreadyDone
	for id, device := range m.devices {
		item, there := latest[id]
		what := fmt.Sprintf("seed %d: %s (%s %s)", seed, id, device.OwnerType, device.OperatingSystem)
		if !there {
			// It may have been somebody else's before anybody looked, or nobody looked any more.
			assert.False(m.t, whole && owner[id] == graphsim.Leaver, "%s is not in the report", what)
			continue
		}
		verdict := item.Device.Verdict
		if verdict == leaver.Gone {
			assert.Empty(m.t, owner[id], "%s is said to be gone", what)
		}
		if whole {
			assert.Contains(m.t, []leaver.Verdict{leaver.Gone, leaver.Kept, leaver.GivenUp}, verdict, what)
		}
		for _, call := range item.Device.Calls {
			assert.NotEqual(m.t, leaver.CallPending, call.Answer, "%s: a call is said to be made still", what)
		}
		if asked := item.Device.Asked(); verdict == leaver.Silent && assert.NotNil(m.t, asked, what) {
			assert.False(m.t, item.Device.LastSyncDateTime.After(asked.At.Add(time.Hour)), "%s is said to be silent", what)
		}
		if verdict == leaver.GivenUp {
			assert.Contains(m.t, m.chosen[id], leaver.GiveUp, what)
		}
		if item.Device.Asked() == nil && owner[id] == graphsim.Leaver && device.State != "retirePending" {
			assert.Equal(m.t, device.State, state[id], "%s is said not to have been asked", what)
		}
		if item.Device.Asked() == nil && verdict != leaver.Gone && device.State != "retirePending" {
			assert.NotEmpty(m.t, owner[id], "%s is said not to have been asked, and is gone", what)
		}
		if verdict == leaver.Kept {
			assert.Equal(m.t, leaver.Keep, m.policy.For(device.OwnerType, device.OperatingSystem), what)
		}
	}
}

func (m *month) assertWrites(seed uint64, latest map[string]leaver.Item) {
	m.t.Helper()
	for n, request := range m.tenant.Requests() {
		if !request.Writes() || strings.HasSuffix(request.Path, m.leaver) || strings.HasSuffix(request.Path, "/revokeSignInSessions") {
			continue
		}
		what := fmt.Sprintf("seed %d: %s %s", seed, request.Method, request.Path)
		if m.enabled != nil {
			assert.False(m.t, n >= m.enabled.from && n < m.enabled.to, "%s: the account was enabled again", what)
		}
		if strings.HasSuffix(request.Path, "/removeAllDevicesFromManagement") {
			assert.Equal(m.t, m.leaver, request.UserID, what)
			assert.True(m.t, m.policy.RetiresAll(), what)
			continue
		}
		id, call, _ := strings.Cut(strings.TrimPrefix(request.Path, "/deviceManagement/managedDevices/"), "/")
		device, known := m.devices[id]
		require.True(m.t, known, what)
		assert.NotContains(m.t, m.foreign, id, "%s: it is Megan's", what)
		// A device that has left is nobody's; the call finds that out.
		assert.Contains(m.t, []string{m.leaver, ""}, request.UserID, "%s: it is somebody else's", what)
		if request.Status >= 200 && request.Status < 300 {
			assert.True(m.t, latest[id].Device != nil && latest[id].Device.Asked() != nil, "%s: the report does not say so", what)
		}
		if item, said := latest[id]; said && item.Device.Verdict == leaver.GivenUp {
			assert.Less(m.t, n, m.givenUp[id], "%s: it was given up", what)
		}
		planned, chosen := m.policy.For(device.OwnerType, device.OperatingSystem), m.chosen[id]
		wanted := func(action leaver.DeviceAction) bool {
			return planned == action || slices.Contains(chosen, leaver.Choice(action))
		}
		android, company := device.OperatingSystem == "Android", device.OwnerType == "company"
		switch call {
		case "retire":
			assert.True(m.t, wanted(leaver.Retire), what)
			assert.False(m.t, android && company, what)
		case "wipe":
			assert.True(m.t, wanted(leaver.Wipe) || wanted(leaver.WipeKeepUserData), what)
			assert.False(m.t, android && !company, what)
		default:
			assert.True(m.t, wanted(leaver.DeleteRecord), what)
			assert.False(m.t, android && (device.OwnerType == "unknown" || company && planned != leaver.Wipe), what)
		}
		if m.policy.RequireRecoveryKey && device.OperatingSystem == "Windows" && !device.RecoveryKey && call != "" {
			assert.True(m.t, slices.Contains(chosen, leaver.Choice(leaver.Retire)) || slices.Contains(chosen, leaver.Choice(leaver.Wipe)) || slices.Contains(chosen, leaver.Choice(leaver.WipeKeepUserData)),
				"%s: it has no recovery key", what)
		}
	}
	states := map[string]string{}
	for _, user := range m.tenant.Users() {
		for _, d := range user.Devices {
			states[d.ID] = d.State
		}
	}
	for id, d := range m.foreign {
		assert.True(m.t, states[id] == d.State || d.State == "retirePending", "seed %d: %s, which is Megan's, is %s", seed, id, states[id])
	}
	for _, id := range m.tenant.WipedButUserData() {
		device := m.devices[id]
		assert.True(m.t, m.policy.For(device.OwnerType, device.OperatingSystem) == leaver.WipeKeepUserData || slices.Contains(m.chosen[id], leaver.Choice(leaver.WipeKeepUserData)), "seed %d: %s", seed, id)
	}
}
