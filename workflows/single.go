package workflows

import (
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// single runs a step whose one activity does the whole.
type single struct{ work }

func (r *single) advance(ctx workflow.Context) {
	r.news = false
	if len(r.writes) == 0 {
		if r.State == leaver.StepRunning || r.Decided == leaver.RetryStep {
			r.enter(leaver.StepRunning, workflow.Now(ctx))
			r.Decided, r.Detail = "", ""
			r.writes = []*call{begin(ctx, devices.Write{}, writeOptions(r.Step, r.Summary), r.Activity, r.o.stepRequest(r.step))}
		}
		return
	}
	var result leaver.StepResult
	err := r.writes[0].take(ctx, &result)
	r.writes = nil
	if err == nil && !isResult(result.Outcome) {
		err = leaver.Failure{Type: leaver.GraphBadRequest, Message: r.Activity + ": the activity returned no outcome that a step can have"}.Err()
	}
	switch {
	case err == nil:
		if result.Items != nil {
			r.Items = result.Items
		}
		r.o.finish(ctx, r.step, result)
	case leaver.IsFailure(err, leaver.AccountEnabled):
		r.State, r.runner = leaver.StepPending, nil // it runs once a person has decided
		r.o.hold(ctx, r.step)
	case temporal.IsCanceledError(err) && r.Decided == leaver.SkipStep:
		r.o.leaveOut(ctx, r.step)
	case temporal.IsCanceledError(err):
		r.o.finish(ctx, r.step, unseen)
	default:
		r.fail(r.Activity, err)
		r.o.wait(ctx, r.step)
	}
}

func (r *single) retry([]string) { r.Decided, r.news = leaver.RetryStep, true }

func (r *single) answer(leaver.Choice, []string) {}
