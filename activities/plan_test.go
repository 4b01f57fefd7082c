package activities_test

import (
	"slices"
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
	plan, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, request)
	require.NoError(t, err)
	require.NoError(t, plan.Check())
	return plan
}

func stepOf(t *testing.T, plan leaver.Plan, name string) leaver.Step {
	t.Helper()
	i := slices.IndexFunc(plan.Steps, func(step leaver.Step) bool { return step.Name == name })
	require.NotEqual(t, -1, i, name)
	return plan.Steps[i]
}

// removalFor is how a plan has the devices removed.
func removalFor(t *testing.T, s *stage, request leaver.Request) leaver.Step {
	t.Helper()
	return stepOf(t, planFor(t, s, request), leaver.StepRemoveAllDevices)
}

// with is a request that settles some steps.
func with(settings leaver.StepSettings, steps ...string) leaver.Request {
	request := leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{}}
	for _, name := range steps {
		request.Steps[name] = settings
		if len(settings.Given()) == 0 {
			settings := settings
			settings.Settings = needed[name]
			request.Steps[name] = settings
		}
	}
	if block, ok := request.Steps[leaver.StepAddToBlockGroup]; ok { // it cannot do without
		block.Group = group
		request.Steps[leaver.StepAddToBlockGroup] = block
	}
	return request
}

// needed are the settings that steps cannot do without.
var needed = map[string]leaver.Settings{
	leaver.StepScrubAttributes: {Attributes: []string{"jobTitle"}}, leaver.StepSetAutomaticReply: {InternalMessage: "Adele has left."},
}

func TestAPlanPinsTheObjectIDAndEndsAccessBeforeDevices(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"", "intune"} {
		s := set(t, withDevices(never), func(c *plugin.Config) { c.DeviceTaskQueue = queue })
		before := s.Users()
		plan := planFor(t, s, leaver.Request{UserID: "ADELE@contoso.com", Reason: "left", Ticket: "INC-0042"})
		assert.Equal(t, before, s.Users(), "it changes nothing")
		assert.Empty(t, s.writes())
		assert.Len(t, s.Requests(), 8, "the leaver, the devices, the recovery key of one, and five for the guards")

		for _, g := range plan.Guards {
			assert.Equal(t, leaver.GuardClear, g.Result, g.Name)
		}
		assert.Len(t, plan.Guards, 8)
		plan.Guards = nil
		removal := &plan.Steps[2]
		require.NotNil(t, removal.Devices)
		require.Len(t, removal.Items, 1)
		removal.Devices, removal.Items = nil, nil
		assert.Equal(t, leaver.Plan{
			Leaver: leaver.Leaver{ID: s.id(adele), UserPrincipalName: adele, UserType: "Member", AccountEnabled: true},
			Steps: []leaver.Step{
				{Name: leaver.StepDisableAccount, Shape: leaver.Single, Activity: leaver.ActivityDisableAccount, Summary: "Block sign-in", OnFailure: leaver.Ask, DisablesAccount: true},
				{Name: leaver.StepRevokeSessions, Shape: leaver.Single, Activity: leaver.ActivityRevokeSessions, Summary: "End all sessions",
					After: []string{leaver.StepDisableAccount}, OnFailure: leaver.Ask},
				// After both, because one of them may be left out.
				{Name: leaver.StepRemoveAllDevices, Shape: leaver.Devices, Activity: leaver.ActivityRemoveAllDevices, Summary: "Remove all devices from management",
					After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, OnFailure: leaver.Ask,
					Reason: "Offboarding of a leaver: left (ticket INC-0042)", TaskQueue: queue},
			},
		}, plan)
	}
}

func TestAGuestsSessionsAreSkippedAndASynchronisedAccountIsNoted(t *testing.T) {
	t.Parallel()
	const guest = "alex_example.com#EXT#@contoso.onmicrosoft.com"
	for _, c := range []struct {
		user             graphsim.User
		step, skip, note string
	}{
		{graphsim.User{UserPrincipalName: guest, UserType: "Guest"}, leaver.StepRevokeSessions, "home tenant", ""},
		{graphsim.User{UserPrincipalName: adele, OnPremisesSyncEnabled: true}, leaver.StepDisableAccount, "", "disable it there too"},
	} {
		plan := planFor(t, set(t, []graphsim.User{c.user}), leaver.Request{UserID: c.user.UserPrincipalName})
		assert.Equal(t, c.user.OnPremisesSyncEnabled, plan.Leaver.OnPremisesSyncEnabled)
		for _, step := range plan.Steps {
			if step.Name == c.step {
				assert.Contains(t, step.Skip, c.skip)
				assert.Contains(t, step.Note, c.note)
			}
			assert.Equal(t, step.Name == c.step && c.skip != "", step.Skip != "", step.Name)
			assert.Equal(t, step.Name == c.step && c.note != "", step.Note != "", step.Name)
		}
	}
}

func TestAStepsOwnOnFailureWinsOverTheRequests(t *testing.T) {
	t.Parallel()
	plan := planFor(t, set(t, withDevices()), leaver.Request{UserID: adele, OnFailure: leaver.Continue, Steps: map[string]leaver.StepSettings{
		leaver.StepRemoveAllDevices: {OnFailure: leaver.Fail},
		leaver.StepRevokeSessions:   {OnFailure: leaver.Ask},
	}})
	for i, want := range []leaver.OnFailure{leaver.Continue, leaver.Ask, leaver.Fail} {
		assert.Equal(t, want, plan.Steps[i].OnFailure)
	}
}

// What comes after a step that is left out runs all the same.
func TestAStepIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	for _, skipped := range []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices} {
		plan := planFor(t, s, with(leaver.StepSettings{Skip: true}, skipped))
		for _, step := range plan.Steps {
			assert.Equal(t, map[bool]string{true: "the request leaves it out"}[step.Name == skipped], step.Skip, step.Name)
		}
		assert.Equal(t, skipped == leaver.StepRemoveAllDevices, len(plan.Steps[2].Items) == 0)
	}
}

func TestASettingThatAStepDoesNotTakeIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	settings := leaver.StepSettings{Settings: leaver.Settings{Group: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d"}}
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, with(settings, leaver.StepRevokeSessions))
	assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "steps.revokeSessions.group: the step takes no settings of its own")
	assert.Empty(t, s.Requests())
}

func TestAnUnknownStepIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	for name, settings := range map[string]leaver.StepSettings{"removeAllDevice": {Skip: true}, "RemoveAllDevices": {}, "": {}} {
		request := with(settings, name)
		request.DryRun = name == ""
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, request)
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), "there is no such step, want one of disableAccount, disableInActiveDirectory, revokeSessions, ")
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
		assert.Equal(t, &want, removalFor(t, s, leaver.Request{UserID: adele, DeviceDeadline: deadline}).Devices)
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
	assert.Equal(t, mixed, removalFor(t, s, leaver.Request{UserID: adele}).Devices.Policy)
	all := leaver.DevicePolicy{}
	assert.Equal(t, all, removalFor(t, s, leaver.Request{UserID: adele, Devices: &all}).Devices.Policy, "it replaces the worker's as a whole")
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
		step := removalFor(t, s, leaver.Request{UserID: adele, Devices: &policy})
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
			assert.Equal(t, want.key, item.Device.RecoveryKey, item.Device.Name)
			assert.True(t, strings.HasPrefix(item.Detail, want.says), item.Detail)
			assert.Equal(t, want.says == "", item.Detail == "", item.Detail)
			nothing := leaver.Item{ID: item.ID, Detail: item.Detail, Device: &leaver.Device{DeviceFacts: item.Device.DeviceFacts, Enrolment: item.Device.Enrolment, Planned: want.action}}
			assert.Equal(t, nothing, item, "nothing has happened yet")
		}
		assert.Empty(t, s.writes())
	}
}

func TestWhatCannotBeReadDoesNotHoldUpThePlan(t *testing.T) {
	t.Parallel()
	const (
		listed, keys = "/managedDevices", "/recoveryKeys"
		noKey        = "whether a BitLocker recovery key is on record is not known: "
	)
	type row struct {
		fault   graphsim.Fault
		timeout time.Duration
		says    string
	}
	table(t, map[string]row{
		"devices that are refused": {graphsim.Fault{Path: listed, Status: 403}, time.Hour, "the devices could not be read for the plan: "},
		"an Intune that is down":   {graphsim.Fault{Path: listed, Status: 503}, time.Hour, "the devices could not be read for the plan: "},
		"an Intune that hangs":     {graphsim.Fault{Path: listed, Delay: leaver.Duration(time.Hour)}, time.Second, "no answer from Intune in time"},
		"keys that are refused":    {graphsim.Fault{Path: keys, Status: 403}, time.Hour, noKey},
		"an Entra that is down":    {graphsim.Fault{Path: keys, Status: 503}, time.Hour, noKey},
		// The devices are given half of the time, of which ten seconds are kept.
		"an Entra that hangs": {graphsim.Fault{Path: keys, Delay: leaver.Duration(time.Hour)}, 21 * time.Second, noKey},
	}, func(t *testing.T, c row) {
		s := set(t, fleet())
		c.fault.Times = -1
		s.Fail(c.fault)
		var plan leaver.Plan
		require.NoError(t, attempt{number: 3, timeout: c.timeout}.run(t, s, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele}, &plan))
		step := stepOf(t, plan, leaver.StepRemoveAllDevices)
		said := step.Note
		if c.fault.Path == keys {
			require.Len(t, step.Items, 7)
			assert.Equal(t, leaver.RecoveryKeyUnknown, step.Items[0].Device.RecoveryKey)
			said = step.Items[0].Detail
		} else {
			for _, name := range []leaver.GuardName{leaver.GuardManyDevices, leaver.GuardSharedDevices} {
				assert.Equal(t, leaver.Guard{Name: name, Result: leaver.GuardNotChecked, Detail: "the devices could not be read"}, guardOf(t, plan, name))
			}
		}
		assert.Contains(t, said, c.says)
		assertNameless(t, s, said)
		assert.Empty(t, step.Skip)
	})
	s := set(t, fleet())
	s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele, DryRun: true})
	waiting(t, s, err, leaver.GraphUnavailable) // a dry run waits: the plan is all that it gives

	s = set(t, fleet(), func(c *plugin.Config) { c.Guards.Strict = true })
	s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 403, Code: "Forbidden", Times: -1})
	_, err = call[leaver.Plan](t, s, 3, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	assert.Contains(t, final(t, s, err, leaver.ProtectedUser).Message(), "manyDevices could not be checked: the devices could not be read")
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
	_, err = activities.New(activities.Config{Graph: client, DeviceSettings: works})
	require.NoError(t, err)
	for want, config := range map[string]activities.Config{
		"no Graph client":                                {DeviceSettings: works},
		"the first look must be positive":                {Graph: client},
		"neither the longest":                            {Graph: client, DeviceSettings: leaver.DeviceSettings{FirstLook: hour, LongestLook: minute, Deadline: hour}},
		"nor the deadline":                               {Graph: client, DeviceSettings: leaver.DeviceSettings{FirstLook: hour, LongestLook: hour, Deadline: minute}},
		"the device deadline must not be longer than":    {Graph: client, DeviceSettings: endless},
		"the device policy.company.windows: want retire": {Graph: client, DeviceSettings: explodes},
	} {
		assert.ErrorContains(t, errorOf(activities.New(config)), want)
	}
}

// One answer that passes hides neither that there are too many devices, nor what a guard is to see.
func TestDevicesThatCannotBeListedForAMomentAreListedAgainForThePlan(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503, RetryAfter: "3000", Times: 1})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	assert.Equal(t, 5*time.Second, waiting(t, s, err, leaver.GraphUnavailable).NextRetryDelay())
	plan, err := call[leaver.Plan](t, s, 2, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	require.NoError(t, err)
	assert.Len(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Items, 1)
}
