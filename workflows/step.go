package workflows

import (
	"errors"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// step is a step of the plan while it runs.
type step struct {
	leaver.StepRecord
	// activity is the one that runs, and cancel ends it; nil while none does.
	// approving says that it waits for a second administrator.
	activity  workflow.Future
	cancel    workflow.CancelFunc
	approving bool
	// handing says that the activity may leave items to a step that follows.
	handing bool
	// answer is what a person decided and the step has not yet acted on.
	answer leaver.Action
	// choices are offered for the items that are asked about, and chosen are the
	// items about which somebody has decided while the activity runs.
	choices []leaver.Choice
	chosen  []string
	// foreseen says that the items are the plan's.
	foreseen bool
	// since is when the present wait began, and polling when that of a poll did.
	since, polling time.Time
	// notBefore is when the activity may call again.
	notBefore *time.Time
}

func newStep(planned leaver.Step) *step {
	items := planned.Items
	planned.Items = nil // or the plan's would be kept as long as the step's own
	return &step{StepRecord: leaver.StepRecord{Step: planned, State: leaver.StepPending, Items: items}, foreseen: true}
}

// advance takes every step as far as it goes now, in the plan's order. All of
// them stand on the workflow's own coroutine: one that waits for weeks costs
// its worker no stack.
func (o *offboarding) advance(ctx workflow.Context) {
	for moved := true; moved; {
		moved = false
		for _, s := range o.steps {
			moved = o.move(ctx, s) || moved
		}
	}
}

// move takes a step to its next state and reports whether there was one.
func (o *offboarding) move(ctx workflow.Context, s *step) bool {
	switch {
	case !o.canMove(ctx, s):
		return false
	case s.State == leaver.StepPending:
		o.begin(ctx, s)
	case s.activity == nil:
		o.resume(ctx, s)
	case s.approving:
		o.concludeApproval(ctx, s)
	default:
		o.conclude(ctx, s)
	}
	return true
}

func (o *offboarding) canMove(ctx workflow.Context, s *step) bool {
	switch {
	case s.activity != nil:
		return s.activity.IsReady()
	case s.State == leaver.StepPending:
		return s.Skip != "" || ctx.Err() != nil || s.answer == leaver.SkipStep || o.ready(s)
	case s.State == leaver.StepWaiting:
		return ctx.Err() != nil || s.answer != ""
	}
	return false
}

// ready reports whether every step that s comes after has ended.
func (o *offboarding) ready(s *step) bool {
	return !slices.ContainsFunc(o.steps, func(other *step) bool {
		return other.State != leaver.StepEnded && (slices.Contains(s.After, other.Name) || slices.Contains(s.Needs, other.Name))
	})
}

// begin starts a pending step, or ends it at once.
func (o *offboarding) begin(ctx workflow.Context, s *step) {
	need := o.missing(s)
	switch {
	case s.Skip != "":
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: s.Skip})
	case ctx.Err() != nil:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.NotStarted})
	case s.answer == leaver.SkipStep:
		o.leaveOut(ctx, s)
	case need != "":
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: need + " was not done"})
	default:
		s.polling = workflow.Now(ctx)
		o.execute(ctx, s)
	}
}

// missing names a step that s needs and that was not done, or "".
func (o *offboarding) missing(s *step) string {
	for _, other := range o.steps {
		if !slices.Contains(s.Needs, other.Name) || other.Outcome == leaver.Done || other.Outcome == leaver.AlreadyDone {
			continue
		}
		if !s.Partly || !slices.ContainsFunc(other.Items, leaver.Item.Asked) {
			return other.Name
		}
	}
	return ""
}

// execute starts the step's activity, with Temporal's retries.
func (o *offboarding) execute(ctx workflow.Context, s *step) {
	now := workflow.Now(ctx)
	s.State, s.since, s.answer, s.Detail, s.notBefore = leaver.StepRunning, now, "", "", nil
	if s.StartedAt.IsZero() {
		s.StartedAt = now
	}
	o.start(ctx, s)
}

func (o *offboarding) start(ctx workflow.Context, s *step) {
	request := leaver.StepRequest{
		UserID: o.report.Leaver.ID, Poll: s.remaining(workflow.Now(ctx)), Devices: s.Devices, Justification: s.Justification,
		HandsOver: s.HandsOver && o.handsOver(s), Changes: s.Changes, NotBefore: s.notBefore,
	}
	if !s.foreseen {
		request.Items = s.Items
	}
	s.chosen, s.handing = nil, request.HandsOver
	for _, other := range o.steps {
		if slices.Contains(s.After, other.Name) {
			if request.Results == nil {
				request.Results = map[string]leaver.StepResult{}
			}
			request.Results[other.Name] = leaver.StepResult{Outcome: other.Outcome, Detail: other.Detail, Items: other.Items}
		}
	}
	running, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, optionsFor(s.Step)))
	s.activity, s.cancel = workflow.ExecuteActivity(running, s.Activity, request), cancel
	o.show(ctx)
}

// handsOver reports whether a step that follows can go on with what is open.
func (o *offboarding) handsOver(s *step) bool {
	return slices.ContainsFunc(o.steps, func(next *step) bool {
		return slices.Contains(next.Needs, s.Name) && next.Skip == "" && next.State != leaver.StepEnded && next.answer != leaver.SkipStep
	})
}

// remaining is the step's rhythm with what is left of its deadline.
func (s *step) remaining(now time.Time) *leaver.Poll {
	if s.Poll == nil || !s.Poll.Changes {
		return s.Poll
	}
	poll := *s.Poll
	poll.Deadline = max(0, poll.Deadline-leaver.Duration(now.Sub(s.polling)))
	return &poll
}

// conclude takes what the step's activity returned.
func (o *offboarding) conclude(ctx workflow.Context, s *step) {
	var result leaver.StepResult
	err := s.activity.Get(ctx, &result)
	s.cancel() // or the step's context would be kept as long as the workflow
	s.activity, s.cancel = nil, nil
	if err == nil {
		err = s.checkOutcome(result)
	}
	stopped := temporal.IsCanceledError(err)
	switch {
	case err == nil && (result.Items != nil || result.Outcome == leaver.Ongoing):
		// What was decided while the activity ended is for whoever goes on.
		s.take(result, workflow.Now(ctx))
		result.Items = s.Items
		if s.handing && !o.handsOver(s) && ctx.Err() == nil && slices.ContainsFunc(s.Items, asksAbout) {
			result.Outcome = leaver.Ongoing // the step that would have gone on was left out meanwhile
		}
		if result.Outcome == leaver.Ongoing {
			s.Detail, s.notBefore = result.Detail, result.NotBefore
		}
	case stopped:
		if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok {
			s.takeDetails(canceled, workflow.Now(ctx))
		}
	case err != nil:
		s.fail(err, workflow.Now(ctx))
	}
	switch {
	case err == nil && result.Outcome != leaver.Ongoing:
		o.finish(ctx, s, result)
	case s.answer == leaver.SkipStep:
		o.leaveOut(ctx, s)
	case ctx.Err() == nil && s.answer != "":
		o.goOn(ctx, s)
	case err == nil && ctx.Err() == nil:
		s.attend(workflow.Now(ctx))
		o.start(ctx, s)
	case err == nil || stopped:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Canceled, Detail: "stopped before its end was seen"})
	case ctx.Err() == nil && s.Failure.Type == leaver.ApprovalRequired && slices.ContainsFunc(s.Items, leaver.Item.AwaitsApproval):
		o.awaitApproval(ctx, s)
	case s.OnFailure != leaver.Ask || ctx.Err() != nil:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Failed, Detail: s.Detail})
		if s.OnFailure == leaver.Fail {
			o.stop()
		}
	default:
		s.State, s.answer, s.since = leaver.StepWaiting, "", workflow.Now(ctx)
		o.show(ctx)
	}
}

// take notes what the activity says of the items. What was decided while it ran
// stands, where there is still something to decide: also that an item is given up.
// When something was asked of an item, the wait begins anew.
func (s *step) take(result leaver.StepResult, now time.Time) {
	items := slices.Clone(result.Items)
	for i := range items {
		at := slices.IndexFunc(s.Items, func(before leaver.Item) bool { return before.ID == items[i].ID })
		if at < 0 {
			continue
		}
		before := s.Items[at]
		if at := askedAt(items[i]); !at.IsZero() && !at.Equal(askedAt(before)) {
			s.polling = now
		}
		open := items[i].Outcome == "" || items[i].Outcome == leaver.Failed
		if slices.Contains(s.chosen, items[i].ID) && (takes(items[i], before.Choice) || open && before.Choice == leaver.GiveUp) {
			items[i].Outcome, items[i].Choice = "", before.Choice
		}
	}
	s.Items, s.choices, s.foreseen = items, result.Choices, false
}

// askedAt is when something was asked of an item last, or zero.
func askedAt(i leaver.Item) time.Time {
	if i.Device == nil || i.Device.ActionAt == nil {
		return time.Time{}
	}
	return *i.Device.ActionAt
}

// attend gives a step that goes on polling the state of those of its items that
// wait for somebody.
func (s *step) attend(now time.Time) {
	state := leaver.StepRunning
	switch {
	case s.OnFailure == leaver.Ask && s.failed() > 0:
		state = leaver.StepWaiting
	case slices.ContainsFunc(s.Items, leaver.Item.AwaitsApproval):
		state = leaver.StepAwaitingApproval
	}
	if state != s.State {
		s.State, s.since = state, now
	}
	s.Failure = nil
}

// awaitApproval waits for a second administrator, as long as that takes and
// whatever the step does on failure: a request that waits is none.
func (o *offboarding) awaitApproval(ctx workflow.Context, s *step) {
	s.State, s.answer, s.since = leaver.StepAwaitingApproval, "", workflow.Now(ctx)
	o.show(ctx)
	ctx, s.cancel = workflow.WithCancel(workflow.WithActivityOptions(ctx, approvalOptions))
	s.approving, s.chosen = true, nil
	s.activity = workflow.ExecuteActivity(ctx, leaver.ActivityAwaitApproval, leaver.StepRequest{UserID: o.report.Leaver.ID, Items: s.Items})
}

// concludeApproval goes on with the step when there is news about an approval.
func (o *offboarding) concludeApproval(ctx workflow.Context, s *step) {
	var result leaver.StepResult
	err := s.activity.Get(ctx, &result)
	s.cancel()
	s.activity, s.cancel, s.approving = nil, nil, false
	switch {
	case s.answer == leaver.SkipStep:
		o.leaveOut(ctx, s)
	case ctx.Err() != nil:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Failed, Detail: s.Detail})
	case s.answer == leaver.Answer:
		o.goOn(ctx, s)
	case err == nil:
		s.Items = result.Items
		o.execute(ctx, s)
	default:
		s.State, s.since = leaver.StepWaiting, workflow.Now(ctx)
		o.show(ctx)
	}
}

func (s *step) checkOutcome(result leaver.StepResult) error {
	switch result.Outcome {
	case leaver.Done, leaver.AlreadyDone, leaver.Skipped, leaver.Ongoing:
		return nil
	}
	return leaver.Failure{Type: leaver.GraphBadRequest, Message: s.Activity + ": the activity returned no outcome that a step can have"}.Err()
}

// fail records why the step could not go on.
func (s *step) fail(err error, now time.Time) {
	s.Failure = &leaver.StepFailure{Type: leaver.GraphUnavailable, Message: s.Activity + ": did not succeed in time"}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		s.Failure = &leaver.StepFailure{Type: leaver.FailureType(failure.Type()), Message: failure.Message()}
		s.takeDetails(failure, now)
	}
	s.Detail = s.Failure.Message
}

// takeDetails takes from an error how far the activity came; else what was known
// still holds.
func (s *step) takeDetails(err interface {
	HasDetails() bool
	Details(...any) error
}, now time.Time) {
	var seen leaver.StepResult
	if err.HasDetails() && err.Details(&seen) == nil && len(seen.Items) > 0 {
		s.take(seen, now)
	}
}

// resume acts on what a person decided about a waiting step, or on the end of
// the whole.
func (o *offboarding) resume(ctx workflow.Context, s *step) {
	switch {
	case ctx.Err() != nil:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Failed, Detail: s.Detail})
	case s.answer == leaver.SkipStep:
		o.leaveOut(ctx, s)
	default:
		s.polling = workflow.Now(ctx)
		o.goOn(ctx, s)
	}
}

// goOn has the activity act on what a person decided. A retry begins anew with
// what failed; what was decided about the other items holds.
func (o *offboarding) goOn(ctx workflow.Context, s *step) {
	if s.answer == leaver.RetryStep {
		s.polling = workflow.Now(ctx)
		for i := range s.Items {
			if s.Items[i].Outcome == leaver.Failed {
				s.Items[i] = s.Items[i].Anew()
			}
		}
	}
	o.execute(ctx, s)
}

func (o *offboarding) leaveOut(ctx workflow.Context, s *step) {
	o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: "left out by a decision"})
}

func (o *offboarding) finish(ctx workflow.Context, s *step, result leaver.StepResult) {
	s.State, s.Outcome, s.Detail, s.EndedAt = leaver.StepEnded, result.Outcome, result.Detail, workflow.Now(ctx)
	if result.Items != nil {
		s.Items = result.Items
	}
	s.choices = nil
	o.show(ctx)
}
