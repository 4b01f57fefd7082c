package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

// facilities is a worker that knows no type of this module: what it takes and returns is JSON.
type facilities struct {
	mu      sync.Mutex
	refuses bool
	asked   []map[string]any
}

func (f *facilities) lockBadge(_ context.Context, request map[string]any) (map[string]any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, request)
	if f.refuses {
		return nil, temporal.NewNonRetryableApplicationError("the badge system is closed for the night", "BadgeSystemClosed", errors.New("closed"))
	}
	return map[string]any{"outcome": "done", "detail": "the badge is locked", "items": []map[string]any{{"id": "badge-0417", "outcome": "done"}}}, nil
}

func (f *facilities) allow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuses = false
}

// A step by an activity of somebody else's worker is planned, shown, asked about and reported like any other.
func TestAStepOfYourOwnRunsLikeAnyOther(t *testing.T) {
	t.Parallel()
	profiles := filepath.Join(t.TempDir(), "profiles.yaml")
	require.NoError(t, os.WriteFile(profiles, []byte(`
standard:
  ownSteps:
    - name: lockBadge
      activity: LockBadge
      taskQueue: facilities
      after: [disableAccount]
      summary: Lock the badge
`), 0o600))
	w := newWorld(t, settings{Env: []string{"LEAVER_PROFILES=" + profiles}})
	f := &facilities{refuses: true}
	own := worker.New(w.temporal, "facilities", worker.Options{DisableWorkflowWorker: true})
	own.RegisterActivityWithOptions(f.lockBadge, activity.RegisterOptions{Name: "LockBadge"})
	require.NoError(t, own.Start())
	t.Cleanup(own.Stop)

	shown := w.must(programs.starter, "start", graphsim.Leaver, "--profile", "standard", "--dry-run")
	assert.Contains(t, shown, "lockBadge")
	assert.Empty(t, f.asked, "a dry run touches nothing")

	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Profile: "standard"})
	w.waiting("W", "lockBadge")
	waits := step(w.progress("W").Report, "lockBadge")
	assert.Equal(t, leaver.FailureType("BadgeSystemClosed"), waits.Failure.Type)
	assert.Contains(t, waits.Failure.Message, "the badge system is closed for the night")
	f.allow()
	w.must(programs.temporal, "workflow", "signal", "--workflow-id", "W", "--name", "retryStep", "--input", `{"step":"lockBadge"}`)

	report := w.finished("W")
	assert.Equal(t, "standard", report.Profile)
	done := step(report, "lockBadge")
	assert.Equal(t, leaver.Done, done.Outcome)
	assert.Equal(t, "the badge is locked", done.Detail)
	assert.Equal(t, []leaver.Item{{ID: "badge-0417", Outcome: leaver.Done}}, done.Items)
	require.Len(t, f.asked, 2)
	assert.Equal(t, w.before[graphsim.Leaver].ID, f.asked[1]["userId"])
	before, _ := f.asked[1]["results"].(map[string]any)["disableAccount"].(map[string]any)
	assert.Equal(t, "done", before["outcome"])
}
