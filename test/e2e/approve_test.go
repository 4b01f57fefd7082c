package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyOf makes a key for a person with ssh-keygen, and returns its file and the line for the allowed signers.
func keyOf(t *testing.T, dir, principal string) (file, line string) {
	t.Helper()
	file = filepath.Join(dir, strings.ReplaceAll(principal, "@", "-"))
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file).CombinedOutput()
	require.NoError(t, err, "ssh-keygen is of the package openssh-client: %s", out)
	public, err := os.ReadFile(file + ".pub")
	require.NoError(t, err)
	return file, principal + ` namespaces="leaver-approval@leaver.dev" ` + string(public)
}

// signature is made with ssh-keygen over the statement that progress shows.
func (w *world) signature(t *testing.T, id, key string) string {
	t.Helper()
	statement := filepath.Join(t.TempDir(), "statement")
	require.NoError(t, os.WriteFile(statement, []byte(w.progress(id).Approval.Statement), 0o600))
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "sign", "-n", "leaver-approval@leaver.dev", "-f", key, statement).CombinedOutput()
	require.NoError(t, err, string(out))
	armored, err := os.ReadFile(statement + ".sig")
	require.NoError(t, err)
	return string(armored)
}

// Two people approve for real: who merely reaches Temporal cannot.
func TestTwoPeopleApproveWithTheirKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, firstLine := keyOf(t, dir, "first@contoso.com")
	second, secondLine := keyOf(t, dir, "second@contoso.com")
	unknown, _ := keyOf(t, dir, "mallory@example.com")
	leavers, leaversLine := keyOf(t, dir, graphsim.Leaver)
	signers := filepath.Join(dir, "allowed_signers")
	require.NoError(t, os.WriteFile(signers, []byte(firstLine+secondLine+leaversLine), 0o600))
	w := newWorld(t, settings{Env: []string{"LEAVER_ALLOWED_SIGNERS=" + signers, "LEAVER_APPROVALS=always", "LEAVER_APPROVERS=2"}})
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver})
	w.held("W")
	w.startWith("OTHER", leaver.Request{UserID: megan})
	w.held("OTHER")

	approve := func(id, input string) (string, error) {
		return w.run(programs.temporal, "workflow", "update", "execute", "--workflow-id", id, "--address", w.server.Address, "--name", "approve", "--input", input)
	}
	signed := func(signature string) string {
		input, _ := json.Marshal(leaver.Decision{By: "anybody", Signature: signature})
		return string(input)
	}
	for name, refused := range map[string]struct{ input, why string }{
		"no signature":           {`{"by":"first@contoso.com"}`, "signature: is missing"},
		"no SSH signature":       {signed("x"), "this is no SSH signature"},
		"an unknown key":         {signed(w.signature(t, "W", unknown)), "is not in the allowed signers file"},
		"another plan":           {signed(w.signature(t, "OTHER", first)), "not over this decision, offboarding and plan"},
		"the leaver's signature": {signed(w.signature(t, "W", leavers)), "the leaver's own"},
	} {
		out, err := approve("W", refused.input)
		require.Error(t, err, name)
		assert.Contains(t, out, refused.why, name)
	}
	old := w.signature(t, "W", second)

	// The starter shows the plan and signs it.
	out := w.must(programs.starter, "approve", "--workflow-id", "W", graphsim.Leaver, "--key", first, "--yes", "--reason", "INC-0042")
	assert.Contains(t, out, "removeAllDevices")
	out, err := w.run(programs.starter, "approve", "--workflow-id", "W", graphsim.Leaver, "--key", first, "--yes")
	require.Error(t, err)
	assert.Contains(t, out, "this person has approved already")
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "approve", "--input", signed(w.signature(t, "W", unknown)))
	w.until("the signal is shown as refused", func() bool {
		return slices.ContainsFunc(w.progress("W").Refused, func(r leaver.RefusedSignal) bool {
			return r.Action == leaver.Approve && strings.Contains(r.Why, "allowed signers file")
		})
	})
	for _, r := range w.tenant.Requests() {
		assert.False(t, r.Writes(), "%s %s", r.Method, r.Path)
	}
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "approve", "--input", signed(old))
	report := w.completed("W")
	require.Len(t, report.Approval.Given, 2)
	assert.Equal(t, []string{"first@contoso.com", "second@contoso.com"}, []string{report.Approval.Given[0].Principal, report.Approval.Given[1].Principal})
	assert.Equal(t, "INC-0042", report.Approval.Given[0].Reason)

	// A signature is for one run alone.
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver})
	w.held("W")
	out, err = approve("W", signed(old))
	require.Error(t, err)
	assert.Contains(t, out, "not over this decision, offboarding and plan")
	w.must(programs.starter, "reject", "--workflow-id", "W", graphsim.Leaver)
	w.must(programs.starter, "reject", "--workflow-id", "OTHER", megan)

	history := w.must(programs.temporal, "workflow", "show", "--workflow-id", "W", "--address", w.server.Address, "--output", "json")
	private, err := os.ReadFile(first)
	require.NoError(t, err)
	assert.NotContains(t, history, strings.Split(string(private), "\n")[1], "no key is in a history")
}
