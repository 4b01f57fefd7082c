package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// row is one kind of step: what the plan says of it, and what does it.
type row struct {
	leaver.Step
	do func(*Activities, context.Context, leaver.StepRequest) (leaver.StepResult, error)
	// devices says that the step does something to devices, and foresees that the
	// plan shows which.
	devices, foresees bool
	// waitsFor names what a step of kind Polls polls for.
	waitsFor string
	// skip says why a leaver does not need the step, or "".
	skip func(leaver.Leaver) string
	// note says what a person should know about the step for a leaver, or "".
	note func(leaver.Leaver) string
}

// catalogue is every step there is, in the order in which plans show them.
// Access ends before the devices hear of it: retiring a device revokes no token.
// A step names every step that it comes after, not the last alone: one that is
// left out has ended at once and holds nothing back.
var catalogue = []row{
	{
		Step: leaver.Step{Name: leaver.StepDisableAccount, Activity: leaver.ActivityDisableAccount, Kind: leaver.Writes,
			Summary: "Block sign-in"},
		do:   (*Activities).DisableAccount,
		note: noteSynced,
	},
	{
		Step: leaver.Step{Name: leaver.StepRevokeSessions, Activity: leaver.ActivityRevokeSessions, Kind: leaver.Writes,
			After: []string{leaver.StepDisableAccount}, Summary: "End all sessions"},
		do:   (*Activities).RevokeSessions,
		skip: skipGuest,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveAllDevices, Activity: leaver.ActivityRemoveAllDevices, Kind: leaver.Writes,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Remove all devices from management"},
		do:      (*Activities).RemoveAllDevices,
		devices: true, foresees: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepAwaitDevicesRemoved, Activity: leaver.ActivityAwaitDevicesRemoved, Kind: leaver.Polls,
			After: []string{leaver.StepRemoveAllDevices}, Needs: []string{leaver.StepRemoveAllDevices},
			Summary: "Wait until every device is gone"},
		do:       (*Activities).AwaitDevicesRemoved,
		devices:  true,
		waitsFor: "devices",
	},
}

// The next directory synchronisation writes the on-premises state back.
func noteSynced(l leaver.Leaver) string {
	if !l.OnPremisesSyncEnabled {
		return ""
	}
	return "the account is synchronised from an on-premises directory: disable it there too, or the next synchronisation enables it again"
}

// A guest's sessions belong to the home tenant; revoking them here has no effect.
func skipGuest(l leaver.Leaver) string {
	if l.UserType != "Guest" {
		return ""
	}
	return "a guest's sessions can only be revoked in the home tenant"
}
