package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// row is one kind of step: what the plan says of it, and what does it.
type row struct {
	leaver.Step
	do func(*Activities, context.Context, leaver.StepRequest) (leaver.StepResult, error)
	// intune says that the step writes to Intune, whose limits are kept by the
	// task queue of the device steps.
	intune bool
	// devices says that the step does something to managed devices, and foresees
	// that the plan shows which.
	devices, foresees bool
	// optional says that a plan has the step only when the request includes it.
	optional bool
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
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, HandsOver: true, Changes: true, Summary: "Remove all devices from management"},
		do:     (*Activities).RemoveAllDevices,
		intune: true, devices: true, foresees: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepAwaitDevicesRemoved, Activity: leaver.ActivityAwaitDevicesRemoved, Kind: leaver.Polls,
			After: []string{leaver.StepRemoveAllDevices}, Needs: []string{leaver.StepRemoveAllDevices}, Partly: true,
			Summary: "Wait until every device is gone"},
		do:     (*Activities).AwaitDevicesRemoved,
		intune: true, devices: true,
		waitsFor: "devices",
	},
	{
		Step: leaver.Step{Name: leaver.StepWipeManagedAppRegistrations, Activity: leaver.ActivityWipeManagedAppRegistrations, Kind: leaver.Writes,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Changes: true, Summary: "Wipe company data from apps"},
		do:     (*Activities).WipeManagedAppRegistrations,
		intune: true, optional: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDeleteAutopilotIdentities, Activity: leaver.ActivityDeleteAutopilotIdentities, Kind: leaver.Writes,
			After: []string{leaver.StepAwaitDevicesRemoved}, Changes: true, Summary: "Take the devices out of Autopilot"},
		do:     (*Activities).DeleteAutopilotIdentities,
		intune: true, optional: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDisableEntraDevices, Activity: leaver.ActivityDisableEntraDevices, Kind: leaver.Writes,
			After: []string{leaver.StepAwaitDevicesRemoved}, Changes: true, Summary: "Disable the devices in Entra"},
		do:       (*Activities).DisableEntraDevices,
		optional: true,
	},
	{
		// Entra deletes no device that Autopilot still has.
		Step: leaver.Step{Name: leaver.StepDeleteEntraDevices, Activity: leaver.ActivityDeleteEntraDevices, Kind: leaver.Writes,
			After: []string{leaver.StepAwaitDevicesRemoved, leaver.StepDeleteAutopilotIdentities, leaver.StepDisableEntraDevices}, Changes: true, Summary: "Delete the devices from Entra"},
		do:       (*Activities).DeleteEntraDevices,
		optional: true,
		note:     noteKeys,
	},
}

// The next directory synchronisation writes the on-premises state back.
func noteSynced(l leaver.Leaver) string {
	if !l.OnPremisesSyncEnabled {
		return ""
	}
	return "the account is synchronised from an on-premises directory: disable it there too, or the next synchronisation enables it again"
}

// Some tenants keep what is deleted for 30 days (device soft delete, a preview).
//
// Microsoft: https://learn.microsoft.com/entra/identity/devices/concept-soft-delete-devices
func noteKeys(leaver.Leaver) string {
	return "the BitLocker keys and LAPS passwords that Entra holds for the devices are deleted with them"
}

// A guest's sessions belong to the home tenant; revoking them here has no effect.
func skipGuest(l leaver.Leaver) string {
	if l.UserType != "Guest" {
		return ""
	}
	return "a guest's sessions can only be revoked in the home tenant"
}
