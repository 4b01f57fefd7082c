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

// Activity types. PlanOffboarding takes a Request and returns a Plan,
// AwaitApproval looks after the items of a step; each of the others is a step's.
// All but PlanOffboarding take a StepRequest and return a StepResult.
const (
	ActivityPlanOffboarding     = "PlanOffboarding"
	ActivityDisableAccount      = "DisableAccount"
	ActivityRevokeSessions      = "RevokeSessions"
	ActivityRemoveAllDevices    = "RemoveAllDevices"
	ActivityAwaitDevicesRemoved = "AwaitDevicesRemoved"
	ActivityAwaitApproval       = "AwaitApproval"

	ActivityWipeManagedAppRegistrations = "WipeManagedAppRegistrations"
	ActivityDeleteAutopilotIdentities   = "DeleteAutopilotIdentities"
	ActivityDisableEntraDevices         = "DisableEntraDevices"
	ActivityDeleteEntraDevices          = "DeleteEntraDevices"
)

// Step names, as requests, plans, decisions and reports write them.
const (
	StepDisableAccount      = "disableAccount"
	StepRevokeSessions      = "revokeSessions"
	StepRemoveAllDevices    = "removeAllDevices"
	StepAwaitDevicesRemoved = "awaitDevicesRemoved"

	// These are in a plan only when the request includes them.
	StepWipeManagedAppRegistrations = "wipeManagedAppRegistrations"
	StepDeleteAutopilotIdentities   = "deleteAutopilotIdentities"
	StepDisableEntraDevices         = "disableEntraDevices"
	StepDeleteEntraDevices          = "deleteEntraDevices"
)
