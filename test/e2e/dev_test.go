package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDemoEndsByItselfAndLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), programs.dev, "-once", "-check-in", "3s")
	cmd.Dir = programs.root
	// A mark in the environment, which children inherit, finds them again.
	mark := "LEAVER_TEST_MARK=" + t.TempDir()
	cmd.Env = append(os.Environ(), mark)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "Temporal Web UI   http://127.0.0.1:")
	assert.Contains(t, string(out), "Offboarding of adele@contoso.com: completed")
	assert.Empty(t, marked(t, mark))
}

func TestADemoThatFailsHalfWayLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), programs.dev, "-once")
	cmd.Dir = programs.root
	mark := "LEAVER_TEST_MARK=" + t.TempDir()
	// The server starts; the worker refuses to.
	cmd.Env = append(os.Environ(), mark, "LEAVER_LOG_FORMAT=xml")
	out, err := cmd.CombinedOutput()
	require.Error(t, err, string(out))
	assert.Contains(t, string(out), "worker.log")
	assert.Empty(t, marked(t, mark))
}

// marked lists the processes that have mark in their environment; it sees them
// on Linux only.
func marked(t *testing.T, mark string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Log("no /proc: processes cannot be listed on this system")
		return nil
	}
	var found []string
	for _, entry := range entries {
		environment, err := os.ReadFile("/proc/" + entry.Name() + "/environ")
		if err == nil && strings.Contains(string(environment), mark) {
			found = append(found, entry.Name())
		}
	}
	return found
}
