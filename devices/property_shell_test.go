package devices

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
)

// world is one random fleet from its first look to its end: the tenant, the shell that
// does what Next says, and the people who answer.
type world struct {
	*rand.Rand
	t      testing.TB
	seed   uint64
	trace  bool
	start  time.Time
	now    time.Time
	fleet  *Fleet
	tenant *tenant
	todo   Todo
	calls  []*call
	// eventful is one in how many hours something happens that nobody has asked for;
	// answers is one in how many hours a person answers.
	eventful, answers int
	// diaries hold what the shell has told the core of each device.
	diaries map[string]*diary
	// statuses are what the core was told of requests for approval, used the codes
	// that an accepted call has carried.
	statuses map[string]leaver.ApprovalStatus
	used     map[string]bool
	// blocked says that the core was told that no call is taken, and no person has
	// chosen anything since; spentUntil until when a day is used up.
	blocked    bool
	spentUntil map[leaver.DeviceAction]time.Time
	lastSaw    time.Time
	still      int // how often Next was asked without time passing
	lastNext   time.Time
	nexts      int
}

// diary is what the shell has told the core of one device, kept apart from it.
type diary struct {
	// askedAt is when it was asked last, leavingAt when it was first seen to leave, and
	// waitsSince when a person chose last that it is to be waited for.
	askedAt, leavingAt, waitsSince time.Time
	// choice is the last that a person chose, at chosenAt; chosen are all.
	choice   leaver.Choice
	chosenAt time.Time
	chosen   []leaver.Choice
	// chosenLooks is how many looks there had been by then; carriedOut says that a
	// call was begun since.
	chosenLooks int
	carriedOut  bool
	// waits says that the last choice was to wait longer, and that nothing was seen
	// of the device since.
	waits bool
	// accepted are the calls that Intune has accepted since a person chose last.
	accepted        int
	listed, leaving bool
	// state is what Intune said of it last, since stateAt.
	state   string
	stateAt time.Time
	// stand is how the core said last that it stands, stood are all the ways.
	stand Stand
	stood map[string]bool
	// wanted is since when the device is to be asked, and could not be; begun is when
	// the latest calls were begun.
	wanted time.Time
	begun  []time.Time
}

func newWorld(t testing.TB, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{Rand: r, t: t, seed: seed, start: time.Date(2026, 1, 1, 9, 0, r.IntN(60), 0, time.UTC), diaries: map[string]*diary{}, statuses: map[string]leaver.ApprovalStatus{}, used: map[string]bool{}, spentUntil: map[leaver.DeviceAction]time.Time{},
		eventful: pick(r, 100000, 150, 40, 15), answers: pick(r, 3, 10, 40)}
	w.now = w.start
	action := func() leaver.DeviceAction {
		return pick(r, "", "", leaver.Retire, leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord, leaver.Keep)
	}
	actions := func() leaver.DeviceActions {
		return leaver.DeviceActions{Default: action(), Windows: action(), MacOS: action(), IOS: action(), Android: action(), Linux: action(), ChromeOS: action()}
	}
	w.fleet = &Fleet{Deadline: leaver.Duration(pick(r, 30*time.Hour, 96*time.Hour, 240*time.Hour)), NoPerson: oneIn(r, 5)}
	if oneIn(r, 2) {
		w.fleet.Policy = leaver.DevicePolicy{Company: actions(), Personal: actions()}
	}
	w.fleet.Policy.RequireRecoveryKey = oneIn(r, 3)
	w.tenant = newTenant(r, w.fleet.Policy)
	n := r.IntN(6)
	if oneIn(r, 10) {
		n = r.IntN(31)
	}
	for range n {
		w.tenant.enroll(w.now)
	}
	return w
}

func (w *world) say(format string, args ...any) {
	if w.trace {
		w.t.Logf("%s "+format, append([]any{w.now.Sub(w.start)}, args...)...)
	}
}

// holds fails the test, and names the seed, where something does not hold.
func (w *world) holds(ok bool, format string, args ...any) {
	if !ok {
		w.t.Helper()
		w.t.Fatalf("seed %d, after %s: "+format, append([]any{w.seed, w.now.Sub(w.start)}, args...)...)
	}
}

func (w *world) diary(id string) *diary {
	if w.diaries[id] == nil {
		w.diaries[id] = &diary{stood: map[string]bool{}}
	}
	return w.diaries[id]
}

const (
	// calm is when nothing happens any more but what was asked, and a person gives up
	// whatever is a question.
	calm = 60 * 24 * time.Hour
	// longest is when everything must have ended.
	longest = 130 * 24 * time.Hour
)

func (w *world) isCalm() bool { return w.now.Sub(w.start) > calm }

// live does what the workflow's shell does, until the fleet has ended.
func (w *world) live() {
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
	if w.now.After(w.lastNext) {
		w.lastNext, w.still = w.now, 0
	}
	w.still++
	w.holds(w.still < 60+10*len(w.fleet.Devices), "there is no end to the rounds without time passing: %+v", w.todo)
	w.judgeTime()
	w.nexts++
	if !oneIn(w.Rand, 16) {
		return w.fleet.Next(w.now)
	}
	before := w.json(w.fleet)
	todo := w.fleet.Next(w.now)
	w.judgeCount()
	items, offered := w.json(w.fleet.Items(w.now)), w.fleet.Offered(w.now)
	w.holds(w.json(w.fleet) == before, "Next, Items or Offered has changed the fleet")
	// The workflow continues as new.
	again := &Fleet{}
	w.holds(json.Unmarshal([]byte(before), again) == nil, "the fleet's JSON cannot be read")
	w.fleet = again
	w.holds(w.json(again) == before, "the fleet is another after its JSON was read:\n%s\n%s", before, w.json(again))
	w.holds(w.json(again.Next(w.now)) == w.json(todo), "Next says something else after the fleet's JSON was read")
	w.holds(w.json(again.Items(w.now)) == items && slices.Equal(again.Offered(w.now), offered), "the items are others after the fleet's JSON was read")
	w.tenant.count["continued as new"]++
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
	known := w.fleet.Known()
	w.fleet.Begin(writes, w.now)
	for _, write := range writes {
		c := &call{Write: write, at: w.now, acts: w.now, ends: w.now, known: known, lost: oneIn(w.Rand, 15), unsent: oneIn(w.Rand, 25)}
		deaf := write.Action != leaver.RemoveAll && w.tenant.find(write.IDs[0]) != nil && w.tenant.find(write.IDs[0]).deaf
		switch n := w.IntN(20); {
		case deaf:
			c.ends = w.now.Add(time.Duration(20+w.IntN(50)) * time.Hour)
			c.lost = true
		case n < 3:
			c.ends = w.now.Add(time.Duration(w.IntN(200)) * time.Second)
		case n == 3 && oneIn(w.Rand, 3):
			c.ends = w.now.Add(time.Duration(w.IntN(30)) * time.Hour)
		}
		if c.ends.After(w.now.Add(time.Hour)) {
			w.tenant.count["a call was slow"]++
		}
		c.acts = c.ends
		if oneIn(w.Rand, 2) {
			c.acts = w.now.Add(time.Duration(w.Int64N(int64(c.ends.Sub(w.now)) + 1)))
		}
		w.calls = append(w.calls, c)
		for _, id := range write.IDs {
			d := w.diary(id)
			d.begun, d.wanted, d.waits = append(d.begun, w.now), time.Time{}, false
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
		moment := w.moment()
		wakes := !w.todo.Wake.IsZero() && !moment.Before(w.todo.Wake)
		if wakes {
			moment = w.todo.Wake
		}
		if w.pass(moment, w.todo.Watch) || wakes {
			return
		}
		if oneIn(w.Rand, 16) {
			todo := w.fleet.Next(w.now)
			w.holds(len(todo.Writes) == 0 && !todo.Look && !todo.Ended, "nobody is woken for %+v, since %+v", todo, w.todo)
		}
		w.judgeTime()
	}
}

// moment is when something may happen next.
func (w *world) moment() time.Time {
	moment := w.now.Truncate(time.Hour).Add(time.Hour)
	for _, c := range w.calls {
		next := c.ends
		if !c.acted {
			next = c.acts
		}
		if next.Before(moment) {
			moment = next
		}
	}
	if moment.Before(w.now) {
		return w.now
	}
	return moment
}

// pass lets time pass until a moment, and reports whether the core was told something.
func (w *world) pass(moment time.Time, watches bool) bool {
	hour := moment.Truncate(time.Hour).After(w.now)
	w.now = moment
	told := false
	for _, c := range slices.Clone(w.calls) {
		if !c.acted && !c.acts.After(w.now) {
			w.act(c)
		}
		if c.acted && !c.ends.After(w.now) {
			w.calls = slices.DeleteFunc(w.calls, func(other *call) bool { return other == c })
			w.hear(c)
			told = true
		}
	}
	if !hour {
		return told
	}
	w.tenant.hour(w.now)
	switch {
	case w.isCalm():
	case oneIn(w.Rand, w.eventful):
		w.tenant.event(w.now)
	case w.fleet.sharedRequest(w.now) != nil && oneIn(w.Rand, 100):
		w.tenant.enroll(w.now)
	}
	if w.isCalm() {
		w.tenant.daily, w.tenant.left, w.tenant.decides = nil, nil, min(w.tenant.decides, 100)
	}
	told = w.people() || told
	if sight, news := w.sight(true); watches && news {
		w.saw(sight)
		if len(sight.Unlisted) == 0 {
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
	sight, _ := w.sight(oneIn(w.Rand, 2))
	end := w.now
	if oneIn(w.Rand, 5) {
		end = w.now.Add(time.Duration(w.IntN(180)) * time.Second)
	}
	for w.now.Before(end) {
		moment := w.moment()
		if moment.After(end) {
			moment = end
		}
		w.pass(moment, false)
	}
	w.saw(sight)
}

// sight is what a look sees now, and whether that is news.
func (w *world) sight(onlyNews bool) (Sight, bool) {
	var s Sight
	known, news := map[string]Known{}, false
	for _, k := range w.fleet.Known() {
		known[k.ID] = k
	}
	for _, m := range w.tenant.machines {
		k, isKnown := known[m.id]
		if m.gone && isKnown && (!onlyNews || !k.Gone) {
			s.Gone, news = append(s.Gone, m.id), news || !k.Gone
		}
		if m.gone {
			continue
		}
		unlisted := m.another || m.missed
		if m.missed {
			w.tenant.count["a list missed a device"]++
		}
		m.missed = false
		if unlisted && !isKnown {
			continue
		}
		seen := Seen{ID: m.id, DeviceFacts: m.DeviceFacts}
		seen.RecoveryKey = ""
		if isKnown {
			seen.Name = ""
		}
		if w.fleet.Policy.RequireRecoveryKey && IsWindows(m.OperatingSystem) && (k.NeedsKey || !isKnown) {
			switch {
			case m.keyHidden:
				seen.RecoveryKey, seen.KeyUnread = leaver.RecoveryKeyUnknown, "the worker may not read keys"
			case !m.keyReadable.After(w.now):
				seen.RecoveryKey = m.RecoveryKey
			}
		}
		if m.unreadableUntil.After(w.now) {
			seen = Seen{ID: m.id, Unread: "Intune fails to tell of it"}
		}
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
	if codes := w.fleet.Awaits(); len(codes) > 0 && !w.tenant.readable {
		s.ApprovalsUnread = "the worker may not read requests"
	} else if len(codes) > 0 {
		s.Approvals = map[string]leaver.ApprovalStatus{}
		for _, q := range w.tenant.requests {
			if _, awaited := codes[q.code]; awaited {
				s.Approvals[q.code] = q.status
				news = news || w.fleet.Approval(q.code).Status != q.status
			}
		}
	}
	return s, news || s.ApprovalsUnread != w.fleet.ApprovalsUnread
}

// saw tells the core what was seen.
func (w *world) saw(s Sight) {
	if w.trace {
		w.say("saw %s", w.json(s))
	}
	for _, seen := range s.Listed {
		d := w.diary(seen.ID)
		d.listed, d.waits = true, false
		w.noteState(seen)
	}
	for _, seen := range s.Unlisted {
		d := w.diary(seen.ID)
		d.listed, d.waits = false, false
		w.noteState(seen)
	}
	for code, status := range s.Approvals {
		w.statuses[code] = status
		for _, d := range w.fleet.Devices {
			if last := d.lastCall(); status == leaver.ApprovalCompleted && last != nil && last.ApprovalCode == code && w.fleet.Approval(code).Status != status && (last.Answer == leaver.CallQueued || last.Answer == leaver.CallUnknown) {
				w.diary(d.ID).askedAt = w.now
			}
		}
	}
	w.fleet.Saw(s, w.now)
	w.lastSaw = w.now
}

// deadline is the device's own.
func (w *world) deadline(d *diary) time.Time {
	since := d.askedAt
	if since.IsZero() {
		since = d.leavingAt
	}
	return later(since, d.waitsSince).Add(time.Duration(w.fleet.Deadline))
}

// noteState notes since when a device is in its state, and since when it leaves.
func (w *world) noteState(seen Seen) {
	if seen.Unread != "" {
		return
	}
	d := w.diary(seen.ID)
	if d.state != seen.ManagementState {
		d.state, d.stateAt = seen.ManagementState, w.now
	}
	if leaving := IsLeaving(seen.ManagementState); leaving != d.leaving {
		d.leaving, d.leavingAt = leaving, w.now
	}
}

// hear tells the core what came of a call.
func (w *world) hear(c *call) {
	w.say("heard %+v: %+v", c.Write, c.outcome)
	w.tenant.count["answer "+string(c.outcome.Answer)]++
	if c.outcome.Answer == Accepted && c.Again {
		w.tenant.count["a second try was accepted"]++
	}
	for _, id := range c.IDs {
		switch d := w.diary(id); c.outcome.Answer {
		case Accepted, Unknown:
			d.askedAt = c.at
		}
	}
	switch {
	case c.outcome.Answer == Spent:
		w.spentUntil[dailyLimit(c.Action)] = w.now.Add(time.Duration(c.outcome.After))
	case c.outcome.Failure == leaver.GraphUnauthorized, c.outcome.Failure == leaver.IntuneNotLicensed:
		w.blocked = true
	}
	if c.outcome.Answer == Queued {
		w.statuses[c.outcome.Code] = leaver.ApprovalNeeded
	}
	if c.outcome.Answer == Accepted && c.Code != "" {
		w.used[c.Code] = true
	}
	w.fleet.Heard(c.Write, c.outcome, w.now)
	for _, id := range c.IDs {
		d := w.fleet.find(id)
		w.holds(!d.pending(), "%s: an answer was forgotten: %+v %+v", id, c.outcome, d.Calls)
		early := c.outcome.Answer == Queued && c.outcome.Code == c.Code // the request of before waits on
		switch c.outcome.Answer {
		case Accepted, Unknown, Refused, Queued:
			w.holds(early || d.lastCall() != nil && string(d.lastCall().Answer) == string(c.outcome.Answer), "%s: the answer is another: %+v %+v", id, c.outcome, d.Calls)
		}
	}
}

// people has a person answer now and then, rightly or wrongly.
func (w *world) people() bool {
	if w.fleet.NoPerson || !w.isCalm() && !oneIn(w.Rand, w.answers) || w.isCalm() && w.now.Hour()%6 > 0 {
		return false
	}
	if c := w.fleet.Count(w.now); c.Questions+c.AwaitApproval == 0 && !oneIn(w.Rand, 5) {
		return false
	}
	offered := w.fleet.Offered(w.now)
	if len(offered) == 0 {
		return false
	}
	choice := leaver.GiveUp
	var ids []string
	if !w.isCalm() {
		choice = pick(w.Rand, append(slices.Clone(offered), append(choices, leaver.Approved, "keep", "nonsense")...)...)
		if choice == leaver.GiveUp && !oneIn(w.Rand, 3) {
			choice = pick(w.Rand, offered...)
		}
		for range pick(w.Rand, 0, 1, 1, 2) {
			ids = append(ids, pick(w.Rand, w.fleet.Devices...).ID)
		}
	}
	ids, err := w.fleet.Takes(choice, ids, w.now)
	if err != nil {
		w.tenant.count["a choice was not taken"]++
		return false
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	w.holds(choice == leaver.Approved || slices.Contains(choices, choice), "takes %s", choice)
	w.say("choose %s %v", choice, ids)
	w.tenant.count["choice "+string(choice)]++
	for _, id := range ids {
		known := w.fleet.find(id)
		s, d := w.fleet.stand(known, w.now), w.diary(id)
		if choice == leaver.Approved {
			w.holds(s.Verdict == leaver.AwaitingApproval, "%s: takes %s and awaits none", id, choice)
			continue
		}
		if known.pending() {
			w.holds(!known.lastCall().At.Add(Slow).After(w.now), "%s: a choice is taken while it is being asked", id)
			w.tenant.count["a call was given up for a choice"]++
		}
		d.choice, d.chosenAt, d.chosen = choice, w.now, append(d.chosen, choice)
		d.chosenLooks, d.carriedOut = w.fleet.Looks, false
		d.accepted, d.waits = 0, choice == leaver.WaitLonger
		if choice == leaver.WaitLonger || choice == leaver.Retry {
			d.waitsSince = w.now
		}
	}
	w.fleet.Choose(choice, ids, w.now)
	w.stop(ids)
	if choice != leaver.GiveUp && choice != leaver.WaitLonger {
		w.holds(w.fleet.Blocked == nil, "a person has answered, and no call is made still")
		w.blocked = false
	}
	return true
}

// stop cancels the calls that are made for devices. Whether Intune heard them is not known.
func (w *world) stop(ids []string) {
	for _, c := range slices.Clone(w.calls) {
		if c.Action != leaver.RemoveAll && slices.Contains(ids, c.IDs[0]) {
			w.calls = slices.DeleteFunc(w.calls, func(other *call) bool { return other == c })
			c.outcome = Outcome{Answer: Unknown, Why: "the call was stopped before its answer came"}
			w.hear(c)
		}
	}
}

// act has an activity look and write.
func (w *world) act(c *call) {
	// Something may happen between the look that the call was decided on and the call.
	switch {
	case w.isCalm() || w.eventful > 1000:
	case c.Action == leaver.RemoveAll && oneIn(w.Rand, 6):
		w.tenant.enroll(w.now)
	case oneIn(w.Rand, 15):
		w.tenant.event(w.now)
	}
	before := map[string]int{}
	for _, m := range w.tenant.machines {
		before[m.id] = len(m.written)
	}
	c.acted, c.outcome = true, w.tenant.act(c, w.now)
	for _, m := range w.tenant.machines {
		if len(m.written) > before[m.id] {
			w.judgeWritten(m)
		}
	}
	w.say("acted %+v: %+v", c.Write, c.outcome)
}

// judgeTime judges that there is an end.
func (w *world) judgeTime() {
	if w.now.Sub(w.start) > longest {
		w.holds(false, "there is no end: %s", w.describe())
	}
}

// describe tells how every device stands.
func (w *world) describe() string {
	text := w.json(w.todo)
	for _, d := range w.fleet.Devices {
		text += fmt.Sprintf("\n%+v\n  %s", w.fleet.stand(d, w.now), w.json(d))
	}
	return text + "\n" + w.json(w.fleet.Approvals)
}
