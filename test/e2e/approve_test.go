package e2e

import (
	"encoding/json"
	"fmt"
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
	enumspb "go.temporal.io/api/enums/v1"
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

// inDocs is the block of commands in docs/safety.md that begins with a line.
func inDocs(t *testing.T, begins string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/safety.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```\n"+begins)
	require.True(t, found, begins)
	block, _, _ := strings.Cut(rest, "```")
	return begins + block
}

// The commands of docs/safety.md, as they stand there. A workflow that is reset to a moment after its plan was made takes
// the approval again that was given then, once that is sent again, and looks at no guard: the docs say so.
func TestThePlanIsApprovedByTheCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	key, line := keyOf(t, home, "it@contoso.com")
	require.NoError(t, os.Rename(key, filepath.Join(home, ".ssh", "id_ed25519")))
	signers := filepath.Join(home, "allowed_signers")
	require.NoError(t, os.WriteFile(signers, []byte(line), 0o600))
	w := newWorld(t, settings{Env: []string{"LEAVER_ALLOWED_SIGNERS=" + signers, "LEAVER_APPROVALS=always"}})
	w.startWith("adele", leaver.Request{UserID: graphsim.Leaver})
	w.held("adele")

	commands := exec.CommandContext(t.Context(), "sh", "-ec", inDocs(t, "temporal workflow query"))
	commands.Dir = home
	commands.Env = append(os.Environ(), "HOME="+home, "TEMPORAL_ADDRESS="+w.server.Address, "TEMPORAL_CLI_ADDRESS="+w.server.Address,
		"PATH="+filepath.Dir(programs.temporal)+":"+filepath.Dir(programs.tctl)+":"+os.Getenv("PATH"))
	out, err := commands.CombinedOutput()
	require.NoError(t, err, "jq is of the package jq: %s", out)
	report := w.completed("adele")
	require.Len(t, report.Approval.Given, 1)
	assert.Equal(t, "it@contoso.com", report.Approval.Given[0].Principal)

	reads, planned := w.requests("GET", "/transitiveMemberOf"), int64(0)
	history := w.temporal.GetWorkflowHistory(t.Context(), "adele", "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
			break
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			planned = event.GetEventId()
		}
	}
	w.must(programs.temporal, "workflow", "reset", "--workflow-id", "adele", "--event-id", fmt.Sprint(planned), "--reason", "a test")
	w.held("adele")
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "adele", "--name", "approve", "--input_file", filepath.Join(home, "approval.json"))
	again, err := w.report("adele")
	require.NoError(t, err)
	require.Len(t, again.Approval.Given, 1)
	assert.Equal(t, report.Approval.Given[0].Signer, again.Approval.Given[0].Signer)
	assert.Equal(t, reads, w.requests("GET", "/transitiveMemberOf"), "no guard is looked at anew")
}
