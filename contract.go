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
// the second takes an ItemRequest and returns an Item.
const (
	ActivityPlanOffboarding = "PlanOffboarding"
	ActivityFindOther       = "FindOtherOffboarding"
	ActivityVerifyApproval  = "VerifyApproval"
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

	ActivityListAppRoleAssignments      = "ListAppRoleAssignments"
	ActivityRemoveAppRoleAssignment     = "RemoveAppRoleAssignment"
	ActivityListOAuth2PermissionGrants  = "ListOAuth2PermissionGrants"
	ActivityRemoveOAuth2PermissionGrant = "RemoveOAuth2PermissionGrant"
	ActivityListAccessPackages          = "ListAccessPackages"
	ActivityRemoveAccessPackage         = "RemoveAccessPackage"
	ActivityListPhoneNumbers            = "ListPhoneNumbers"
	ActivityUnassignPhoneNumber         = "UnassignPhoneNumber"

	ActivitySetAutomaticReply   = "SetAutomaticReply"
	ActivityListInboxRules      = "ListInboxRules"
	ActivityDisableInboxRule    = "DisableInboxRule"
	ActivityListMeetings        = "ListMeetings"
	ActivityCancelMeeting       = "CancelMeeting"
	ActivityListCalendarShares  = "ListCalendarShares"
	ActivityRemoveCalendarShare = "RemoveCalendarShare"
)

// Step names, as requests, plans, decisions and reports write them.
const (
	StepDisableAccount = "disableAccount"
	StepRevokeSessions = "revokeSessions"
	// StepDisableInActiveDirectory is in the plans of synchronised accounts alone.
	StepDisableInActiveDirectory = "disableInActiveDirectory"
	StepRemoveAllDevices         = "removeAllDevices"

	StepWipeManagedAppRegistrations = "wipeManagedAppRegistrations"
	StepDeleteAutopilotIdentities   = "deleteAutopilotIdentities"
	StepDisableEntraDevices         = "disableEntraDevices"
	StepDeleteEntraDevices          = "deleteEntraDevices"

	StepRemoveAppRoleAssignments     = "removeAppRoleAssignments"
	StepRemoveOAuth2PermissionGrants = "removeOAuth2PermissionGrants"
	StepRemoveAccessPackages         = "removeAccessPackages"
	StepUnassignPhoneNumber          = "unassignPhoneNumber"

	StepDisableInboxRules    = "disableInboxRules"
	StepSetAutomaticReply    = "setAutomaticReply"
	StepCancelMeetings       = "cancelMeetings"
	StepRemoveCalendarShares = "removeCalendarShares"
)

// OptionalSteps names the steps that a plan has only when the request includes them.
func OptionalSteps() []string {
	return []string{StepWipeManagedAppRegistrations, StepDeleteAutopilotIdentities, StepDisableEntraDevices, StepDeleteEntraDevices,
		StepRemoveAppRoleAssignments, StepRemoveOAuth2PermissionGrants, StepRemoveAccessPackages, StepUnassignPhoneNumber,
		StepDisableInboxRules, StepSetAutomaticReply, StepCancelMeetings, StepRemoveCalendarShares}
}
