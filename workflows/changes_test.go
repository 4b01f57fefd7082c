package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// watches registers the activity Watch, whose attempts take some time each.
func (o *office) watches(takes time.Duration, do func(context.Context, leaver.StepRequest) (leaver.StepResult, error)) {
	o.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: "Watch"})
	o.OnActivity("Watch", mock.Anything, mock.Anything).Return(do).After(takes)
}

// What a poll sees is in the progress query as soon as it has changed, and what
// it is given of its deadline is what is left.
func TestProgressShowsEachDeviceAsItWasSeenLast(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "Watch", Kind: leaver.Polls, OnFailure: leaver.Ask,
		Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Minute), Deadline: leaver.Duration(time.Hour), For: "devices", Changes: true}})
	states := []string{"managed", "retirePending", "retireIssued"}
	var deadlines []leaver.Duration
	watch := func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		n := len(deadlines)
		deadlines = append(deadlines, step.Poll.Deadline)
		if n == len(states) {
			return leaver.StepResult{Outcome: leaver.Done, Items: step.Items}, nil
		}
		return leaver.StepResult{Outcome: leaver.Ongoing, Detail: "1 of 1 device still managed", Items: []leaver.Item{
			{ID: "d1", Device: &leaver.Device{ManagementState: states[n], Verdict: leaver.Leaving}}}}, nil
	}
	o.watches(10*time.Minute, watch)
	for i, state := range states {
		o.after(time.Duration(i+1)*10*time.Minute+time.Minute, func() {
			step := o.progress().Steps[0]
			assert.Equal(t, leaver.StepRunning, step.State)
			assert.Equal(t, "1 of 1 device still managed", step.Detail)
			assert.Equal(t, state, step.Items[0].Device.ManagementState)
		})
	}
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	require.Len(t, deadlines, 4)
	for i, deadline := range deadlines {
		assert.Equal(t, time.Duration(60-10*i)*time.Minute, time.Duration(deadline), "what was waited counts")
	}
}

// A day in which nothing changes leaves nothing in the history: no activity
// ends and none begins. Temporal itself retries the one that polls.
func TestADayOfWaitingAddsNothing(t *testing.T) {
	t.Parallel()
	// The test environment makes ten attempts at most.
	o := newOffice(t, func(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 3*time.Hour, 4*time.Hour })
	o.tenant.Add(neverCheckingIn(o.tenant))
	ended := 0
	o.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) { ended++ })
	var before int
	var looks int
	o.after(time.Hour, func() {
		p := o.progress()
		require.Equal(t, leaver.StepRunning, p.Steps[3].State)
		for _, item := range p.Steps[3].Items {
			assert.Equal(t, "retirePending", item.Device.ManagementState, "the query shows what the poll saw")
			assert.Equal(t, leaver.Leaving, item.Device.Verdict)
		}
		before, looks = ended, o.looks()
	})
	o.after(25*time.Hour, func() {
		assert.Equal(t, before, ended)
		assert.Greater(t, o.looks(), looks, "it looked meanwhile")
		o.CancelWorkflow()
	})
	_, err := o.run(adele)
	require.Error(t, err)
}

// looks is how often the devices were listed.
func (o *office) looks() int {
	n := 0
	for _, r := range o.tenant.Requests() {
		if strings.HasSuffix(r.Path, "/managedDevices") {
			n++
		}
	}
	return n
}
