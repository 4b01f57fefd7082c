package leaver_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Signatures that people made stay good only while this text stays the same.
func TestTheTextThatIsSigned(t *testing.T) {
	t.Parallel()
	text, err := leaver.Statement{Decision: leaver.Approve, WorkflowID: "offboard-4f1c", FirstRunID: "0197c4de-7d2b-7b51-9d0e-2f6a3b8c1d00", Plan: leaver.Digest([]byte(`{"steps":["disableAccount"]}`))}.Text()
	require.NoError(t, err)
	assert.Equal(t, `decision approve
workflow offboard-4f1c
run 0197c4de-7d2b-7b51-9d0e-2f6a3b8c1d00
plan sha256:dc32bcd7a9c8b3cf3acb3e58c194302f489cc04aec248683e0a50522e399df1c
`, text)
}

func TestAStatementIsReadAsItIsSigned(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"empty":             "",
		"newline":           "a\nrun b",
		"carriage return":   "a\rrun b",
		"escape":            "a\x1b[2K",
		"NUL":               "a\x00",
		"line separator":    "a\u2028run b",
		"right to left":     "a\u202eb",
		"no width":          "a\u200bb",
		"blank at the end":  "a ",
		"not UTF-8":         "a\xff",
		"unbreakable blank": "a\u00a0b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for field, s := range map[string]leaver.Statement{
				"decision": {Decision: leaver.Action(id), WorkflowID: "w", FirstRunID: "r", Plan: leaver.Digest([]byte("{}"))},
				"workflow": {Decision: leaver.Approve, WorkflowID: id, FirstRunID: "r", Plan: leaver.Digest([]byte("{}"))},
				"run":      {Decision: leaver.Approve, WorkflowID: "w", FirstRunID: id, Plan: leaver.Digest([]byte("{}"))},
			} {
				_, err := s.Text()
				assert.EqualError(t, err, "a statement's "+field+" must be one line of printable characters")
			}
		})
	}
	_, err := leaver.Statement{Decision: leaver.Approve, WorkflowID: "w", FirstRunID: "r"}.Text()
	require.EqualError(t, err, "a statement's plan must be one line of printable characters")
	_, err = leaver.Statement{Decision: leaver.Approve, WorkflowID: "Offboarding of Zoë, 2", FirstRunID: "r", Plan: leaver.Digest([]byte("{}"))}.Text()
	require.NoError(t, err)
}
