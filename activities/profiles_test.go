package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// profiled has the worker know profiles.
func profiled(profiles map[string]leaver.Profile) func(*plugin.Config) {
	return func(c *plugin.Config) { c.Profiles = profiles }
}

var badge = leaver.OwnStep{Name: "lockBadge", Activity: "LockBadge", TaskQueue: "facilities", Summary: "Lock the badge", After: []string{leaver.StepDisableAccount}}

func TestAProfileHasThePlanMadeUnlessTheRequestSaysOtherwise(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never), profiled(map[string]leaver.Profile{
		"contractor": {
			OnFailure: leaver.Continue, DeviceDeadline: leaver.Duration(48 * time.Hour), Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}},
			Steps: map[string]leaver.StepSettings{
				leaver.StepDisableEntraDevices: {Include: true, Delay: leaver.Duration(time.Hour)},
				leaver.StepRevokeSessions:      {Skip: true},
				leaver.StepDeleteEntraDevices:  {Include: true},
			},
			OwnSteps: []leaver.OwnStep{badge},
		},
	}))
	plan := planFor(t, s, leaver.Request{UserID: adele, Profile: "contractor"})
	assert.Equal(t, "contractor", plan.Profile)
	require.NoError(t, plan.Check())
	assert.Equal(t, leaver.Duration(48*time.Hour), stepOf(t, plan, leaver.StepRemoveAllDevices).Devices.Deadline)
	assert.Equal(t, leaver.Wipe, stepOf(t, plan, leaver.StepRemoveAllDevices).Devices.Policy.Company.Windows)
	assert.Equal(t, leaver.Continue, stepOf(t, plan, leaver.StepRemoveAllDevices).OnFailure)
	assert.Equal(t, "the request, or its profile, leaves it out", stepOf(t, plan, leaver.StepRevokeSessions).Skip)
	assert.Equal(t, leaver.Duration(time.Hour), stepOf(t, plan, leaver.StepDisableEntraDevices).Delay)
	assert.Equal(t, leaver.Step{Name: "lockBadge", Shape: leaver.Single, Activity: "LockBadge", TaskQueue: "facilities", Summary: "Lock the badge", After: []string{leaver.StepDisableAccount}, OnFailure: leaver.Continue}, stepOf(t, plan, "lockBadge"))

	plan = planFor(t, s, leaver.Request{UserID: adele, Profile: "contractor", OnFailure: leaver.Fail, DeviceDeadline: leaver.Duration(24 * time.Hour), Devices: &leaver.DevicePolicy{}, Steps: map[string]leaver.StepSettings{
		leaver.StepDisableEntraDevices: {OnFailure: leaver.Ask}, leaver.StepRevokeSessions: {Include: true}, leaver.StepDeleteEntraDevices: {Skip: true}, "lockBadge": {Skip: true},
	}})
	assert.Equal(t, leaver.Duration(24*time.Hour), stepOf(t, plan, leaver.StepRemoveAllDevices).Devices.Deadline)
	assert.Empty(t, stepOf(t, plan, leaver.StepRemoveAllDevices).Devices.Policy.Company.Windows)
	assert.Equal(t, leaver.Fail, stepOf(t, plan, leaver.StepRemoveAllDevices).OnFailure)
	assert.Empty(t, stepOf(t, plan, leaver.StepRevokeSessions).Skip)
	assert.Equal(t, leaver.Ask, stepOf(t, plan, leaver.StepDisableEntraDevices).OnFailure)
	assert.Equal(t, leaver.Duration(time.Hour), stepOf(t, plan, leaver.StepDisableEntraDevices).Delay, "the profile's, as the request says none")
	assert.NotEmpty(t, stepOf(t, plan, "lockBadge").Skip)
	for _, step := range plan.Steps {
		assert.NotEqual(t, leaver.StepDeleteEntraDevices, step.Name, "the request leaves out what the profile includes")
	}
	assert.Empty(t, s.writes())
}

// Without a profile of that name, an update adds nothing to anybody's offboarding.
func TestTheDefaultProfileIsForRequestsThatNameNone(t *testing.T) {
	t.Parallel()
	other := map[string]leaver.Profile{"contractor": {Steps: map[string]leaver.StepSettings{leaver.StepDisableEntraDevices: {Include: true}}}}
	plan := planFor(t, set(t, withDevices(), profiled(other)), leaver.Request{UserID: adele})
	assert.Len(t, plan.Steps, 3)
	assert.Empty(t, plan.Profile)
	own := map[string]leaver.Profile{leaver.DefaultProfile: other["contractor"]}
	plan = planFor(t, set(t, withDevices(), profiled(own)), leaver.Request{UserID: adele})
	assert.Len(t, plan.Steps, 4)
	assert.Equal(t, leaver.DefaultProfile, plan.Profile)
}

func TestAnUnknownProfileIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profiles map[string]leaver.Profile
		want     string
	}{
		{nil, "profile: the worker has no profiles, see LEAVER_PROFILES"},
		{map[string]leaver.Profile{"contractor": {}, "standard": {}}, "profile: the worker has no such profile, want one of contractor, standard"},
	} {
		s := set(t, withDevices(), profiled(c.profiles))
		_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele, Profile: "Standard"})
		assert.Contains(t, final(t, s, err, leaver.InvalidRequest).Message(), c.want)
		assert.Empty(t, s.Requests())
	}
}

func TestAProfileThatNoPlanCouldBeMadeByIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	own := func(change func(*leaver.OwnStep)) leaver.Profile {
		step := badge
		change(&step)
		return leaver.Profile{OwnSteps: []leaver.OwnStep{step}}
	}
	for want, profile := range map[string]leaver.Profile{
		"contractor.steps.leave: there is no such step, want one of disableAccount,":              {Steps: map[string]leaver.StepSettings{"leave": {}}},
		"contractor.steps.revokeSessions.group: the step takes no settings of its own":            {Steps: map[string]leaver.StepSettings{leaver.StepRevokeSessions: {Settings: leaver.Settings{Group: "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a1b2d"}}}},
		"contractor.notify.webhook: the worker has no webhook: set LEAVER_WEBHOOK_URL":            {Notify: leaver.Notify{Webhook: []leaver.Moment{leaver.MomentEnded}}},
		"contractor.notify.mail: the worker has no mailbox to send from: set LEAVER_MAIL_FROM":    {Notify: leaver.Notify{Mail: []leaver.Mail{{To: leaver.Manager, At: []leaver.Moment{leaver.MomentEnded}}}}},
		"contractor.notify.webhook.0: want begun, waits or ended":                                 {Notify: leaver.Notify{Webhook: []leaver.Moment{"begins"}}},
		"contractor.onFailure: want ask, continue or fail":                                        {OnFailure: "stop"},
		"contractor.ownSteps: step disableAccount stands twice in the plan":                       own(func(s *leaver.OwnStep) { s.Name = leaver.StepDisableAccount }),
		`contractor.ownSteps: step lockBadge comes after "disable", which is no step of the plan`: own(func(s *leaver.OwnStep) { s.After = []string{"disable"} }),
		"contractor.ownSteps: step lockBadge waits for itself, in a circle":                       own(func(s *leaver.OwnStep) { s.After = []string{"lockBadge"} }),
		"contractor.ownSteps.0: want a name, an activity, a taskQueue and a summary":              own(func(s *leaver.OwnStep) { s.TaskQueue = "" }),
		"contractor.ownSteps.0.onFailure: want ask, continue or fail":                             own(func(s *leaver.OwnStep) { s.OnFailure = "stop" }),
	} {
		config := plugin.Config{Credential: token("x"), Profiles: map[string]leaver.Profile{"contractor": profile}}
		_, err := plugin.New(config)
		assert.ErrorContains(t, err, want)
	}
}
