package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// row is one kind of step: what the plan says of it, and what does it.
type row struct {
	leaver.Step
	// do is the step's activity, and change the one that changes an item. The
	// activities of shape Devices are registered by name.
	do     func(*Activities, context.Context, leaver.StepRequest) (leaver.StepResult, error)
	change func(*Activities, context.Context, leaver.ItemRequest) (leaver.Item, error)
	intune bool // the step writes to Intune, whose limits are kept by the task queue of the device steps
	// skip says why a leaver does not need the step, and note what a person should know about it for a leaver, or "".
	skip, note func(leaver.Leaver) string
}

// catalogue is every step there is, in the order in which plans show them. Access ends before the devices
// hear of it: retiring a device revokes no token. A step names every step that it comes after, not the last
// alone: a skipped step has ended and does not delay the steps after it.
var catalogue = []row{
	{
		Step: leaver.Step{Name: leaver.StepDisableAccount, Shape: leaver.Single, Activity: leaver.ActivityDisableAccount, Summary: "Block sign-in", DisablesAccount: true},
		do:   (*Activities).DisableAccount, skip: skipDeleted, note: noteSynced,
	},
	{
		Step: leaver.Step{Name: leaver.StepRevokeSessions, Shape: leaver.Single, Activity: leaver.ActivityRevokeSessions,
			After: []string{leaver.StepDisableAccount}, Summary: "End all sessions"},
		do: (*Activities).RevokeSessions, skip: skipSessions,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveAllDevices, Shape: leaver.Devices, Activity: leaver.ActivityRemoveAllDevices,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Remove all devices from management"},
		intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepWipeManagedAppRegistrations, Shape: leaver.Each,
			Activity: leaver.ActivityListManagedAppRegistrations, Change: leaver.ActivityWipeManagedAppRegistration,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Wipe company data from apps", Destroys: true, Patience: intunePatience},
		do: (*Activities).ListManagedAppRegistrations, change: (*Activities).WipeManagedAppRegistration, skip: skipDeleted, intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDeleteAutopilotIdentities, Shape: leaver.Each,
			Activity: leaver.ActivityListAutopilotIdentities, Change: leaver.ActivityDeleteAutopilotIdentity,
			After: []string{leaver.StepRemoveAllDevices}, Summary: "Take the devices out of Autopilot", Destroys: true, Patience: intunePatience},
		do: (*Activities).ListAutopilotIdentities, change: (*Activities).DeleteAutopilotIdentity, intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDisableEntraDevices, Shape: leaver.Each,
			Activity: leaver.ActivityListEnabledEntraDevices, Change: leaver.ActivityDisableEntraDevice,
			After: []string{leaver.StepRemoveAllDevices}, Summary: "Disable the devices in Entra"},
		do: (*Activities).ListEnabledEntraDevices, change: (*Activities).DisableEntraDevice,
	},
	{
		// Entra deletes no device that Autopilot still has.
		Step: leaver.Step{Name: leaver.StepDeleteEntraDevices, Shape: leaver.Each,
			Activity: leaver.ActivityListEntraDevices, Change: leaver.ActivityDeleteEntraDevice,
			After: []string{leaver.StepRemoveAllDevices, leaver.StepDeleteAutopilotIdentities, leaver.StepDisableEntraDevices}, Summary: "Delete the devices from Entra", Destroys: true},
		do: (*Activities).ListEntraDevices, change: (*Activities).DeleteEntraDevice, note: noteKeys,
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

// The sessions of an external user belong to the home tenant; revoking them here has no effect.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-revokesigninsessions
func skipSessions(l leaver.Leaver) string {
	if l.External && !l.Deleted {
		return "a guest's sessions can only be revoked in the home tenant"
	}
	return skipDeleted(l)
}

// A user who is deleted can't sign in, and Graph takes no call about the account.
func skipDeleted(l leaver.Leaver) string {
	if l.Deleted {
		return "the account is deleted already"
	}
	return ""
}
