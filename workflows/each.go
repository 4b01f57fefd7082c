package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// each runs a step that lists items and changes each by an activity of its own, so that
// an item for which Microsoft fails holds up no other. In the end the list is read once
// more, as proof.
type each struct{ work }

// mostChanges is how often an item is changed that Microsoft lists again afterwards.
const mostChanges = 2

func (r *each) advance(ctx workflow.Context) {
	r.takeChanges(ctx)
	if r.timer.ended() {
		r.timer, r.news = nil, true
	}
	if r.read.ended() {
		r.takeList(ctx)
	}
	if r.o.renewing {
		return
	}
	r.news = false
	if r.o.held() || r.State == leaver.StepEnded || r.Decided == leaver.SkipStep || ctx.Err() != nil || r.read != nil || r.Blind {
		return
	}
	if !r.Listed {
		r.list(ctx)
		return
	}
	r.changeItems(ctx)
	r.Failure = r.question()
	switch atWork := len(r.writes) > 0 || slices.ContainsFunc(r.Items, isOpen); {
	case atWork && r.Failure != nil && r.OnFailure == leaver.Ask:
		r.enter(leaver.StepWaiting, workflow.Now(ctx)) // while other items are changed
	case atWork && !slices.ContainsFunc(r.Items, func(i leaver.Item) bool { return isOpen(i) && !i.AwaitsApproval() }):
		r.enter(leaver.StepAwaitingApproval, workflow.Now(ctx))
	case atWork:
		r.enter(leaver.StepRunning, workflow.Now(ctx))
	case r.Failure != nil:
		r.Detail = r.Failure.Message
		r.o.wait(ctx, r.step)
	case !r.Proved:
		r.list(ctx)
	default:
		result := leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: r.Detail}
		if changed := len(choose(r.Items, isDone)); changed > 0 {
			result.Outcome = leaver.Done
			result.Detail = strings.TrimSuffix(countOf(changed, "item")+" changed; "+r.Detail, "; ")
		}
		r.o.finish(ctx, r.step, result)
	}
}

func (r *each) list(ctx workflow.Context) {
	r.enter(leaver.StepRunning, workflow.Now(ctx))
	request := r.o.stepRequest(r.step)
	request.Items = r.Items
	options := readOptions(r.Summary + ": list")
	options.StartToCloseTimeout = listing
	r.read = begin(ctx, devices.Write{}, options, r.Activity, request)
}

// takeList takes what the list says. An item that was changed and is listed again is
// changed once more.
func (r *each) takeList(ctx workflow.Context) {
	var result leaver.StepResult
	err := r.read.take(ctx, &result)
	r.read = nil
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
		case item.Outcome == "" && r.Changed[item.ID] >= cmp.Or(r.MostChanges, mostChanges):
			r.Items[at].Outcome, r.Items[at].Failure = leaver.Failed, leaver.GraphUnavailable
			r.Items[at].Detail = fmt.Sprintf("it was changed %d times, and Microsoft lists it again", r.Changed[item.ID])
		case item.Outcome != "" && r.Items[at].Outcome == leaver.Done: // as was seen when it was changed
		default:
			if r.Items[at].AwaitsApproval() {
				item.Approval = r.Items[at].Approval
			}
			r.Items[at] = item
		}
	}
	for i, item := range r.Items {
		r.Items[i] = r.o.shortened(item)
	}
	if result.Outcome == leaver.Skipped && len(r.Items) == 0 {
		r.o.finish(ctx, r.step, result)
		return
	}
	r.Detail = result.Detail
}

// shortened is an item that holds of a device no more than tells it from others, where the step that removes the devices
// holds the rest: several steps with all about a thousand devices would be more than Temporal takes in one payload.
func (o *offboarding) shortened(item leaver.Item) leaver.Item {
	if d := item.Device; d != nil && o.facts(d.ManagedDeviceID) != nil {
		item.Device = &leaver.Device{DeviceFacts: leaver.DeviceFacts{Name: d.Name}, ManagedDeviceID: d.ManagedDeviceID}
	}
	return item
}

// whole is an item with all about its device, as the activity that lists it has seen it.
func (o *offboarding) whole(item leaver.Item) leaver.Item {
	if d := item.Device; d != nil && d.Verdict == "" {
		if facts := o.facts(d.ManagedDeviceID); facts != nil {
			item.Device = &leaver.Device{DeviceFacts: *facts, ManagedDeviceID: d.ManagedDeviceID, Verdict: leaver.Gone}
		}
	}
	return item
}

// facts are what is known of a device that has left Intune, or nil.
func (o *offboarding) facts(managedDeviceID string) *leaver.DeviceFacts {
	for _, s := range o.Steps {
		if s.Fleet == nil || managedDeviceID == "" {
			continue
		}
		if left := s.Fleet.Left(managedDeviceID); left != nil {
			return left
		}
	}
	return nil
}

// changeItems begins with the items that are to be changed, a few at a time.
func (r *each) changeItems(ctx workflow.Context) {
	now := workflow.Now(ctx)
	fresh := choose(r.writes, func(c *call) bool { return c.at.Add(devices.Slow).After(now) })
	for i, item := range r.Items {
		if !isOpen(item) || slices.ContainsFunc(r.writes, func(c *call) bool { return c.IDs[0] == item.ID }) {
			continue
		}
		if len(fresh) >= cmp.Or(r.AtOnce, devices.AtOnce) {
			if r.timer == nil { // a slow change frees its place
				r.timer = &call{future: workflow.NewTimer(ctx, fresh[0].at.Add(devices.Slow).Sub(now)), cancel: func() {}}
			}
			return
		}
		item.Choice = ""
		options := writeOptions(r.Step, fmt.Sprintf("%s: %d of %d", r.Summary, i+1, len(r.Items)))
		if item.Approval != nil {
			options.ScheduleToCloseTimeout += approvalPatience
		}
		c := begin(ctx, devices.Write{IDs: []string{item.ID}}, options, r.Change, leaver.ItemRequest{UserID: r.o.Report.Leaver.ID, Item: r.o.whole(item), Reason: r.Reason, AccountDisabled: r.o.accountDisabled(), Settings: r.Settings})
		r.writes, fresh = append(r.writes, c), append(fresh, c)
	}
}

func (r *each) takeChanges(ctx workflow.Context) {
	for _, c := range r.ended() {
		at := slices.IndexFunc(r.Items, func(i leaver.Item) bool { return i.ID == c.IDs[0] })
		var changed leaver.Item
		err := c.take(ctx, &changed)
		r.news = true
		if temporal.IsCanceledError(err) && r.o.renewing && r.Decided != leaver.SkipStep && ctx.Err() == nil && r.Items[at].AwaitsApproval() {
			continue // see letGo
		}
		if leaver.IsFailure(err, leaver.AccountEnabled) {
			r.o.hold(ctx, r.step)
			continue
		}
		if filed := changed.Approval; err == nil && filed != nil && changed.Outcome == "" {
			item := &r.Items[at]
			if item.Approval = filed; filed.Status != leaver.ApprovalNeeded {
				item.Outcome, item.Failure = leaver.Failed, leaver.ApprovalRequired
				item.Detail = fmt.Sprintf("the request for approval %s was %s in Intune; retry asks for approval again", filed.Code, filed.Status)
			}
			continue
		}
		if r.Changed == nil {
			r.Changed = map[string]int{}
		}
		r.Changed[c.IDs[0]]++
		r.Proved = false
		r.Items[at] = r.o.shortened(concluded(r.Items[at], changed, err))
	}
}

// letGo ends the changes that only wait for a second administrator, which may take days: the next run waits on. One
// that a person has told to be approved may be at work.
func (r *each) letGo(ctx workflow.Context) {
	for _, c := range r.writes {
		at := slices.IndexFunc(r.Items, func(i leaver.Item) bool { return i.ID == c.IDs[0] })
		if item := r.Items[at]; item.AwaitsApproval() && !item.Approval.Told && !c.at.Add(devices.Slow).After(workflow.Now(ctx)) {
			c.cancel()
		}
	}
}

// concluded is an item after its change.
func concluded(before, changed leaver.Item, err error) leaver.Item {
	failure, failed := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case err == nil && isResult(changed.Outcome):
		changed.ID = before.ID
		if changed.Approval != nil || before.Approval == nil { // nothing was written, or it needed no approval
			return changed
		}
		request := *before.Approval
		if changed.Outcome == leaver.Done {
			request.Status = leaver.ApprovalCompleted
		}
		changed.Approval = &request
		return changed
	case err == nil:
		before.Failure, before.Detail = leaver.GraphBadRequest, "the activity returned no outcome that an item can have"
	case temporal.IsCanceledError(err):
		before.Outcome, before.Detail = unseen.Outcome, unseen.Detail
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

func (r *each) question() *leaver.StepFailure {
	items := choose(r.Items, isQuestion)
	if len(items) == 0 {
		return nil
	}
	return &leaver.StepFailure{Type: items[0].Failure,
		Message: fmt.Sprintf("%s for a person to decide about: %s; answer for each, giveUp leaves it as it is", countOf(len(items), "item"), items[0].Detail)}
}

func (r *each) retry(items []string) { r.answer(leaver.Retry, items) }

// answer has items changed again that could not be, or leaves them as they are. Where the
// list could not be read, it is read again.
func (r *each) answer(choice leaver.Choice, items []string) {
	r.news, r.Blind = true, false
	for i := range r.Items {
		switch item := &r.Items[i]; {
		case !slices.Contains(items, item.ID):
		case choice == leaver.GiveUp:
			item.Outcome, item.Choice, item.Failure, item.Detail = leaver.Skipped, choice, "", "left as it is, by a decision"
		case isQuestion(*item):
			item.Outcome, item.Failure, item.Detail, item.Approval = "", "", "", told(item.Approval, choice)
			delete(r.Changed, item.ID)
		}
	}
}

// told is a request for approval after a person has told that it is approved. On a retry, what was refused is
// asked for again, and whether a request is approved that was told to be is read.
func told(request *leaver.Approval, choice leaver.Choice) *leaver.Approval {
	switch {
	case choice != leaver.Approved && request != nil && request.Status != leaver.ApprovalNeeded:
		return nil
	case request == nil:
		return nil
	}
	copied := *request
	copied.Told = choice == leaver.Approved
	return &copied
}

// isOpen reports whether an item is to be changed still.
func isOpen(i leaver.Item) bool { return i.Outcome == "" }

func isDone(i leaver.Item) bool { return i.Outcome == leaver.Done }

// isQuestion reports whether a person is to decide about an item. One that cannot be
// changed at all is none: the list says so.
func isQuestion(i leaver.Item) bool { return i.Outcome == leaver.Failed && i.Failure != "" }

// isUnread reports whether a person is to tell that what an item waits for is approved.
func isUnread(i leaver.Item) bool {
	return isQuestion(i) && i.Approval != nil && i.Approval.Status == leaver.ApprovalNeeded
}
