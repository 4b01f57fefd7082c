package devices

import (
	"cmp"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// Stand is how a device stands at a moment, and what follows from it.
type Stand struct {
	Verdict    leaver.Verdict
	Ended      bool                // nothing is to be done about the device any more
	Ask        leaver.DeviceAction // what is to be asked of the device now, or empty
	Code       string              // that of an approved request, which the call carries
	Again      bool                // the device failed to leave after the call before
	Question   string              // why a person is to decide, or empty
	Failure    leaver.FailureType  // its type, where Intune refused a call or a call would do harm
	Detail     string              // how the device stands, in words
	Until      time.Time           // when it stands otherwise, if nothing happens before
	Look       bool                // the devices must be looked at before more can be said
	Spent      bool                // the tenant's daily limit holds the call back, until Until
	KeyAwaited bool                // it is not known yet whether there is a recovery key
}

// stand says how a device stands: the first case that fits decides. This is the whole
// life of a device. Intune is asked (ask) what the policy or a person wants. The call is
// accepted (afterCall, follow), queued for a second administrator (queued), refused, or
// its answer is lost (unknown). In the end the device is gone, kept or given up. Whatever
// cannot go on by itself is a question to a person.
func (f *Fleet) stand(d *Device, now time.Time) Stand {
	last := d.lastCall()
	switch {
	// It has ended, or a call is being made: a choice is acted on when the call has ended.
	case d.Gone:
		return Stand{Verdict: leaver.Gone, Ended: true, Detail: "gone"}
	case d.pending():
		return Stand{Verdict: leaver.Leaving, Detail: "is being asked"}

	// A person has decided. Nothing is asked of a device of which Intune does not tell.
	case d.choice() == leaver.GiveUp:
		return Stand{Verdict: leaver.GivenUp, Ended: true, Detail: "left as it is, by a decision"}
	case d.choice() == leaver.WaitLonger && d.asked() != nil:
		return f.afterCall(d, d.asked(), now)
	case d.choice() == leaver.WaitLonger && d.isLeaving():
		return f.follow(d, d.LeavingAt.time(), now)
	case d.Unread != "":
		return f.question(d, d.Unread, "", now)
	case d.chosenAction() != "":
		return f.ask(d, d.chosenAction(), "", false, now)
	case shared[d.Special] != "" && last == nil && d.choice() != leaver.Retry && f.planned(d) != leaver.Keep:
		return f.question(d, shared[d.Special]+": see there whose it is, then choose", "", now)

	// Intune has heard no call for it.
	case d.leavesAnyway():
		return f.follow(d, d.LeavingAt.time(), now)
	case last == nil:
		return f.ask(d, f.planned(d), "", false, now)

	// What came of the last call decides.
	case last.Answer == leaver.CallAccepted:
		return f.afterCall(d, last, now)
	case last.Answer == leaver.CallQueued:
		return f.queued(d, last, now)
	case last.Answer == leaver.CallUnknown:
		return f.unknown(d, last, now)
	case d.choice() == leaver.Retry: // after a refusal
		return f.ask(d, f.wanted(d, last), "", false, now)
	}
	return f.question(d, last.Why, last.Failure, now)
}

// manyCheckIns is after how many check-ins a device must show that it was asked: Intune
// accepts calls of which some devices never hear.
const manyCheckIns = 2

// afterCall is a device after a call that Intune has heard: it leaves, it fails to, or it is
// deaf: it checks in as if it had not been asked. Then it is asked once more, unless the
// answer to a call before was lost, which it may have heard too; and once more for each
// retry that a person chooses.
func (f *Fleet) afterCall(d *Device, call *leaver.Call, now time.Time) Stand {
	failed := d.hasFailed() && f.isNews(d, d.since(call.At))
	deaf := call.Answer == leaver.CallAccepted && call.CheckIns >= manyCheckIns && !d.isLeaving() && !d.hasFailed() && d.UnlistedAt == 0 &&
		d.choice() != leaver.WaitLonger
	deadline := f.deadline(d.since(call.At))
	twice := call.Again || d.lostBefore(call)
	retries := d.choice() == leaver.Retry
	switch {
	case retries && d.hasFailed():
		return f.ask(d, call.Action, "", false, now)
	case deaf && deadline.After(now) && (retries || !twice):
		s := f.ask(d, call.Action, "", !retries, now)
		if s.Until.IsZero() || s.Until.After(deadline) {
			s.Until = deadline // what keeps it from being asked may last longer
		}
		return s
	case deaf && twice:
		return f.question(d, "was asked twice, has checked in twice since each call, and is still managed: see in Intune", "", now)
	case failed && twice:
		return f.question(d, "was asked twice: see in Intune why it refuses", "", now)
	case failed:
		return f.ask(d, call.Action, "", true, now)
	}
	return f.follow(d, call.At, now)
}

// lostBefore reports whether the answer to a call before was lost, which may have been heard
// too.
func (d *Device) lostBefore(call *leaver.Call) bool {
	for i := range d.Calls {
		switch other := &d.Calls[i]; {
		case other == call:
			return false
		case other.Answer == leaver.CallUnknown:
			return true
		}
	}
	return false
}

// deadline is until when a device may take to leave that was asked at a moment.
func (f *Fleet) deadline(since time.Time) time.Time { return since.Add(time.Duration(f.Deadline)) }

// follow waits for a device that is on its way since a moment. Only a look that came after
// the deadline can tell that the device is late.
func (f *Fleet) follow(d *Device, since, now time.Time) Stand {
	switch deadline := f.deadline(d.since(since)); {
	case deadline.After(now):
		return Stand{Verdict: f.soFar(d), Detail: d.listing(), Until: deadline}
	case f.LookedAt.Before(deadline):
		return Stand{Verdict: f.soFar(d), Detail: d.listing(), Look: true}
	case d.Unreached:
		return f.question(d, "its deadline has passed, and Intune does not tell of it: see there, then choose", "", now)
	case d.checkedIn(d.since(since)):
		return f.question(d, "its deadline has passed; it has checked in meanwhile, and is still managed", "", now)
	}
	return f.question(d, "its deadline has passed; it has not checked in meanwhile", "", now)
}

// unknown is a device for which a call was made whose answer was lost.
func (f *Fleet) unknown(d *Device, last *leaver.Call, now time.Time) Stand {
	switch {
	case f.hasHeard(d, last):
		return f.afterCall(d, last, now)
	case d.choice() == leaver.Retry:
		return f.ask(d, f.wanted(d, last), "", false, now)
	case d.Lost:
		return Stand{Verdict: f.soFar(d), Look: true}
	case last.All && f.RefusesAll != "": // the device shows nothing of it, and the tenant takes each device's own call
		return f.ask(d, f.planned(d), "", false, now)
	}
	return f.question(d, cmp.Or(last.Why, "it is not known whether Intune has heard the call: see there, then choose"), last.Failure, now)
}

// hasHeard reports whether what Intune says of the device shows that a call was heard
// whose answer was lost. The call for all was heard when the device leaves: it changes
// nothing for a device that was leaving before.
func (f *Fleet) hasHeard(d *Device, call *leaver.Call) bool {
	return (d.isLeaving() || d.hasFailed()) && f.isNews(d, call.At) || d.isLeaving() && call.All
}

// question is a device that a person is to decide about.
func (f *Fleet) question(d *Device, why string, failure leaver.FailureType, now time.Time) Stand {
	s := Stand{Verdict: f.soFar(d), Question: why, Detail: why, Failure: failure}
	last := d.asked()
	switch {
	case last == nil || s.Verdict == leaver.Unknown:
	case d.hasFailed() && f.isNews(d, last.At) && strings.HasSuffix(d.ManagementState, "Canceled"):
		s.Verdict = leaver.RemovalCanceled
	case d.hasFailed() && f.isNews(d, last.At):
		s.Verdict = leaver.RemovalFailed
	case f.isSilent(d, d.since(last.At), now):
		s.Verdict = leaver.Silent
	}
	return s
}

// isSilent reports whether a look after the deadline has shown that the device has not
// checked in since.
func (f *Fleet) isSilent(d *Device, since, now time.Time) bool {
	deadline := f.deadline(since)
	return !deadline.After(now) && !f.LookedAt.Before(deadline) && d.Unread == "" && !d.Unreached && !d.checkedIn(since)
}

// soFar is the verdict on a device that is neither gone nor decided about.
func (f *Fleet) soFar(d *Device) leaver.Verdict {
	switch last := d.asked(); {
	case last == nil && !d.isLeaving():
		return leaver.NotAsked
	case last != nil && last.Answer == leaver.CallUnknown && !d.isLeaving() && !f.hasHeard(d, last):
		return leaver.Unknown
	}
	return leaver.Leaving
}

// planned is what the policy says about a device as it is now.
func (f *Fleet) planned(d *Device) leaver.DeviceAction {
	if beyond[d.Special] != "" {
		return leaver.Keep
	}
	return f.Policy.For(d.OwnerType, d.OperatingSystem)
}

// wanted is what a call is repeated with. What a person chose, and what followed a
// failure, stays; what the policy wanted is read anew, as the owner may have changed.
func (f *Fleet) wanted(d *Device, last *leaver.Call) leaver.DeviceAction {
	if last.Again || last.Chosen {
		return last.Action
	}
	return f.planned(d)
}
