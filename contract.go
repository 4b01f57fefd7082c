// Package leaver is the face of an offboarding: what is asked for, what is
// planned, how each step ended, and the report. It holds the names that people
// type and programs compile against; they change only by addition.
//
// A leaver is the user who leaves. A step is one named thing done to the
// leaver. A plan is the list of steps with what each waits for. An outcome is
// how a step ended. A report is the result of the whole.
package leaver

// TaskQueue is where the worker listens unless it is configured otherwise.
const TaskQueue = "offboarding"

// WorkflowType takes one Request and returns one Report.
const WorkflowType = "OffboardUser"

// QueryProgress answers with a Progress while the offboarding runs and after.
const QueryProgress = "progress"

// Activity types. PlanOffboarding takes a Request and returns a Plan. A step of
// shape Single has one activity, which takes a StepRequest and returns a
// StepResult. A step of shape Each has two: the first lists, with the same types;
// the second takes an ItemRequest and returns an Item. NotifyByWebhook and
// NotifyByMail take a NotifyRequest.
const (
	ActivityPlanOffboarding = "PlanOffboarding"
	ActivityFindOther       = "FindOtherOffboarding"
	ActivityVerifyApproval  = "VerifyApproval"
	ActivityNotifyByWebhook = "NotifyByWebhook"
	ActivityNotifyByMail    = "NotifyByMail"
	ActivityDisableAccount  = "DisableAccount"
	ActivityRevokeSessions  = "RevokeSessions"

	ActivityListOnPremisesAccount  = "ListOnPremisesAccount"
	ActivityAwaitOnPremisesAccount = "AwaitOnPremisesAccount"

	// RemoveAllDevices is also for anybody's workflow: it takes a StepRequest and
	// returns a StepResult.
	ActivityRemoveAllDevices   = "RemoveAllDevices"
	ActivityLookAtDevices      = "LookAtDevices"
	ActivityRetireDevice       = "RetireDevice"
	ActivityWipeDevice         = "WipeDevice"
	ActivityDeleteDeviceRecord = "DeleteDeviceRecord"

	ActivityListManagedAppRegistrations = "ListManagedAppRegistrations"
	ActivityWipeManagedAppRegistration  = "WipeManagedAppRegistration"
	ActivityListAutopilotIdentities     = "ListAutopilotIdentities"
	ActivityDeleteAutopilotIdentity     = "DeleteAutopilotIdentity"
	ActivityListEnabledEntraDevices     = "ListEnabledEntraDevices"
	ActivityDisableEntraDevice          = "DisableEntraDevice"
	ActivityListEntraDevices            = "ListEntraDevices"
	ActivityDeleteEntraDevice           = "DeleteEntraDevice"

	ActivityResetPassword              = "ResetPassword"
	ActivityListAuthenticationMethods  = "ListAuthenticationMethods"
	ActivityRemoveAuthenticationMethod = "RemoveAuthenticationMethod"

	ActivityListAppRoleAssignments      = "ListAppRoleAssignments"
	ActivityRemoveAppRoleAssignment     = "RemoveAppRoleAssignment"
	ActivityListOAuth2PermissionGrants  = "ListOAuth2PermissionGrants"
	ActivityRemoveOAuth2PermissionGrant = "RemoveOAuth2PermissionGrant"
	ActivityListAppOwnerships           = "ListAppOwnerships"
	ActivityRemoveAppOwnership          = "RemoveAppOwnership"
	ActivityListAccessPackages          = "ListAccessPackages"
	ActivityRemoveAccessPackage         = "RemoveAccessPackage"
	ActivityHandOverOneDrive            = "HandOverOneDrive"
	ActivityListPhoneNumbers            = "ListPhoneNumbers"
	ActivityUnassignPhoneNumber         = "UnassignPhoneNumber"

	ActivityListDirectReports        = "ListDirectReports"
	ActivityHandOverDirectReport     = "HandOverDirectReport"
	ActivityListSponsorships         = "ListSponsorships"
	ActivityHandOverSponsorship      = "HandOverSponsorship"
	ActivityScrubAttributes          = "ScrubAttributes"
	ActivityDeleteUser               = "DeleteUser"
	ActivityConfirmCompromised       = "ConfirmCompromised"
	ActivityListDirectoryRoles       = "ListDirectoryRoles"
	ActivityRemoveDirectoryRole      = "RemoveDirectoryRole"
	ActivityListAdministrativeUnits  = "ListAdministrativeUnits"
	ActivityRemoveAdministrativeUnit = "RemoveAdministrativeUnit"
	ActivityListLicenses             = "ListLicenses"
	ActivityRemoveLicense            = "RemoveLicense"
	ActivityAddToBlockGroup          = "AddToBlockGroup"
	ActivityListGroupEligibilities   = "ListGroupEligibilities"
	ActivityRemoveGroupEligibility   = "RemoveGroupEligibility"
	ActivityListGroupOwnerships      = "ListGroupOwnerships"
	ActivityRemoveGroupOwnership     = "RemoveGroupOwnership"
	ActivityListChannelMemberships   = "ListChannelMemberships"
	ActivityRemoveChannelMembership  = "RemoveChannelMembership"
	ActivityListGroupMemberships     = "ListGroupMemberships"
	ActivityRemoveGroupMembership    = "RemoveGroupMembership"
	ActivitySetAutomaticReply        = "SetAutomaticReply"
	ActivityListInboxRules           = "ListInboxRules"
	ActivityDisableInboxRule         = "DisableInboxRule"
	ActivityListMeetings             = "ListMeetings"
	ActivityCancelMeeting            = "CancelMeeting"
	ActivityListCalendarShares       = "ListCalendarShares"
	ActivityRemoveCalendarShare      = "RemoveCalendarShare"

	ActivityListLitigationHold      = "ListLitigationHold"
	ActivityHoldMailbox             = "HoldMailbox"
	ActivityListMailPhones          = "ListMailPhones"
	ActivityWipeMailFromPhone       = "WipeMailFromPhone"
	ActivityListMailboxType         = "ListMailboxType"
	ActivityConvertToSharedMailbox  = "ConvertToSharedMailbox"
	ActivityListMailboxAccess       = "ListMailboxAccess"
	ActivityGrantMailboxAccess      = "GrantMailboxAccess"
	ActivityListForwarding          = "ListForwarding"
	ActivityForwardMail             = "ForwardMail"
	ActivityListAddressListEntry    = "ListAddressListEntry"
	ActivityHideFromAddressLists    = "HideFromAddressLists"
	ActivityListMailProtocols       = "ListMailProtocols"
	ActivityDisableMailProtocol     = "DisableMailProtocol"
	ActivityListDistributionGroups  = "ListDistributionGroups"
	ActivityRemoveDistributionGroup = "RemoveDistributionGroup"
)

// Step names, as requests, plans, decisions and reports write them.
const (
	StepDisableAccount = "disableAccount"
	StepRevokeSessions = "revokeSessions"
	// StepDisableInActiveDirectory is in the plans of synchronised accounts alone.
	StepDisableInActiveDirectory = "disableInActiveDirectory"
	StepRemoveAllDevices         = "removeAllDevices"

	StepResetPassword = "resetPassword"
	// StepRevokeSessionsAgain has the activity of StepRevokeSessions.
	StepRevokeSessionsAgain         = "revokeSessionsAgain"
	StepRemoveAuthenticationMethods = "removeAuthenticationMethods"

	StepWipeManagedAppRegistrations = "wipeManagedAppRegistrations"
	StepDeleteAutopilotIdentities   = "deleteAutopilotIdentities"
	StepDisableEntraDevices         = "disableEntraDevices"
	StepDeleteEntraDevices          = "deleteEntraDevices"

	StepRemoveAppRoleAssignments     = "removeAppRoleAssignments"
	StepRemoveOAuth2PermissionGrants = "removeOAuth2PermissionGrants"
	StepRemoveAppOwnerships          = "removeAppOwnerships"
	StepRemoveAccessPackages         = "removeAccessPackages"
	StepHandOverOneDrive             = "handOverOneDrive"
	StepUnassignPhoneNumber          = "unassignPhoneNumber"

	StepHandOverDirectReports     = "handOverDirectReports"
	StepHandOverSponsorships      = "handOverSponsorships"
	StepScrubAttributes           = "scrubAttributes"
	StepDeleteUser                = "deleteUser"
	StepConfirmCompromised        = "confirmCompromised"
	StepRemoveDirectoryRoles      = "removeDirectoryRoles"
	StepRemoveAdministrativeUnits = "removeAdministrativeUnits"
	StepRemoveLicenses            = "removeLicenses"
	StepAddToBlockGroup           = "addToBlockGroup"
	StepRemoveGroupEligibilities  = "removeGroupEligibilities"
	StepRemoveGroupOwnerships     = "removeGroupOwnerships"
	StepRemoveChannelMemberships  = "removeChannelMemberships"
	StepRemoveGroupMemberships    = "removeGroupMemberships"
	StepDisableInboxRules         = "disableInboxRules"
	StepSetAutomaticReply         = "setAutomaticReply"
	StepCancelMeetings            = "cancelMeetings"
	StepRemoveCalendarShares      = "removeCalendarShares"

	// These go through Exchange, by a door that the worker has to open.
	StepHoldMailbox              = "holdMailbox"
	StepWipeMailFromPhones       = "wipeMailFromPhones"
	StepConvertToSharedMailbox   = "convertToSharedMailbox"
	StepGrantMailboxAccess       = "grantMailboxAccess"
	StepForwardMail              = "forwardMail"
	StepHideFromAddressLists     = "hideFromAddressLists"
	StepDisableMailProtocols     = "disableMailProtocols"
	StepRemoveDistributionGroups = "removeDistributionGroups"
)

// OptionalSteps names the steps that a plan has only when the request includes them.
func OptionalSteps() []string {
	return []string{
		StepAddToBlockGroup,
		StepConfirmCompromised, StepRemoveDirectoryRoles,
		StepResetPassword, StepRevokeSessionsAgain, StepRemoveAuthenticationMethods,
		StepWipeManagedAppRegistrations, StepDeleteAutopilotIdentities, StepDisableEntraDevices, StepDeleteEntraDevices,
		StepRemoveAppRoleAssignments, StepRemoveOAuth2PermissionGrants, StepRemoveAppOwnerships, StepRemoveAccessPackages, StepHandOverOneDrive, StepUnassignPhoneNumber,
		StepDisableInboxRules, StepSetAutomaticReply, StepCancelMeetings, StepRemoveCalendarShares,
		StepHoldMailbox, StepWipeMailFromPhones, StepConvertToSharedMailbox, StepGrantMailboxAccess, StepForwardMail, StepHideFromAddressLists, StepDisableMailProtocols, StepRemoveDistributionGroups,
		StepRemoveGroupEligibilities, StepRemoveGroupOwnerships, StepRemoveChannelMemberships, StepRemoveGroupMemberships,
		StepHandOverDirectReports, StepHandOverSponsorships, StepScrubAttributes,
		StepRemoveAdministrativeUnits, StepRemoveLicenses, StepDeleteUser,
	}
}
