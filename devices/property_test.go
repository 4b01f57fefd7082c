package devices

import (
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever the fleet, the policy, the tenant and the people do: every fleet ends, what
// is said of a device is true, and only what was wanted is asked of it.
//
// LEAVER_TEST_SEEDS says how many fleets are tried, LEAVER_TEST_SEED has a single one
// told event by event.
func TestEveryFleetEndsAndWhatIsSaidOfItIsTrue(t *testing.T) {
	t.Parallel()
	seeds, workers := number(t, "LEAVER_TEST_SEEDS", 2000), 4
	if text := os.Getenv("LEAVER_TEST_SEED"); text != "" {
		live(t, uint64(number(t, "LEAVER_TEST_SEED", 0)), true)
		return
	}
	var mutex sync.Mutex
	count := map[string]int{}
	t.Run("seeds", func(t *testing.T) {
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < seeds; seed += workers {
					counted := live(t, uint64(seed), false)
					mutex.Lock()
					for what, n := range counted {
						count[what] += n
					}
					mutex.Unlock()
				}
			})
		}
	})
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%7d %s", count[what], what)
	}
	if t.Failed() || seeds < 2000 {
		return
	}
	for _, what := range often {
		assert.GreaterOrEqual(t, count[what], seeds/200, "hardly ever: %s", what)
	}
}

// often is what the fleets must have met, so that the test shows something: each as often
// as once in two hundred fleets at least.
var often = strings.Split(strings.TrimSpace(`
a call for one was unfit
a call was lost
a call was refused
a call was slow
a choice was not taken
a device could not be read
a device failed
a hand-over
a late enrolment
a list missed a device
a person's choice was carried out
a question that nobody answers
a question: it cannot be read
a question: it has no recovery key
a question: it is late and has checked in
a question: it is listed no more
a question: it was unfit each time
a question: it would do harm
a question: its recovery key could not be read for a day
a question: no call is taken at all
a question: whether it has a recovery key is not known
a request expired
a request was approved
a request was cancelled
a request was filed
a request was pending already and found
a request was pending already and not found
a request was rejected
a second try was accepted
an approval was told too early
an approval was used
answer accepted
answer noRoute
answer queued
answer refused
answer spent
answer unfit
answer unknown
as many calls as are allowed were made at once
choice approved
choice deleteRecord
choice giveUp
choice retire
choice retry
choice waitLonger
choice wipe
choice wipeKeepUserData
continued as new
ended done gone
ended failed canceled
ended failed failed
ended failed leaving
ended failed notAsked
ended failed silent
ended failed unknown
ended skipped givenUp
ended skipped kept
every call was refused
one call did for all
stood as awaitingApproval
stood as canceled
stood as failed
stood as leaving
stood as notAsked
stood as silent
stood as unknown
the answer was lost after which the call was accepted
the answer was lost after which the call was queued
the answer was lost after which the call was refused
the answer was lost after which the call was spent
the call for all had no route
the call for all retired a device
the call for all was unfit
the day was used up
waits for its recovery key
waits for the next day
waits for the request of others
`), "\n")

func number(t *testing.T, variable string, otherwise int) int {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, variable)
	return n
}

func live(t *testing.T, seed uint64, trace bool) map[string]int {
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("seed %d: %v\n%s", seed, r, debug.Stack())
		}
	}()
	w := newWorld(t, seed)
	w.trace = trace
	w.live()
	w.tenant.count["fleets"]++
	w.tenant.count["rounds"] += w.nexts
	return w.tenant.count
}

// judgeWrites judges calls before they are made.
func (w *world) judgeWrites(writes []Write) {
	w.holds(!w.todo.Look, "is to write and to look at once")
	if w.fleet.Looks == 1 && w.isPlain() {
		w.holds(writes[0].Action == leaver.RemoveAll, "one call would have done: %+v", writes)
		w.tenant.count["one call did for all"]++
	}
	w.holds(!w.blocked, "a call is made, and the tenant takes none: %+v", writes)
	asked := map[string]bool{}
	for _, write := range writes {
		until := w.spentUntil[dailyLimit(write.Action)]
		w.holds(!until.After(w.now), "%s is made while the day is used up, until %s", write.Action, until)
		all := write.Action == leaver.RemoveAll
		w.holds(all || slices.Contains([]leaver.DeviceAction{leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord}, write.Action), "%+v is no call", write)
		w.holds(len(write.IDs) == 1 || all, "%+v is for several", write)
		w.holds(!all || len(writes) == 1, "asks all and some at once: %+v", writes)
		for _, id := range write.IDs {
			d, diary := w.fleet.find(id), w.diary(id)
			w.holds(d != nil && !asked[id], "%s is not known or asked twice at once", id)
			asked[id] = true
			w.holds(diary.listed, "%s is asked and is not listed for the leaver", id)
			w.holds(diary.choice != leaver.GiveUp, "%s is asked after it was given up", id)
			w.holds(!d.Gone && !d.pending(), "%s is asked while it is gone or being asked", id)
			w.holds(!all || diary.choice == "" || diary.choice == leaver.WaitLonger || diary.choice == leaver.Retry, "%s is asked by the call for all, and %s was chosen", id, diary.choice)
			w.holds(diary.choice != leaver.Retry || diary.carriedOut || w.fleet.Looks > diary.chosenLooks, "%s is tried again without a look", id)
			diary.carriedOut = true
			recent := 0
			for _, at := range diary.begun {
				if w.now.Sub(at) < time.Hour {
					recent++
				}
			}
			w.holds(recent < 15 || w.tenant.daily != nil && recent < 60, "%s is asked again and again: %v", id, diary.begun)
		}
		if all {
			w.holds(w.fleet.Policy.RetiresAll(), "asks all, and the policy does not retire all")
			for _, d := range w.fleet.Devices {
				w.holds(d.Gone || asked[d.ID] || !w.diary(d.ID).listed, "%s is left out of the call for all", d.ID)
				w.holds(d.Gone || w.diary(d.ID).choice != leaver.GiveUp, "all are asked, and %s was given up", d.ID)
			}
		}
		if write.Code != "" {
			w.holds(!w.used[write.Code], "%s was used by an accepted call already", write.Code)
			w.holds(slices.Contains([]leaver.ApprovalStatus{leaver.ApprovalApproved, leaver.ApprovalNeeded, leaver.ApprovalCompleted}, w.statuses[write.Code]), "%s is carried, and was %s", write.Code, w.statuses[write.Code])
			for _, c := range w.calls {
				w.holds(c.Code != write.Code, "%s is carried by two calls at once", write.Code)
			}
			for _, other := range writes {
				w.holds(other.Code != write.Code || other.IDs[0] == write.IDs[0], "%s is carried by two calls at once", write.Code)
			}
			for _, q := range w.tenant.requests {
				w.holds(q.code != write.Code || q.action == write.Action && (all || q.id == write.IDs[0]), "%s was for something else than %+v: %+v", write.Code, write, q)
			}
		}
	}
}

// isPlain reports whether every device is one that the call for all may retire, and
// nothing has been tried yet.
func (w *world) isPlain() bool {
	return w.fleet.Policy.RetiresAll() && w.fleet.RefusesAll == "" && !w.fleet.Policy.RequireRecoveryKey && !slices.ContainsFunc(w.fleet.Devices, func(d *Device) bool {
		return len(d.Calls) > 0 || d.Choice != nil || d.Unfit > 0 || d.Unread != "" || !d.UnlistedAt.IsZero() || d.Gone || w.tenant.doesHarm(leaver.Retire, &machine{DeviceFacts: d.DeviceFacts}) != ""
	})
}

// judgePending judges how many calls are being made at once.
func (w *world) judgePending() {
	fresh := 0
	for _, c := range w.calls {
		if c.at.Add(Slow).After(w.now) {
			fresh++
		}
	}
	w.holds(fresh <= AtOnce, "%d calls are made at once", fresh)
	if fresh == AtOnce {
		w.tenant.count["as many calls as are allowed were made at once"]++
	}
}

// judgeWritten judges what Intune has accepted for a device, at that moment.
func (w *world) judgeWritten(m *machine) {
	action := m.written[len(m.written)-1]
	d, diary := w.fleet.find(m.id), w.diary(m.id)
	w.holds(!m.another, "%s is another user's", m.id)
	harm := w.tenant.doesHarm(action, m)
	w.holds(harm == "", "%s: %s does harm: %s", m.id, action, harm)
	chosen := slices.Contains(diary.chosen, leaver.Choice(action))
	planned := slices.ContainsFunc(m.owners, func(owner string) bool { return w.fleet.Policy.For(owner, m.OperatingSystem) == action })
	w.holds(chosen || planned, "%s: nobody wants %s: %v", m.id, action, diary.chosen)
	if w.fleet.Policy.RequireRecoveryKey && IsWindows(m.OperatingSystem) && action != leaver.DeleteRecord && m.RecoveryKey != leaver.RecoveryKeyOnRecord {
		w.holds(chosen, "%s: %s, and there is no recovery key", m.id, action)
	}
	last := d.lastCall()
	w.holds(last != nil && last.Action == action && d.pending(), "%s: %s is not in the journal: %+v", m.id, action, d.Calls)
	w.holds(leaver.Device{Calls: d.Calls}.Asked() == last, "%s: it is not said that it was asked", m.id)
	diary.accepted++
	w.holds(diary.accepted <= 2, "%s was asked %d times, and no person wanted that: %+v", m.id, diary.accepted, d.Calls)
	if chosen && !planned {
		w.tenant.count["a person's choice was carried out"]++
	}
}

// judge judges how each device stands.
func (w *world) judge() {
	w.holds(w.fleet.Looks > 0 || len(w.fleet.Devices) == 0, "knows devices without a look")
	for _, d := range w.fleet.Devices {
		s, diary, m := w.fleet.stand(d, w.now), w.diary(d.ID), w.tenant.find(d.ID)
		last, deadline := d.lastCall(), w.deadline(diary)
		switch s.Verdict {
		case leaver.Gone:
			w.holds(m.gone, "%s is gone, and Intune knows it", d.ID)
		case leaver.GivenUp:
			w.holds(diary.choice == leaver.GiveUp, "%s is given up, and nobody said so", d.ID)
		case leaver.NotAsked:
			w.holds(len(m.written) == 0, "%s is said not to be asked, and Intune has accepted %v", d.ID, m.written)
		case leaver.Kept:
			w.holds(len(m.written) == 0 && d.asked() == nil, "%s is kept, and may have been asked: %+v", d.ID, d.Calls)
			w.holds(w.fleet.Policy.For(d.OwnerType, d.OperatingSystem) == leaver.Keep, "%s is kept, and the policy does not say so", d.ID)
		case leaver.Silent:
			w.holds(!w.now.Before(deadline) && !w.lastSaw.Before(deadline), "%s is silent, and its deadline is %s, the last look was at %s", d.ID, deadline.Sub(w.start), w.lastSaw.Sub(w.start))
			asked := d.asked()
			w.holds(len(m.written) > 0 || asked != nil && (asked.Answer == leaver.CallUnknown || m.elsewhere > 0), "%s is silent and was not asked", d.ID)
			w.holds(d.LastSyncDateTime.Before(deadline.Add(-time.Duration(w.fleet.Deadline))), "%s is silent, and has checked in at %s", d.ID, d.LastSyncDateTime.Sub(w.start))
		case leaver.RemovalFailed:
			w.holds(strings.HasSuffix(d.ManagementState, "Failed"), "%s has failed, and is %s", d.ID, d.ManagementState)
		case leaver.RemovalCanceled:
			w.holds(strings.HasSuffix(d.ManagementState, "Canceled"), "%s was cancelled, and is %s", d.ID, d.ManagementState)
		}
		if s.Question != "" && last != nil && last.Answer == leaver.CallAccepted && d.hasFailed() && diary.stateAt.After(diary.askedAt) {
			w.holds(s.Verdict == leaver.RemovalFailed || s.Verdict == leaver.RemovalCanceled, "%s is %s and stands as %s", d.ID, d.ManagementState, s.Verdict)
		}
		w.stood(d, s)
		w.holds(!(s.Ended && s.Question != ""), "%s has ended and is a question", d.ID)
		if s.Question != "" {
			w.holds(w.fleet.refusal(leaver.GiveUp, d, w.now) == nil, "%s: a question that cannot be given up", d.ID)
		}
		follows := (last == nil || last.Answer == leaver.CallAccepted) && d.Unread == "" && d.chosenAction() == "" && !d.hasFailed() && !d.Gone && (last != nil || d.isLeaving())
		if follows && diary.choice != leaver.GiveUp {
			w.holds(s.Question == "" || !w.now.Before(deadline), "%s is a question before its deadline, %s: %s", d.ID, deadline.Sub(w.start), s.Question)
			w.holds(s.Question != "" || s.Look || w.now.Before(deadline.Add(2*time.Hour)), "%s is not a question long after its deadline, %s: %+v", d.ID, deadline.Sub(w.start), s)
		}
		// Intune tells the second of a check-in: one in that of the choice may have been later.
		if diary.waits && d.LastSyncDateTime.Before(diary.chosenAt.Truncate(time.Second)) && diary.chosenAt.Before(w.now) && w.now.Before(diary.chosenAt.Add(time.Duration(w.fleet.Deadline))) {
			w.holds(s.Question == "", "%s is a question again right after it was to be waited for longer: %s", d.ID, s.Question)
		}
		switch {
		case s.Ask == "" || d.Gone:
			diary.wanted = time.Time{}
		case diary.wanted.IsZero():
			diary.wanted = w.now
		default:
			w.holds(w.now.Sub(diary.wanted) < time.Hour, "%s is held up since %s: %+v", d.ID, diary.wanted.Sub(w.start), w.todo)
		}
	}
	if oneIn(w.Rand, 16) {
		w.judgeJournal()
	}
}

// stood counts how many devices have stood in which way.
func (w *world) stood(d *Device, s Stand) {
	diary, asks := w.diary(d.ID), s.Question != ""
	if s == diary.stand {
		return
	}
	diary.stand = s
	for _, way := range []struct {
		is   bool
		what string
	}{
		{true, "stood as " + string(s.Verdict)},
		{asks && s.Failure == leaver.InvalidRequest, "a question: it would do harm"},
		{asks && w.fleet.Blocked != nil && s.Question == w.fleet.Blocked.Why, "a question: no call is taken at all"},
		{asks && !d.UnlistedAt.IsZero(), "a question: it is listed no more"},
		{asks && d.Unread != "", "a question: it cannot be read"},
		{asks && d.RecoveryKey == leaver.RecoveryKeyMissing && len(d.Calls) == 0, "a question: it has no recovery key"},
		{asks && d.RecoveryKey == leaver.RecoveryKeyUnknown && len(d.Calls) == 0, "a question: whether it has a recovery key is not known"},
		{asks && d.RecoveryKey == "" && len(d.Calls) == 0 && w.fleet.needsKey(d, leaver.Retire), "a question: its recovery key could not be read for a day"},
		{asks && d.Unfit >= mostUnfit, "a question: it was unfit each time"},
		{asks && s.Verdict == leaver.Leaving && d.lastCall() != nil && d.lastCall().Answer == leaver.CallAccepted, "a question: it is late and has checked in"},
		{asks && w.fleet.NoPerson, "a question that nobody answers"},
		{s.KeyAwaited, "waits for its recovery key"},
		{s.Spent, "waits for the next day"},
		{s.Verdict == leaver.AwaitingApproval && len(d.Calls) == 0, "waits for the request of others"},
	} {
		if way.is && !diary.stood[way.what] {
			diary.stood[way.what] = true
			w.tenant.count[way.what]++
		}
	}
}

// judgeCount judges what is counted and foreseen, which changes nothing.
func (w *world) judgeCount() {
	asked, spent := 0, 0
	for _, m := range w.tenant.machines {
		if len(m.written) > 0 {
			asked++
		}
	}
	for _, d := range w.fleet.Devices {
		if w.fleet.stand(d, w.now).Spent {
			spent++
		}
	}
	c := w.fleet.Count(w.now)
	w.holds(c.Asked >= asked, "counts %d devices as asked, and %d were", c.Asked, asked)
	w.holds(c.Gone+c.Kept+c.GivenUp+c.Questions+c.AwaitApproval+c.Leaving+spent == len(w.fleet.Devices), "counts %+v of %d", c, len(w.fleet.Devices))
	w.holds((spent > 0) == c.SpentUntil.After(w.now), "%d devices wait for the next day, until %s", spent, c.SpentUntil)
	for _, item := range w.fleet.Foreseen(w.now) {
		w.holds(item.Outcome == "" && item.Device.Verdict == "", "foresees an outcome: %+v", item)
	}
}

// judgeJournal compares what was noted of each device with what Intune has accepted.
func (w *world) judgeJournal() {
	for _, m := range w.tenant.machines {
		d := w.fleet.find(m.id)
		w.holds(d != nil || len(m.written) == 0, "%s was asked and is not known", m.id)
		if d == nil {
			continue
		}
		written, noted, accepted := map[leaver.DeviceAction]int{}, map[leaver.DeviceAction]int{}, 0
		for _, action := range m.written {
			written[action]++
		}
		for _, c := range d.Calls {
			switch c.Answer {
			case leaver.CallAccepted:
				accepted++
				noted[c.Action]++
			case leaver.CallPending, leaver.CallUnknown:
				noted[c.Action]++
			}
		}
		for action, n := range written {
			w.holds(noted[action] >= n, "%s: %s was accepted %d times, and the journal says %+v", m.id, action, n, d.Calls)
		}
		w.holds(accepted <= len(m.written)+m.elsewhere, "%s: the journal says more than Intune has accepted, %v: %+v", m.id, m.written, d.Calls)
		w.holds(len(m.written) == 0 || leaver.Device{Calls: d.Calls}.Asked() != nil, "%s: was asked, and that is not said", m.id)
	}
}

// judgeEnd judges a fleet that has ended.
func (w *world) judgeEnd() {
	w.judgeJournal()
	for _, c := range w.calls {
		for _, id := range c.IDs {
			w.holds(w.fleet.find(id).Gone, "ends while %s is being asked", id)
		}
	}
	for _, item := range w.fleet.Items(w.now) {
		d := w.fleet.find(item.ID)
		s := w.fleet.stand(d, w.now)
		w.holds(s.Ended || w.fleet.NoPerson && s.Question != "", "%s: the fleet has ended, and it has not: %+v", d.ID, s)
		queued := 0
		for _, c := range d.Calls {
			if c.Answer == leaver.CallQueued {
				queued++
			}
		}
		w.holds(!w.fleet.NoPerson || queued <= 5, "%s files request after request, and nobody is asked: %+v", d.ID, d.Calls)
		w.holds((item.Outcome == leaver.Done) == w.tenant.find(d.ID).gone || item.Outcome == leaver.Skipped || item.Outcome == leaver.Failed, "%s: %+v", d.ID, item)
		w.tenant.count["ended "+strings.TrimSpace(string(item.Outcome)+" "+string(s.Verdict))]++
	}
}
