package activities_test

import (
	"strings"
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
	}
	assert.Equal(t, []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices}, names)
	assert.Equal(t, []string{leaver.StepDisableAccount}, stepOf(t, plan, leaver.StepRevokeSessions).After)
	assert.Equal(t, []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, stepOf(t, plan, leaver.StepRemoveAllDevices).After,
		"both, because one of them may be left out")
}

func TestAPlanSaysHowAndWhereDevicesAreRemoved(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"", "intune"} {
		s := set(t, withDevices(), func(c *plugin.Config) { c.DeviceTaskQueue = queue })
		plan := planFor(t, s, leaver.Request{UserID: adele, Reason: "left", Ticket: "INC-0042"})
		step := stepOf(t, plan, leaver.StepRemoveAllDevices)
		assert.Equal(t, leaver.Devices, step.Shape)
		assert.Equal(t, queue, step.TaskQueue)
		assert.Equal(t, "Offboarding of a leaver: left (ticket INC-0042)", step.Reason)
		assert.NotNil(t, step.Devices)
		for _, name := range []string{leaver.StepDisableAccount, leaver.StepRevokeSessions} {
			step := stepOf(t, plan, name)
			assert.Equal(t, leaver.Single, step.Shape)
			assert.Empty(t, step.TaskQueue)
			assert.Empty(t, step.Reason)
			assert.Nil(t, step.Devices)
		}
	}
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
}

// What comes after a step that is left out runs all the same.
func TestAStepIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	for _, skipped := range []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices} {
		plan := planFor(t, s, leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{skipped: {Skip: true}}})
		for _, step := range plan.Steps {
			assert.Equal(t, step.Name == skipped, step.Skip == "the request leaves it out", step.Name)
			assert.Equal(t, step.Name == skipped, step.Skip != "")
		}
		assert.Equal(t, skipped == leaver.StepRemoveAllDevices, len(stepOf(t, plan, leaver.StepRemoveAllDevices).Items) == 0)
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
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "there is no such step, want one of disableAccount, revokeSessions, removeAllDevices, ")
	}
	assert.Empty(t, s.Requests())
}

func TestThePlanPinsTheDeadlineAndTheRhythmOfTheLooks(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(), func(c *plugin.Config) {
		c.FirstPoll, c.LongestPoll, c.DeviceDeadline = 5*time.Minute, 2*time.Hour, 48*time.Hour
	})
	minutes := func(n int) leaver.Duration { return leaver.Duration(time.Duration(n) * time.Minute) }
	for deadline, want := range map[leaver.Duration]leaver.DeviceSettings{
		0:             {FirstLook: minutes(5), LongestLook: minutes(120), Deadline: minutes(48 * 60)},
		minutes(7200): {FirstLook: minutes(5), LongestLook: minutes(120), Deadline: minutes(7200)},
		minutes(30):   {FirstLook: minutes(5), LongestLook: minutes(30), Deadline: minutes(30)},
		minutes(1):    {FirstLook: minutes(1), LongestLook: minutes(1), Deadline: minutes(1)},
	} {
		plan := planFor(t, s, leaver.Request{UserID: adele, DeviceDeadline: deadline})
		assert.Equal(t, &want, stepOf(t, plan, leaver.StepRemoveAllDevices).Devices)
	}
}

func TestTwoPlansShareNothing(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	first := planFor(t, s, leaver.Request{UserID: adele, DeviceDeadline: leaver.Duration(time.Hour), OnFailure: leaver.Fail})
	second := planFor(t, s, leaver.Request{UserID: adele})
	assert.Equal(t, leaver.Duration(time.Hour), stepOf(t, first, leaver.StepRemoveAllDevices).Devices.Deadline)
	assert.Equal(t, leaver.Duration(30*24*time.Hour), stepOf(t, second, leaver.StepRemoveAllDevices).Devices.Deadline)
	assert.Equal(t, leaver.Ask, stepOf(t, second, leaver.StepDisableAccount).OnFailure)
}

func TestTheWorkersPolicyIsForRequestsThatSayNothing(t *testing.T) {
	t.Parallel()
	s := set(t, fleet(), func(c *plugin.Config) { c.DevicePolicy = mixed })
	assert.Equal(t, mixed, stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices).Devices.Policy)
	all := leaver.DevicePolicy{}
	assert.Equal(t, all, stepOf(t, planFor(t, s, leaver.Request{UserID: adele, Devices: &all}), leaver.StepRemoveAllDevices).Devices.Policy, "it replaces the worker's as a whole")
}

// fleet is Adele with devices of every kind that policies tell apart.
func fleet() []graphsim.User {
	return []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, Devices: []graphsim.Device{
		{Name: "CONTOSO-LT-01", OperatingSystem: "Windows", RecoveryKey: true, CheckIn: -1},
		{Name: "CONTOSO-MB-01", OperatingSystem: "macOS", CheckIn: -1},
		{Name: "CONTOSO-PH-01", OperatingSystem: "Android", CheckIn: -1},
		{Name: "PRIVATE-PH-01", OperatingSystem: "Android", OwnerType: "personal", CheckIn: -1},
		{Name: "PRIVATE-LT-01", OperatingSystem: "Windows", OwnerType: "personal", CheckIn: -1},
		{Name: "CONTOSO-LT-02", OperatingSystem: "Windows", CheckIn: -1},
		{Name: "CONTOSO-LT-03", OperatingSystem: "Windows", State: "retirePending", CheckIn: -1},
	}}}
}

var mixed = leaver.DevicePolicy{
	Company:  leaver.DeviceActions{Windows: leaver.Wipe, Android: leaver.DeleteRecord},
	Personal: leaver.DeviceActions{Android: leaver.Wipe, Windows: leaver.Keep},
}

func TestAPlanShowsWhatWillHappenToEachDevice(t *testing.T) {
	t.Parallel()
	const (
		deletes = "a person will be asked: deleting the record of a corporate Android device resets it to factory settings"
		wipes   = "a person will be asked: a personal Android device has a work profile only, which Graph cannot wipe"
		kept    = "left as it is, as the policy says"
		lacks   = "no BitLocker recovery key is on record"
	)
	for _, requires := range []bool{false, true} {
		s := set(t, fleet())
		policy := mixed
		policy.RequireRecoveryKey = requires
		step := stepOf(t, planFor(t, s, leaver.Request{UserID: adele, Devices: &policy}), leaver.StepRemoveAllDevices)
		require.Len(t, step.Items, 7)
		for i, want := range []struct {
			action leaver.DeviceAction
			says   string
			key    leaver.RecoveryKey
		}{
			{leaver.Wipe, "", leaver.RecoveryKeyOnRecord}, {leaver.Retire, "", ""}, {leaver.DeleteRecord, deletes, ""}, {leaver.Wipe, wipes, ""},
			{leaver.Keep, kept, leaver.RecoveryKeyMissing}, {leaver.Wipe, lacks, leaver.RecoveryKeyMissing}, {leaver.Wipe, "already leaving", leaver.RecoveryKeyMissing},
		} {
			item := step.Items[i]
			if requires && want.says == lacks {
				want.says = "a person will be asked: " + lacks
			}
			assert.Equal(t, want.action, item.Device.Planned, item.Device.Name)
			assert.Equal(t, want.key, item.Device.RecoveryKey, item.Device.Name)
			assert.True(t, strings.HasPrefix(item.Detail, want.says), item.Detail)
			assert.Equal(t, want.says == "", item.Detail == "", item.Detail)
			assert.Empty(t, item.Outcome, "nothing has happened yet")
			assert.Empty(t, item.Device.Calls)
			assert.Empty(t, item.Device.Verdict)
		}
		assert.Empty(t, s.writes())
	}
}

func TestDevicesThatCannotBeReadDoNotHoldUpThePlan(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 503} {
		s := set(t, fleet())
		s.Fail(graphsim.Fault{Path: "/managedDevices", Times: -1, Status: status})
		step := stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices)
		assert.Contains(t, step.Note, "the devices could not be read for the plan: ")
		assertNameless(t, s, step.Note)
		assert.Empty(t, step.Skip)
	}
	s := set(t, fleet())
	s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele, DryRun: true})
	waiting(t, s, err, leaver.GraphUnavailable) // a dry run waits: the plan is all that it gives
}

func TestRecoveryKeysThatCannotBeReadAreUnknownToThePlan(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 503} {
		s := set(t, fleet())
		s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Status: status})
		item := stepOf(t, planFor(t, s, leaver.Request{UserID: adele}), leaver.StepRemoveAllDevices).Items[0]
		assert.Equal(t, leaver.RecoveryKeyUnknown, item.Device.RecoveryKey)
		assert.Contains(t, item.Detail, "whether a BitLocker recovery key is on record is not known: ")
		assertNameless(t, s, item.Detail)
	}
}

func TestAnIntuneThatHangsDoesNotHoldUpThePlan(t *testing.T) {
	t.Parallel()
	s := set(t, fleet())
	s.Fail(graphsim.Fault{Path: "/managedDevices", Times: -1, Delay: leaver.Duration(time.Hour)})
	var plan leaver.Plan
	require.NoError(t, (&attempt{timeout: time.Second}).run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele}, &plan))
	assert.Contains(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Note, "no answer from Intune in time")
	s.Heal()

	s.Fail(graphsim.Fault{Path: "/recoveryKeys", Times: -1, Delay: leaver.Duration(time.Hour)})
	// The devices are given half of the time, of which ten seconds are kept.
	require.NoError(t, (&attempt{timeout: 21 * time.Second}).run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele}, &plan))
	items := stepOf(t, plan, leaver.StepRemoveAllDevices).Items
	require.Len(t, items, 7)
	assert.Equal(t, leaver.RecoveryKeyUnknown, items[0].Device.RecoveryKey)
	assert.Contains(t, items[0].Detail, "is not known")
}

func TestActivitiesAreNotMadeWithWhatCannotWork(t *testing.T) {
	t.Parallel()
	client, err := graph.New(graph.Options{Credential: token("any"), URL: "https://graph.example.com"})
	require.NoError(t, err)
	minute, hour := leaver.Duration(time.Minute), leaver.Duration(time.Hour)
	works := leaver.DeviceSettings{FirstLook: minute, LongestLook: hour, Deadline: hour}
	endless, explodes := works, works
	endless.Deadline = leaver.Duration(leaver.MaxDeviceDeadline + time.Hour)
	explodes.Policy.Company.Windows = "explode"
	for _, c := range []struct {
		config activities.Config
		want   string
	}{
		{activities.Config{Graph: client, DeviceSettings: works}, ""},
		{activities.Config{DeviceSettings: works}, "no Graph client"},
		{activities.Config{Graph: client}, "the first look must be positive"},
		{activities.Config{Graph: client, DeviceSettings: leaver.DeviceSettings{FirstLook: hour, LongestLook: minute, Deadline: hour}}, "longest"},
		{activities.Config{Graph: client, DeviceSettings: leaver.DeviceSettings{FirstLook: hour, LongestLook: hour, Deadline: minute}}, "deadline"},
		{activities.Config{Graph: client, DeviceSettings: endless}, "the device deadline must not be longer than"},
		{activities.Config{Graph: client, DeviceSettings: explodes}, "the device policy.company.windows: want retire"},
	} {
		_, err := activities.New(c.config)
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, c.want)
	}
}
