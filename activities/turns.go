package activities

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// errNextTurn ends an attempt that has made its write while there is more to do.
//
// Intune takes 200 writes in 20 seconds from an application. How many attempts
// are made is what Temporal can limit, over all workers, so none makes two.
var errNextTurn = errors.New("the next device is asked by the next attempt")

// turns has the stages of an attempt ask what is still to be asked: first of the
// devices for which Graph has not failed, and only when there is none of the one for
// which it has failed least often. So one device holds up no other.
func (f *fleet) turns(stages ...func() error) error {
	for _, f.again = range []bool{false, true} {
		f.passedOver = 0
		for _, stage := range stages {
			if err := stage(); err != nil {
				return err
			}
		}
		if f.written || f.passedOver == 0 {
			break
		}
		f.fewest = f.passedOver
	}
	return nil
}

// passes over a device that is to be asked when no other is.
func (f *fleet) passes(tracked *leaver.Item) bool {
	held := tracked.Held
	switch {
	case held == nil:
		return false
	case held.NotBefore != nil && held.NotBefore.After(f.began):
		if f.tomorrow == nil || held.NotBefore.Before(*f.tomorrow) {
			f.tomorrow = held.NotBefore
		}
		return true
	case f.again && held.Tries <= f.fewest:
		return false
	}
	if f.passedOver == 0 || held.Tries < f.passedOver {
		f.passedOver = held.Tries
	}
	return true
}

// hold notes with a device that Graph does not do for now what is asked of it, so
// that the others have their turn. It returns what concerns every device alike. What
// Graph has failed to do for a day is for a person.
func (f *fleet) hold(ctx context.Context, tracked *leaver.Item, err error) error {
	if err == nil || errors.Is(err, errPassedOver) {
		return nil
	}
	why := "Intune does not do it for now, trying again"
	now := time.Now().UTC()
	held := leaver.Held{Since: now}
	if tracked.Held != nil {
		held.Tries, held.Since = tracked.Held.Tries, tracked.Held.Since
	}
	held.Tries++
	answer, answered := errors.AsType[*graph.Error](err)
	notYet, lags := errors.AsType[errNotYet](err)
	_, cutOff := errors.AsType[*graph.TransportError](err)
	// A Graph that is out of order for all says how long, or is so for a few attempts.
	lasts := activity.GetInfo(ctx).Attempt >= hiccup
	switch {
	case answered && isDailyLimit(answer):
		why = spentToday
		tomorrow := now.Add(explain(err).After)
		held.Since, held.NotBefore = now, &tomorrow
		f.holdAlike(tracked, held)
	case lags, answered && answer.Status >= 500 && answer.RetryAfter == 0, lasts && (cutOff || answered && waits(err) && answer.Status != http.StatusTooManyRequests):
		if lags {
			why = notYet.Error()
		}
		if now.Sub(held.Since) > stubborn {
			fail(tracked, "Intune has not done it for a day: see there what is wrong with the device")
			tracked.Choice, tracked.Failure = "", leaver.GraphUnavailable
			f.note(ctx)
			return nil
		}
	default:
		return err
	}
	tracked.Held, tracked.Detail = &held, why
	if f.held == nil || explain(err).After < explain(f.held).After {
		f.held = err
	}
	return nil
}

// stubborn is how long Graph may fail to do something for one device.
const stubborn = 24 * time.Hour

// holdAlike has a used-up day count for every device of which the same is still to
// be asked.
func (f *fleet) holdAlike(refused *leaver.Item, held leaver.Held) {
	same := func(planned leaver.DeviceAction) bool {
		return planned == f.action || planned == leaver.WipeKeepUserData && f.action == leaver.Wipe || planned == leaver.Wipe && f.action == leaver.WipeKeepUserData
	}
	for i := range f.items {
		other := &f.items[i]
		if other.ID != refused.ID && other.Held == nil && other.Outcome == "" && other.Choice == "" && !other.Asked() && other.Approval == nil && same(other.Device.Planned) {
			other.Held, other.Detail = &held, spentToday
		}
	}
}

// waiting is what an attempt ends with that has left something for later, or nil.
func (f *fleet) waiting() error {
	switch {
	case f.held == nil && f.passedOver > 0:
		return errNextTurn
	case f.held == nil && f.tomorrow != nil:
		return errSpent{until: *f.tomorrow}
	}
	return f.held
}

// errSpent is a day whose limit is used up.
type errSpent struct{ until time.Time }

func (errSpent) Error() string { return spentToday }

// isSpent reports whether an error is that of a day whose limit is used up.
func isSpent(err error) bool {
	answer, answered := errors.AsType[*graph.Error](err)
	_, spent := errors.AsType[errSpent](err)
	return spent || answered && isDailyLimit(answer)
}

// hiccup is the attempt from which on a Graph that is out of order is no matter of a
// moment.
const hiccup = 4

// errPassedOver says that a device has its turn when no other has.
var errPassedOver = errors.New("another device is asked first")
