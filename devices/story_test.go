package devices_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stories are told by events, by what each of them shows. An event happens to the
// fleet, or says how it must stand by then; each takes a second.
type stories map[string][]event

type event func(*scene)

// then is a story that goes on from another one.
func then(before []event, more ...event) []event { return slices.Concat(before, more) }

// scene is where a story is told. Unless it says otherwise, the policy retires every
// device, and a device may take ten days to leave.
type scene struct {
	*testing.T
	fleet *devices.Fleet
	now   time.Time
	// synced is when each device checked in last, and open what is being asked.
	synced map[string]time.Time
	open   []devices.Write
}

const (
	day      = 24 * time.Hour
	deadline = 10 * day
)

var monday = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func tell(t *testing.T, all stories) {
	t.Helper()
	for name, events := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scene{T: t, fleet: &devices.Fleet{Deadline: leaver.Duration(deadline)}, now: monday, synced: map[string]time.Time{}}
			for i, happens := range events {
				s.now = s.now.Add(time.Second)
				if happens(s); s.Failed() {
					s.Fatalf("this is event %d of the story", i+1)
				}
				s.carryOn()
			}
		})
	}
}

// carryOn continues with the fleet as it is stored.
func (s *scene) carryOn() {
	stored, err := json.Marshal(s.fleet)
	require.NoError(s, err)
	s.fleet = &devices.Fleet{}
	require.NoError(s, json.Unmarshal(stored, s.fleet))
}

// --- what happens ---

func policy(p leaver.DevicePolicy) event { return func(s *scene) { s.fleet.Policy = p } }

// withoutPeople says that nobody answers questions.
func withoutPeople(s *scene) { s.fleet.NoPerson = true }

func after(d time.Duration) event { return func(s *scene) { s.now = s.now.Add(d) } }

// AtOnce has the next event happen in the moment of the one before.
var AtOnce = after(-2 * time.Second)

// device is a device as a look sees it.
type device struct {
	devices.Seen
	checks bool
}

func company(id, operatingSystem string) device {
	return device{Seen: devices.Seen{ID: id, DeviceFacts: leaver.DeviceFacts{OperatingSystem: operatingSystem, OwnerType: "company", ManagementState: "managed"}}}
}

func windows(id string) device { return company(id, "Windows") }
func iphone(id string) device  { return company(id, "iOS") }
func android(id string) device { return company(id, "Android") }

func (d device) owner(o string) device           { d.OwnerType = o; return d }
func (d device) state(s string) device           { d.ManagementState = s; return d }
func (d device) key(k leaver.RecoveryKey) device { d.RecoveryKey = k; return d }
func (d device) checkedIn() device               { d.checks = true; return d }
func (d device) unread(why string) devices.Seen  { return devices.Seen{ID: d.ID, Unread: why} }
func (d device) keyUnread(why string) device     { d.KeyUnread = why; return d }

// sees is a look that finds devices in the leaver's list; it says nothing of others.
func sees(all ...device) event {
	return func(s *scene) {
		s.fleet.Saw(devices.Sight{Listed: s.seen(all), ApprovalsUnread: s.fleet.ApprovalsUnread}, s.now)
	}
}

// misses is a look that finds devices by their ids and not in the leaver's list.
func misses(all ...device) event {
	return func(s *scene) {
		s.fleet.Saw(devices.Sight{Unlisted: s.seen(all), ApprovalsUnread: s.fleet.ApprovalsUnread}, s.now)
	}
}

// loses is a look to which Intune knows devices no more.
func loses(ids ...string) event {
	return func(s *scene) { s.fleet.Saw(devices.Sight{Gone: ids, ApprovalsUnread: s.fleet.ApprovalsUnread}, s.now) }
}

// cannotRead is a look to which Intune does not tell of a device.
func cannotRead(d device, why string) event {
	return func(s *scene) { s.fleet.Saw(devices.Sight{Unlisted: []devices.Seen{d.unread(why)}}, s.now) }
}

// reads is a look that reads what has become of a request for approval.
func reads(code string, status leaver.ApprovalStatus) event {
	return func(s *scene) {
		s.fleet.Saw(devices.Sight{Approvals: map[string]leaver.ApprovalStatus{code: status}}, s.now)
	}
}

// mayNotReadApprovals is a look of a worker that may not.
func mayNotReadApprovals(s *scene) { s.fleet.Saw(devices.Sight{ApprovalsUnread: "Forbidden"}, s.now) }

func (s *scene) seen(all []device) []devices.Seen {
	var seen []devices.Seen
	for _, d := range all {
		if d.checks {
			s.synced[d.ID] = s.now
		}
		if d.LastSyncDateTime = s.synced[d.ID]; d.LastSyncDateTime.IsZero() {
			d.LastSyncDateTime = monday.Add(-7 * day)
		}
		seen = append(seen, d.Seen)
	}
	return seen
}

// calls are begun, after it was seen that just these are to be made. "all A B" is the
// one action for all, "wipe A" a call for one, "wipe A with c1" one that carries the
// code of a request, "retire A again" one that follows a failure.
func calls(want ...string) event {
	return func(s *scene) {
		s.Helper()
		todo := s.fleet.Next(s.now)
		assert.Equal(s, want, inWords(todo.Writes), "calls to make")
		s.fleet.Begin(todo.Writes, s.now)
		s.open = append(s.open, todo.Writes...)
	}
}

func inWords(writes []devices.Write) []string {
	var all []string
	for _, w := range writes {
		word := strings.Replace(string(w.Action), string(leaver.RemoveAll), "all", 1) + " " + strings.Join(w.IDs, " ")
		if w.Code != "" {
			word += " with " + w.Code
		}
		if w.Again {
			word += " again"
		}
		all = append(all, word)
	}
	return all
}

// hears takes the answer to the open call for devices, which stand as "A B".
func hears(ids string, o devices.Outcome) event {
	return func(s *scene) {
		s.Helper()
		at := slices.IndexFunc(s.open, func(w devices.Write) bool { return strings.Join(w.IDs, " ") == ids })
		require.GreaterOrEqual(s, at, 0, "no call is open for %s", ids)
		w := s.open[at]
		s.open = slices.Delete(s.open, at, at+1)
		s.fleet.Heard(w, o, s.now)
	}
}

func accepted(ids string) event { return hears(ids, devices.Outcome{Answer: devices.Accepted}) }
func lost(ids string) event     { return hears(ids, devices.Outcome{Answer: devices.Unknown}) }
func unfit(ids string) event    { return hears(ids, devices.Outcome{Answer: devices.Unfit}) }

func queued(ids, code string) event {
	return hears(ids, devices.Outcome{Answer: devices.Queued, Code: code})
}

func refused(ids string, failure leaver.FailureType, why string) event {
	return hears(ids, devices.Outcome{Answer: devices.Refused, Failure: failure, Why: why})
}

func noRoute(ids string) event {
	return hears(ids, devices.Outcome{Answer: devices.NoRoute, Why: "the tenant refuses it"})
}

// spent says that the tenant's daily limit is used up, until tomorrow.
func spent(ids string) event {
	return func(s *scene) {
		s.Helper()
		hears(ids, devices.Outcome{Answer: devices.Spent, After: leaver.Duration(s.now.Truncate(day).Add(day).Sub(s.now))})(s)
	}
}

// chooses is a person's decision, for all that it fits where no ids are given.
func chooses(choice leaver.Choice, ids ...string) event {
	return func(s *scene) {
		s.Helper()
		taken, err := s.fleet.Takes(choice, ids, s.now)
		require.NoError(s, err)
		s.fleet.Choose(choice, taken, s.now)
	}
}

// --- what must be so ---

// is how a device stands about which nobody is asked.
func is(id string, verdict leaver.Verdict) event {
	return func(s *scene) {
		s.Helper()
		item := s.item(id)
		assert.Equal(s, verdict, item.Device.Verdict, "verdict on %s (%s)", id, item.Detail)
		assert.NotEqual(s, leaver.Failed, item.Outcome, "%s is a question: %s", id, item.Detail)
	}
}

// question is a device that a person is to decide about, and why.
func question(id string, verdict leaver.Verdict, why string) event {
	return func(s *scene) {
		s.Helper()
		item := s.item(id)
		assert.Equal(s, verdict, item.Device.Verdict, "verdict on %s (%s)", id, item.Detail)
		assert.Equal(s, leaver.Failed, item.Outcome, "%s is no question", id)
		assert.Contains(s, item.Detail, why)
	}
}

// saysOf is what a report and progress say of a device.
func saysOf(id string, says func(*testing.T, leaver.Item)) event {
	return func(s *scene) { s.Helper(); says(s.T, s.item(id)) }
}

// asked is what was asked of a device last, or may have been; notAsked that nothing was.
func asked(id string, action leaver.DeviceAction) event {
	return func(s *scene) {
		s.Helper()
		if call := s.item(id).Device.Asked(); assert.NotNil(s, call, "%s was asked", id) {
			assert.Equal(s, action, call.Action)
		}
	}
}

func notAsked(id string) event {
	return func(s *scene) { s.Helper(); assert.Nil(s, s.item(id).Device.Asked(), "%s was not asked", id) }
}

func (s *scene) item(id string) leaver.Item {
	s.Helper()
	items := s.fleet.Items(s.now)
	at := slices.IndexFunc(items, func(i leaver.Item) bool { return i.ID == id })
	require.GreaterOrEqual(s, at, 0, "there is no device %s", id)
	return items[at]
}

// watches, looks and ends say what is to be done where nothing is to be asked: to look
// until something differs, to look at once, nothing any more.
func watches(s *scene) { s.Helper(); s.does(devices.Todo{Watch: true}) }
func ends(s *scene)    { s.Helper(); s.does(devices.Todo{Ended: true}) }

// fails says that the fleet ends with questions, which nobody is asked.
func fails(s *scene) { s.Helper(); s.does(devices.Todo{Ended: true, Failed: true}) }

func looks(s *scene) {
	s.Helper()
	todo := s.fleet.Next(s.now)
	assert.True(s, todo.Look, "a look is due: %+v", todo)
	assert.Empty(s, todo.Writes)
	assert.False(s, todo.Ended)
}

func (s *scene) does(want devices.Todo) {
	s.Helper()
	todo := s.fleet.Next(s.now)
	todo.Wake = time.Time{}
	assert.Equal(s, want, todo)
}

// wakes says in how long the fleet stands otherwise, to the minute.
func wakes(in time.Duration) event {
	return func(s *scene) {
		s.Helper()
		assert.WithinDuration(s, s.now.Add(in), s.fleet.Next(s.now).Wake, time.Minute)
	}
}

// offers is what may be chosen; declines why a choice is not taken.
func offers(want ...leaver.Choice) event {
	return func(s *scene) { s.Helper(); assert.Equal(s, want, s.fleet.Offered(s.now)) }
}

func declines(choice leaver.Choice, why string, ids ...string) event {
	return func(s *scene) {
		s.Helper()
		_, err := s.fleet.Takes(choice, ids, s.now)
		assert.ErrorContains(s, err, why)
	}
}

// What a person may choose that asks something of a device.
const (
	retire           = leaver.Choice(leaver.Retire)
	wipe             = leaver.Choice(leaver.Wipe)
	wipeKeepUserData = leaver.Choice(leaver.WipeKeepUserData)
	deleteRecord     = leaver.Choice(leaver.DeleteRecord)
)

// Policies that stories share.
var (
	wipesWindows = leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}
	deletesAll   = leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.DeleteRecord}}
	wantsKeys    = leaver.DevicePolicy{RequireRecoveryKey: true}
)
