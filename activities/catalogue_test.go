package activities_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"
)

// constants are those of the contract whose names begin so.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	contract, err := os.ReadFile("../contract.go")
	require.NoError(t, err)
	var values []string
	for _, constant := range regexp.MustCompile(`(?m)^\t`+prefix+`\w+ += "(.*)"`).FindAllStringSubmatch(string(contract), -1) {
		values = append(values, constant[1])
	}
	require.NotEmpty(t, values)
	return values
}

// registry notes the names of the activities.
type registry []string

func (r *registry) RegisterWorkflowWithOptions(any, workflow.RegisterOptions) {}

func (r *registry) RegisterActivityWithOptions(_ any, options activity.RegisterOptions) {
	*r = append(*r, options.Name)
}

// What the contract names, what plans name and what is registered is the same.
func TestTheCatalogueIsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	var registered registry
	s.offboarding.Register(&registered)
	assert.ElementsMatch(t, constants(t, "Activity"), registered)

	names := map[bool][]string{}
	synced := s.Users()[adele]
	synced.OnPremisesSyncEnabled = true // whose plan has each step there is
	s.Add(synced)
	for _, step := range planFor(t, s, with(leaver.StepSettings{Include: true}, leaver.OptionalSteps()...)).Steps {
		optional := slices.Contains(leaver.OptionalSteps(), step.Name)
		names[optional] = append(names[optional], step.Name)
		assert.Contains(t, registered, step.Activity)
		assert.Equal(t, step.Shape == leaver.Each, slices.Contains(registered, step.Change), step.Name)
		assert.NotEmpty(t, step.Summary)
		assert.LessOrEqual(t, len(step.Summary), 200)
	}
	assert.Equal(t, leaver.OptionalSteps(), names[true])
	assert.ElementsMatch(t, constants(t, "Step"), slices.Concat(names[false], names[true]))
	for _, step := range planFor(t, s, leaver.Request{UserID: adele}).Steps {
		assert.Contains(t, names[false], step.Name)
	}
}

func TestAnOptionalStepIsPlannedWhereItIsIncludedAlone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(), func(c *plugin.Config) { c.DeviceTaskQueue = "intune" })
	after := map[string][]string{
		leaver.StepDeleteAutopilotIdentities: {leaver.StepRemoveAllDevices},
		leaver.StepDisableEntraDevices:       {leaver.StepRemoveAllDevices},
		leaver.StepDeleteEntraDevices:        {leaver.StepRemoveAllDevices},
		leaver.StepDeleteUser:                {leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices},
		leaver.StepConfirmCompromised:        {leaver.StepDisableAccount},
		leaver.StepHoldMailbox:               {leaver.StepDisableAccount},
		leaver.StepRemoveAdministrativeUnits: {leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices},
		leaver.StepRemoveLicenses:            {leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices},
	}
	for _, name := range leaver.OptionalSteps() {
		plan := planFor(t, s, with(leaver.StepSettings{Include: true, OnFailure: leaver.Continue}, name))
		require.Len(t, plan.Steps, 4)
		step := stepOf(t, plan, name)
		assert.Contains(t, []leaver.Shape{leaver.Single, leaver.Each}, step.Shape)
		assert.Equal(t, leaver.Continue, step.OnFailure)
		if after[name] == nil && name != leaver.StepAddToBlockGroup {
			after[name] = []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}
		}
		assert.Equal(t, after[name], step.After, "of %s: steps that are left out are not waited for", name)
		ofIntune := name == leaver.StepWipeManagedAppRegistrations || name == leaver.StepDeleteAutopilotIdentities
		assert.Equal(t, ofIntune, step.TaskQueue == "intune", name)
		assert.Equal(t, ofIntune, step.Patience == leaver.Duration(7*24*time.Hour), "a daily limit may be used up some days in a row")
		assert.Equal(t, name == leaver.StepDeleteEntraDevices, strings.Contains(step.Note, "BitLocker keys"))
	}
	all := planFor(t, s, with(leaver.StepSettings{Include: true}, leaver.OptionalSteps()...))
	assert.Equal(t, []string{leaver.StepRemoveAllDevices, leaver.StepDeleteAutopilotIdentities, leaver.StepDisableEntraDevices}, stepOf(t, all, leaver.StepDeleteEntraDevices).After)
	assert.Len(t, stepOf(t, all, leaver.StepDeleteUser).After, len(all.Steps)-1, "the account goes when all is done")
}
