package activities

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/refusals.md")

// What a person reads about Graph's answers is what the code does.
func TestTheDocsShowTheTableOfRefusals(t *testing.T) {
	const path, begin, end = "../docs/refusals.md", "<!-- rules -->\n", "<!-- end of rules -->"
	table := "| Graph answers | it is tried again | then it is |\n|---|---|---|\n"
	for _, r := range rules {
		table += fmt.Sprintf("| %s | %s | `%s` |\n", r.answer, r.again, r.is)
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	shown, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+table+end+after), 0o644))
		return
	}
	assert.Equal(t, table, shown, "run this test with -update, and review the change")
}
