package activities

import (
	"context"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// row is one kind of step: what the plan says of it, and what does it.
type row struct {
	leaver.Step
	doc
	// do is the step's activity, and change the one that changes an item. The
	// activities of shape Devices are registered by name.
	do     func(*Activities, context.Context, leaver.StepRequest) (leaver.StepResult, error)
	change func(*Activities, context.Context, leaver.ItemRequest) (leaver.Item, error)
	things *things // in place of do and change
	last   bool    // the step comes after all others of a plan, but for those that come after it
	intune bool    // the step writes to Intune, whose limits are kept by the task queue of the device steps
	// synchronised says that the step is for accounts alone that Active Directory owns. Of those it is this step that
	// disables the account, and not another one.
	synchronised bool
	// skip says why a leaver does not need the step, and note what a person should know about it for a leaver, or "".
	skip, note func(leaver.Leaver) string
	// takes names the settings that the step takes, and needs those that it cannot do without.
	takes, needs []string
	// check refuses values of these settings, by the name of the field.
	check func(leaver.Settings) error
	// door is the door to Exchange by which the step is done with some settings; nil where Exchange is not needed.
	door func(leaver.Settings) graph.ExchangeDoor
}

// doc is what docs/steps.md says of a step, beside what the plan says.
type doc struct {
	does, permissions, proof, undo, traps string
}

// catalogue is every step there is, in the order in which plans show them. Access ends before the devices
// hear of it: retiring a device revokes no token. A step names every step that it comes after, not the last
// alone: a skipped step has ended and does not delay the steps after it.
var catalogue = slices.Concat(accountSteps, blockSteps, privilegeSteps, signInSteps, deviceSteps, appSteps, mailboxSteps, exchangeSteps, groupSteps, peopleSteps, lastSteps, deletionSteps)

var accountSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepDisableAccount, Shape: leaver.Single, Activity: leaver.ActivityDisableAccount, Summary: "Block sign-in", DisablesAccount: true},
		doc: doc{
			does:        "sets `accountEnabled` of the user to false",
			permissions: "`User.EnableDisableAccount.All`, `User.Read.All`",
			proof:       "the user is read again until it is disabled",
			undo:        "set `accountEnabled` to true",
			traps:       "an account that is synchronised from Active Directory is enabled again by the next synchronisation unless it is disabled there too",
		},
		do: (*Activities).DisableAccount, skip: skipDeleted, note: noteSynced,
	},
	{
		Step: leaver.Step{Name: leaver.StepDisableInActiveDirectory, Shape: leaver.Each,
			Activity: leaver.ActivityListOnPremisesAccount, Change: leaver.ActivityAwaitOnPremisesAccount,
			After: []string{leaver.StepDisableAccount}, Summary: "Wait until Active Directory has disabled the account", DisablesAccount: true, Patience: onPremisesPatience, MostChanges: mostSyncs},
		doc: doc{
			does:        "asks a person to disable the account in Active Directory, and waits until a synchronisation shows it; meanwhile it blocks sign-in in Entra whenever a synchronisation has allowed it. It is in the plan of synchronised accounts alone",
			permissions: "`User.EnableDisableAccount.All`, `User.Read.All`; `Organization.Read.All` where the account was disabled before",
			proof:       "the account is disabled, and the synchronisation has written to it after sign-in was blocked; where it was disabled before, one synchronisation of the tenant has left it so",
			undo:        "enable the account in Active Directory",
			traps:       "Entra may answer 204 to a change that the next synchronisation undoes, so that this answer is no proof; or it refuses the change. A synchronisation runs every half hour, or every two minutes with Cloud Sync",
		},
		do: (*Activities).ListOnPremisesAccount, change: (*Activities).AwaitOnPremisesAccount, skip: skipDeleted, synchronised: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepRevokeSessions, Shape: leaver.Single, Activity: leaver.ActivityRevokeSessions,
			After: []string{leaver.StepDisableAccount}, Summary: "End all sessions"},
		doc: doc{
			does:        "makes the user's refresh tokens and session cookies invalid",
			permissions: "`User.RevokeSessions.All`",
			proof:       "Graph confirms the call; it takes effect within minutes",
			undo:        "none is needed: the user signs in again",
			traps:       "access tokens in use end by themselves, within about an hour; a guest's sessions belong to the home tenant",
		},
		do: (*Activities).RevokeSessions, skip: skipSessions,
	},
}

var deviceSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepRemoveAllDevices, Shape: leaver.Devices, Activity: leaver.ActivityRemoveAllDevices,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Remove all devices from management"},
		doc: doc{
			does:        "retires, wipes or deletes each managed device, as the policy says, and follows it until it is gone",
			permissions: "`DeviceManagementManagedDevices.PrivilegedOperations.All`, `DeviceManagementManagedDevices.Read.All`; `DeviceManagementManagedDevices.ReadWrite.All` for wipes and deleted records",
			proof:       "Intune does not find the device any more, twice",
			undo:        "none: the device is enrolled anew",
			traps:       "see [devices](devices.md)",
		},
		intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepWipeManagedAppRegistrations, Shape: leaver.Each,
			Activity: leaver.ActivityListManagedAppRegistrations, Change: leaver.ActivityWipeManagedAppRegistration,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Wipe company data from apps", Destroys: true, Patience: intunePatience},
		doc: doc{
			does:        "has the apps under an app protection policy wipe company data, also on phones that Intune does not manage",
			permissions: "`DeviceManagementApps.ReadWrite.All`",
			proof:       "Intune accepts the wipe; nothing tells when an app has done it",
			undo:        "none",
			traps:       "an app wipes when it is next opened",
		},
		do: (*Activities).ListManagedAppRegistrations, change: (*Activities).WipeManagedAppRegistration, skip: skipDeleted, intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDeleteAutopilotIdentities, Shape: leaver.Each,
			Activity: leaver.ActivityListAutopilotIdentities, Change: leaver.ActivityDeleteAutopilotIdentity,
			After: []string{leaver.StepRemoveAllDevices}, Summary: "Take the devices out of Autopilot", Destroys: true, Patience: intunePatience},
		doc: doc{
			does:        "deletes the Windows Autopilot identities of the devices that have left Intune",
			permissions: "`DeviceManagementServiceConfig.ReadWrite.All`",
			proof:       "Autopilot does not list the identity any more",
			undo:        "none: register the device's hardware hash anew",
			traps:       "serial numbers are not unique; an identity that does not name the device is not touched",
		},
		do: (*Activities).ListAutopilotIdentities, change: (*Activities).DeleteAutopilotIdentity, intune: true,
	},
	{
		Step: leaver.Step{Name: leaver.StepDisableEntraDevices, Shape: leaver.Each,
			Activity: leaver.ActivityListEnabledEntraDevices, Change: leaver.ActivityDisableEntraDevice,
			After: []string{leaver.StepRemoveAllDevices}, Summary: "Disable the devices in Entra"},
		doc: doc{
			does:        "sets `accountEnabled` of the device objects to false",
			permissions: "`Device.ReadWrite.All`; for devices other than Windows a delegated sign-in with `Directory.AccessAsUser.All` and `Device.Read.All`",
			proof:       "the device object is read again until it is disabled",
			undo:        "set `accountEnabled` to true",
			traps:       "an application may disable Windows devices only",
		},
		do: (*Activities).ListEnabledEntraDevices, change: (*Activities).DisableEntraDevice,
	},
	{
		// Entra deletes no device that Autopilot still has.
		Step: leaver.Step{Name: leaver.StepDeleteEntraDevices, Shape: leaver.Each,
			Activity: leaver.ActivityListEntraDevices, Change: leaver.ActivityDeleteEntraDevice,
			After: []string{leaver.StepRemoveAllDevices, leaver.StepDeleteAutopilotIdentities, leaver.StepDisableEntraDevices}, Summary: "Delete the devices from Entra", Destroys: true},
		doc: doc{
			does:        "deletes the device objects",
			permissions: "`Device.ReadWrite.All`; for devices other than Windows a delegated sign-in with `Directory.AccessAsUser.All` and `Device.Read.All`",
			proof:       "Entra does not list the device any more",
			undo:        "none, except in tenants that keep deleted devices",
			traps:       "the BitLocker keys and LAPS passwords that Entra holds are deleted with the device",
		},
		do: (*Activities).ListEntraDevices, change: (*Activities).DeleteEntraDevice, note: noteKeys,
	},
}

// onPremisesPatience is how long Active Directory may take before a person is asked, and mostSyncs how often a
// synchronisation may enable the account.
const (
	onPremisesPatience = leaver.Duration(7 * 24 * time.Hour)
	mostSyncs          = 10
)

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
