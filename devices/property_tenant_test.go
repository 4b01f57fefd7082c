package devices

import (
	"fmt"
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
	// refusesAll says that the one action for all is not taken.
	refusesAll bool
	// late is how much later than after three days Intune notices that a request is too
	// old; that may be sooner, as the core's clock begins later.
	late time.Duration
	// daily is how many calls of a kind a day takes, left how many it still takes.
	daily, left map[leaver.DeviceAction]int
	// refusesUntil is until when no call is taken at all.
	refusesUntil time.Time
	// deaf is one in how many devices Intune takes days to answer calls about.
	deaf int
	// count counts what has happened.
	count map[string]int
}

// machine is a device as it really is.
type machine struct {
	id string
	leaver.DeviceFacts
	gone bool
	// another says that it belongs to another user by now.
	another bool
	// owners are the owner types that it has had.
	owners []string
	// asked is what it does when it checks in, at due; it fails before as often as
	// failures says. One that ignores checks in and does nothing; one that is never
	// heard of does not check in.
	asked          leaver.DeviceAction
	due            time.Time
	failures       int
	ignores, never bool
	// refusals is how many calls for it are refused; deaf says that Intune takes
	// days to answer them.
	refusals int
	deaf     bool
	// fickle says that it is described otherwise each time.
	fickle bool
	// keyReadable is when the recovery key can be read; keyHidden says that it never can.
	keyReadable time.Time
	keyHidden   bool
	// missed says that the next list does not show it; unreadableUntil is until when
	// Intune does not tell of it.
	missed          bool
	unreadableUntil time.Time
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

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// oneIn reports true once in so many times.
func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

func newTenant(r *rand.Rand, policy leaver.DevicePolicy) *tenant {
	t := &tenant{Rand: r, policy: policy, count: map[string]int{}, approves: oneIn(r, 3), readable: !oneIn(r, 3), decides: pick(r, 5, 20, 60, 100000), refusesAll: oneIn(r, 4), deaf: pick(r, 2, 30, 30, 30, 30), late: pick(r, 0, -2*time.Hour, 5*time.Hour)}
	t.approvesAll = t.approves && oneIn(r, 2) || oneIn(r, 10)
	if oneIn(r, 5) {
		t.daily = map[leaver.DeviceAction]int{leaver.Retire: r.IntN(4), leaver.Wipe: 1 + r.IntN(2), leaver.DeleteRecord: 1}
	}
	return t
}

// enroll adds a device.
func (t *tenant) enroll(now time.Time) {
	m := &machine{id: fmt.Sprintf("device-%02d", len(t.machines))}
	m.Name = "CONTOSO-" + m.id
	m.OperatingSystem = pick(t.Rand, "Windows", "Windows", "macOS", "iOS", "iPadOS", "Android", "AndroidForWork", "android", "Linux", "ChromeOS", "")
	m.OwnerType = pick(t.Rand, "company", "personal", "unknown")
	m.ManagementState = pick(t.Rand, "managed", "managed", "managed", "managed", "managed", "retirePending", "wipePending", "retireFailed", "wipeCanceled", "unhealthy")
	m.LastSyncDateTime = now.Add(-time.Duration(t.IntN(500)) * time.Hour).Truncate(time.Second)
	m.owners = []string{m.OwnerType}
	m.failures = pick(t.Rand, 0, 0, 0, 0, 1, 2, 3)
	m.never, m.ignores, m.deaf = oneIn(t.Rand, 6), oneIn(t.Rand, 15), oneIn(t.Rand, t.deaf)
	m.fickle = oneIn(t.Rand, 60)
	if oneIn(t.Rand, 10) {
		m.refusals = 1 + t.IntN(3)
	}
	if IsWindows(m.OperatingSystem) {
		m.RecoveryKey = pick(t.Rand, leaver.RecoveryKeyOnRecord, leaver.RecoveryKeyOnRecord, leaver.RecoveryKeyMissing)
		m.keyReadable = now.Add(pick(t.Rand, 0, 0, 0, 30*time.Second, 3*time.Hour, 50*time.Hour))
		m.keyHidden = oneIn(t.Rand, 10)
	}
	if IsLeaving(m.ManagementState) {
		m.asked, m.due = leaver.Retire, now.Add(time.Duration(t.IntN(200))*time.Hour)
	}
	t.machines = append(t.machines, m)
}

func (t *tenant) find(id string) *machine {
	at := slices.IndexFunc(t.machines, func(m *machine) bool { return m.id == id })
	if at < 0 {
		return nil
	}
	return t.machines[at]
}

// leavers are the devices that are the leaver's at the moment.
func (t *tenant) leavers() (list []*machine) {
	for _, m := range t.machines {
		if !m.gone && !m.another {
			list = append(list, m)
		}
	}
	return list
}

// hour is what an hour does to the tenant.
func (t *tenant) hour(now time.Time) {
	if now.Hour() == 0 && t.daily != nil {
		t.left = map[leaver.DeviceAction]int{leaver.Retire: t.daily[leaver.Retire], leaver.Wipe: t.daily[leaver.Wipe], leaver.DeleteRecord: t.daily[leaver.DeleteRecord]}
	}
	for _, m := range t.machines {
		t.checkIn(m, now)
	}
	for _, q := range t.requests {
		switch {
		case q.status == leaver.ApprovalNeeded && !q.expires.After(now), q.status == leaver.ApprovalApproved && q.expires.Add(30*24*time.Hour).Before(now):
			q.status = leaver.ApprovalExpired
			t.count["a request expired"]++
		case q.status == leaver.ApprovalNeeded && oneIn(t.Rand, t.decides):
			q.status = pick(t.Rand, leaver.ApprovalApproved, leaver.ApprovalApproved, leaver.ApprovalApproved, leaver.ApprovalRejected, leaver.ApprovalCancelled)
			t.count["a request was "+string(q.status)]++
		}
	}
}

func (t *tenant) checkIn(m *machine, now time.Time) {
	at := later(m.due, now.Add(-time.Duration(1+t.IntN(3500))*time.Second)).Truncate(time.Second)
	switch {
	case m.gone || m.never || m.asked == "" || now.Before(m.due):
	case m.ignores:
		m.LastSyncDateTime, m.due = at, now.Add(30*time.Hour)
	case m.failures > 0:
		kind := "retire"
		if m.asked != leaver.Retire {
			kind = "wipe"
		}
		m.failures--
		m.asked, m.ManagementState, m.LastSyncDateTime = "", kind+pick(t.Rand, "Failed", "Canceled"), at
		t.count["a device failed"]++
	default:
		m.gone = true
	}
}

// event is something that nobody has asked for.
func (t *tenant) event(now time.Time) {
	if len(t.machines) == 0 || oneIn(t.Rand, 12) {
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
		m.unreadableUntil = now.Add(time.Duration(1+t.IntN(60)) * time.Hour)
		t.count["a device could not be read"]++
	case 5:
		if m.RecoveryKey == leaver.RecoveryKeyMissing {
			m.RecoveryKey = leaver.RecoveryKeyOnRecord
		}
		m.keyHidden = false
	case 6:
		t.refusesUntil = now.Add(time.Duration(1+t.IntN(30)) * time.Hour)
	case 7:
		m.refusals++
	case 8: // somebody has it retired in Intune
		m.ManagementState, m.asked, m.due = "retirePending", leaver.Retire, now.Add(time.Duration(t.IntN(100))*time.Hour)
	case 9: // somebody cancels that in Intune
		if IsLeaving(m.ManagementState) {
			m.ManagementState, m.asked = "retireCanceled", ""
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
	// known is how the devices were when the call was decided.
	known []Known
	acted bool
	// lost says that the answer is lost, unsent that the call is lost as well.
	lost, unsent bool
	outcome      Outcome
}

func (c *call) knows(id string) *Known {
	at := slices.IndexFunc(c.known, func(k Known) bool { return k.ID == id })
	if at < 0 {
		return nil
	}
	return &c.known[at]
}

// act is what the activity does: it looks first, and does not write where a device is
// not as it was decided about.
func (t *tenant) act(c *call, now time.Time) Outcome {
	switch {
	case c.Action == leaver.RemoveAll:
		list := t.leavers()
		if len(list) == 0 {
			return Outcome{Answer: Unfit}
		}
		for _, m := range list {
			if k := c.knows(m.id); k == nil || !slices.Contains(c.IDs, m.id) || k.OwnerType != m.OwnerType {
				t.count["the call for all was unfit"]++
				return Outcome{Answer: Unfit}
			}
		}
		return t.sent(c, list, now)
	default:
		m, k := t.find(c.IDs[0]), c.knows(c.IDs[0])
		if m == nil || m.gone || m.fickle || m.another || k.OwnerType != m.OwnerType || IsLeaving(m.ManagementState) && !IsLeaving(k.State) {
			t.count["a call for one was unfit"]++
			return Outcome{Answer: Unfit}
		}
		if m.unreadableUntil.After(now) {
			return Outcome{Answer: Refused, Failure: leaver.GraphUnavailable, Why: "the device could not be read for a day"}
		}
		return t.sent(c, []*machine{m}, now)
	}
}

// sent is a call that is sent to Intune, and may be lost on its way or back.
func (t *tenant) sent(c *call, targets []*machine, now time.Time) Outcome {
	lost := Outcome{Answer: Unknown, Failure: leaver.GraphUnavailable, Why: "Intune did not answer for a day"}
	if c.unsent {
		t.count["a call was lost"]++
		return lost
	}
	outcome := t.take(c, targets, now)
	if c.lost {
		t.count["the answer was lost after which the call was "+string(outcome.Answer)]++
		return lost
	}
	return outcome
}

// take is what Intune makes of a call.
func (t *tenant) take(c *call, targets []*machine, now time.Time) Outcome {
	all := c.Action == leaver.RemoveAll
	switch {
	case t.refusesUntil.After(now):
		t.count["every call was refused"]++
		return Outcome{Answer: Refused, Failure: pick(t.Rand, leaver.GraphUnauthorized, leaver.IntuneNotLicensed), Why: "Graph refuses the token"}
	case all && t.refusesAll:
		t.count["the call for all had no route"]++
		return Outcome{Answer: NoRoute, Why: "the tenant refuses removeAllDevicesFromManagement"}
	}
	for _, m := range targets {
		if m.refusals > 0 {
			m.refusals--
			t.count["a call was refused"]++
			return Outcome{Answer: Refused, Failure: leaver.GraphForbidden, Why: "Graph forbids it"}
		}
	}
	var approved *request
	if all && t.approvesAll || !all && t.approves {
		outcome, request := t.approval(c)
		if request == nil {
			return outcome
		}
		approved = request
	}
	limit := dailyLimit(c.Action)
	if left, limited := t.left[limit]; limited && left < len(targets) && (!all || left == 0) {
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
		t.carryOut(m, c.Action, now)
	}
	for _, id := range c.IDs {
		if m := t.find(id); !slices.Contains(targets, m) {
			m.elsewhere++
		}
	}
	return Outcome{Answer: Accepted}
}

func (t *tenant) carryOut(m *machine, action leaver.DeviceAction, now time.Time) {
	if action == leaver.RemoveAll {
		t.count["the call for all retired a device"]++
		action = leaver.Retire
	}
	m.written = append(m.written, action)
	m.asked, m.due = action, now.Add(time.Duration(t.IntN(60))*time.Hour)
	switch action {
	case leaver.Retire:
		m.ManagementState = "retirePending"
	case leaver.DeleteRecord:
		m.gone = true
	default:
		m.ManagementState = "wipePending"
	}
}

// approval returns the approved request that a call carries, or how the call is
// answered: a request is filed, or there is one already.
func (t *tenant) approval(c *call) (Outcome, *request) {
	id := c.IDs[0]
	if c.Action == leaver.RemoveAll {
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
			t.count["an approval was told too early"]++
			return Outcome{Answer: Queued, Code: q.code}, nil
		case q.status == leaver.ApprovalNeeded && t.readable:
			t.count["a request was pending already and found"]++
			return Outcome{Answer: Queued, Code: q.code}, nil
		case q.status == leaver.ApprovalNeeded:
			t.count["a request was pending already and not found"]++
			return Outcome{Answer: Refused, Failure: leaver.ApprovalRequired, Why: "a request for approval of the same is pending in Intune"}, nil
		}
	}
	if c.Code != "" && oneIn(t.Rand, 2) {
		return Outcome{Answer: Refused, Failure: leaver.GraphBadRequest, Why: "the request for approval is not approved"}, nil
	}
	q := &request{code: fmt.Sprintf("code-%d", len(t.requests)), action: c.Action, id: id, status: leaver.ApprovalNeeded}
	q.expires = c.acts.Add(approvalLife + t.late)
	t.requests = append(t.requests, q)
	t.count["a request was filed"]++
	return Outcome{Answer: Queued, Code: q.code}, nil
}

// doesHarm says what harm an action would do to a device as it is, or "". It words the
// README's rules on its own.
func (t *tenant) doesHarm(action leaver.DeviceAction, m *machine) string {
	android := strings.HasPrefix(strings.ToLower(m.OperatingSystem), "android")
	known := m.OwnerType == "company" || m.OwnerType == "personal"
	switch action {
	case leaver.WipeKeepUserData:
		if m.OperatingSystem != "Windows" {
			return "user data is kept on Windows only"
		}
	case leaver.Wipe:
		if android && m.OwnerType != "company" {
			return "only a corporate Android device can be wiped"
		}
	case leaver.Retire:
		if android && m.OwnerType == "company" {
			return "a corporate Android device cannot be retired"
		}
	case leaver.DeleteRecord:
		if android && !known {
			return "an Android device whose owner is not known may be reset"
		}
		if android && m.OwnerType == "company" && t.policy.For("company", m.OperatingSystem) != leaver.Wipe {
			return "a corporate Android device would be reset"
		}
	}
	return ""
}
