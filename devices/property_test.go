package devices

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
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
	seeds, workers, count := number(t, "LEAVER_TEST_SEEDS", 2000), 4, map[string]int{}
	if os.Getenv("LEAVER_TEST_SEED") != "" {
		w := newWorld(t, number(t, "LEAVER_TEST_SEED", 0), count)
		w.trace = true
		w.live()
		return
	}
	counts := make([]map[string]int, workers)
	t.Run("seeds", func(t *testing.T) {
		for worker := range workers {
			counts[worker] = map[string]int{}
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < seeds; seed += workers {
					newWorld(t, seed, counts[worker]).live()
				}
			})
		}
	})
	for _, counted := range counts {
		for what, n := range counted {
			count[what] += n
		}
	}
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%7d %s", count[what], what)
	}
	if t.Failed() || seeds < 2000 {
		return
	}
	for kind, all := range often {
		for what := range strings.SplitSeq(all, ", ") {
			assert.GreaterOrEqual(t, count[kind+what], seeds/200, "hardly ever: %s%s", kind, what)
		}
	}
}

// often is what the fleets must have met, so that the test shows something: each as often
// as once in two hundred fleets at least.
var often = map[string]string{
	"a ": "call for one was unfit, call was lost, call was not heard, call was refused, call was slow, choice was not taken, device could not be read, " +
		"device failed, hand-over, late enrolment, list missed a device, person's choice was carried out, second try was accepted",
	"a question": " that nobody answers",
	"a question: ": "it cannot be read, it has heard nothing twice, it has no recovery key, it is late and has checked in, it is listed no more, it was unfit each time, " +
		"it would do harm, its recovery key could not be read for a day, no call is taken at all, whether it has a recovery key is not known",
	"a request ":       "expired, was approved, was cancelled, was filed, was pending already and found, was pending already and not found, was rejected",
	"an approval was ": "told too early, used",
	"answer ":          "accepted, noRoute, queued, refused, spent, unfit, unknown",
	"choice ":          "approved, deleteRecord, giveUp, retire, retry, waitLonger, wipe, wipeKeepUserData",
	"ended failed ":    "canceled, failed, leaving, notAsked, silent, unknown",
	"ended ":           "done gone, skipped givenUp, skipped kept",
	"stood as ":        "awaitingApproval, canceled, failed, leaving, notAsked, silent, unknown",
	"the answer was lost after which the call was ": "accepted, queued, refused, spent",
	"the call for all ":                             "had no route, retired a device, was unfit",
	"the day was used ":                             "up",
	"waits for ":                                    "its recovery key, the next day, the request of others",
	"": "as many calls as are allowed were made at once, one call did for all, " +
		"continued as new, every call was refused",
}

func number(t *testing.T, variable string, otherwise int) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(otherwise)))
	require.NoError(t, err, variable)
	return n
}

// many is how many of all are such.
func many[T any](all []T, such func(T) bool) (n int) {
	for _, one := range all {
		if such(one) {
			n++
		}
	}
	return n
}

func is[T comparable](all ...T) func(T) bool {
	return func(one T) bool { return slices.Contains(all, one) }
}

// judgeWrites judges calls before they are made.
func (w *world) judgeWrites(writes []Write) {
	w.holds(!w.todo.Look, "is to write and to look at once")
	if w.fleet.Looks == 1 && w.isPlain() {
		w.holds(writes[0].Action == leaver.RemoveAll, "one call would have done: %+v", writes)
		w.count["one call did for all"]++
	}
	w.holds(!w.blocked, "a call is made, and the tenant takes none: %+v", writes)
	asked := map[string]bool{}
	for _, write := range writes {
		until, all := w.spentUntil[dailyLimit(write.Action)], write.Action == leaver.RemoveAll
		w.holds(!until.After(w.now), "%s is made while the day is used up, until %s", write.Action, until)
		w.holds(all || is(leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord)(write.Action), "%+v is no call", write)
		w.holds(len(write.IDs) == 1 || all, "%+v is for several", write)
		w.holds(!all || len(writes) == 1, "asks all and some at once: %+v", writes)
		for _, id := range write.IDs {
			d, m := w.fleet.find(id), w.find(id)
			w.holds(d != nil && !asked[id], "%s is not known or asked twice at once", id)
			w.holds(m.listed, "%s is asked and is not listed for the leaver", id)
			w.holds(m.choice != leaver.GiveUp, "%s is asked after it was given up", id)
			w.holds(!d.Gone && !d.pending(), "%s is asked while it is gone or being asked", id)
			w.holds(!all || is("", leaver.WaitLonger, leaver.Retry)(m.choice), "%s is asked by the call for all, and %s was chosen", id, m.choice)
			w.holds(m.choice != leaver.Retry || m.carriedOut || w.fleet.Looks > m.chosenLooks, "%s is tried again without a look", id)
			m.begun = slices.DeleteFunc(m.begun, func(at time.Time) bool { return w.now.Sub(at) >= time.Hour })
			w.holds(len(m.begun) < 15 || w.daily != nil && len(m.begun) < 60, "%s is asked again and again: %v", id, m.begun)
			asked[id], m.carriedOut = true, true
		}
		if all {
			w.holds(w.policy.RetiresAll(), "asks all, and the policy does not retire all")
			for _, d := range w.fleet.Devices {
				w.holds(d.Gone || asked[d.ID] || !w.find(d.ID).listed, "%s is left out of the call for all", d.ID)
				w.holds(d.Gone || w.find(d.ID).choice != leaver.GiveUp, "all are asked, and %s was given up", d.ID)
			}
		}
		if code := write.Code; code != "" {
			w.holds(!w.used[code], "%s was used by an accepted call already", code)
			decided := is(leaver.ApprovalApproved, leaver.ApprovalNeeded, leaver.ApprovalCompleted)
			w.holds(decided(w.statuses[code]), "%s is carried, and was %s", code, w.statuses[code])
			carried := many(w.calls, func(c *call) bool { return c.Code == code }) + many(writes, func(other Write) bool { return other.Code == code })
			w.holds(carried == 1, "%s is carried by two calls at once", code)
			for _, q := range w.requests {
				w.holds(q.code != code || q.action == write.Action && (all || q.id == write.IDs[0]), "%s was for something else than %+v: %+v", code, write, q)
			}
		}
	}
}

// isPlain reports whether every device is one that the call for all may retire, and
// nothing has been tried yet.
func (w *world) isPlain() bool {
	retiresAll := w.policy.RetiresAll() && !w.policy.RequireRecoveryKey && w.fleet.RefusesAll == ""
	return retiresAll && !slices.ContainsFunc(w.fleet.Devices, func(d *Device) bool {
		harm := w.doesHarm(leaver.Retire, d.OperatingSystem, d.OwnerType)
		return len(d.Calls) > 0 || d.Choice != nil || d.Unfit > 0 || d.Unread != "" || d.UnlistedAt != 0 || d.Gone || harm != ""
	})
}

// judgePending judges how many calls are being made at once.
func (w *world) judgePending() {
	fresh := many(w.calls, func(c *call) bool { return c.at.Add(Slow).After(w.now) })
	w.holds(fresh <= AtOnce, "%d calls are made at once", fresh)
	if fresh == AtOnce {
		w.count["as many calls as are allowed were made at once"]++
	}
}

// judgeWritten judges what Intune has accepted for a device, at that moment.
func (w *world) judgeWritten(m *machine) {
	action, d := m.written[len(m.written)-1], w.fleet.find(m.id)
	w.holds(!m.another, "%s is another user's", m.id)
	harm := w.doesHarm(action, m.OperatingSystem, m.OwnerType)
	w.holds(harm == "", "%s: %s does harm: %s", m.id, action, harm)
	chosen := slices.Contains(m.chosen, leaver.Choice(action))
	planned := slices.ContainsFunc(m.owners, func(owner string) bool { return w.policy.For(owner, m.OperatingSystem) == action })
	w.holds(chosen || planned, "%s: nobody wants %s: %v", m.id, action, m.chosen)
	needsKey := w.policy.RequireRecoveryKey && IsWindows(m.OperatingSystem) && action != leaver.DeleteRecord
	w.holds(chosen || !needsKey || m.RecoveryKey == leaver.RecoveryKeyOnRecord, "%s: %s, and there is no recovery key", m.id, action)
	last := d.lastCall()
	w.holds(last != nil && last.Action == action && d.pending(), "%s: %s is not in the journal: %+v", m.id, action, d.Calls)
	w.holds(leaver.Device{Calls: d.Calls}.Asked() == last, "%s: it is not said that it was asked", m.id)
	m.accepted++
	w.holds(m.accepted <= 2, "%s was asked %d times, and no person wanted that: %+v", m.id, m.accepted, d.Calls)
	if chosen && !planned {
		w.count["a person's choice was carried out"]++
	}
}

// judge judges how each device stands.
func (w *world) judge() {
	w.holds(w.fleet.Looks > 0 || len(w.fleet.Devices) == 0, "knows devices without a look")
	for _, d := range w.fleet.Devices {
		s, m, last, asked := w.fleet.stand(d, w.now), w.find(d.ID), d.lastCall(), d.asked()
		deadline, never := w.deadline(m), len(m.written) == 0
		w.holds(d.Name == m.named, "%s is forgotten to be %s", d.ID, m.named)
		switch s.Verdict {
		case leaver.Gone:
			w.holds(m.gone, "%s is gone, and Intune knows it", d.ID)
		case leaver.GivenUp:
			w.holds(m.choice == leaver.GiveUp, "%s is given up, and nobody said so", d.ID)
		case leaver.NotAsked:
			w.holds(never, "%s is said not to be asked, and Intune has accepted %v", d.ID, m.written)
		case leaver.Kept:
			w.holds(never && asked == nil, "%s is kept, and may have been asked: %+v", d.ID, d.Calls)
			w.holds(w.policy.For(d.OwnerType, d.OperatingSystem) == leaver.Keep, "%s is kept, and the policy does not say so", d.ID)
		case leaver.Silent:
			w.holds(!w.now.Before(deadline) && !w.lastSaw.Before(deadline), "%s is silent before %s, seen at %s", d.ID, deadline, w.lastSaw)
			w.holds(!never || asked != nil && (asked.Answer == leaver.CallUnknown || m.elsewhere > 0), "%s is silent and was not asked", d.ID)
			synced := d.LastSyncDateTime
			w.holds(synced.Before(deadline.Add(-time.Duration(w.fleet.Deadline))), "%s is silent, and has checked in at %s", d.ID, synced)
		case leaver.RemovalFailed:
			w.holds(strings.HasSuffix(d.ManagementState, "Failed"), "%s has failed, and is %s", d.ID, d.ManagementState)
		case leaver.RemovalCanceled:
			w.holds(strings.HasSuffix(d.ManagementState, "Canceled"), "%s was cancelled, and is %s", d.ID, d.ManagementState)
		}
		if s.Question != "" && last != nil && last.Answer == leaver.CallAccepted && d.hasFailed() && m.stateAt.After(m.askedAt) {
			w.holds(is(leaver.RemovalFailed, leaver.RemovalCanceled)(s.Verdict), "%s is %s and stands as %s", d.ID, d.ManagementState, s.Verdict)
		}
		w.stood(d, m, s)
		w.holds(!s.Ended || s.Question == "", "%s has ended and is a question", d.ID)
		w.holds(s.Question == "" || w.fleet.refusal(leaver.GiveUp, d, w.now) == nil, "%s: a question that cannot be given up", d.ID)
		follows := last == nil && d.isLeaving() || last != nil && last.Answer == leaver.CallAccepted
		if follows && d.Unread == "" && d.chosenAction() == "" && !d.hasFailed() && !d.Gone && m.choice != leaver.GiveUp {
			deaf := !m.deafSince.IsZero() && last != nil && !d.LastSyncDateTime.Before(last.At.Truncate(time.Second))
			w.holds(s.Question == "" || deaf || !w.now.Before(deadline), "%s is a question before its deadline, %s: %s", d.ID, deadline, s.Question)
			w.holds(s.Question != "" || s.Look || w.now.Before(deadline.Add(2*time.Hour)), "%s is no question long after %s: %+v", d.ID, deadline, s)
		}
		// Intune tells the second of a check-in: one in that of the choice may have been later.
		waits := m.waits && d.LastSyncDateTime.Before(m.chosenAt.Truncate(time.Second)) && m.chosenAt.Before(w.now)
		if waits && w.now.Before(m.chosenAt.Add(time.Duration(w.fleet.Deadline))) {
			w.holds(s.Question == "", "%s is a question again right after it was to be waited for longer: %s", d.ID, s.Question)
		}
		switch {
		case s.Ask == "" || d.Gone:
			m.wanted = time.Time{}
		case m.wanted.IsZero():
			m.wanted = w.now
		default:
			w.holds(w.now.Sub(m.wanted) < time.Hour, "%s is held up since %s: %+v", d.ID, m.wanted, w.todo)
		}
	}
	if w.oneIn(16) {
		w.judgeJournal()
	}
}

// stood counts how many devices have stood in which way.
func (w *world) stood(d *Device, m *machine, s Stand) {
	if s == m.stand {
		return
	}
	m.stand = s
	asks, fresh, last := s.Question != "", len(d.Calls) == 0, d.lastCall()
	for what, so := range map[string]bool{
		"stood as " + string(s.Verdict):                            true,
		"a question: it would do harm":                             asks && s.Failure == leaver.InvalidRequest,
		"a question: no call is taken at all":                      asks && w.fleet.Blocked != nil && s.Question == w.fleet.Blocked.Why,
		"a question: it is listed no more":                         asks && d.UnlistedAt != 0,
		"a question: it cannot be read":                            asks && d.Unread != "",
		"a question: it has no recovery key":                       asks && d.RecoveryKey == leaver.RecoveryKeyMissing && fresh,
		"a question: whether it has a recovery key is not known":   asks && d.RecoveryKey == leaver.RecoveryKeyUnknown && fresh,
		"a question: its recovery key could not be read for a day": asks && d.RecoveryKey == "" && fresh && w.fleet.needsKey(d, leaver.Retire),
		"a question: it was unfit each time":                       asks && d.Unfit >= mostUnfit,
		"a question: it has heard nothing twice":                   asks && strings.HasPrefix(s.Question, "was asked twice, has checked in"),
		"a question: it is late and has checked in":                asks && s.Verdict == leaver.Leaving && last != nil && last.Answer == leaver.CallAccepted,
		"a question that nobody answers":                           asks && w.fleet.NoPerson,
		"waits for its recovery key":                               s.KeyAwaited,
		"waits for the next day":                                   s.Spent,
		"waits for the request of others":                          s.Verdict == leaver.AwaitingApproval && fresh,
	} {
		if so && !m.stood[what] {
			m.stood[what] = true
			w.count[what]++
		}
	}
}

// judgeCount judges what is counted and foreseen, which changes nothing.
func (w *world) judgeCount() {
	asked := many(w.machines, func(m *machine) bool { return len(m.written) > 0 })
	spent := many(w.fleet.Devices, func(d *Device) bool { return w.fleet.stand(d, w.now).Spent })
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
	for _, m := range w.machines {
		d := w.fleet.find(m.id)
		if d == nil {
			w.holds(len(m.written) == 0, "%s was asked and is not known", m.id)
			continue
		}
		for _, action := range m.written {
			n := many(m.written, is(action))
			noted := many(d.Calls, func(c leaver.Call) bool {
				return c.Action == action && is(leaver.CallAccepted, leaver.CallPending, leaver.CallUnknown)(c.Answer)
			})
			w.holds(noted >= n, "%s: %s was accepted %d times, and the journal says %+v", m.id, action, n, d.Calls)
		}
		accepted := many(d.Calls, func(c leaver.Call) bool { return c.Answer == leaver.CallAccepted })
		w.holds(accepted <= len(m.written)+m.elsewhere, "%s: the journal says more than Intune has accepted, %v: %+v", m.id, m.written, d.Calls)
		w.holds(len(m.written) == 0 || d.asked() != nil, "%s: was asked, and that is not said", m.id)
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
	for i, item := range w.fleet.Items(w.now) {
		d := w.fleet.Devices[i]
		s := w.fleet.stand(d, w.now)
		w.holds(s.Ended || w.fleet.NoPerson && s.Question != "", "%s: the fleet has ended, and it has not: %+v", d.ID, s)
		queued := many(d.Calls, func(c leaver.Call) bool { return c.Answer == leaver.CallQueued })
		w.holds(!w.fleet.NoPerson || queued <= 5, "%s files request after request, and nobody is asked: %+v", d.ID, d.Calls)
		w.holds((item.Outcome == leaver.Done) == w.find(d.ID).gone || is(leaver.Skipped, leaver.Failed)(item.Outcome), "%s: %+v", d.ID, item)
		w.count["ended "+strings.TrimSpace(string(item.Outcome)+" "+string(s.Verdict))]++
	}
}
