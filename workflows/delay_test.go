package workflows_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const delayed = `{"userId":"adele@contoso.com","steps":{"revokeSessions":{"delay":"72h"}}}`

// A step that is put off begins when it is due, also where the workflow has continued as new meanwhile.
func TestAStepThatIsPutOffBeginsWhenItIsDue(t *testing.T) {
	t.Parallel()
	for _, renewals := range []int{0, 3} {
		o := newOffice(t)
		var events schedule
		for n := range renewals {
			events = append(events, at(time.Duration(n+1)*20*time.Hour, renew))
		}
		events = append(events, at(71*time.Hour, func(o *office) {
			p := o.progress()
			assert.Equal(t, leaver.Running, p.Status)
			assert.Equal(t, leaver.StepPending, p.Steps[1].State)
			assert.Equal(t, leaver.StepPending, p.Steps[2].State, "it comes after the step that is put off")
			require.Len(t, p.Waits, 1)
			assert.Equal(t, leaver.WaitForTime, p.Waits[0].For)
			assert.Equal(t, leaver.StepRevokeSessions, p.Waits[0].Step)
			assert.WithinDuration(t, p.Steps[0].EndedAt.Add(72*time.Hour), p.Waits[0].Until, time.Second)
		}))
		events.on(o)
		report := o.ends(leaver.Completed, delayed)
		assert.Equal(t, renewals, o.runs)
		begun := report.Steps[1].StartedAt.Sub(report.Steps[0].EndedAt)
		assert.InDelta(t, 72*time.Hour, begun, float64(time.Minute))
	}
}

func TestAStepThatIsPutOffCanBeLeftOutOrAborted(t *testing.T) {
	t.Parallel()
	for action, end := range map[leaver.Action]struct {
		status  leaver.Status
		outcome leaver.Outcome
	}{
		leaver.SkipStep: {leaver.CompletedWithExceptions, leaver.Skipped},
		leaver.Abort:    {leaver.Aborted, leaver.NotStarted},
	} {
		o := newOffice(t)
		o.after(time.Hour, func() {
			o.signal(action, map[leaver.Action]string{leaver.SkipStep: `{"step":"revokeSessions"}`, leaver.Abort: `{}`}[action])
		})
		report := o.ends(end.status, delayed)
		assert.Equal(t, end.outcome, report.Steps[1].Outcome)
		assert.Less(t, report.EndedAt.Sub(report.StartedAt), 2*time.Hour)
	}
}
