package devices

import (
	"cmp"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
)

// Todo is what is to be done now. It is recorded before it is done, so that another
// release, whose rules differ, goes on from what this one has decided.
type Todo struct {
	Writes []Write   `json:"writes,omitempty"` // the calls to make
	Look   bool      `json:"look,omitzero"`    // to look at all devices at once
	Watch  bool      `json:"watch,omitzero"`   // to look until something differs from what is known
	Wake   time.Time `json:"wake,omitzero"`    // when to ask again, if nothing happens before; zero means never
	Due    time.Time `json:"due,omitzero"`     // like Wake, where Writes are not made; never zero beside them
	Ended  bool      `json:"ended,omitzero"`   // every device is gone or decided about
	Failed bool      `json:"failed,omitzero"`  // it ends with questions, which nobody is asked
}

// Write is one call to make, for one device or, by the one action, for all.
type Write struct {
	Action leaver.DeviceAction `json:"action"`
	IDs    []string            `json:"ids"`
	Code   string              `json:"code,omitempty"` // that of an approved request
	Again  bool                `json:"again,omitzero"`
}

const (
	// AtOnce is how many calls, or changes of items, are made at a time.
	AtOnce = 10
	// Slow is how long a call counts among those: a call that Microsoft does not answer
	// for longer holds up no other device or item.
	Slow = time.Minute
	// settling is how long a device whose recovery key is still looked for keeps the
	// others from being asked each by a call of its own, where one call does for all.
	settling = time.Minute
)

// Next says what is to be done. It changes nothing.
func (f *Fleet) Next(now time.Time) Todo {
	todo := Todo{Look: f.LookedAt.IsZero()}
	var asks []Write
	open, pending, questions := 0, 0, false
	for _, d := range f.Devices {
		s := f.stand(d, now)
		todo.Look = todo.Look || s.Look
		todo.wakeAt(s.Until)
		if !s.Ended && (s.Question == "" || !f.NoPerson) {
			open++
		}
		questions = questions || s.Question != ""
		if s.Ask != "" {
			asks = append(asks, Write{Action: s.Ask, IDs: []string{d.ID}, Code: s.Code, Again: s.Again})
		}
		if last := d.lastCall(); !d.Gone && last != nil && last.Answer == leaver.CallPending && last.At.Add(Slow).After(now) {
			pending++
			todo.wakeAt(last.At.Add(Slow))
		}
	}
	switch together := f.together(now); {
	case todo.Look || !together && f.holdsBack(now, &todo): // what is to be asked may differ after the next look
	case len(asks) > 0 && together:
		todo.Writes = []Write{f.forAll(asks)}
	default:
		todo.Writes = asks[:min(len(asks), max(0, AtOnce-pending))]
		for i, w := range todo.Writes {
			if request := f.Approval(w.Code); request != nil && request.Operation == leaver.RemoveAll {
				todo.Writes[i].Code = "" // the request was for all, and not all go that way any more
			}
		}
	}
	if len(todo.Writes) > 0 {
		todo.Due = sooner(todo.Wake, now.Add(24*time.Hour)) // never zero
		todo.wakeAt(now.Add(Slow))                          // a slow call frees its place then
	}
	todo.Watch = open > 0 && pending == 0 && len(todo.Writes) == 0
	todo.Look = todo.Look || open == 0 && f.Stale
	todo.Ended = open == 0 && !todo.Look
	todo.Failed = todo.Ended && questions
	return todo
}

func (t *Todo) wakeAt(at time.Time) { t.Wake = sooner(t.Wake, at) }

// sooner is the first of two moments of which the zero one is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// together reports whether the one action for all does it: the policy retires every
// device, the tenant takes the action, and no device goes a way of its own.
func (f *Fleet) together(now time.Time) bool {
	return f.mayJoin() && !slices.ContainsFunc(f.Devices, func(d *Device) bool {
		s := f.stand(d, now)
		return !d.Gone && !joins(d, s) && !f.leavesWith(d, s, now)
	})
}

func (f *Fleet) mayJoin() bool { return f.Policy.RetiresAll() && f.RefusesAll == "" }

// joins reports whether a device is to be retired as the policy says, and no call of its
// own was made for it.
func joins(d *Device, s Stand) bool {
	own := func(c leaver.Call) bool {
		return !c.All || c.Answer != leaver.CallQueued && c.Answer != leaver.CallRefused
	}
	return s.Ask == leaver.Retire && !s.Again && d.chosenAction() == "" && !slices.ContainsFunc(d.Calls, own)
}

// leavesWith reports whether a device leaves anyway, and may be asked with the others.
func (f *Fleet) leavesWith(d *Device, s Stand, now time.Time) bool {
	return d.leavesAnyway() && !s.Ended && s.Ask == "" && s.Question == "" && f.ask(d, leaver.Retire, "", false, now).Ask != ""
}

// holdsBack reports whether nothing is asked for a moment, because the one action for all
// may do once a recovery key is found, or a device is listed again that a list has missed.
func (f *Fleet) holdsBack(now time.Time, todo *Todo) bool {
	if !f.mayJoin() {
		return false
	}
	holds := false
	for _, d := range f.Devices {
		s, until := f.stand(d, now), time.Time{}
		switch {
		case s.KeyAwaited:
			until = d.FoundAt.time().Add(settling)
		case !s.Ended && s.Question == "" && d.asked() == nil && d.UnlistedAt != 0:
			until = d.UnlistedAt.time().Add(secondLook)
		}
		if until.After(now) {
			holds = true
			todo.wakeAt(until)
		}
	}
	return holds
}

// forAll makes one call of many. The one action asks every device, also those that
// are leaving already.
func (f *Fleet) forAll(asks []Write) Write {
	all := Write{Action: leaver.RemoveAll}
	for _, w := range asks {
		all.Code = cmp.Or(w.Code, all.Code)
	}
	for _, d := range f.Devices {
		if !d.Gone {
			all.IDs = append(all.IDs, d.ID)
		}
	}
	return all
}
