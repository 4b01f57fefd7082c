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
	// cancel ends the running activity; nil while none runs.
	cancel workflow.CancelFunc
	// answer is what a person decided and the step has not yet acted on.
	answer leaver.Action
	// choices are offered for the items that failed.
	choices []leaver.Choice
	// since is when the present wait began.
	since time.Time
}

func newStep(planned leaver.Step) *step {
	return &step{StepRecord: leaver.StepRecord{Step: planned, State: leaver.StepPending, Items: planned.Items}}
}

// runStep takes one step from pending to its outcome.
func (o *offboarding) runStep(ctx workflow.Context, s *step) {
	if s.Skip != "" {
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: s.Skip})
		return
	}
	if workflow.Await(ctx, func() bool { return s.answer == leaver.SkipStep || o.ready(s) }) != nil || ctx.Err() != nil {
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.NotStarted})
		return
	}
	if need := o.missing(s); need != "" && s.answer == "" {
		o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: need + " was not done"})
		return
	}
	for {
		if s.answer == leaver.SkipStep {
			o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Skipped, Detail: "left out by a decision"})
			return
		}
		result, err := o.execute(ctx, s)
		switch {
		case err == nil:
			o.finish(ctx, s, result)
			return
		case temporal.IsCanceledError(err) && s.answer == leaver.SkipStep:
			continue
		case temporal.IsCanceledError(err):
			o.finish(ctx, s, leaver.StepResult{Outcome: leaver.Canceled, Detail: "stopped before its end was seen"})
			return
		}
		failed := s.fail(err)
		if s.answer == leaver.SkipStep {
			continue
		}
		if s.OnFailure != leaver.Ask || ctx.Err() != nil {
			o.finish(ctx, s, failed)
			if s.OnFailure == leaver.Fail {
				o.stop()
			}
			return
		}
		if !o.ask(ctx, s, failed) {
			return
		}
	}
}

// ready reports whether every step that s comes after has ended.
func (o *offboarding) ready(s *step) bool {
	return !slices.ContainsFunc(o.steps, func(other *step) bool {
		return other.State != leaver.StepEnded && (slices.Contains(s.After, other.Name) || slices.Contains(s.Needs, other.Name))
	})
}

// missing names a step that s needs and that was not done, or "".
func (o *offboarding) missing(s *step) string {
	for _, other := range o.steps {
		if slices.Contains(s.Needs, other.Name) && other.Outcome != leaver.Done && other.Outcome != leaver.AlreadyDone {
			return other.Name
		}
	}
	return ""
}

// execute runs the step's activity once, with Temporal's retries.
func (o *offboarding) execute(ctx workflow.Context, s *step) (leaver.StepResult, error) {
	s.State, s.since = leaver.StepRunning, workflow.Now(ctx)
	if s.StartedAt.IsZero() {
		s.StartedAt = workflow.Now(ctx)
	}
	request := leaver.StepRequest{UserID: o.report.Leaver.ID, Poll: s.Poll, Devices: s.Devices, Items: s.Items}
	for _, other := range o.steps {
		if slices.Contains(s.After, other.Name) {
			if request.Results == nil {
				request.Results = map[string]leaver.StepResult{}
			}
			request.Results[other.Name] = leaver.StepResult{Outcome: other.Outcome, Detail: other.Detail, Items: other.Items}
		}
	}
	o.show(ctx)
	ctx, s.cancel = workflow.WithCancel(workflow.WithActivityOptions(ctx, optionsFor(s.Step)))
	defer func() { s.cancel = nil }()
	var result leaver.StepResult
	err := workflow.ExecuteActivity(ctx, s.Activity, request).Get(ctx, &result)
	if err == nil && result.Outcome != leaver.Done && result.Outcome != leaver.AlreadyDone && result.Outcome != leaver.Skipped {
		return result, leaver.Failure{Type: leaver.GraphBadRequest, Message: s.Activity + ": the activity returned no outcome that a step can have"}.Err()
	}
	return result, err
}

// fail records why the step could not go on.
func (s *step) fail(err error) leaver.StepResult {
	result := leaver.StepResult{Outcome: leaver.Failed}
	s.choices = nil
	s.Failure = &leaver.StepFailure{Type: leaver.GraphUnavailable, Message: s.Activity + ": did not succeed in time"}
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		s.Failure = &leaver.StepFailure{Type: leaver.FailureType(failure.Type()), Message: failure.Message()}
		// The activity may say how far it came.
		var seen leaver.StepResult
		if failure.HasDetails() && failure.Details(&seen) == nil {
			result.Items, s.choices = seen.Items, seen.Choices
		}
	}
	result.Detail = s.Failure.Message
	s.Items = result.Items
	return result
}

// ask waits until a person decides. It returns false when the offboarding
// ended instead.
func (o *offboarding) ask(ctx workflow.Context, s *step, failed leaver.StepResult) bool {
	s.State, s.Detail, s.answer, s.since = leaver.StepWaiting, failed.Detail, "", workflow.Now(ctx)
	o.show(ctx)
	if workflow.Await(ctx, func() bool { return s.answer != "" }) != nil {
		o.finish(ctx, s, failed)
		return false
	}
	switch s.answer {
	case leaver.RetryStep:
		s.answer, s.Detail, s.Items = "", "", nil
	case leaver.Answer:
		s.answer, s.Detail = "", ""
	}
	return true
}

func (o *offboarding) finish(ctx workflow.Context, s *step, result leaver.StepResult) {
	s.State, s.Outcome, s.Detail, s.EndedAt = leaver.StepEnded, result.Outcome, result.Detail, workflow.Now(ctx)
	if result.Items != nil {
		s.Items = result.Items
	}
	o.show(ctx)
}
