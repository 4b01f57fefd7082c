package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver/dev/stack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The demos run one after the other: both want the ports that people expect.
func TestADemoLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	t.Run("that ends by itself", func(t *testing.T) {
		out, left, err := demo(t, nil, "-once", "-check-in", "3s")
		require.NoError(t, err, out)
		assert.Contains(t, out, "Temporal Web UI   http://127.0.0.1:")
		assert.Contains(t, out, "Offboarding of adele@contoso.com: completed")
		assert.Empty(t, left)
	})
	t.Run("that fails half-way", func(t *testing.T) {
		// The server starts; the worker refuses to.
		out, left, err := demo(t, []string{"LEAVER_LOG_FORMAT=xml"}, "-once")
		require.Error(t, err, out)
		assert.Contains(t, out, "worker.log")
		assert.Empty(t, left)
	})
}

// demo runs the demo to its end and lists the processes that it left.
func demo(t *testing.T, env []string, args ...string) (out string, left []string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.dev, args...)
	cmd.Dir = programs.root
	// A mark in the environment, which children inherit, finds them again.
	mark := "LEAVER_TEST_MARK=" + t.TempDir()
	cmd.Env = append(append(os.Environ(), mark), env...)
	content, err := cmd.CombinedOutput()
	return string(content), marked(t, mark), err
}

func TestAServerWhosePortWasTakenMeanwhileFindsAnother(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	server, err := stack.StartServer(t.Context(), stack.ServerOptions{
		Program: programs.temporal, Log: filepath.Join(t.TempDir(), "temporal.log"), Address: taken.Addr().String(),
	})
	require.NoError(t, err)
	assert.NotEqual(t, taken.Addr().String(), server.Address)
	_ = server.Stop()
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
