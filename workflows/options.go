package workflows

import (
	"cmp"
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	// attempt is how long one attempt may take before Temporal takes its worker for
	// dead. Intune may need half a minute for a long list.
	attempt = time.Minute
	// listing is how long an attempt may take that reads something of every item.
	listing = 5 * time.Minute
	// patience is how long Graph may be out of order before a person is asked.
	patience = 24 * time.Hour
	// allPatience is how long the one action for all may be out of order before each device
	// is asked by itself.
	allPatience = 30 * time.Minute
	// approvalPatience is how much longer a change is tried that a second administrator has
	// to decide about: Intune gives three days.
	approvalPatience = 4 * 24 * time.Hour
	// longHistory and largeHistory, in events and bytes, are how much there may be
	// before nothing begins until the workflow has continued as new. Temporal suggests
	// that at 4,096 events or 4 MB, and ends a workflow at 51,200 or 50 MB.
	longHistory, largeHistory = 10_000, 8 << 20
)

// readOptions are for activities that change nothing.
func readOptions(summary string) workflow.ActivityOptions {
	retries := &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute}
	return workflow.ActivityOptions{Summary: summary, StartToCloseTimeout: attempt, ScheduleToCloseTimeout: patience, RetryPolicy: retries}
}

// writeOptions are for activities that change something. They hang on what the plan
// records, so that running offboardings go on as they began.
func writeOptions(step leaver.Step, summary string) workflow.ActivityOptions {
	options := readOptions(summary)
	options.TaskQueue = step.TaskQueue
	options.ScheduleToCloseTimeout = cmp.Or(time.Duration(step.Patience), patience)
	// A cancelled workflow must not close while its write still runs.
	options.WaitForCancellation = true
	return options
}

// watchOptions are for a look that waits until something differs. It waits as long as
// that takes; what is late becomes a question by a timer.
func watchOptions(summary string, first, longest time.Duration) workflow.ActivityOptions {
	options := readOptions(summary)
	options.ScheduleToCloseTimeout = 0
	options.RetryPolicy.InitialInterval, options.RetryPolicy.MaximumInterval = first, max(first, longest)
	return options
}
