package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) (map[string]leaver.Profile, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "profiles.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return profiles(path)
}

func TestProfilesAreReadByName(t *testing.T) {
	t.Parallel()
	got, err := read(t, `
standard:
  handOverTo: manager
  steps:
    disableEntraDevices: {include: true}
    revokeSessions: {delay: 1h, onFailure: continue}
  ownSteps:
    - {name: badge, activity: LockBadge, taskQueue: facilities, summary: Lock the badge, after: [disableAccount]}
immediate:
  devices: {company: {windows: wipe}}
  notify: {webhook: [begun, waits, ended], mail: [{to: manager, at: [begun, ended]}]}
`)
	require.NoError(t, err)
	assert.Equal(t, map[string]leaver.Profile{
		"standard": {HandOverTo: leaver.Manager, Steps: map[string]leaver.StepSettings{
			"disableEntraDevices": {Include: true}, "revokeSessions": {Delay: leaver.Duration(time.Hour), OnFailure: leaver.Continue},
		}, OwnSteps: []leaver.OwnStep{{Name: "badge", Activity: "LockBadge", TaskQueue: "facilities", Summary: "Lock the badge", After: []string{"disableAccount"}}}},
		"immediate": {Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}}, Notify: leaver.Notify{
			Webhook: []leaver.Moment{leaver.MomentBegun, leaver.MomentWaits, leaver.MomentEnded},
			Mail:    []leaver.Mail{{To: leaver.Manager, At: []leaver.Moment{leaver.MomentBegun, leaver.MomentEnded}}},
		}},
	}, got)
	none, err := profiles("")
	require.NoError(t, err)
	assert.Empty(t, none)
}

// What the page of the notifications shows can be used as it stands.
func TestTheExampleOfTheNotificationsIsAProfile(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/notifications.md")
	require.NoError(t, err)
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, example)
	got, err := read(t, string(example[1]))
	require.NoError(t, err)
	assert.Equal(t, leaver.Notify{
		Webhook: []leaver.Moment{leaver.MomentBegun, leaver.MomentWaits, leaver.MomentEnded},
		Mail: []leaver.Mail{
			{To: leaver.Manager, At: []leaver.Moment{leaver.MomentBegun, leaver.MomentEnded}},
			{To: "it@contoso.com", At: []leaver.Moment{leaver.MomentWaits}},
		},
	}, got["standard"].Notify)
}

func TestAWrongProfileSaysWhatIsRight(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "the file names no profile",
		"a: [":                                   "want YAML with profiles by name",
		"- a":                                    "want YAML with profiles by name",
		"a: {}\na: {}":                           "already defined",
		"a: {step: {}}":                          "a.step: unknown field",
		"a: {onFailure: stop}":                   "a.onFailure: want ask, continue or fail",
		"a: {steps: {x: {delay: 30d}}}":          `a.steps.x.delay: want a duration such as "90s" or "720h"`,
		"a: {steps: {x: {delay: -1h}}}":          "a.steps.x.delay: is -1h0m0s, want at most",
		"a: {steps: {x: {group: Leavers}}}":      "a.steps.x.group: want the object id of a group",
		"a: {handOverTo: /}":                     "a.handOverTo: want the object id",
		"a: {deviceDeadline: 1ms}":               "a.deviceDeadline: is 1ms",
		"a: {devices: {company: {x: wipe}}}":     "a.devices.company.x: unknown field",
		"a: {notify: {webhooks: [begun]}}":       "a.notify.webhooks: unknown field",
		"a: {notify: {webhook: begun}}":          "a.notify.webhook: has the wrong type",
		"a: {notify: {webhook: [started]}}":      "a.notify.webhook.0: want begun, waits or ended",
		"a: {notify: {webhook: [ended, ended]}}": "a.notify.webhook.1: ended is given twice",
		"a: {notify: {mail: [{to: the boss, at: [ended]}]}}": "a.notify.mail.0.to: want the object id or user principal name of a user, or \"manager\"",
		"a: {notify: {mail: [{at: [ended]}]}}":               "a.notify.mail.0.to: want the object id",
		"a: {notify: {mail: [{to: manager}]}}":               "a.notify.mail.0.at: is missing, want moments",
		"a: {notify: {mail: [{to: manager, at: [now]}]}}":    "a.notify.mail.0.at.0: want begun, waits or ended",
		"a: {ownSteps: [{name: x}]}":                         "a.ownSteps.0: want a name, an activity, a taskQueue and a summary",
	} {
		_, err := read(t, text)
		require.ErrorContains(t, err, want, text)
		assert.ErrorContains(t, err, "LEAVER_PROFILES: ", text)
	}
	_, err := profiles(filepath.Join(t.TempDir(), "none.yaml"))
	assert.EqualError(t, err, "LEAVER_PROFILES: the file cannot be read")
}
