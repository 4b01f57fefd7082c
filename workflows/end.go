package workflows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// end closes the report and chooses how the workflow ends.
func (o *offboarding) end(ctx workflow.Context, planErr error) (*leaver.Report, error) {
	// A person who sent a decision gets an answer before the workflow closes.
	finishing, _ := workflow.NewDisconnectedContext(ctx)
	_ = workflow.Await(finishing, func() bool { return workflow.AllHandlersFinished(finishing) })

	o.Report.EndedAt = workflow.Now(ctx)
	o.show(ctx)
	o.Report.Status = o.endStatus(ctx, planErr)
	o.tellEnd(finishing)
	report := o.snapshot().Report
	o.show(ctx)
	switch o.Report.Status {
	case leaver.CanceledStatus:
		return nil, temporal.NewCanceledError(report)
	case leaver.Incomplete, leaver.Aborted, leaver.Rejected:
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
	case o.Report.Aborted != nil:
		return leaver.Aborted
	case o.Report.Approval.IsRejected():
		return leaver.Rejected
	case planErr != nil:
		return leaver.Incomplete
	case o.Report.Status == leaver.Planned:
		return leaver.Planned
	}
	status := leaver.Completed
	for _, s := range o.Steps {
		switch {
		case !isResult(s.Outcome):
			return leaver.Incomplete
		case s.LeftOut, s.Outcome != leaver.Skipped && slices.ContainsFunc(s.items(o.now), isException):
			status = leaver.CompletedWithExceptions
		}
	}
	return status
}

// isException reports whether an item was left as it is though it was to be changed.
func isException(i leaver.Item) bool {
	return i.Outcome == leaver.Failed || i.Choice == leaver.GiveUp || i.Device != nil && (i.Device.Verdict == leaver.GivenUp || i.Device.Verdict == leaver.NotIntunes)
}

// shortfall names the steps that are neither done nor left out.
func (o *offboarding) shortfall() string {
	var missing []string
	what := map[leaver.Outcome]string{leaver.Failed: " failed", leaver.Canceled: " was stopped", leaver.NotStarted: " was not started"}
	for _, s := range o.Steps {
		switch {
		case s.Outcome == leaver.Failed && s.Failure != nil:
			missing = append(missing, fmt.Sprintf("%s failed (%s)", s.Name, s.Failure.Type))
		case what[s.Outcome] != "":
			missing = append(missing, s.Name+what[s.Outcome])
		}
	}
	text := "offboarding incomplete"
	if o.Report.Aborted != nil {
		text = "offboarding aborted"
	}
	if o.Report.Approval.IsRejected() {
		text = "offboarding rejected, and nothing was touched"
	}
	if o.enabledAgain() {
		text += ", as somebody has enabled the account again"
	}
	if len(missing) > 0 {
		text += ": " + strings.Join(missing, ", ")
	}
	return text
}
