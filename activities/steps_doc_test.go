package activities

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/steps.md is made from the catalogue.
func TestTheDocsOfStepsAreTheCatalogue(t *testing.T) {
	t.Parallel()
	const path = "../docs/steps.md"
	var b strings.Builder
	b.WriteString(`# The steps

This page is made from the catalogue in the code, which plans are made from.

A step that is *optional* runs only where a request, or its [profile](configuration.md#profiles), includes it, with
` + "`--include STEP`" + ` of the starter or ` + "`\"steps\": {\"STEP\": {\"include\": true}}`" + `. The permissions are Microsoft Graph's, for an application.
A step that goes through Exchange needs [a door](exchange.md) that the worker's configuration opens.
A dry run shows what each step of shape ` + "`each`" + ` would change, and what it cannot change.

| step | what it does | optional |
|---|---|---|
`)
	yes := map[bool]string{true: "yes"}
	for _, r := range catalogue {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", r.Name, strings.ToLower(r.Name), r.Summary, yes[isOptional(r.Name)])
	}
	for _, r := range catalogue {
		require.NotContains(t, []string{r.does, r.permissions, r.proof, r.undo, r.traps}, "", r.Name)
		fmt.Fprintf(&b, "\n## %s\n\n", r.Name)
		for _, line := range [][2]string{
			{"Does", r.does}, {"Shape", "`" + string(r.Shape) + "`"}, {"Comes after", comesAfter(r)}, {"Settings", code(settingsOf(r))}, {"Through", through(r)},
			{"Permissions", r.permissions}, {"Proof", r.proof}, {"Undo", r.undo}, {"Traps", r.traps},
		} {
			if line[1] != "" {
				fmt.Fprintf(&b, "- **%s**: %s\n", line[0], line[1])
			}
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
		return
	}
	shown, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, b.String(), string(shown), "run this test with -update, and review the change")
}

func through(r row) string {
	if r.door == nil {
		return ""
	}
	return "[Exchange](exchange.md)"
}

func comesAfter(r row) string {
	if r.last {
		return "all other steps, but for those that come after it"
	}
	return code(r.After)
}

func code(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

// settingsOf are the settings of a step; a needed one is marked.
func settingsOf(r row) []string {
	all := slices.Clone(r.takes)
	for i, name := range all {
		if slices.Contains(r.needs, name) {
			all[i] += " (needed)"
		}
	}
	return all
}

// A step that needs a setting takes it, and each name is that of a setting.
func TestTheSettingsOfTheCatalogueAreSettings(t *testing.T) {
	t.Parallel()
	all := leaver.Settings{HandOverTo: "x", Group: "x", Attributes: []string{"x"}, InternalMessage: "x", ExternalMessage: "x", Access: []string{"x"}, Protocols: []string{"x"}, HoldDays: 1}.Given()
	for _, r := range catalogue {
		assert.Subset(t, all, r.takes, r.Name)
		assert.Subset(t, r.takes, r.needs, r.Name)
		assert.True(t, cmp.Or(r.things == nil, r.Shape == leaver.Each), r.Name)
	}
}
