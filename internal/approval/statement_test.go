package approval

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var statement = Statement{
	Decision:   Approve,
	WorkflowID: "offboard-4f1c",
	FirstRunID: "0197c4de-7d2b-7b51-9d0e-2f6a3b8c1d00",
	Plan:       []byte(`{"steps":["disableAccount"]}`),
}

func textOf(t *testing.T, s Statement) string {
	t.Helper()
	text, err := s.Text()
	require.NoError(t, err)
	return text
}

// Signatures that people made stay good only while this text stays the same.
func TestTheTextThatIsSigned(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `decision approve
workflow offboard-4f1c
run 0197c4de-7d2b-7b51-9d0e-2f6a3b8c1d00
plan sha256:dc32bcd7a9c8b3cf3acb3e58c194302f489cc04aec248683e0a50522e399df1c
`, textOf(t, statement))
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
			for field, s := range map[string]Statement{
				"decision": {Decision: id, WorkflowID: "w", FirstRunID: "r", Plan: []byte("{}")},
				"workflow": {Decision: Approve, WorkflowID: id, FirstRunID: "r", Plan: []byte("{}")},
				"run":      {Decision: Approve, WorkflowID: "w", FirstRunID: id, Plan: []byte("{}")},
			} {
				_, err := s.Text()
				assert.EqualError(t, err, "a statement's "+field+" must be one line of printable characters")
			}
		})
	}
	_, err := Statement{Decision: Approve, WorkflowID: "w", FirstRunID: "r"}.Text()
	require.EqualError(t, err, "a statement needs a plan")
	_, err = Statement{Decision: Approve, WorkflowID: "Offboarding of Zoë, 2", FirstRunID: "r", Plan: []byte("{}")}.Text()
	require.NoError(t, err)
}
