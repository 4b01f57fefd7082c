package workflows

import (
	"log/slog"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// A release with other rules goes on with what an earlier one has decided: the history
// of a running offboarding replays whatever the rules say now.
func TestARunningOffboardingReplaysUnderOtherRules(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]rules{
		"the same":    (*devices.Fleet).Next,
		"nothing":     func(*devices.Fleet, time.Time) devices.Todo { return devices.Todo{} },
		"end at once": func(*devices.Fleet, time.Time) devices.Todo { return devices.Todo{Ended: true} },
		"look always": func(*devices.Fleet, time.Time) devices.Todo { return devices.Todo{Look: true} },
		"wipe all": func(f *devices.Fleet, now time.Time) devices.Todo {
			todo := devices.Todo{Wake: now.Add(time.Minute)}
			for _, d := range f.Devices {
				todo.Writes = append(todo.Writes, devices.Write{Action: leaver.Wipe, IDs: []string{d.ID}})
			}
			return todo
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
			require.NoError(t, err)
			replayer.RegisterWorkflowWithOptions(offboardUser(next), workflow.RegisterOptions{Name: leaver.WorkflowType})
			quiet := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet, "testdata/running_mixed_fleet.json"))
		})
	}
}
