package workflows

import (
	"cmp"
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	// attempt is how long one attempt may take before Temporal takes its worker
	// for dead. Intune may need half a minute for a long list.
	attempt = time.Minute
	// patience is how long Graph may be out of order before a person is asked.
	patience = 24 * time.Hour
)

// optionsFor hang on the step's kind, which the plan records, so that running
// offboardings go on as they began.
func optionsFor(step leaver.Step) workflow.ActivityOptions {
	options := workflow.ActivityOptions{
		TaskQueue:              step.TaskQueue,
		Summary:                step.Summary,
		StartToCloseTimeout:    attempt,
		ScheduleToCloseTimeout: cmp.Or(time.Duration(step.Patience), patience),
		// A cancelled workflow must not close while its write still runs.
		WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    5 * time.Minute,
		},
	}
	if step.Kind == leaver.Polls {
		// The activity itself ends at the deadline, with what it saw last;
		// patience is for a Graph that is out of order just then.
		options.ScheduleToCloseTimeout += time.Duration(step.Poll.Deadline)
		options.RetryPolicy.InitialInterval = time.Duration(step.Poll.First)
		options.RetryPolicy.MaximumInterval = time.Duration(step.Poll.Longest)
	}
	return options
}

// approvalOptions let a second administrator take all the time there is.
var approvalOptions = func() workflow.ActivityOptions {
	options := optionsFor(leaver.Step{Kind: leaver.Reads, Summary: "Wait for a second administrator's approval"})
	options.ScheduleToCloseTimeout = 0
	return options
}()

var planOptions = optionsFor(leaver.Step{Kind: leaver.Reads, Summary: "Find the leaver and plan"})
