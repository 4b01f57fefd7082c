package approval

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/require"
)

var statement = leaver.Statement{
	Decision:   leaver.Approve,
	WorkflowID: "offboard-4f1c",
	FirstRunID: "0197c4de-7d2b-7b51-9d0e-2f6a3b8c1d00",
	Plan:       leaver.Digest([]byte(`{"steps":["disableAccount"]}`)),
}

func textOf(t *testing.T, s leaver.Statement) string {
	t.Helper()
	text, err := s.Text()
	require.NoError(t, err)
	return text
}
