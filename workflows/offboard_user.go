// Package workflows holds the workflow OffboardUser: it has a plan made and
// runs it. It knows no step by name; it knows plans.
package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Register puts the workflow under its contract name.
func Register(r interface {
	RegisterWorkflowWithOptions(workflow any, options workflow.RegisterOptions)
}) {
	// A replayer registers once per history.
	r.RegisterWorkflowWithOptions(OffboardUser, workflow.RegisterOptions{
		Name: leaver.WorkflowType, DisableAlreadyRegisteredCheck: true,
	})
}

// OffboardUser takes a leaver.Request and returns a *leaver.Report. The input
// is read here and not by the data converter, which would ignore unknown fields.
//
// It fails with InvalidRequest, UserNotFound or another failure of planning
// before anything was touched; with OffboardingIncomplete and the report in its
// details when it was aborted or a step failed and nobody was to be asked; and
// is cancelled with the report in its details.
func OffboardUser(ctx workflow.Context, input json.RawMessage) (*leaver.Report, error) {
	stepsCtx, stop := workflow.WithCancel(ctx)
	o, err := setup(ctx, input, stop)
	if err != nil {
		return nil, err
	}
	return o.run(ctx, stepsCtx)
}

type offboarding struct {
	request leaver.Request
	report  leaver.Report
	steps   []*step
	refused []leaver.RefusedSignal
	signals []signal
	// stop keeps steps from starting and ends those that only wait.
	stop workflow.CancelFunc
}

// setup leaves nothing open that a decision needs: an update that came before
// the worker did is handled while listen still runs.
func setup(ctx workflow.Context, input json.RawMessage, stop workflow.CancelFunc) (*offboarding, error) {
	request, err := leaver.ParseRequest(input)
	if err != nil {
		return nil, err
	}
	o := &offboarding{request: request, stop: stop}
	o.report.Status = leaver.Planning
	o.report.StartedAt = workflow.Now(ctx)
	if err := o.listen(ctx); err != nil {
		return nil, err
	}
	o.show(ctx)
	return o, nil
}

func (o *offboarding) run(ctx, stepsCtx workflow.Context) (*leaver.Report, error) {
	if err := o.plan(stepsCtx); err != nil {
		return o.end(ctx, err)
	}
	if o.request.DryRun {
		o.report.Status = leaver.Planned
		return o.end(ctx, nil)
	}
	for o.advance(stepsCtx); !o.ended(); o.advance(stepsCtx) {
		o.attend(ctx, func() bool {
			return slices.ContainsFunc(o.steps, func(s *step) bool { return o.canMove(stepsCtx, s) })
		})
	}
	return o.end(ctx, nil)
}

// attend waits until something has happened, and takes the signals meanwhile.
func (o *offboarding) attend(ctx workflow.Context, happened func() bool) {
	// A cancelled context waits for nothing any more.
	waiting, _ := workflow.NewDisconnectedContext(ctx)
	for !happened() {
		_ = workflow.Await(waiting, func() bool { return happened() || o.signalled() })
		o.takeSignals(ctx)
	}
}

func (o *offboarding) ended() bool {
	return !slices.ContainsFunc(o.steps, func(s *step) bool { return s.State != leaver.StepEnded })
}

// plan has the plan made and pins it.
func (o *offboarding) plan(ctx workflow.Context) error {
	ctx, release := workflow.WithCancel(workflow.WithActivityOptions(ctx, planOptions))
	defer release()
	planning := workflow.ExecuteActivity(ctx, leaver.ActivityPlanOffboarding, o.request)
	o.attend(ctx, planning.IsReady)
	var plan leaver.Plan
	if err := planning.Get(ctx, &plan); err != nil {
		return planFailure(err)
	}
	if err := plan.Check(); err != nil {
		return leaver.Failure{Type: leaver.OffboardingIncomplete, Message: "the plan cannot be run: " + err.Error()}.Err()
	}
	o.report.Leaver = plan.Leaver
	for _, planned := range plan.Steps {
		o.steps = append(o.steps, newStep(planned))
	}
	return nil
}

// planFailure brings the activity's own failure to the top, where Temporal's
// lists and a parent workflow look for its type.
func planFailure(err error) error {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return leaver.Failure{Type: leaver.FailureType(failure.Type()), Message: failure.Message()}.Err()
	}
	if temporal.IsTimeoutError(err) {
		return leaver.Failure{Type: leaver.GraphUnavailable, Message: "planning did not succeed in " + patience.String() + "; nothing was touched: start again later"}.Err()
	}
	return err
}

// end closes the report and chooses how the workflow ends.
func (o *offboarding) end(ctx workflow.Context, planErr error) (*leaver.Report, error) {
	// Whoever sent a decision gets an answer before the workflow closes.
	finishing, _ := workflow.NewDisconnectedContext(ctx)
	_ = workflow.Await(finishing, func() bool { return workflow.AllHandlersFinished(finishing) })

	o.report.EndedAt = workflow.Now(ctx)
	o.report.Status = o.endStatus(ctx, planErr)
	report := o.snapshot().Report
	o.show(ctx)
	switch o.report.Status {
	case leaver.CanceledStatus:
		return nil, temporal.NewCanceledError(report)
	case leaver.Incomplete, leaver.Aborted:
		if planErr != nil && !temporal.IsCanceledError(planErr) {
			return nil, planErr
		}
		return nil, leaver.Failure{Type: leaver.OffboardingIncomplete, Message: o.shortfall(), Details: []any{report}}.Err()
	}
	return &report, nil
}

func (o *offboarding) endStatus(ctx workflow.Context, planErr error) leaver.Status {
	switch {
	case ctx.Err() != nil:
		return leaver.CanceledStatus
	case o.report.Aborted != nil:
		return leaver.Aborted
	case planErr != nil:
		return leaver.Incomplete
	case o.report.Status == leaver.Planned:
		return leaver.Planned
	}
	status := leaver.Completed
	for _, s := range o.steps {
		switch s.Outcome {
		case leaver.Done, leaver.AlreadyDone:
			if s.gaveUp() {
				status = leaver.CompletedWithExceptions
			}
		case leaver.Skipped:
			if s.Skip == "" {
				status = leaver.CompletedWithExceptions
			}
		default:
			return leaver.Incomplete
		}
	}
	return status
}

// gaveUp reports whether a person has left something as it is. A device may have
// left by itself when that was carried out.
func (s *step) gaveUp() bool {
	isDevice := func(i leaver.Item) bool { return i.Device != nil }
	return slices.ContainsFunc(s.Decisions, func(d leaver.Decided) bool { return d.Choice == leaver.GiveUp }) &&
		(!slices.ContainsFunc(s.Items, isDevice) ||
			slices.ContainsFunc(s.Items, func(i leaver.Item) bool { return isDevice(i) && i.Device.Verdict == leaver.GivenUp }))
}

// shortfall names the steps that are neither done nor left out.
func (o *offboarding) shortfall() string {
	var missing []string
	for _, s := range o.steps {
		switch s.Outcome {
		case leaver.Failed:
			missing = append(missing, fmt.Sprintf("%s failed (%s)", s.Name, s.Failure.Type))
		case leaver.Canceled:
			missing = append(missing, s.Name+" was stopped")
		case leaver.NotStarted:
			missing = append(missing, s.Name+" was not started")
		}
	}
	text := "offboarding incomplete"
	if o.report.Aborted != nil {
		text = "offboarding aborted"
	}
	if len(missing) > 0 {
		text += ": " + strings.Join(missing, ", ")
	}
	return text
}
