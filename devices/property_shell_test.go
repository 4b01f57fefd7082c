package devices

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
)

// world is one random fleet from its first look to its end: the tenant, the shell that
// does what Next says, and the people who answer.
type world struct {
	*tenant
	t          testing.TB
	seed       int
	trace      bool
	start, now time.Time
	fleet      *Fleet
	todo       Todo
	calls      []*call
	eventful   int                              // one in how many hours something happens that nobody has asked for
	answers    int                              // one in how many hours a person answers
	statuses   map[string]leaver.ApprovalStatus // what the core was told of requests for approval
	used       map[string]bool                  // the codes that an accepted call has carried
	blocked    bool                             // the core was told that no call is taken, and no person has chosen anything since
	spentUntil map[leaver.DeviceAction]time.Time
	lastSaw    time.Time
	still      int // how often Next was asked without time passing
}

// diary is what the shell has told the core of one device, kept apart from it.
type diary struct {
	// askedAt is when it was asked last, leavingAt when it was first seen to leave, and
	// waitsSince when a person chose last that it is to be waited for.
	askedAt, leavingAt, waitsSince time.Time
	// choice is the last that a person chose, at chosenAt, after so many looks; chosen are
	// all. A call begun since has carriedOut it.
	choice      leaver.Choice
	chosenAt    time.Time
	chosenLooks int
	chosen      []leaver.Choice
	carriedOut  bool
	waits       bool // the last choice was to wait longer, and nothing was seen of the device since
	accepted    int  // how many calls Intune has accepted since a person chose last
	listed      bool
	named       string
	state       string // what Intune said of it last, since stateAt
	stateAt     time.Time
	stand       Stand // how the core said last that it stands, stood are all the ways
	stood       map[string]bool
	wanted      time.Time   // since when it is to be asked, and could not be
	begun       []time.Time // when the calls of the last hour were begun
}

func newWorld(t testing.TB, seed int, count map[string]int) *world {
	r := rand.New(rand.NewPCG(uint64(seed), 7))
	action := func() leaver.DeviceAction {
		return pick(r, "", "", leaver.Retire, leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord, leaver.Keep)
	}
	actions := func() leaver.DeviceActions {
		return leaver.DeviceActions{Default: action(), Windows: action(), MacOS: action(), IOS: action(), Android: action(),
			Linux: action(), ChromeOS: action()}
	}
	fleet := &Fleet{Deadline: leaver.Duration(pick(r, 30*time.Hour, 96*time.Hour, 240*time.Hour)), NoPerson: r.IntN(5) == 0}
	if r.IntN(2) == 0 {
		fleet.Policy = leaver.DevicePolicy{Company: actions(), Personal: actions()}
	}
	fleet.Policy.RequireRecoveryKey = r.IntN(3) == 0
	w := &world{tenant: newTenant(r, fleet.Policy, count), t: t, seed: seed, start: time.Date(2026, 1, 1, 9, 0, r.IntN(60), 0, time.UTC), fleet: fleet,
		eventful: pick(r, 100000, 150, 40, 15), answers: pick(r, 3, 10, 40),
		statuses: map[string]leaver.ApprovalStatus{}, used: map[string]bool{}, spentUntil: map[leaver.DeviceAction]time.Time{}}
	w.now, w.accepts = w.start, w.judgeWritten
	n := w.IntN(6)
	if w.oneIn(10) {
		n = w.IntN(31)
	}
	for range n {
		w.enroll(w.now)
	}
	return w
}

func (w *world) say(format string, args ...any) {
	if w.trace {
		w.t.Logf("%s "+format, append([]any{w.now.Sub(w.start)}, args...)...)
	}
}

// holds fails the test, and names the seed and shows the fleet, where something does not hold.
func (w *world) holds(ok bool, format string, args ...any) {
	if !ok {
		w.t.Helper()
		stored, _ := json.Marshal(w.fleet)
		w.t.Fatalf("seed %d, after %s: "+format+"\n%s", slices.Concat([]any{w.seed, w.now.Sub(w.start)}, args, []any{stored})...)
	}
}

const (
	calm    = 60 * 24 * time.Hour  // then nothing happens any more but what was asked, and a person gives up whatever is a question
	longest = 130 * 24 * time.Hour // by then everything must have ended
)

func (w *world) isCalm() bool { return w.now.Sub(w.start) > calm }

// live does what the workflow's shell does, until the fleet has ended.
func (w *world) live() {
	defer func() {
		if r := recover(); r != nil {
			w.t.Fatalf("seed %d: %v\n%s", w.seed, r, debug.Stack())
		}
	}()
	w.count["fleets"]++
	for w.todo = w.next(); !w.todo.Ended; w.todo = w.next() {
		switch {
		case w.todo.Look:
			w.look()
		case len(w.todo.Writes) > 0:
			w.begin(w.todo.Writes)
		default:
			w.await()
		}
		w.judge()
	}
	w.judge()
	w.judgeEnd()
}

// next asks what is to be done, which changes nothing.
func (w *world) next() Todo {
	w.still++
	w.holds(w.still < 60+10*len(w.fleet.Devices), "there is no end to the rounds without time passing: %+v", w.todo)
	w.holds(w.now.Sub(w.start) < longest, "there is no end: %+v", w.todo)
	w.count["rounds"]++
	if !w.oneIn(16) {
		return w.fleet.Next(w.now)
	}
	says := func(f *Fleet) string { return w.json([]any{f.Next(w.now), f.Items(w.now), f.Offered(w.now)}) }
	before, todo, said := w.json(w.fleet), w.fleet.Next(w.now), says(w.fleet)
	w.judgeCount()
	w.holds(w.json(w.fleet) == before, "Next, Items or Offered has changed the fleet")
	// The workflow continues as new.
	again := &Fleet{}
	w.holds(json.Unmarshal([]byte(before), again) == nil, "the fleet's JSON cannot be read")
	w.holds(w.json(again) == before, "the fleet is another after its JSON was read:\n%s\n%s", before, w.json(again))
	w.holds(says(again) == said, "Next, Items or Offered says something else after the fleet's JSON was read")
	w.fleet = again
	w.count["continued as new"]++
	return todo
}

func (w *world) json(v any) string {
	text, err := json.Marshal(v)
	w.holds(err == nil, "%v", err)
	return string(text)
}

// begin notes the calls and begins them.
func (w *world) begin(writes []Write) {
	w.judgeWrites(writes)
	known := w.known()
	w.fleet.Begin(writes, w.now)
	for _, write := range writes {
		c := &call{Write: write, at: w.now, ends: w.now, known: known, lost: w.oneIn(15), unsent: w.oneIn(25)}
		switch n := w.IntN(20); {
		case !c.all() && w.find(c.IDs[0]).deaf:
			c.ends, c.lost = w.now.Add(20*time.Hour+w.upTo(50, time.Hour)), true
		case n < 3:
			c.ends = w.now.Add(w.upTo(200, time.Second))
		case n == 3 && w.oneIn(3):
			c.ends = w.now.Add(w.upTo(30, time.Hour))
		}
		if c.ends.After(w.now.Add(time.Hour)) {
			w.count["a call was slow"]++
		}
		if c.acts = c.ends; w.oneIn(2) {
			c.acts = w.now.Add(time.Duration(w.Int64N(int64(c.ends.Sub(w.now)) + 1)))
		}
		w.calls = append(w.calls, c)
		for _, id := range write.IDs {
			m := w.find(id)
			m.begun, m.wanted, m.waits = append(m.begun, w.now), time.Time{}, false
		}
		w.say("begin %+v acts %s ends %s", write, c.acts.Sub(w.start), c.ends.Sub(w.start))
	}
	w.judgePending()
}

// await lets time pass until there is something to tell the core, or it wants to be
// woken.
func (w *world) await() {
	w.holds(w.todo.Wake.IsZero() || w.todo.Wake.After(w.now), "is to be woken at a moment that has passed: %+v", w.todo)
	for {
		moment := sooner(w.moment(), w.todo.Wake)
		if w.pass(moment, w.todo.Watch) || moment.Equal(w.todo.Wake) {
			return
		}
		if w.oneIn(16) {
			todo := w.fleet.Next(w.now)
			w.holds(len(todo.Writes) == 0 && !todo.Look && !todo.Ended, "nobody is woken for %+v, since %+v", todo, w.todo)
		}
		w.holds(w.now.Sub(w.start) < longest, "there is no end: %+v", w.todo)
	}
}

// moment is when something may happen next.
func (w *world) moment() time.Time {
	moment := w.now.Truncate(time.Hour).Add(time.Hour)
	for _, c := range w.calls {
		moment = sooner(moment, map[bool]time.Time{false: c.acts, true: c.ends}[c.acted])
	}
	return later(moment, w.now)
}

// pass lets time pass until a moment, and reports whether the core was told something.
func (w *world) pass(moment time.Time, watches bool) (told bool) {
	hour := moment.Truncate(time.Hour).After(w.now)
	if moment.After(w.now) {
		w.now, w.still = moment, 0
	}
	for _, c := range slices.Clone(w.calls) {
		if !c.acted && !c.acts.After(w.now) {
			w.act(c)
		}
		if c.acted && !c.ends.After(w.now) {
			w.hear(c)
			told = true
		}
	}
	if !hour {
		return told
	}
	w.hour(w.now)
	switch {
	case w.isCalm():
		w.daily, w.left, w.decides = nil, nil, min(w.decides, 100)
	case w.oneIn(w.eventful):
		w.event(w.now)
	case w.fleet.sharedRequest(w.now) != nil && w.oneIn(100):
		w.enroll(w.now)
	}
	told = w.people() || told
	missed := many(w.machines, func(m *machine) bool { return m.missed })
	if sight, news := w.sight(true); watches && news {
		w.saw(sight)
		if len(sight.Unlisted) == 0 && missed == 0 {
			again, news := w.sight(true)
			w.holds(!news, "what was told is news again: %+v", again)
		}
		w.people() // may answer in the same moment
		told = true
	}
	return told
}

// look looks at all devices, which takes a while.
func (w *world) look() {
	sight, _ := w.sight(w.oneIn(2))
	end := w.now.Add(pick(w.Rand, 0, 0, 0, 0, w.upTo(180, time.Second)))
	for w.now.Before(end) {
		w.pass(sooner(w.moment(), end), false)
	}
	w.saw(sight)
}

func (w *world) known() map[string]Known {
	known := map[string]Known{}
	for _, k := range w.fleet.Known() {
		known[k.ID] = k
	}
	return known
}

// sight is what a look sees now, and whether that is news.
func (w *world) sight(onlyNews bool) (s Sight, news bool) {
	known := w.known()
	for _, m := range w.machines {
		k, isKnown := known[m.id]
		unlisted := m.another || m.missed
		switch {
		case m.gone && isKnown && (!onlyNews || !k.Gone):
			s.Gone, news = append(s.Gone, m.id), news || !k.Gone
			continue
		case m.gone:
			continue
		case m.missed:
			w.count["a list missed a device"]++
		}
		if m.missed = false; unlisted && !isKnown {
			continue
		}
		seen := w.describes(m, k, isKnown)
		differs := !isKnown || k.Gone || k.Unlisted != unlisted || k.Unread != seen.Unread ||
			seen.Unread == "" && (k.State != seen.ManagementState || k.OwnerType != seen.OwnerType || seen.RecoveryKey != "" ||
				!k.AskedAt.IsZero() && !seen.LastSyncDateTime.Before(k.AskedAt.Truncate(time.Second)))
		news = news || differs
		switch {
		case onlyNews && !differs:
		case unlisted:
			s.Unlisted = append(s.Unlisted, seen)
		default:
			s.Listed = append(s.Listed, seen)
		}
	}
	s.ApprovalsUnread = w.fleet.ApprovalsUnread
	if codes := w.fleet.Awaits(); len(codes) > 0 && !w.readable {
		s.ApprovalsUnread = "the worker may not read requests"
	} else if len(codes) > 0 {
		s.Approvals = map[string]leaver.ApprovalStatus{}
		for _, q := range w.requests {
			if was, awaited := codes[q.code]; awaited {
				s.Approvals[q.code], news = q.status, news || was != q.status
			}
		}
	}
	return s, news || s.ApprovalsUnread != w.fleet.ApprovalsUnread
}

// describes is what Intune tells of a device.
func (w *world) describes(m *machine, k Known, isKnown bool) Seen {
	if m.unreadable.After(w.now) {
		return Seen{ID: m.id, Unread: "Intune fails to tell of it"}
	}
	seen := Seen{ID: m.id, DeviceFacts: m.DeviceFacts}
	if seen.RecoveryKey = ""; isKnown {
		seen.Name = ""
	}
	switch {
	case !w.policy.RequireRecoveryKey, !IsWindows(m.OperatingSystem), isKnown && !k.NeedsKey:
	case m.keyHidden:
		seen.RecoveryKey, seen.KeyUnread = leaver.RecoveryKeyUnknown, "the worker may not read keys"
	case !m.keyReadable.After(w.now):
		seen.RecoveryKey = m.RecoveryKey
	}
	return seen
}

// saw tells the core what was seen.
func (w *world) saw(s Sight) {
	w.say("saw %+v", s)
	for i, seen := range slices.Concat(s.Listed, s.Unlisted) {
		m := w.find(seen.ID)
		if m.listed, m.waits = i < len(s.Listed), false; seen.Unread != "" {
			continue
		}
		m.named = cmp.Or(seen.Name, m.named)
		if IsLeaving(seen.ManagementState) != IsLeaving(m.state) {
			m.leavingAt = w.now
		}
		if m.state != seen.ManagementState {
			m.state, m.stateAt = seen.ManagementState, w.now
		}
	}
	for code, status := range s.Approvals {
		w.statuses[code] = status
		for _, d := range w.fleet.Devices {
			last := d.lastCall()
			if status == leaver.ApprovalCompleted && last != nil && last.ApprovalCode == code && w.fleet.Approval(code).Status != status &&
				(last.Answer == leaver.CallQueued || last.Answer == leaver.CallUnknown) {
				w.find(d.ID).askedAt = w.now
			}
		}
	}
	w.fleet.Saw(s, w.now)
	w.lastSaw = w.now
}

// deadline is the device's own.
func (w *world) deadline(m *machine) time.Time {
	since := m.askedAt
	if since.IsZero() {
		since = m.leavingAt
	}
	return later(since, m.waitsSince).Add(time.Duration(w.fleet.Deadline))
}

// hear tells the core what came of a call.
func (w *world) hear(c *call) {
	w.calls = slices.DeleteFunc(w.calls, func(other *call) bool { return other == c })
	o := c.outcome
	w.say("heard %+v: %+v", c.Write, o)
	w.count["answer "+string(o.Answer)]++
	switch {
	case o.Answer == Accepted && c.Again:
		w.count["a second try was accepted"]++
	case o.Answer == Spent:
		w.spentUntil[dailyLimit(c.Action)] = w.now.Add(time.Duration(o.After))
	case o.Answer == Queued:
		w.statuses[o.Code] = leaver.ApprovalNeeded
	case o.Failure == leaver.GraphUnauthorized, o.Failure == leaver.IntuneNotLicensed:
		w.blocked = true
	}
	if o.Answer == Accepted && c.Code != "" {
		w.used[c.Code] = true
	}
	w.fleet.Heard(c.Write, o, w.now)
	for _, id := range c.IDs {
		d := w.fleet.find(id)
		w.holds(!d.pending(), "%s: an answer was forgotten: %+v %+v", id, o, d.Calls)
		if o.Answer == Accepted || o.Answer == Unknown {
			w.find(id).askedAt = c.at
		}
		early := o.Answer == Queued && o.Code == c.Code // the request of before waits on
		if !early && slices.Contains([]Answer{Accepted, Unknown, Refused, Queued}, o.Answer) {
			w.holds(d.lastCall() != nil && Answer(d.lastCall().Answer) == o.Answer, "%s: the answer is another: %+v %+v", id, o, d.Calls)
		}
	}
}

// people has a person answer now and then, rightly or wrongly.
func (w *world) people() bool {
	if w.fleet.NoPerson || !w.isCalm() && !w.oneIn(w.answers) || w.isCalm() && w.now.Hour()%6 > 0 {
		return false
	}
	c, offered := w.fleet.Count(w.now), w.fleet.Offered(w.now)
	if len(offered) == 0 || c.Questions+c.AwaitApproval == 0 && !w.oneIn(5) {
		return false
	}
	choice := leaver.GiveUp
	var ids []string
	if !w.isCalm() {
		choice = pick(w.Rand, slices.Concat(offered, choices, []leaver.Choice{leaver.Approved, "keep", "nonsense"})...)
		if choice == leaver.GiveUp && !w.oneIn(3) {
			choice = pick(w.Rand, offered...)
		}
		for range pick(w.Rand, 0, 1, 1, 2) {
			ids = append(ids, pick(w.Rand, w.fleet.Devices...).ID)
		}
	}
	ids, err := w.fleet.Takes(choice, ids, w.now)
	if err != nil {
		w.count["a choice was not taken"]++
		return false
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	w.holds(choice == leaver.Approved || slices.Contains(choices, choice), "takes %s", choice)
	w.say("choose %s %v", choice, ids)
	w.count["choice "+string(choice)]++
	for _, id := range ids {
		d, m := w.fleet.find(id), w.find(id)
		if choice == leaver.Approved {
			w.holds(w.fleet.stand(d, w.now).Verdict == leaver.AwaitingApproval, "%s: takes %s and awaits none", id, choice)
			continue
		}
		if d.pending() {
			w.holds(!d.lastCall().At.Add(Slow).After(w.now), "%s: a choice is taken while it is being asked", id)
			w.count["a call was given up for a choice"]++
		}
		m.choice, m.chosenAt, m.chosen, m.chosenLooks = choice, w.now, append(m.chosen, choice), w.fleet.Looks
		m.carriedOut, m.accepted, m.waits = false, 0, choice == leaver.WaitLonger
		if choice == leaver.WaitLonger || choice == leaver.Retry {
			m.waitsSince = w.now
		}
	}
	w.fleet.Choose(choice, ids, w.now)
	// The calls for these devices are cancelled. Whether Intune heard them is not known.
	for _, c := range slices.Clone(w.calls) {
		if !c.all() && slices.Contains(ids, c.IDs[0]) {
			c.outcome = Outcome{Answer: Unknown, Why: "the call was stopped before its answer came"}
			w.hear(c)
		}
	}
	if choice != leaver.GiveUp && choice != leaver.WaitLonger {
		w.holds(w.fleet.Blocked == nil, "a person has answered, and no call is made still")
		w.blocked = false
	}
	return true
}

// act has an activity look and write.
func (w *world) act(c *call) {
	// Something may happen between the look that the call was decided on and the call.
	switch {
	case w.isCalm() || w.eventful > 1000:
	case c.all() && w.oneIn(6):
		w.enroll(w.now)
	case w.oneIn(15):
		w.event(w.now)
	}
	c.acted, c.outcome = true, w.tenant.act(c, w.now)
	w.say("acted %+v: %+v", c.Write, c.outcome)
}
