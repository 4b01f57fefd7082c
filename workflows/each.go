package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// each runs a step that lists items and changes each by an activity of its own, so that
// an item for which Microsoft fails holds up no other. In the end the list is read once
// more, as proof.
type each struct {
	*step
	o       *offboarding
	listing workflow.Future
	changes []*change
	// pause fires when a slow change counts no more among those at a time.
	pause  workflow.Future
	cancel workflow.CancelFunc
	// news says that something has come, or was decided, that is not acted on yet;
	// stopped that no further change is to begin.
	news, stopped bool
}

// change is one item that is being changed.
type change struct {
	id       string
	at       time.Time
	activity workflow.Future
	cancel   workflow.CancelFunc
}

// mostChanges is how often an item is changed that Microsoft lists again afterwards.
const mostChanges = 2

func (r *each) ready() bool {
	return r.news && !r.o.renewing || r.listing != nil && r.listing.IsReady() || r.pause != nil && r.pause.IsReady() ||
		slices.ContainsFunc(r.changes, func(c *change) bool { return c.activity.IsReady() })
}

func (r *each) writesSince() time.Time {
	if len(r.changes) == 0 {
		return time.Time{}
	}
	return r.changes[0].at
}

func (r *each) advance(ctx workflow.Context) {
	r.takeChanges(ctx)
	if r.pause != nil && r.pause.IsReady() {
		r.pause, r.news = nil, true
	}
	if r.listing != nil && r.listing.IsReady() {
		r.takeList(ctx)
	}
	if r.o.renewing {
		return
	}
	r.news = false
	if r.State == leaver.StepEnded || r.stopped || ctx.Err() != nil || r.listing != nil || r.Blind {
		return
	}
	if !r.Listed {
		r.list(ctx)
		return
	}
	r.changeItems(ctx)
	if len(r.changes) > 0 || slices.ContainsFunc(r.Items, isOpen) {
		r.attend(ctx)
		return
	}
	r.conclude(ctx)
}

// list reads the items.
func (r *each) list(ctx workflow.Context) {
	r.enter(leaver.StepRunning, workflow.Now(ctx))
	r.Decided = ""
	request := r.o.stepRequest(r.step)
	request.Items = r.Items
	options := readOptions(r.Summary + ": list")
	options.StartToCloseTimeout = listing
	ctx, r.cancel = workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	r.listing = workflow.ExecuteActivity(ctx, r.Activity, request)
}

// takeList takes what the list says. An item that was changed and is listed again is
// changed once more.
func (r *each) takeList(ctx workflow.Context) {
	var result leaver.StepResult
	err := r.listing.Get(ctx, &result)
	r.cancel()
	r.listing, r.cancel = nil, nil
	switch {
	case temporal.IsCanceledError(err):
		return
	case err != nil:
		r.Blind = true
		r.fail(r.Activity, err)
		r.o.wait(ctx, r.step)
		return
	}
	r.Listed, r.Proved, r.news = true, true, true
	for _, item := range result.Items {
		at := slices.IndexFunc(r.Items, func(known leaver.Item) bool { return known.ID == item.ID })
		switch {
		case at < 0:
			r.Items = append(r.Items, item)
		case r.Items[at].Choice == leaver.GiveUp, isQuestion(r.Items[at]):
		case item.Outcome == "" && r.Changed[item.ID] >= mostChanges:
			r.Items[at].Outcome, r.Items[at].Failure = leaver.Failed, leaver.GraphUnavailable
			r.Items[at].Detail = fmt.Sprintf("it was changed %d times, and Microsoft lists it again", r.Changed[item.ID])
		case item.Outcome != "" && r.Items[at].Outcome == leaver.Done: // as was seen when it was changed
		default:
			r.Items[at] = item
		}
	}
	if result.Outcome == leaver.Skipped && len(r.Items) == 0 {
		r.o.finish(ctx, r.step, result)
		return
	}
	r.Detail = result.Detail
}

// changeItems begins with the items that are to be changed, a few at a time.
func (r *each) changeItems(ctx workflow.Context) {
	now := workflow.Now(ctx)
	fresh := 0
	var oldest time.Time
	for _, c := range r.changes {
		if c.at.Add(devices.Slow).After(now) {
			fresh++
			if oldest.IsZero() || c.at.Before(oldest) {
				oldest = c.at
			}
		}
	}
	for i, item := range r.Items {
		if !isOpen(item) || slices.ContainsFunc(r.changes, func(c *change) bool { return c.id == item.ID }) {
			continue
		}
		if fresh >= devices.AtOnce {
			if r.pause == nil {
				r.pause = workflow.NewTimer(ctx, oldest.Add(devices.Slow).Sub(now))
			}
			return
		}
		fresh++
		if oldest.IsZero() {
			oldest = now
		}
		summary := fmt.Sprintf("%s: %d of %d", r.Summary, i+1, len(r.Items))
		running, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, writeOptions(r.Step, summary)))
		item.Choice = ""
		r.changes = append(r.changes, &change{item.ID, now, workflow.ExecuteActivity(running, r.Change, leaver.ItemRequest{UserID: r.o.Report.Leaver.ID, Item: item}), cancel})
	}
}

// takeChanges takes what came of the changes.
func (r *each) takeChanges(ctx workflow.Context) {
	r.changes = slices.DeleteFunc(r.changes, func(c *change) bool {
		if !c.activity.IsReady() {
			return false
		}
		at := slices.IndexFunc(r.Items, func(i leaver.Item) bool { return i.ID == c.id })
		var changed leaver.Item
		err := c.activity.Get(ctx, &changed)
		c.cancel()
		if r.Changed == nil {
			r.Changed = map[string]int{}
		}
		r.Changed[c.id]++
		r.Proved, r.news = false, true
		r.Items[at] = concluded(r.Items[at], changed, err)
		return true
	})
}

// concluded is an item after its change.
func concluded(before, changed leaver.Item, err error) leaver.Item {
	failure, failed := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case err == nil && (changed.Outcome == leaver.Done || changed.Outcome == leaver.AlreadyDone || changed.Outcome == leaver.Skipped):
		changed.ID = before.ID
		return changed
	case err == nil:
		before.Failure, before.Detail = leaver.GraphBadRequest, "the activity returned no outcome that an item can have"
	case temporal.IsCanceledError(err):
		before.Outcome, before.Detail = leaver.Canceled, "stopped before its end was seen"
		return before
	case failed:
		// A host's activity may fail without a type.
		before.Failure, before.Detail = leaver.FailureType(cmp.Or(failure.Type(), string(leaver.GraphBadRequest))), failure.Message()
	default:
		before.Failure, before.Detail = leaver.GraphUnavailable, "it was not done in time"
	}
	before.Outcome, before.Choice = leaver.Failed, ""
	return before
}

// attend shows whether a person is to decide while other items are changed.
func (r *each) attend(ctx workflow.Context) {
	state := leaver.StepRunning
	if r.Failure = r.question(); r.Failure != nil && r.OnFailure == leaver.Ask {
		state = leaver.StepWaiting
	}
	r.enter(state, workflow.Now(ctx))
}

// conclude ends the step when no item is left to be changed, or asks about those that
// failed.
func (r *each) conclude(ctx workflow.Context) {
	if r.Failure = r.question(); r.Failure != nil {
		r.Detail = r.Failure.Message
		r.o.wait(ctx, r.step)
		return
	}
	if !r.Proved {
		r.list(ctx)
		return
	}
	changed := 0
	for _, i := range r.Items {
		if i.Outcome == leaver.Done {
			changed++
		}
	}
	result := leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: r.Detail}
	if changed > 0 {
		result.Outcome = leaver.Done
		result.Detail = strings.TrimSuffix(countItems(changed)+" changed; "+r.Detail, "; ")
	}
	r.o.finish(ctx, r.step, result)
}

// question says what a person is asked about the items, or is nil.
func (r *each) question() *leaver.StepFailure {
	items := slices.DeleteFunc(slices.Clone(r.Items), func(i leaver.Item) bool { return !isQuestion(i) })
	if len(items) == 0 {
		return nil
	}
	return &leaver.StepFailure{Type: items[0].Failure,
		Message: fmt.Sprintf("%s for a person to decide about: %s; answer for each, giveUp leaves it as it is", countItems(len(items)), items[0].Detail)}
}

func (r *each) stop() {
	r.news, r.stopped = true, true
	for _, c := range r.changes {
		c.cancel()
	}
	if r.cancel != nil {
		r.cancel()
	}
}

// retry changes items again that could not be changed. Where the list could not be read,
// it is read again.
func (r *each) retry(items []string) {
	r.news, r.Blind = true, false
	for i := range r.Items {
		if item := &r.Items[i]; isQuestion(*item) && slices.Contains(items, item.ID) {
			item.Outcome, item.Failure, item.Detail = "", "", ""
			delete(r.Changed, item.ID)
		}
	}
}

func (r *each) answer(choice leaver.Choice, items []string) {
	if choice == leaver.Retry {
		r.retry(items)
		return
	}
	r.news = true
	for i := range r.Items {
		if item := &r.Items[i]; slices.Contains(items, item.ID) {
			item.Outcome, item.Choice, item.Failure = leaver.Skipped, choice, ""
			item.Detail = "left as it is, by a decision"
		}
	}
}

// isOpen reports whether an item is to be changed still.
func isOpen(i leaver.Item) bool { return i.Outcome == "" }

// isQuestion reports whether a person is to decide about an item. One that cannot be
// changed at all is none: the list says so.
func isQuestion(i leaver.Item) bool { return i.Outcome == leaver.Failed && i.Failure != "" }

func countItems(n int) string {
	if n == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", n)
}
