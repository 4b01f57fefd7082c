package workflows

import (
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/workflow"
)

// work is what a runner has at work.
type work struct {
	*step
	o *offboarding
	// writes are the activities that change something, oldest first.
	writes []*call
	// read is the one that lists the items, or looks at the devices.
	read  *call
	timer *call
	// news says that something has come, or was decided, that is not acted on yet.
	news bool
}

// call is an activity, or a timer, at work.
type call struct {
	// Write is what an activity writes, or the item that it changes.
	devices.Write
	// at is when an activity began, or a timer fires.
	at     time.Time
	future workflow.Future
	cancel workflow.CancelFunc
}

// begin has an activity at work. A read is about nothing.
func begin(ctx workflow.Context, about devices.Write, options workflow.ActivityOptions, activity string, request any) *call {
	ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	return &call{about, workflow.Now(ctx), workflow.ExecuteActivity(ctx, activity, request), cancel}
}

// ended reports whether the call has come to its end.
func (c *call) ended() bool { return c != nil && c.future.IsReady() }

// take returns what came of a call that has ended.
func (c *call) take(ctx workflow.Context, result any) error {
	err := c.future.Get(ctx, result)
	c.cancel() // or its context would be kept as long as the workflow
	return err
}

func (c *call) stop() {
	if c != nil {
		c.cancel()
	}
}

func (w *work) ready() bool {
	return w.news && !w.o.renewing || w.read.ended() || w.timer.ended() || slices.ContainsFunc(w.writes, (*call).ended)
}

func (w *work) wake() { w.news = true }

func (w *work) writesSince() time.Time {
	if len(w.writes) == 0 {
		return time.Time{}
	}
	return w.writes[0].at
}

// ended takes out the writes that have come to their end.
func (w *work) ended() []*call {
	ended := choose(w.writes, (*call).ended)
	w.writes = slices.DeleteFunc(w.writes, (*call).ended)
	return ended
}

func (w *work) stop() {
	for _, c := range slices.Concat(w.writes, []*call{w.read, w.timer}) {
		c.stop()
	}
}

// isResult reports whether an activity may return the outcome.
func isResult(o leaver.Outcome) bool {
	return o == leaver.Done || o == leaver.AlreadyDone || o == leaver.Skipped
}

// choose returns those that are such.
func choose[T any](all []T, are func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !are(one) })
}
