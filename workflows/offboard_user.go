// Package workflows holds the workflow OffboardUser: it has a plan made and runs it. It
// knows no step by name; it knows plans, and the three shapes of a step.
package workflows

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Register puts the workflow under its contract name.
func Register(r interface {
	RegisterWorkflowWithOptions(workflow any, options workflow.RegisterOptions)
}) {
	// A replayer registers once per history.
	r.RegisterWorkflowWithOptions(offboardUser((*devices.Fleet).Next), workflow.RegisterOptions{Name: leaver.WorkflowType, DisableAlreadyRegisteredCheck: true})
}

// offboardUser is the workflow. It takes a leaver.Request and returns a *leaver.Report. The input is read
// here and not by the data converter, which would ignore unknown fields. When the
// server suggests it, the workflow continues as new, with its whole state as a second
// input, which nobody else may give.
//
// It fails with InvalidRequest, UserNotFound or another failure of planning before
// anything was touched; with OffboardingIncomplete and the report in its details when
// it was aborted or a step failed and nobody was to be asked; and is cancelled with the
// report in its details.
func offboardUser(next rules) func(workflow.Context, json.RawMessage, *state, *json.RawMessage) (*leaver.Report, error) {
	return func(ctx workflow.Context, input json.RawMessage, continued *state, more *json.RawMessage) (*leaver.Report, error) {
		stepsCtx, stop := workflow.WithCancel(ctx)
		o, err := setup(ctx, next, input, continued, more, stop)
		if err != nil {
			return nil, err
		}
		if len(o.Steps) == 0 {
			if err := o.plan(stepsCtx); err != nil {
				return o.end(ctx, err)
			}
		}
		if o.request.DryRun {
			o.Report.Status = leaver.Planned
			return o.end(ctx, nil)
		}
		waiting := ctx
		for o.advance(stepsCtx); !o.finished(stepsCtx); o.advance(stepsCtx) {
			o.tell(ctx)
			if o.renews(ctx) {
				return nil, workflow.NewContinueAsNewError(ctx, leaver.WorkflowType, o.input, o.state)
			}
			if ctx.Err() != nil {
				// A cancelled context waits for nothing any more.
				waiting, _ = workflow.NewDisconnectedContext(ctx)
			}
			// The workflow waits here for weeks. Each function less on its stack counts, also that of a method
			// that would hold this loop: the stack is then small enough that Go halves it, 8 KB for each offboarding.
			moves := func() bool {
				return o.signalled() || o.verified() || o.answered() || workflow.GetInfo(ctx).GetContinueAsNewSuggested() && !o.suggested || slices.ContainsFunc(o.Steps, func(s *step) bool { return o.canMove(stepsCtx, s) })
			}
			if o.renewing {
				_, _ = workflow.AwaitWithTimeout(waiting, devices.Slow, moves) // a write may have become slow
			} else {
				_ = workflow.Await(waiting, moves)
			}
			o.takeSignals(ctx)
			if o.verified() {
				o.takeVerified(ctx)
			}
			o.takeAnswered(ctx)
		}
		return o.end(ctx, nil)
	}
}

// state is everything that an offboarding knows, and what it continues as new with.
type state struct {
	// Report is the report but for the steps.
	Report  leaver.Report          `json:"report"`
	Steps   []*step                `json:"steps"`
	Refused []leaver.RefusedSignal `json:"refused,omitempty"`
	Told    audience               `json:"told,omitzero"`
}

// errManyInputs refuses what nobody would read: with several --input, the second may be
// what was meant to make the first harmless.
var errManyInputs = leaver.Failure{Type: leaver.InvalidRequest, Message: manyInputs}.Err()

const manyInputs = "the input must be one JSON object, and several were given: put all fields into one --input"

// rules decide what is done with devices.
type rules func(*devices.Fleet, time.Time) devices.Todo

type offboarding struct {
	state
	next    rules
	input   json.RawMessage
	request leaver.Request
	// now is the workflow's time when something happened last.
	now time.Time
	// renewing says that the workflow must continue as new soon: what is at work ends,
	// and nothing else begins.
	renewing bool
	// suggested says that Temporal was seen to suggest it.
	suggested bool
	// unhandled lists the names of the signals that have come and were not received.
	unhandled func() []string
	// verifying are the approvals whose signatures are looked at.
	verifying []*verification
	// telling are the webhooks and mails at work.
	telling []*telling
	// planning says for what planning waits, while it does.
	planning *leaver.Wait
	// limit is after how long Temporal ends the workflow, whatever it does; zero means never.
	limit time.Duration
	// stop keeps steps from starting and ends those that only wait.
	stop workflow.CancelFunc
}

// setup leaves nothing open that a decision needs: an update that came before the
// worker did is handled while listen still runs.
func setup(ctx workflow.Context, next rules, input json.RawMessage, continued *state, more *json.RawMessage, stop workflow.CancelFunc) (*offboarding, error) {
	if more != nil {
		return nil, errManyInputs
	}
	request, err := leaver.ParseRequest(input)
	if err != nil {
		return nil, err
	}
	o := &offboarding{next: next, input: input, request: request, stop: stop}
	info := workflow.GetInfo(ctx)
	o.limit = info.WorkflowExecutionTimeout
	if run := info.WorkflowRunTimeout; run > 0 && (o.limit == 0 || run < o.limit) {
		o.limit = run
	}
	// A run that a schedule has started is continued too, with the input of the first.
	switch isContinued := info.ContinuedExecutionRunID != "" && info.CronSchedule == ""; {
	case isContinued && continued != nil:
		o.state = *continued
		for _, s := range o.Steps {
			if s.State != leaver.StepPending && s.State != leaver.StepEnded {
				s.runner = o.newRunner(s)
			}
		}
	case continued != nil:
		return nil, errManyInputs
	default:
		o.Report.Status, o.Report.StartedAt = leaver.Planning, workflow.Now(ctx)
	}
	o.unhandled = func() []string { return workflow.GetUnhandledSignalNames(ctx) }
	if err := o.listen(ctx); err != nil {
		return nil, err
	}
	o.show(ctx)
	return o, nil
}

// finished reports whether every step has ended. The devices are looked at once more when
// other steps have run since the last look: a device may have been enrolled meanwhile. The
// steps that come after are run again when there was such a device.
func (o *offboarding) finished(ctx workflow.Context) bool {
	finished := !slices.ContainsFunc(o.Steps, func(s *step) bool { return s.State != leaver.StepEnded })
	if !finished || ctx.Err() != nil {
		return finished
	}
	for _, s := range o.Steps {
		isNewer := func(other *step) bool { return other.EndedAt.After(s.Fleet.LookedAt) && other != s && other.Skip == "" }
		if s.Fleet != nil && s.Outcome != leaver.Skipped && isResult(s.Outcome) && slices.ContainsFunc(o.Steps, isNewer) {
			s.State, s.Outcome, s.Fleet.Stale, s.runner = leaver.StepRunning, "", true, o.newRunner(s)
			finished = false
		}
	}
	return finished
}

// renews reports whether the workflow is to continue as new now: the server suggests
// it, nothing is at work that has to end first, and nobody is kept waiting. Other work
// does not begin meanwhile, unless it would have to wait for a write that is slow, which
// may take days, or for somebody to be told.
func (o *offboarding) renews(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if !info.GetContinueAsNewSuggested() {
		return false
	}
	o.suggested = true
	writing := choose(o.Steps, func(s *step) bool { return s.runner != nil && !s.runner.writesSince().IsZero() })
	slowly := slices.ContainsFunc(writing, func(s *step) bool { return !s.runner.writesSince().Add(devices.Slow).After(workflow.Now(ctx)) })
	o.renewing = !slowly && len(o.telling) == 0 || info.GetCurrentHistoryLength() > longHistory || info.GetCurrentHistorySize() > largeHistory
	for _, s := range writing {
		if r, ok := s.runner.(*each); ok && o.renewing {
			r.letGo(ctx)
		}
	}
	return len(writing) == 0 && len(o.verifying) == 0 && len(o.telling) == 0 && !o.signalled() && workflow.AllHandlersFinished(ctx)
}

// plan has the plan made and pins it. Temporal's own retries of an activity are not seen
// here: so it is made in rounds, each longer than the one before, and what a round has
// failed with is told.
func (o *offboarding) plan(ctx workflow.Context) error {
	var plan leaver.Plan
	end := o.Report.StartedAt.Add(patience)
	backoff := firstPause
	for round := firstRound; ; round, backoff = min(4*round, patience), min(2*backoff, time.Hour) {
		err := o.planOnce(ctx, min(round, end.Sub(workflow.Now(ctx))), &plan)
		failure, failed := errors.AsType[*temporal.ApplicationError](err)
		if err == nil {
			break
		}
		pause := backoff
		if failed {
			pause = max(pause, failure.NextRetryDelay())
		}
		if failed && failure.NonRetryable() || !failed && !temporal.IsTimeoutError(err) || !workflow.Now(ctx).Add(pause).Before(end) {
			return planFailure(err)
		}
		if o.planning == nil {
			o.planning = &leaver.Wait{For: leaver.WaitForGraph, Since: workflow.Now(ctx), Until: end, Actions: []leaver.Action{leaver.Abort}}
		}
		o.planning.Why = "Graph did not answer in time"
		if failed {
			o.planning.Why = failure.Message()
		}
		o.show(ctx)
		o.pause(ctx, pause)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	o.planning = nil
	if err := plan.Check(); err != nil {
		return leaver.Failure{Type: leaver.OffboardingIncomplete, Message: "the plan cannot be run: " + err.Error()}.Err()
	}
	o.Report.Leaver, o.Report.Profile = plan.Leaver, plan.Profile
	// What is clear is in the plan, and is not kept as long as the offboarding waits.
	o.Report.Guards = choose(plan.Guards, func(g leaver.Guard) bool { return o.request.DryRun || g.Result != leaver.GuardClear })
	if err := o.beOnly(ctx, plan); err != nil {
		return err
	}
	if !o.request.DryRun {
		o.Told.Notify, o.Told.ManagerID = plan.Notify, plan.ManagerID
	}
	for _, planned := range plan.Steps {
		record := leaver.StepRecord{Step: planned, State: leaver.StepPending, Items: planned.Items}
		record.Step.Items = nil // or the plan's would be kept as long as the step's own
		o.Steps = append(o.Steps, &step{StepRecord: record})
	}
	if err := o.askForApproval(ctx, plan); err != nil {
		return err
	}
	o.show(ctx)
	return nil
}

const (
	// firstRound is how long the plan is tried for until it is told what it waits for.
	firstRound = time.Minute
	// firstPause is how long the second round waits at least; it is doubled for each other one.
	firstPause = 10 * time.Second
)

// planOnce has the plan made within some time, and takes decisions meanwhile.
func (o *offboarding) planOnce(ctx workflow.Context, within time.Duration, plan *leaver.Plan) error {
	options := readOptions("Find the leaver and plan")
	options.ScheduleToCloseTimeout = within
	ctx, release := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	defer release()
	planning := workflow.ExecuteActivity(ctx, leaver.ActivityPlanOffboarding, o.request)
	o.attendTo(ctx, planning)
	return planning.Get(ctx, plan)
}

// pause waits before the next round, and takes decisions meanwhile.
func (o *offboarding) pause(ctx workflow.Context, d time.Duration) {
	ctx, release := workflow.WithCancel(ctx)
	defer release()
	o.attendTo(ctx, workflow.NewTimerWithOptions(ctx, d, workflow.TimerOptions{Summary: "Until the plan is tried again"}))
}

// attendTo takes decisions until something has come to its end.
func (o *offboarding) attendTo(ctx workflow.Context, what workflow.Future) {
	waiting, _ := workflow.NewDisconnectedContext(ctx)
	for !what.IsReady() {
		_ = workflow.Await(waiting, func() bool { return what.IsReady() || o.signalled() })
		o.takeSignals(ctx)
	}
}

// planFailure brings the activity's own failure to the top, where Temporal's lists and
// a parent workflow look for its type.
func planFailure(err error) error {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return leaver.Failure{Type: leaver.FailureType(failure.Type()), Message: failure.Message()}.Err()
	}
	if temporal.IsTimeoutError(err) {
		return leaver.Failure{Type: leaver.GraphUnavailable, Message: "planning did not succeed in " + patience.String() + "; nothing was touched: start again later"}.Err()
	}
	return err
}
