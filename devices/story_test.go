package devices_test

import (
	"cmp"
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
	minute   = time.Minute
	hour     = time.Hour
	day      = 24 * hour
	deadline = 10 * day
)

var monday = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func tell(t *testing.T, all stories) {
	t.Parallel()
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

// policy is as a request writes it.
func policy(text string) event {
	return func(s *scene) { require.NoError(s, leaver.ParseStrict([]byte(text), &s.fleet.Policy)) }
}

// withoutPeople says that nobody answers questions.
func withoutPeople(s *scene) { s.fleet.NoPerson = true }

func after(d time.Duration) event { return func(s *scene) { s.now = s.now.Add(d) } }

// AtOnce has the next event happen in the moment of the one before.
var AtOnce = after(-2 * time.Second)

// sees is a look that finds devices in the leaver's list, and says nothing of others.
// "A" is a company's managed Windows, "B iOS personal wipePending key=missing checkedIn" is told in full.
func sees(all ...string) event { return func(s *scene) { s.saw(devices.Sight{Listed: s.seen(all)}) } }

// misses is a look that finds devices by their ids and not in the leaver's list.
func misses(all ...string) event {
	return func(s *scene) { s.saw(devices.Sight{Unlisted: s.seen(all)}) }
}

// loses is a look to which Intune knows devices no more; to cannotRead it does not tell of one.
func loses(ids ...string) event { return look(devices.Sight{Gone: ids}) }
func cannotRead(id string) event {
	return look(devices.Sight{Unlisted: []devices.Seen{{ID: id, Unread: refusesToTell}}})
}

// reads is a look that reads what has become of a request for approval, as in "c1 approved";
// mayNotReadApprovals is one of a worker that may not.
func reads(words string) event {
	code, status, _ := strings.Cut(words, " ")
	return look(devices.Sight{Approvals: map[string]leaver.ApprovalStatus{code: leaver.ApprovalStatus(status)}})
}

var mayNotReadApprovals = look(devices.Sight{ApprovalsUnread: "Forbidden"})

func look(sight devices.Sight) event { return func(s *scene) { s.saw(sight) } }

func (s *scene) saw(sight devices.Sight) {
	if sight.Approvals == nil {
		sight.ApprovalsUnread = cmp.Or(sight.ApprovalsUnread, s.fleet.ApprovalsUnread)
	}
	s.fleet.Saw(sight, s.now)
}

func (s *scene) seen(all []string) []devices.Seen {
	var seen []devices.Seen
	for _, words := range all {
		words := strings.Fields(words)
		d := devices.Seen{ID: words[0], DeviceFacts: leaver.DeviceFacts{OperatingSystem: "Windows", OwnerType: "company", ManagementState: "managed"}}
		for _, word := range words[1:] {
			key, isKey := strings.CutPrefix(word, "key=")
			special, isSpecial := strings.CutPrefix(word, "special=")
			switch {
			case isSpecial:
				d.Special = leaver.Special(special)
			case isKey && key == "unknown":
				d.RecoveryKey, d.KeyUnread = leaver.RecoveryKeyUnknown, "grant BitlockerKey.ReadBasic.All"
			case isKey:
				d.RecoveryKey = leaver.RecoveryKey(key)
			case leaver.Platform(word) != "":
				d.OperatingSystem = word
			case word == "personal", word == "unknown":
				d.OwnerType = word
			case word == "checkedIn":
				s.synced[d.ID] = s.now
			default:
				require.Regexp(s, "^(managed|(retire|wipe|delete)[A-Z]|unhealthy|discovered|somethingNew|empty)", word)
				d.ManagementState = strings.TrimPrefix(word, "empty")
			}
		}
		if d.LastSyncDateTime = s.synced[d.ID]; d.LastSyncDateTime.IsZero() {
			d.LastSyncDateTime = monday.Add(-7 * day)
		}
		seen = append(seen, d)
	}
	return seen
}

// calls are begun, after it was seen that just these are to be made. "all A B" is the
// one action for all, "wipe A" a call for one, "wipe A with c1" one that carries the
// code of a request, "retire A again" one that follows a failure.
func calls(want ...string) event {
	return func(s *scene) {
		todo := s.fleet.Next(s.now)
		assert.Equal(s, want, inWords(todo.Writes), "calls to make")
		s.fleet.Begin(todo.Writes, s.now)
		s.open = append(s.open, todo.Writes...)
	}
}

// makes is calls of which Intune accepts each.
func makes(want ...string) event {
	return func(s *scene) {
		before := len(s.open)
		calls(want...)(s)
		s.now = s.now.Add(time.Second)
		for _, w := range slices.Clone(s.open[before:]) {
			accepted(strings.Join(w.IDs, " "))(s)
		}
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

// hears takes the answer to the open calls, each for devices that stand as "A B".
func hears(o devices.Outcome, each ...string) event {
	return func(s *scene) {
		for _, ids := range each {
			at := slices.IndexFunc(s.open, func(w devices.Write) bool { return strings.Join(w.IDs, " ") == ids })
			require.GreaterOrEqual(s, at, 0, "no call is open for %s", ids)
			w := s.open[at]
			s.open = slices.Delete(s.open, at, at+1)
			s.fleet.Heard(w, o, s.now)
		}
	}
}

func accepted(each ...string) event { return hears(devices.Outcome{Answer: devices.Accepted}, each...) }
func lost(ids string) event         { return hears(devices.Outcome{Answer: devices.Unknown}, ids) }
func unfit(ids string) event        { return hears(devices.Outcome{Answer: devices.Unfit}, ids) }
func noRoute(ids string) event {
	return hears(devices.Outcome{Answer: devices.NoRoute, Why: "the tenant refuses it"}, ids)
}

// queued has filed a request for approval, as in "A B c1".
func queued(words string) event {
	at := strings.LastIndex(words, " ")
	return hears(devices.Outcome{Answer: devices.Queued, Code: words[at+1:]}, words[:at])
}

func refused(ids, why string) event { return refusedAs(leaver.GraphForbidden, ids, why) }
func refusedAs(failure leaver.FailureType, ids, why string) event {
	return hears(devices.Outcome{Answer: devices.Refused, Failure: failure, Why: why}, ids)
}

// spent says that the tenant's daily limit is used up, until tomorrow.
func spent(ids string) event {
	return func(s *scene) {
		hears(devices.Outcome{Answer: devices.Spent, After: leaver.Duration(s.now.Truncate(day).Add(day).Sub(s.now))}, ids)(s)
	}
}

// chooses is a person's decision, for all that it fits where no ids are given.
func chooses(choice leaver.Choice, ids ...string) event {
	return func(s *scene) {
		taken, err := s.fleet.Takes(choice, ids, s.now)
		require.NoError(s, err)
		s.fleet.Choose(choice, taken, s.now)
	}
}

// --- what must be so ---

// each looks at devices of each of which something is told, as in "A leaving".
func each(all []string, look func(*scene, leaver.Item, string)) event {
	return func(s *scene) {
		items := s.fleet.Items(s.now)
		for _, words := range all {
			id, told, _ := strings.Cut(words, " ")
			at := slices.IndexFunc(items, func(i leaver.Item) bool { return i.ID == id })
			require.GreaterOrEqual(s, at, 0, "there is no device %s", id)
			look(s, items[at], told)
		}
	}
}

// is how devices stand about which nobody is asked, as in "A leaving".
func is(all ...string) event {
	return each(all, func(s *scene, item leaver.Item, verdict string) {
		assert.Equal(s, leaver.Verdict(verdict), item.Device.Verdict, "verdict on %s (%s)", item.ID, item.Detail)
		assert.NotEqual(s, leaver.Failed, item.Outcome, "%s is a question: %s", item.ID, item.Detail)
	})
}

// asks is about a device that a person is to decide about, as in "A silent", and why.
func asks(words, why string) event {
	return each([]string{words}, func(s *scene, item leaver.Item, verdict string) {
		assert.Equal(s, leaver.Verdict(verdict), item.Device.Verdict, "verdict on %s (%s)", item.ID, item.Detail)
		assert.Equal(s, leaver.Failed, item.Outcome, "%s is no question", item.ID)
		assert.Contains(s, item.Detail, why)
	})
}

// shows is what a report and progress show of a device, beside its facts and calls.
func shows(id string, want leaver.Item) event {
	return each([]string{id}, func(s *scene, item leaver.Item, _ string) {
		item.ID, item.Device, item.Approval = "", nil, nil
		assert.Equal(s, want, item)
	})
}

// asked is what was asked of devices last, or may have been, as in "A wipe" or "A nothing".
func asked(all ...string) event {
	return each(all, func(s *scene, item leaver.Item, action string) {
		call := cmp.Or(item.Device.Asked(), &leaver.Call{Action: "nothing"})
		assert.Equal(s, leaver.DeviceAction(action), call.Action, "asked of %s", item.ID)
	})
}

// approval is the request that a device waits for, or waited for last, as in "A c1 approved".
func approval(words string) event {
	return each([]string{words}, func(s *scene, item leaver.Item, want string) {
		if assert.NotNil(s, item.Approval, "%s has a request", item.ID) {
			assert.Equal(s, want, item.Approval.Code+" "+string(item.Approval.Status))
		}
	})
}

// watches, looks and ends say what is to be done where nothing is to be asked: to look
// until something differs, to look at once, nothing any more. fails ends with questions,
// which nobody is asked.
func watches(s *scene) { s.does(devices.Todo{Watch: true}) }
func ends(s *scene)    { s.does(devices.Todo{Ended: true}) }
func fails(s *scene)   { s.does(devices.Todo{Ended: true, Failed: true}) }

func looks(s *scene) {
	todo := s.fleet.Next(s.now)
	assert.True(s, todo.Look && len(todo.Writes) == 0 && !todo.Ended, "a look is due: %+v", todo)
}

// looksNot says that a look would come too early: what is being asked may change what it sees.
func looksNot(s *scene) {
	todo := s.fleet.Next(s.now)
	assert.False(s, todo.Look || todo.Watch || todo.Ended, "%+v", todo)
}

func (s *scene) does(want devices.Todo) {
	todo := s.fleet.Next(s.now)
	todo.Wake = time.Time{}
	assert.Equal(s, want, todo)
}

// wakes says in how long the fleet stands otherwise, to the minute.
func wakes(in time.Duration) event {
	return func(s *scene) { assert.WithinDuration(s, s.now.Add(in), s.fleet.Next(s.now).Wake, minute) }
}

// offers is what may be chosen; declines why a choice is not taken.
func offers(want ...leaver.Choice) event {
	return func(s *scene) { assert.Equal(s, want, s.fleet.Offered(s.now)) }
}

func declines(choice leaver.Choice, why string, ids ...string) event {
	return func(s *scene) {
		_, err := s.fleet.Takes(choice, ids, s.now)
		assert.ErrorContains(s, err, why)
	}
}

// allChoices may be made about a device that was asked.
var allChoices = []leaver.Choice{"waitLonger", "retry", "retire", "wipe", "wipeKeepUserData", "deleteRecord", "giveUp"}

// Policies that stories share.
var (
	wipesWindows = policy(`{"company": {"windows": "wipe"}}`)
	deletesAll   = policy(`{"company": {"default": "deleteRecord"}}`)
	wantsKeys    = policy(`{"requireRecoveryKey": true}`)
)

// What a person is told in many stories.
const (
	late          = "its deadline has passed"
	twice         = "was asked twice"
	refusesToTell = "Graph refuses to tell"
	unlisted      = "still managed, no longer listed for the leaver"
)
