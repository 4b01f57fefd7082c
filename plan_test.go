package leaver_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is a step of a plan that comes after others.
func step(name string, after ...string) leaver.Step {
	return leaver.Step{Name: name, Activity: "Do", Kind: leaver.Writes, After: after}
}

func needing(name string, needs ...string) leaver.Step {
	return leaver.Step{Name: name, Activity: "Do", Kind: leaver.Writes, Needs: needs}
}

func TestAPlanThatCanRunIsAccepted(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]leaver.Step{
		"no steps":           nil,
		"one":                {step("a")},
		"a row":              {step("a"), step("b", "a"), step("c", "b")},
		"a row, backwards":   {step("c", "b"), step("b", "a"), step("a")},
		"a diamond":          {step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")},
		"islands":            {step("a"), step("b"), step("c", "b")},
		"a need":             {step("a"), needing("b", "a")},
		"a poll":             {{Name: "a", Activity: "Do", Kind: leaver.Polls, Poll: &leaver.Poll{}}},
		"a step left out":    {{Name: "a", Activity: "Do", Skip: "not needed"}, step("b", "a")},
		"elsewhere":          {{Name: "a", Activity: "Do", TaskQueue: "elsewhere"}},
		"after it twice too": {step("a"), step("b", "a", "a")},
	} {
		assert.NoError(t, leaver.Plan{Steps: steps}.Check(), name)
	}
}

func TestAPlanThatCannotRunSaysWhichStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []leaver.Step
		want  string
	}{
		"no name":              {[]leaver.Step{{Activity: "Do"}}, `step "" has no name or no activity`},
		"no activity":          {[]leaver.Step{{Name: "a"}}, `step "a" has no name or no activity`},
		"twice":                {[]leaver.Step{step("a"), step("b"), step("a")}, "step a stands twice in the plan"},
		"after nothing":        {[]leaver.Step{step("a", "x")}, `step a comes after "x", which is no step of the plan`},
		"needs nothing":        {[]leaver.Step{needing("a", "x")}, `step a comes after "x", which is no step of the plan`},
		"after itself":         {[]leaver.Step{step("a", "a")}, "step a waits for itself, in a circle"},
		"two in a circle":      {[]leaver.Step{step("a", "b"), step("b", "a")}, "step a waits for itself, in a circle"},
		"three in a circle":    {[]leaver.Step{step("x"), step("a", "c"), step("b", "a"), step("c", "b")}, "step a waits for itself, in a circle"},
		"a circle of needs":    {[]leaver.Step{needing("a", "b"), step("b", "a")}, "step a waits for itself, in a circle"},
		"a poll that has none": {[]leaver.Step{{Name: "a", Activity: "Do", Kind: leaver.Polls}}, "step a polls and has no rhythm"},
	} {
		assert.EqualError(t, leaver.Plan{Steps: c.steps}.Check(), c.want, name)
	}
}

func TestAPlanIsTheSameAfterItWasStored(t *testing.T) {
	t.Parallel()
	plan := leaver.Plan{
		Leaver: leaver.Leaver{ID: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d", UserPrincipalName: "adele@contoso.com", UserType: "Member", AccountEnabled: true},
		Steps: []leaver.Step{{
			Name: "wait", Activity: "Wait", Summary: "Wait", Kind: leaver.Polls, After: []string{"a"}, Needs: []string{"a"}, OnFailure: leaver.Ask,
			Skip: "why", Note: "what", Poll: &leaver.Poll{First: leaver.Duration(time.Minute), Longest: leaver.Duration(time.Hour), Deadline: leaver.Duration(90 * time.Second), For: "devices"},
			TaskQueue: "elsewhere",
		}},
	}
	stored, err := json.Marshal(plan)
	require.NoError(t, err)
	assert.Contains(t, string(stored), `"poll":{"first":"1m0s","longest":"1h0m0s","deadline":"1m30s","for":"devices"}`)
	var read leaver.Plan
	require.NoError(t, json.Unmarshal(stored, &read))
	assert.Equal(t, plan, read)
}
