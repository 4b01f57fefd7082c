package workflows

import (
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// single runs a step whose one activity does the whole.
type single struct {
	*step
	o        *offboarding
	activity workflow.Future
	cancel   workflow.CancelFunc
}

func (r *single) ready() bool {
	if r.activity != nil {
		return r.activity.IsReady()
	}
	return r.State == leaver.StepWaiting && r.Decided == leaver.RetryStep && !r.o.renewing
}

func (r *single) writesSince() time.Time {
	if r.activity == nil {
		return time.Time{}
	}
	return r.Since
}

func (r *single) advance(ctx workflow.Context) {
	switch {
	case r.activity != nil:
		r.conclude(ctx)
	case r.State == leaver.StepRunning || r.Decided == leaver.RetryStep:
		r.start(ctx)
	}
}

func (r *single) start(ctx workflow.Context) {
	r.enter(leaver.StepRunning, workflow.Now(ctx))
	r.Decided, r.Detail = "", ""
	ctx, r.cancel = workflow.WithCancel(workflow.WithActivityOptions(ctx, writeOptions(r.Step, r.Summary)))
	r.activity = workflow.ExecuteActivity(ctx, r.Activity, r.o.stepRequest(r.step))
}

// conclude takes what the activity returned.
func (r *single) conclude(ctx workflow.Context) {
	var result leaver.StepResult
	err := r.activity.Get(ctx, &result)
	r.cancel() // or the activity's context would be kept as long as the workflow
	r.activity, r.cancel = nil, nil
	if err == nil && result.Outcome != leaver.Done && result.Outcome != leaver.AlreadyDone && result.Outcome != leaver.Skipped {
		err = leaver.Failure{Type: leaver.GraphBadRequest, Message: r.Activity + ": the activity returned no outcome that a step can have"}.Err()
	}
	switch {
	case err == nil:
		if result.Items != nil {
			r.Items = result.Items
		}
		r.o.finish(ctx, r.step, result)
	case temporal.IsCanceledError(err) && r.Decided == leaver.SkipStep:
		r.o.leaveOut(ctx, r.step)
	case temporal.IsCanceledError(err):
		r.o.finish(ctx, r.step, leaver.StepResult{Outcome: leaver.Canceled, Detail: "stopped before its end was seen"})
	default:
		r.fail(r.Activity, err)
		r.o.wait(ctx, r.step)
	}
}

func (r *single) stop() {
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *single) retry([]string) { r.Decided = leaver.RetryStep }

func (r *single) answer(leaver.Choice, []string) {}
