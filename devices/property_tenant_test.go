package devices

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// tenant is a model of Intune: what it holds, and what it has really done.
type tenant struct {
	*rand.Rand
	policy   leaver.DevicePolicy
	machines []*machine
	requests []*request
	// approves says that calls for one device need a second administrator's approval,
	// approvesAll that the one action for all does; readable that the worker may read
	// the requests; decides is one in how many hours an administrator decides.
	approves, approvesAll, readable bool
	decides                         int
	// late is how much later than after three days Intune notices that a request is too
	// old; that may be sooner, as the core's clock begins later.
	late time.Duration
	// daily is how many calls of a kind a day takes, left how many it still takes.
	daily, left  map[leaver.DeviceAction]int
	refusesAll   bool           // the one action for all is not taken
	refusesUntil time.Time      // until then no call is taken at all
	deaf         int            // one in how many devices Intune takes days to answer calls about
	count        map[string]int // what has happened
	accepts      func(*machine) // judges what was accepted for a device
}

// machine is a device as it really is, and what the shell has told the core of it.
type machine struct {
	id string
	leaver.DeviceFacts
	diary
	gone    bool
	another bool     // it belongs to another user by now
	owners  []string // the owner types that it has had
	// todo is what it does when it checks in, at due; it fails before as often as
	// failures says. One that ignores checks in and does nothing; one that is never
	// heard of does not check in.
	todo           leaver.DeviceAction
	due            time.Time
	failures       int
	ignores, never bool
	unheard        int       // of how many calls that Intune accepts it never hears
	deafSince      time.Time // it checks in as if it had not been asked
	refusals       int       // how many calls for it are refused
	deaf           bool      // Intune takes days to answer calls for it
	fickle         bool      // it is described otherwise each time
	keyReadable    time.Time // when the recovery key can be read
	keyHidden      bool      // the key never can be read
	missed         bool      // the next list does not show it
	unreadable     time.Time // until then Intune does not tell of it
	// written are the actions that Intune has accepted; elsewhere counts the calls for
	// all that were accepted while it was not the leaver's.
	written   []leaver.DeviceAction
	elsewhere int
}

// request is a request for a second administrator's approval.
type request struct {
	code    string
	action  leaver.DeviceAction
	id      string // empty where it is for all devices
	status  leaver.ApprovalStatus
	expires time.Time
}

// met counts what has happened, which ends as it is told.
func (t *tenant) met(what string, o Outcome) Outcome {
	t.count[what]++
	return o
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// oneIn reports true once in so many times.
func (t *tenant) oneIn(n int) bool { return t.IntN(n) == 0 }

// upTo is a time of less than so many units.
func (t *tenant) upTo(n int, unit time.Duration) time.Duration {
	return time.Duration(t.IntN(n)) * unit
}

func newTenant(r *rand.Rand, policy leaver.DevicePolicy, count map[string]int) *tenant {
	t := &tenant{Rand: r, policy: policy, count: count}
	t.approves, t.readable, t.refusesAll = t.oneIn(3), !t.oneIn(3), t.oneIn(4)
	t.decides, t.deaf, t.late = pick(r, 5, 20, 60, 100000), pick(r, 2, 30, 30, 30, 30), pick(r, 0, -2*time.Hour, 5*time.Hour)
	t.approvesAll = t.approves && t.oneIn(2) || t.oneIn(10)
	if t.oneIn(5) {
		t.daily = map[leaver.DeviceAction]int{leaver.Retire: r.IntN(4), leaver.Wipe: 1 + r.IntN(2), leaver.DeleteRecord: 1}
	}
	return t
}

// enroll adds a device.
func (t *tenant) enroll(now time.Time) {
	m := &machine{id: fmt.Sprintf("device-%02d", len(t.machines)), diary: diary{stood: map[string]bool{}}, failures: pick(t.Rand, 0, 0, 0, 0, 1, 2, 3), unheard: pick(t.Rand, 0, 0, 0, 0, 0, 0, 1, 2, 3)}
	m.Name = "CONTOSO-" + m.id
	m.OperatingSystem = pick(t.Rand, "Windows", "Windows", "macOS", "iOS", "iPadOS", "Android", "AndroidForWork", "android", "Linux", "ChromeOS", "")
	m.OwnerType = pick(t.Rand, "company", "personal", "unknown")
	m.ManagementState = pick(t.Rand, "managed", "managed", "managed", "managed", "managed", "retirePending", "wipePending",
		"retireFailed", "wipeCanceled", "unhealthy")
	m.LastSyncDateTime = now.Add(-t.upTo(500, time.Hour)).Truncate(time.Second)
	m.owners = []string{m.OwnerType}
	m.never, m.ignores, m.deaf, m.fickle = t.oneIn(6), t.oneIn(15), t.oneIn(t.deaf), t.oneIn(60)
	if t.oneIn(10) {
		m.refusals = 1 + t.IntN(3)
	}
	if IsWindows(m.OperatingSystem) {
		m.RecoveryKey = pick(t.Rand, leaver.RecoveryKeyOnRecord, leaver.RecoveryKeyOnRecord, leaver.RecoveryKeyMissing)
		m.keyReadable, m.keyHidden = now.Add(pick(t.Rand, 0, 0, 0, 30*time.Second, 3*time.Hour, 50*time.Hour)), t.oneIn(10)
	}
	if IsLeaving(m.ManagementState) {
		m.todo, m.due = leaver.Retire, now.Add(t.upTo(200, time.Hour))
	}
	t.machines = append(t.machines, m)
}

func (t *tenant) find(id string) *machine {
	return t.machines[slices.IndexFunc(t.machines, func(m *machine) bool { return m.id == id })]
}

// hour is what an hour does to the tenant.
func (t *tenant) hour(now time.Time) {
	if now.Hour() == 0 {
		t.left = maps.Clone(t.daily)
	}
	for _, m := range t.machines {
		t.checkIn(m, now)
	}
	for _, q := range t.requests {
		switch {
		case q.status == leaver.ApprovalNeeded && !q.expires.After(now), q.status == leaver.ApprovalApproved && q.expires.Add(30*24*time.Hour).Before(now):
			q.status = leaver.ApprovalExpired
			t.count["a request expired"]++
		case q.status == leaver.ApprovalNeeded && t.oneIn(t.decides):
			approved := leaver.ApprovalApproved
			q.status = pick(t.Rand, approved, approved, approved, leaver.ApprovalRejected, leaver.ApprovalCancelled)
			t.count["a request was "+string(q.status)]++
		}
	}
}

func (t *tenant) checkIn(m *machine, now time.Time) {
	at := later(m.due, now.Add(-time.Second-t.upTo(3500, time.Second))).Truncate(time.Second)
	switch {
	case m.todo == "" && !m.deafSince.IsZero() && !m.gone && !m.never && t.oneIn(8):
		m.LastSyncDateTime = later(at, m.deafSince).Truncate(time.Second)
	case m.gone || m.never || m.todo == "" || now.Before(m.due):
	case m.ignores:
		m.LastSyncDateTime, m.due = at, now.Add(30*time.Hour)
	case m.failures > 0:
		kind := map[bool]string{true: "retire", false: "wipe"}[m.todo == leaver.Retire]
		m.failures--
		m.todo, m.ManagementState, m.LastSyncDateTime = "", kind+pick(t.Rand, "Failed", "Canceled"), at
		t.count["a device failed"]++
	default:
		m.gone = true
	}
}

// event is something that nobody has asked for.
func (t *tenant) event(now time.Time) {
	if len(t.machines) == 0 || t.oneIn(12) {
		t.enroll(now)
		t.count["a late enrolment"]++
		return
	}
	m := pick(t.Rand, t.machines...)
	if m.gone {
		return
	}
	switch t.IntN(15) {
	case 0:
		m.another = true
		t.count["a hand-over"]++
	case 1, 12, 13, 14:
		m.OwnerType = pick(t.Rand, "company", "personal", "unknown")
		m.owners = append(m.owners, m.OwnerType)
	case 2, 3:
		m.missed = true
	case 4:
		m.unreadable = now.Add(time.Hour + t.upTo(60, time.Hour))
		t.count["a device could not be read"]++
	case 5:
		if m.keyHidden = false; m.RecoveryKey == leaver.RecoveryKeyMissing {
			m.RecoveryKey = leaver.RecoveryKeyOnRecord
		}
	case 6:
		t.refusesUntil = now.Add(time.Hour + t.upTo(30, time.Hour))
	case 7:
		m.refusals++
	case 8: // somebody has it retired in Intune
		m.ManagementState, m.todo, m.due = "retirePending", leaver.Retire, now.Add(t.upTo(100, time.Hour))
	case 9: // somebody cancels that in Intune
		if IsLeaving(m.ManagementState) {
			m.ManagementState, m.todo = "retireCanceled", ""
		}
	case 10:
		m.gone = true
	case 11:
		m.LastSyncDateTime = now.Truncate(time.Second)
	}
}

// call is a call that is being made: the activity looks at its target and writes at
// the moment acts, and its answer comes at the moment ends.
type call struct {
	Write
	at, acts, ends time.Time
	known          map[string]Known // how the devices were when the call was decided
	acted          bool
	lost, unsent   bool // the answer is lost; the call is lost as well
	outcome        Outcome
}

func (c *call) all() bool { return c.Action == leaver.RemoveAll }

// act is what the activity does: it looks first, and does not write where a device is
// not as it was decided about.
func (t *tenant) act(c *call, now time.Time) Outcome {
	if !c.all() {
		m, k := t.find(c.IDs[0]), c.known[c.IDs[0]]
		switch {
		case m.gone || m.fickle || m.another || k.OwnerType != m.OwnerType || IsLeaving(m.ManagementState) && !IsLeaving(k.State):
			return t.met("a call for one was unfit", Outcome{Answer: Unfit})
		case t.oneIn(80):
			return t.met("the account was enabled", Outcome{Answer: Held, AccountEnabled: true})
		case m.unreadable.After(now):
			return Outcome{Answer: Refused, Failure: leaver.GraphUnavailable, Why: "the device could not be read for a day"}
		}
		return t.sent(c, []*machine{m}, now)
	}
	var leavers []*machine
	for _, m := range t.machines {
		if m.gone || m.another {
			continue
		}
		if k, isKnown := c.known[m.id]; !isKnown || !slices.Contains(c.IDs, m.id) || k.OwnerType != m.OwnerType {
			return t.met("the call for all was unfit", Outcome{Answer: Unfit})
		}
		leavers = append(leavers, m)
	}
	if len(leavers) == 0 {
		return Outcome{Answer: Unfit}
	}
	return t.sent(c, leavers, now)
}

// sent is a call that is sent to Intune, and may be lost on its way or back.
func (t *tenant) sent(c *call, targets []*machine, now time.Time) Outcome {
	lost := Outcome{Answer: Unknown, Failure: leaver.GraphUnavailable, Why: "Intune did not answer for a day"}
	if c.unsent {
		return t.met("a call was lost", lost)
	}
	outcome := t.take(c, targets, now)
	if c.lost {
		return t.met("the answer was lost after which the call was "+string(outcome.Answer), lost)
	}
	return outcome
}

// take is what Intune makes of a call.
func (t *tenant) take(c *call, targets []*machine, now time.Time) Outcome {
	switch {
	case t.refusesUntil.After(now):
		failure := pick(t.Rand, leaver.GraphUnauthorized, leaver.IntuneNotLicensed)
		return t.met("every call was refused", Outcome{Answer: Refused, Failure: failure, Why: "Graph refuses the token"})
	case c.all() && t.refusesAll:
		return t.met("the call for all had no route", Outcome{Answer: NoRoute, Why: "the tenant refuses removeAllDevicesFromManagement"})
	}
	for _, m := range targets {
		if m.refusals > 0 {
			m.refusals--
			return t.met("a call was refused", Outcome{Answer: Refused, Failure: leaver.GraphForbidden, Why: "Graph forbids it"})
		}
	}
	var approved *request
	if c.all() && t.approvesAll || !c.all() && t.approves {
		var outcome Outcome
		if outcome, approved = t.approval(c); approved == nil {
			return outcome
		}
	}
	limit := dailyLimit(c.Action)
	if left, limited := t.left[limit]; limited && left < len(targets) && (!c.all() || left == 0) {
		t.count["the day was used up"]++
		tomorrow := leaver.Duration(now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now))
		return Outcome{Answer: Spent, After: pick(t.Rand, tomorrow, tomorrow, 0, -leaver.Duration(time.Hour))}
	} else if limited {
		t.left[limit] = max(0, left-len(targets))
	}
	if approved != nil {
		approved.status = leaver.ApprovalCompleted
		t.count["an approval was used"]++
	}
	for _, m := range targets {
		t.carryOut(m, c, now)
	}
	for _, id := range c.IDs {
		if m := t.find(id); !slices.Contains(targets, m) {
			m.elsewhere++
		}
	}
	return Outcome{Answer: Accepted}
}

func (t *tenant) carryOut(m *machine, c *call, now time.Time) {
	action := c.Action
	if c.all() {
		t.count["the call for all retired a device"]++
		action = leaver.Retire
	}
	m.written = append(m.written, action)
	t.accepts(m)
	if m.unheard > 0 && m.todo == "" && action != leaver.DeleteRecord {
		m.unheard, m.deafSince = m.unheard-1, now
		t.count["a call was not heard"]++
		return
	}
	m.todo, m.due, m.ManagementState = action, now.Add(t.upTo(60, time.Hour)), "wipePending"
	switch action {
	case leaver.Retire:
		m.ManagementState = "retirePending"
	case leaver.DeleteRecord:
		m.gone = true
	}
}

// approval returns the approved request that a call carries, or how the call is
// answered: a request is filed, or there is one already.
func (t *tenant) approval(c *call) (Outcome, *request) {
	id := c.IDs[0]
	if c.all() {
		id = ""
	}
	for _, q := range t.requests {
		if q.action != c.Action || q.id != id {
			continue
		}
		switch {
		case c.Code == q.code && q.status == leaver.ApprovalApproved:
			return Outcome{}, q
		case c.Code == q.code && q.status == leaver.ApprovalNeeded:
			return t.met("an approval was told too early", Outcome{Answer: Queued, Code: q.code}), nil
		case q.status == leaver.ApprovalNeeded && t.readable:
			return t.met("a request was pending already and found", Outcome{Answer: Queued, Code: q.code}), nil
		case q.status == leaver.ApprovalNeeded:
			pending := Outcome{Answer: Refused, Failure: leaver.ApprovalRequired, Why: "a request for approval of the same is pending in Intune"}
			return t.met("a request was pending already and not found", pending), nil
		}
	}
	if c.Code != "" && t.oneIn(2) {
		return Outcome{Answer: Refused, Failure: leaver.GraphBadRequest, Why: "the request for approval is not approved"}, nil
	}
	code := fmt.Sprintf("code-%d", len(t.requests))
	t.requests = append(t.requests, &request{code, c.Action, id, leaver.ApprovalNeeded, c.acts.Add(approvalLife + t.late)})
	return t.met("a request was filed", Outcome{Answer: Queued, Code: code}), nil
}

// doesHarm says what harm an action would do to a device as it is, or "". It words the
// README's rules on its own.
func (t *tenant) doesHarm(action leaver.DeviceAction, system, owner string) string {
	android := strings.HasPrefix(strings.ToLower(system), "android")
	switch company, personal := owner == "company", owner == "personal"; {
	case action == leaver.WipeKeepUserData && system != "Windows":
		return "user data is kept on Windows only"
	case action == leaver.Wipe && android && !company:
		return "only a corporate Android device can be wiped"
	case action == leaver.Retire && android && company:
		return "a corporate Android device cannot be retired"
	case action == leaver.DeleteRecord && android && !company && !personal:
		return "an Android device whose owner is not known may be reset"
	case action == leaver.DeleteRecord && android && company && t.policy.For("company", system) != leaver.Wipe:
		return "a corporate Android device would be reset"
	}
	return ""
}
