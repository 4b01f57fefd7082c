package activities

import "github.com/leaver-dev/leaver"

// privilegeSteps end what a leaver may do to others, before anything that takes long.
var privilegeSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepConfirmCompromised, Shape: leaver.Single, Activity: leaver.ActivityConfirmCompromised,
			After: []string{leaver.StepDisableAccount}, Summary: "Confirm the account compromised"},
		doc: doc{
			does:        "confirms to Identity Protection that the user is compromised, for a leaver who may do harm: the risk becomes high, and the tenant's Conditional Access policies act upon that",
			permissions: "`IdentityRiskyUser.ReadWrite.All`",
			proof:       "the user's risk state is read again until it is `confirmedCompromised`",
			undo:        "dismiss the risk of the user",
			traps:       "needs Entra ID P2, and is left out without; it ends no session by itself where no policy looks at the risk of users; Microsoft takes one call a second for each tenant",
		},
		do: (*Activities).ConfirmCompromised, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveDirectoryRoles, Shape: leaver.Each,
			Activity: leaver.ActivityListDirectoryRoles, Change: leaver.ActivityRemoveDirectoryRole,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Take directory roles away", AtOnce: 1},
		doc: doc{
			does:        "takes away each directory role that the user holds, or may activate with Privileged Identity Management, in the scope of that role",
			permissions: "`RoleManagement.ReadWrite.Directory`, `Directory.Read.All`; with Privileged Identity Management `RoleEligibilitySchedule.ReadWrite.Directory`, `RoleAssignmentSchedule.Read.Directory`, `RoleAssignmentSchedule.Remove.Directory`",
			proof:       "the lists of active, scheduled and eligible roles are read again until the role is in none of them",
			undo:        "assign the role anew in the same scope: the report has `roleDefinitionId`, `directoryScopeId` and the times",
			traps:       "the last Global Administrator whose account is enabled keeps the role; a role by a group goes with the membership; a role that was activated less than five minutes ago is waited for; Graph has been seen to refuse a removal that it made",
		},
		things: &directoryRoles, skip: skipDeleted,
	},
}

// lastSteps take away what other steps may need.
var lastSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepRemoveAdministrativeUnits, Shape: leaver.Each,
			Activity: leaver.ActivityListAdministrativeUnits, Change: leaver.ActivityRemoveAdministrativeUnit,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveDirectoryRoles, leaver.StepRemoveAllDevices}, Summary: "Take the user out of administrative units"},
		doc: doc{
			does:        "takes the user out of each administrative unit",
			permissions: "`AdministrativeUnit.ReadWrite.All`, `Directory.Read.All`",
			proof:       "the user's memberships are read again until the unit is not among them",
			undo:        "add the user to the unit again",
			traps:       "outside a unit other administrators may reset the password of the user; a unit with a membership rule, or with restricted management, takes no removal",
		},
		things: &administrativeUnits, skip: skipDeleted,
	},
	{
		// Without a licence a mailbox is not converted, a OneDrive is not handed over, and a phone number stays.
		Step: leaver.Step{Name: leaver.StepRemoveLicenses, Shape: leaver.Each,
			Activity: leaver.ActivityListLicenses, Change: leaver.ActivityRemoveLicense,
			Summary: "Take licences away", AtOnce: 1},
		doc: doc{
			does:        "takes away each licence that is the user's own, one by one, and waits for those of groups that the user has left",
			permissions: "`LicenseAssignment.ReadWrite.All`, `User.Read.All`, `Directory.Read.All`",
			proof:       "the user's licences are read again until the licence has no row from that source",
			undo:        "assign the licence anew, where a seat is free: the report has `skuId`, `disabledPlans` and `usageLocation`",
			traps:       "a licence from a group goes with the membership, within minutes to hours; a Cloud PC is deleted after a grace period of 7 days, a mailbox is kept for 30 days unless it is a shared one, and a OneDrive becomes read-only after 60 days; the subscription costs as much as before",
		},
		last: true, things: &licenses, skip: skipDeleted,
	},
}
