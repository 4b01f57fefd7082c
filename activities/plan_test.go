package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func planFor(t *testing.T, s *stage, request leaver.Request) leaver.Plan {
	t.Helper()
	var plan leaver.Plan
	require.NoError(t, (&attempt{}).run(t, s, leaver.ActivityPlanOffboarding, request, &plan))
	require.NoError(t, plan.Check())
	return plan
}

func stepOf(t *testing.T, plan leaver.Plan, name string) leaver.Step {
	t.Helper()
	for _, step := range plan.Steps {
		if step.Name == name {
			return step
		}
	}
	require.Fail(t, "no step "+name)
	return leaver.Step{}
}

func TestAPlanPinsTheObjectIDAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	before := s.Users()
	plan := planFor(t, s, leaver.Request{UserID: "ADELE@contoso.com"})
	assert.Equal(t, leaver.Leaver{ID: s.id(adele), UserPrincipalName: adele, UserType: "Member", AccountEnabled: true}, plan.Leaver)
	assert.Equal(t, before, s.Users())
	assert.Empty(t, s.writes())
	assert.Len(t, s.Requests(), 3, "the leaver, the devices, and the recovery key of one")
}

func TestAPlanEndsAccessBeforeDevices(t *testing.T) {
	t.Parallel()
	plan := planFor(t, set(t, withDevices()), leaver.Request{UserID: adele})
	var names []string
	for _, step := range plan.Steps {
		names = append(names, step.Name)
		assert.Empty(t, step.Skip)
		assert.Empty(t, step.Note)
		assert.Equal(t, leaver.Ask, step.OnFailure)
		assert.NotEmpty(t, step.Summary)
		assert.LessOrEqual(t, len(step.Summary), 200)
	}
	assert.Equal(t, []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices, leaver.StepAwaitDevicesRemoved}, names)
	assert.Equal(t, []string{leaver.StepDisableAccount}, stepOf(t, plan, leaver.StepRevokeSessions).After)
	assert.Subset(t, stepOf(t, plan, leaver.StepRemoveAllDevices).After, []string{leaver.StepDisableAccount, leaver.StepRevokeSessions},
		"both, because one of them may be left out")
	assert.Equal(t, []string{leaver.StepRemoveAllDevices}, stepOf(t, plan, leaver.StepAwaitDevicesRemoved).Needs)
}

func TestAGuestsSessionsAreLeftToTheHomeTenant(t *testing.T) {
	t.Parallel()
	const guest = "alex_example.com#EXT#@contoso.onmicrosoft.com"
	s := set(t, []graphsim.User{{UserPrincipalName: guest, UserType: "Guest", AccountEnabled: true}})
	plan := planFor(t, s, leaver.Request{UserID: guest})
	assert.Contains(t, stepOf(t, plan, leaver.StepRevokeSessions).Skip, "home tenant")
	assert.Empty(t, stepOf(t, plan, leaver.StepDisableAccount).Skip)
	assert.Empty(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Skip)
}

func TestASynchronisedAccountIsNoted(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, OnPremisesSyncEnabled: true}})
	plan := planFor(t, s, leaver.Request{UserID: adele})
	assert.True(t, plan.Leaver.OnPremisesSyncEnabled)
	assert.Contains(t, stepOf(t, plan, leaver.StepDisableAccount).Note, "disable it there too")
	assert.Empty(t, stepOf(t, plan, leaver.StepDisableAccount).Skip, "it is disabled all the same")
}

func TestAStepsOwnOnFailureWinsOverTheRequests(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	plan := planFor(t, s, leaver.Request{UserID: adele, OnFailure: leaver.Continue, Steps: map[string]leaver.StepSettings{
		leaver.StepRemoveAllDevices: {OnFailure: leaver.Fail},
		leaver.StepRevokeSessions:   {OnFailure: leaver.Ask},
	}})
	assert.Equal(t, leaver.Continue, stepOf(t, plan, leaver.StepDisableAccount).OnFailure)
	assert.Equal(t, leaver.Ask, stepOf(t, plan, leaver.StepRevokeSessions).OnFailure)
	assert.Equal(t, leaver.Fail, stepOf(t, plan, leaver.StepRemoveAllDevices).OnFailure)
	assert.Equal(t, leaver.Continue, stepOf(t, plan, leaver.StepAwaitDevicesRemoved).OnFailure)
}

func TestWhatNeedsALeftOutStepIsLeftOutToo(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	plan := planFor(t, s, leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{leaver.StepRemoveAllDevices: {Skip: true}}})
	assert.Equal(t, "the request leaves it out", stepOf(t, plan, leaver.StepRemoveAllDevices).Skip)
	assert.Equal(t, "removeAllDevices is left out", stepOf(t, plan, leaver.StepAwaitDevicesRemoved).Skip)
	assert.Empty(t, stepOf(t, plan, leaver.StepRevokeSessions).Skip)
}

func TestWhatOnlyComesAfterALeftOutStepStays(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	plan := planFor(t, s, leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{leaver.StepDisableAccount: {Skip: true}}})
	for _, name := range []string{leaver.StepRevokeSessions, leaver.StepRemoveAllDevices, leaver.StepAwaitDevicesRemoved} {
		assert.Empty(t, stepOf(t, plan, name).Skip, name)
	}
}

func TestAnUnknownStepIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for _, request := range []leaver.Request{
		{UserID: adele, Steps: map[string]leaver.StepSettings{"removeAllDevice": {Skip: true}}},
		{UserID: adele, Steps: map[string]leaver.StepSettings{"RemoveAllDevices": {}}},
		{UserID: adele, DryRun: true, Steps: map[string]leaver.StepSettings{"": {}}},
	} {
		err := (&attempt{}).run(t, s, leaver.ActivityPlanOffboarding, request, nil)
		failure := failed(t, s, err)
		assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
		assert.True(t, failure.NonRetryable())
		assert.Contains(t, failure.Message(), "there is no such step, want one of disableAccount, revokeSessions, removeAllDevices, awaitDevicesRemoved")
	}
	assert.Empty(t, s.Requests())
}

func TestThePlanPinsTheRhythmOfTheWait(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(), func(c *plugin.Config) {
		c.FirstPoll, c.LongestPoll, c.DeviceDeadline = 5*time.Minute, 2*time.Hour, 48*time.Hour
	})
	minutes := func(n int) leaver.Duration { return leaver.Duration(time.Duration(n) * time.Minute) }
	for deadline, want := range map[leaver.Duration]leaver.Poll{
		0:             {First: minutes(5), Longest: minutes(120), Deadline: minutes(48 * 60), For: "devices", Changes: true},
		minutes(7200): {First: minutes(5), Longest: minutes(120), Deadline: minutes(7200), For: "devices", Changes: true},
		minutes(30):   {First: minutes(5), Longest: minutes(30), Deadline: minutes(30), For: "devices", Changes: true},
		minutes(1):    {First: minutes(1), Longest: minutes(1), Deadline: minutes(1), For: "devices", Changes: true},
	} {
		plan := planFor(t, s, leaver.Request{UserID: adele, DeviceDeadline: deadline})
		assert.Equal(t, &want, stepOf(t, plan, leaver.StepAwaitDevicesRemoved).Poll)
		assert.Nil(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Poll)
	}
}

func TestTwoPlansShareNothing(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	first := planFor(t, s, leaver.Request{UserID: adele, DeviceDeadline: leaver.Duration(time.Hour), OnFailure: leaver.Fail})
	second := planFor(t, s, leaver.Request{UserID: adele})
	assert.Equal(t, leaver.Duration(time.Hour), stepOf(t, first, leaver.StepAwaitDevicesRemoved).Poll.Deadline)
	assert.Equal(t, leaver.Duration(30*24*time.Hour), stepOf(t, second, leaver.StepAwaitDevicesRemoved).Poll.Deadline)
	assert.Equal(t, leaver.Ask, stepOf(t, second, leaver.StepDisableAccount).OnFailure)
}

func TestActivitiesAreNotMadeWithWhatCannotWork(t *testing.T) {
	t.Parallel()
	client, err := graph.New(graph.Options{Credential: token("any"), URL: "https://graph.example.com"})
	require.NoError(t, err)
	minute, hour := leaver.Duration(time.Minute), leaver.Duration(time.Hour)
	for _, c := range []struct {
		config activities.Config
		want   string
	}{
		{activities.Config{Graph: client, Poll: leaver.Poll{First: minute, Longest: hour, Deadline: hour}}, ""},
		{activities.Config{Poll: leaver.Poll{First: minute, Longest: hour, Deadline: hour}}, "no Graph client"},
		{activities.Config{Graph: client}, "the first poll must be positive"},
		{activities.Config{Graph: client, Poll: leaver.Poll{First: hour, Longest: minute, Deadline: hour}}, "longest"},
		{activities.Config{Graph: client, Poll: leaver.Poll{First: hour, Longest: hour, Deadline: minute}}, "deadline"},
	} {
		_, err := activities.New(c.config)
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, c.want)
	}
}
