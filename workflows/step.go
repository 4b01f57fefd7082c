package workflows

import (
	"errors"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// step is a step of the plan while it runs.
type step struct {
	leaver.StepRecord
	// Since is when the present wait began.
	Since time.Time `json:"since,omitzero"`
	// Decided is what a person decided and the step has not acted on yet.
	Decided leaver.Action `json:"decided,omitempty"`
	// LeftOut says that a person left the step out.
	LeftOut bool `json:"leftOut,omitzero"`
	// Listed, Proved and Changed are for shape Each: whether the items are known,
	// whether the list was read since the last change, and how often each item was
	// changed.
	Listed  bool           `json:"listed,omitzero"`
	Proved  bool           `json:"proved,omitzero"`
	Changed map[string]int `json:"changed,omitempty"`
	// Fleet is for shape Devices, once the step has begun.
	Fleet *devices.Fleet `json:"fleet,omitempty"`
	// Blind says that the items, or devices, could not be listed, and that a person is
	// asked about that.
	Blind bool `json:"blind,omitzero"`
	// Due is when the step begins that waits some time after the steps before it have ended.
	Due time.Time `json:"due,omitzero"`

	// delay is the timer that ends when the step is due.
	delay  *call
	runner runner
}

// runner carries a step out. There is one for each shape. A runner stores in the step
// what a report, or the next run of the workflow, needs to know.
type runner interface {
	// ready reports whether something has happened that advance acts on.
	ready() bool
	// advance takes the step as far as it goes now.
	advance(ctx workflow.Context)
	// writesSince is when the oldest of the writes at work began; zero where none is.
	writesSince() time.Time
	// stop cancels what is at work. A write that runs ends first.
	stop()
	// wake has advance act on what was decided about the whole offboarding.
	wake()
	// retry and answer carry out what a person decided about items.
	retry(items []string)
	answer(choice leaver.Choice, items []string)
}

// items says how each item of the step stands.
func (s *step) items(now time.Time) []leaver.Item {
	if s.Fleet != nil {
		return s.Fleet.Items(now)
	}
	return s.Items
}

// advance takes every step as far as it goes now, in the plan's order. All of them
// stand on the workflow's own coroutine: one that waits for weeks costs its worker no
// stack.
func (o *offboarding) advance(ctx workflow.Context) {
	for moved := true; moved; {
		moved = false
		for _, s := range o.Steps {
			if o.canMove(ctx, s) {
				o.move(ctx, s)
				moved = true
			}
		}
	}
}

func (o *offboarding) canMove(ctx workflow.Context, s *step) bool {
	switch {
	case s.State == leaver.StepEnded:
		return false
	case s.State == leaver.StepPending:
		comesBefore := func(other *step) bool { return other.State != leaver.StepEnded && slices.Contains(s.After, other.Name) }
		return s.Skip != "" || ctx.Err() != nil || s.Decided == leaver.SkipStep || !o.renewing && !o.held() && (s.delay == nil || s.delay.ended()) && !slices.ContainsFunc(o.Steps, comesBefore)
	case s.Decided == leaver.SkipStep || ctx.Err() != nil:
		return s.runner.writesSince().IsZero() || s.runner.ready()
	}
	return s.runner.ready()
}

func (o *offboarding) move(ctx workflow.Context, s *step) {
	switch pending := s.State == leaver.StepPending; {
	case pending && s.Skip != "":
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: s.Skip})
	case pending && ctx.Err() != nil:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.NotStarted})
	case !pending && s.runner.ready():
		s.runner.advance(ctx)
	case s.Decided == leaver.SkipStep:
		o.leaveOut(ctx, s)
	case pending && s.Delay > 0 && s.delay == nil:
		s.putOff(ctx)
	case pending:
		if s.StartedAt.IsZero() {
			s.StartedAt = workflow.Now(ctx)
		}
		s.State, s.Since, s.Detail = leaver.StepRunning, workflow.Now(ctx), ""
		s.runner = o.newRunner(s)
		s.runner.advance(ctx)
	case s.State == leaver.StepWaiting:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Failed, Detail: s.Detail})
	default:
		o.finish(ctx, s, unseen)
	}
	o.show(ctx)
}

// putOff has a step begin some time from now. Where a run before this one has put it off, it is due as it was then.
func (s *step) putOff(ctx workflow.Context) {
	now := workflow.Now(ctx)
	if s.Due.IsZero() {
		s.Due, s.Since = now.Add(time.Duration(s.Delay)), now
	}
	ctx, cancel := workflow.WithCancel(ctx)
	s.delay = &call{future: workflow.NewTimerWithOptions(ctx, s.Due.Sub(now), workflow.TimerOptions{Summary: "Until " + s.Name + " begins"}), cancel: cancel}
}

// unseen is how a step ends that was stopped.
var unseen = leaver.StepResult{Outcome: leaver.Canceled, Detail: "stopped before its end was seen"}

func (o *offboarding) newRunner(s *step) runner {
	w := work{step: s, o: o, news: true}
	switch s.Shape {
	case leaver.Each:
		return &each{w}
	case leaver.Devices:
		if s.Fleet == nil {
			s.Fleet = &devices.Fleet{Policy: s.Devices.Policy, Deadline: s.Devices.Deadline, NoPerson: s.OnFailure != leaver.Ask}
			s.Items = nil // the plan's; the core knows better from now on
		}
		return &fleet{work: w}
	}
	return &single{w}
}

func (o *offboarding) stepRequest(s *step) leaver.StepRequest {
	results := map[string]leaver.StepResult{}
	for _, other := range o.Steps {
		if slices.Contains(s.After, other.Name) {
			results[other.Name] = leaver.StepResult{Outcome: other.Outcome, Detail: other.Detail, Items: briefly(other.items(o.now))}
		}
	}
	return leaver.StepRequest{UserID: o.Report.Leaver.ID, Reason: s.Reason, Results: results, AccountDisabled: o.accountDisabled(), Settings: s.Settings}
}

// briefly is what later steps need to know of items: a request that held the calls of
// hundreds of devices would be too large.
func briefly(items []leaver.Item) []leaver.Item {
	brief := make([]leaver.Item, len(items))
	for i, item := range items {
		brief[i] = leaver.Item{ID: item.ID, Outcome: item.Outcome}
		if d := item.Device; d != nil {
			brief[i].Device = &leaver.Device{DeviceFacts: d.DeviceFacts, ManagedDeviceID: d.ManagedDeviceID, Verdict: d.Verdict}
		}
	}
	return brief
}

// wait has a step that has failed wait for a person, or continue or end the whole without
// one, as its OnFailure says. Failure and Detail say why.
func (o *offboarding) wait(ctx workflow.Context, s *step) {
	switch {
	case s.Decided == leaver.SkipStep:
		o.leaveOut(ctx, s)
	case s.OnFailure == leaver.Ask && ctx.Err() == nil:
		s.enter(leaver.StepWaiting, workflow.Now(ctx))
	default:
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Failed, Detail: s.Detail})
		if s.OnFailure == leaver.Fail {
			o.stop()
		}
	}
}

// enter notes the state of a step, and when it began.
func (s *step) enter(state leaver.State, now time.Time) {
	if s.State != state {
		s.State, s.Since = state, now
	}
}

// fail notes why the step's activity could not do it.
func (s *step) fail(activity string, err error) {
	s.Failure = &leaver.StepFailure{Type: leaver.GraphUnavailable, Message: activity + ": did not succeed in time"}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		s.Failure = &leaver.StepFailure{Type: leaver.FailureType(failure.Type()), Message: failure.Message()}
	}
	s.Detail = s.Failure.Message
}

func (o *offboarding) leaveOut(ctx workflow.Context, s *step) {
	s.LeftOut = true
	o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: "left out by a decision"})
}

func (o *offboarding) finish(ctx workflow.Context, s *step, result leaver.StepResult) {
	s.State, s.Outcome, s.Detail, s.EndedAt = leaver.StepEnded, result.Outcome, result.Detail, workflow.Now(ctx)
	s.delay.stop()
	if s.runner != nil {
		s.runner.stop()
		s.runner = nil
	}
}

// runAgain has the steps run again that come after a step which did more than they know
// of.
func (o *offboarding) runAgain(after *step) {
	for _, s := range o.Steps {
		if slices.Contains(s.After, after.Name) && s.Shape == leaver.Each && isResult(s.Outcome) && s.Skip == "" && !s.LeftOut {
			s.State, s.Outcome, s.Listed, s.Blind = leaver.StepPending, "", false, false
		}
	}
}
