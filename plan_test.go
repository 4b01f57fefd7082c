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
	return leaver.Step{Name: name, Activity: "Do", Shape: leaver.Single, After: after}
}

// devices is a step that removes devices.
func devices(settings *leaver.DeviceSettings) leaver.Step {
	return leaver.Step{Name: "a", Activity: "Do", Shape: leaver.Devices, Devices: settings}
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
		"items":              {{Name: "a", Activity: "Do", Shape: leaver.Each, Change: "Change"}},
		"devices":            {devices(&leaver.DeviceSettings{FirstLook: 1, Deadline: 1})},
		"a step left out":    {{Name: "a", Activity: "Do", Shape: leaver.Single, Skip: "not needed"}, step("b", "a")},
		"elsewhere":          {{Name: "a", Activity: "Do", Shape: leaver.Single, TaskQueue: "elsewhere"}},
		"after it twice too": {step("a"), step("b", "a", "a")},
	} {
		assert.NoError(t, leaver.Plan{Steps: steps}.Check(), name)
	}
}

func TestAPlanThatCannotRunSaysWhichStep(t *testing.T) {
	t.Parallel()
	const noLooks = "step a has no deadline or no wait between its looks"
	for name, c := range map[string]struct {
		steps []leaver.Step
		want  string
	}{
		"no name":              {[]leaver.Step{{Activity: "Do", Shape: leaver.Single}}, `step "" has no name or no activity`},
		"no activity":          {[]leaver.Step{{Name: "a", Shape: leaver.Single}}, `step "a" has no name or no activity`},
		"twice":                {[]leaver.Step{step("a"), step("b"), step("a")}, "step a stands twice in the plan"},
		"after nothing":        {[]leaver.Step{step("a", "x")}, `step a comes after "x", which is no step of the plan`},
		"after itself":         {[]leaver.Step{step("a", "a")}, "step a waits for itself, in a circle"},
		"two in a circle":      {[]leaver.Step{step("a", "b"), step("b", "a")}, "step a waits for itself, in a circle"},
		"three in a circle":    {[]leaver.Step{step("x"), step("a", "c"), step("b", "a"), step("c", "b")}, "step a waits for itself, in a circle"},
		"no shape":             {[]leaver.Step{{Name: "a", Activity: "Do"}}, `step a has the shape "", want single, each or devices`},
		"an unknown shape":     {[]leaver.Step{{Name: "a", Activity: "Do", Shape: "polls"}}, `step a has the shape "polls", want single, each or devices`},
		"items nobody changes": {[]leaver.Step{{Name: "a", Activity: "Do", Shape: leaver.Each}}, "step a has no activity that changes an item"},
		"devices, no settings": {[]leaver.Step{devices(nil)}, noLooks},
		"devices, no looks":    {[]leaver.Step{devices(&leaver.DeviceSettings{Deadline: 1})}, noLooks},
		"devices, no deadline": {[]leaver.Step{devices(&leaver.DeviceSettings{FirstLook: 1})}, noLooks},
	} {
		assert.EqualError(t, leaver.Plan{Steps: c.steps}.Check(), c.want, name)
	}
}

func TestAPlanIsTheSameAfterItWasStored(t *testing.T) {
	t.Parallel()
	plan := leaver.Plan{
		Leaver: leaver.Leaver{ID: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d", UserPrincipalName: "adele@contoso.com", UserType: "Member", AccountEnabled: true},
		Steps: []leaver.Step{{
			Name: "leave", Activity: "Leave", Change: "Change", Summary: "Leave", Shape: leaver.Devices, After: []string{"a"}, OnFailure: leaver.Ask,
			Skip: "why", Note: "what", Reason: "left", Patience: leaver.Duration(24 * time.Hour), TaskQueue: "elsewhere",
			Devices: &leaver.DeviceSettings{
				Policy:    leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}, RequireRecoveryKey: true},
				FirstLook: leaver.Duration(time.Minute), LongestLook: leaver.Duration(time.Hour), Deadline: leaver.Duration(90 * time.Second),
			},
			Items: []leaver.Item{{ID: "1", Device: &leaver.Device{DeviceFacts: leaver.DeviceFacts{OperatingSystem: "Windows"}, Planned: leaver.Wipe}}},
		}},
	}
	stored, err := json.Marshal(plan)
	require.NoError(t, err)
	assert.Contains(t, string(stored), `"devices":{"policy":{"company":{"windows":"wipe"},"requireRecoveryKey":true},"deadline":"1m30s","firstLook":"1m0s","longestLook":"1h0m0s"}`)
	assert.Contains(t, string(stored), `"patience":"24h0m0s"`)
	var read leaver.Plan
	require.NoError(t, json.Unmarshal(stored, &read))
	assert.Equal(t, plan, read)
}
