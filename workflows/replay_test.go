package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver/workflows"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

var quiet = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

// Each history was made by a release or a commit of before. One that does not
// replay would break an offboarding that runs while the worker is updated: mend
// the workflow, never the history.
func TestStoredHistoriesReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, history))
		})
	}
}

func TestAHistoryOfAnotherWorkflowDoesNotReplay(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/completed.json")
	require.NoError(t, err)
	changed := filepath.Join(t.TempDir(), "changed.json")
	require.NoError(t, os.WriteFile(changed, []byte(strings.ReplaceAll(string(content), "RevokeSessions", "RevokeSession")), 0o600))
	require.ErrorContains(t, replay(t, changed), "nondeterministic")
}

func replay(t testing.TB, history string) error {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
	require.NoError(t, err)
	workflows.Register(replayer)
	return replayer.ReplayWorkflowHistoryFromJSONFile(quiet, history)
}

func BenchmarkReplay(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, replay(b, "testdata/completed.json"))
	}
}
