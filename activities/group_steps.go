package activities

import "github.com/leaver-dev/leaver"

// blockSteps keep the leaver out by what the tenant's policies say.
var blockSteps = []row{
	{
		// It comes after nothing: where Active Directory cannot be reached it is the only brake.
		Step: leaver.Step{Name: leaver.StepAddToBlockGroup, Shape: leaver.Single, Activity: leaver.ActivityAddToBlockGroup, Summary: "Add to the group that blocks access"},
		doc: doc{
			does:        "makes the user a member of a group that Conditional Access policies of the tenant block",
			permissions: "`GroupMember.ReadWrite.All`, `User.Read.All`",
			proof:       "Entra counts the user as a member of the group",
			undo:        "remove the user from the group",
			traps:       "the policy that blocks the group's members is the tenant's own, and is not looked at; a group that is dynamic, synchronised, has mail, can hold directory roles or gives licences is refused; `removeGroupMemberships` leaves this membership alone",
		},
		do: (*Activities).AddToBlockGroup, skip: skipDeleted, takes: []string{leaver.SettingGroup}, needs: []string{leaver.SettingGroup},
	},
}

// groupSteps take the leaver out of groups, teams and channels. Ownerships come first: who owns a team and is taken out
// of it leaves it without an owner.
var groupSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepRemoveGroupEligibilities, Shape: leaver.Each, Activity: leaver.ActivityListGroupEligibilities, Change: leaver.ActivityRemoveGroupEligibility,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "End what Privileged Identity Management keeps of groups"},
		doc: doc{
			does:        "ends the memberships and ownerships of groups that Privileged Identity Management keeps for the user: those that may be activated, and those in force",
			permissions: "`PrivilegedEligibilitySchedule.Read.AzureADGroup`, `PrivilegedEligibilitySchedule.Remove.AzureADGroup`, `PrivilegedAssignmentSchedule.Read.AzureADGroup`, `PrivilegedAssignmentSchedule.Remove.AzureADGroup`; `GroupMember.Read.All` for the names of the groups, optional",
			proof:       "the schedule is not listed any more",
			undo:        "assign it again, with `groupId`, `accessId`, `startDateTime` and `endDateTime` as they are in the report",
			traps:       "no list of members shows a membership that may be activated; one that comes by another group is not touched; only in the global cloud; a tenant without the licence is told as not licensed",
		},
		things: &groupEligibilities, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveGroupOwnerships, Shape: leaver.Each, Activity: leaver.ActivityListGroupOwnerships, Change: leaver.ActivityRemoveGroupOwnership,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveDistributionGroups}, Summary: "Hand over the groups that the leaver owns"},
		doc: doc{
			does:        "takes the ownership of groups and teams from the user, and makes the successor an owner first where nobody else owns one; of a team a member too",
			permissions: "`Group.ReadWrite.All`, `GroupMember.Read.All`, `User.Read.All`; `TeamMember.ReadWrite.All` for teams, `RoleManagement.ReadWrite.Directory` for groups that can hold directory roles",
			proof:       "another owner is listed before the user is removed, and then the user is not listed any more",
			undo:        "make the user an owner again",
			traps:       "a service principal does not count as another owner; a group that can hold directory roles is handed over to nobody; Entra at times refuses to remove an owner though there is another; Teams may end the membership of the team with the ownership",
		},
		things: &groupOwnerships, skip: skipDeleted, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveChannelMemberships, Shape: leaver.Each, Activity: leaver.ActivityListChannelMemberships, Change: leaver.ActivityRemoveChannelMembership,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Leave private and shared channels"},
		doc: doc{
			does:        "takes the user out of the private and shared channels of Teams",
			permissions: "`ChannelMember.ReadWrite.All`, `Channel.ReadBasic.All`, `Team.ReadBasic.All`",
			proof:       "the channel does not list the user any more",
			undo:        "add the user to the channel again, with `teamId` and `roles` as they are in the report; the user has to be in the team of a private channel",
			traps:       "who leaves a team stays in its shared channels; Teams keeps the last owner of a channel; a channel that another organisation shares is not seen here",
		},
		things: &channelMemberships, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveGroupMemberships, Shape: leaver.Each, Activity: leaver.ActivityListGroupMemberships, Change: leaver.ActivityRemoveGroupMembership,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAccessPackages, leaver.StepAddToBlockGroup,
				leaver.StepRemoveDistributionGroups, leaver.StepRemoveGroupEligibilities, leaver.StepRemoveGroupOwnerships, leaver.StepRemoveChannelMemberships,
				// What hangs on a licence that a group gives.
				leaver.StepHoldMailbox, leaver.StepConvertToSharedMailbox, leaver.StepHandOverOneDrive, leaver.StepUnassignPhoneNumber}, Summary: "Leave groups and teams"},
		doc: doc{
			does:        "removes the user from the groups and teams of which the user is a direct member",
			permissions: "`GroupMember.ReadWrite.All`, `Directory.Read.All`; `TeamMember.ReadWrite.All` for teams, `RoleManagement.ReadWrite.Directory` for groups that can hold directory roles, `Member.Read.Hidden` for groups that hide their members",
			proof:       "the group is not listed any more among those of the user, and Entra says whether another group makes the user a member still",
			undo:        "add the user to the group again",
			traps:       "dynamic and synchronised groups, distribution groups and mail-enabled security groups stay, unless `removeDistributionGroups` has been there, and the report says who can change them; a membership by another group ends with that one's; a group that gives licences takes them back; the group of `addToBlockGroup` stays",
		},
		things: &groupMemberships, skip: skipDeleted,
	},
}
