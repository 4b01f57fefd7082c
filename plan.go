package leaver

import (
	"fmt"
	"slices"
)

// Plan is what will be done to one leaver, and from which facts that was
// decided. It is pinned in the workflow's history when the offboarding starts.
type Plan struct {
	Leaver Leaver `json:"leaver"`
	// Profile is the name of the profile that the plan was made by.
	Profile string `json:"profile,omitempty"`
	// Guards are what was found out about each danger.
	Guards []Guard `json:"guards,omitempty"`
	// Only says that there must be no other running offboarding of the leaver.
	Only bool `json:"only,omitzero"`
	// Strict says that nothing is done where that cannot be found out.
	Strict bool `json:"strict,omitzero"`
	// Approvals is how many people must approve the plan before anything is touched, and Signed whether with
	// OpenSSH signatures.
	Approvals int    `json:"approvals,omitzero"`
	Signed    bool   `json:"signed,omitzero"`
	Steps     []Step `json:"steps"`
	// Notify says who is told about the offboarding.
	Notify Notify `json:"notify,omitzero"`
	// ManagerID is the object id of who gets the mails to the manager once the account is deleted: Graph then tells
	// nobody's manager.
	ManagerID string `json:"managerId,omitempty"`
}

// Leaver is the user as Graph described them when the plan was made.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/user
type Leaver struct {
	// ID is the object id. Every step uses it: names are reused, ids are not.
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	// UserType is Member or Guest.
	UserType       string `json:"userType,omitempty"`
	AccountEnabled bool   `json:"accountEnabled"`
	// OnPremisesSyncEnabled says that an on-premises directory owns the account.
	OnPremisesSyncEnabled bool `json:"onPremisesSyncEnabled,omitempty"`
	// External says that the user signs in to another organisation, whatever UserType is.
	External bool `json:"external,omitempty"`
	// Deleted says that the account was deleted before, within the last 30 days.
	Deleted bool `json:"deleted,omitempty"`
}

// MaxDevices is how many devices of one leaver an offboarding takes on.
const MaxDevices = 1000

// Step is one row of a plan.
type Step struct {
	Name string `json:"name"`
	// Shape says how the workflow runs the step.
	Shape Shape `json:"shape"`
	// Activity does the whole of a step of shape Single, lists the items of one of
	// shape Each, and is the one action for all devices in one of shape Devices.
	Activity string `json:"activity"`
	// Change is the activity that changes one item, for shape Each.
	Change string `json:"change,omitempty"`
	// Summary says for people what the step does. It is shown in the Web UI
	// and holds no names.
	Summary string `json:"summary"`
	// After names the steps that must have ended before this one begins.
	After     []string  `json:"after,omitempty"`
	OnFailure OnFailure `json:"onFailure"`
	// Skip says why the plan leaves the step out; empty means it runs.
	Skip string `json:"skip,omitempty"`
	// Note is what a person should know about this step for this leaver.
	Note string `json:"note,omitempty"`
	// Reason is what a second administrator is told, where the tenant demands one's
	// approval.
	Reason string `json:"reason,omitempty"`
	// DisablesAccount says that the steps after this one change nothing once somebody has
	// enabled the account again.
	DisablesAccount bool `json:"disablesAccount,omitzero"`
	// Destroys says that what the step does to its items cannot be undone.
	Destroys bool `json:"destroys,omitzero"`
	// Settings are what the request told the step about its work.
	Settings Settings `json:"settings,omitzero"`
	// Delay is how long the step waits after those steps have ended that it comes after.
	Delay Duration `json:"delay,omitzero"`
	// AtOnce is how many items are changed at a time, for shape Each; zero means ten.
	AtOnce int `json:"atOnce,omitzero"`
	// MostChanges is how often an item is changed that Microsoft lists again afterwards, for shape Each, before a person
	// is asked; zero means twice.
	MostChanges int `json:"mostChanges,omitzero"`
	// Devices is set for shape Devices.
	Devices *DeviceSettings `json:"devices,omitempty"`
	// Items is what the step would touch, as far as the plan could see.
	Items []Item `json:"items,omitempty"`
	// Patience is how long Graph may be out of order before a person is asked; zero
	// means a day.
	Patience Duration `json:"patience,omitzero"`
	// TaskQueue is where the step's writes run; empty means the workflow's own.
	TaskQueue string `json:"taskQueue,omitempty"`
}

// Shape is how the workflow runs a step.
type Shape string

const (
	// Single is one activity that does the whole step.
	Single Shape = "single"
	// Each is an activity that lists items, and another one that changes one item.
	Each Shape = "each"
	// Devices looks at the leaver's devices, asks each to leave, and follows it
	// until it is gone or decided about.
	Devices Shape = "devices"
)

// DeviceSettings is what a plan pins for a step of shape Devices.
type DeviceSettings struct {
	// Policy says what is done with each device.
	Policy DevicePolicy `json:"policy,omitzero"`
	// Deadline is how long a device may take to leave, after it was asked.
	Deadline Duration `json:"deadline"`
	// FirstLook is the wait until devices on their way are looked at again; it is
	// doubled each time, up to LongestLook.
	FirstLook   Duration `json:"firstLook"`
	LongestLook Duration `json:"longestLook"`
}

// Check reports what makes the plan impossible to run: a repeated or missing
// name, a reference to no step, a circle.
func (p Plan) Check() error {
	var known []string
	for _, step := range p.Steps {
		if step.Name == "" || step.Activity == "" {
			return fmt.Errorf("step %q has no name or no activity", step.Name)
		}
		if slices.Contains(known, step.Name) {
			return fmt.Errorf("step %s stands twice in the plan", step.Name)
		}
		switch {
		case !slices.Contains([]Shape{Single, Each, Devices}, step.Shape):
			return fmt.Errorf("step %s has the shape %q, want %s, %s or %s", step.Name, step.Shape, Single, Each, Devices)
		case step.Shape == Each && step.Change == "":
			return fmt.Errorf("step %s has no activity that changes an item", step.Name)
		case step.Shape == Devices && (step.Devices == nil || step.Devices.FirstLook <= 0 || step.Devices.Deadline <= 0):
			return fmt.Errorf("step %s has no deadline or no wait between its looks", step.Name)
		}
		known = append(known, step.Name)
	}
	var ended []string
	for range p.Steps {
		for _, step := range p.Steps {
			for _, before := range step.After {
				if !slices.Contains(known, before) {
					return fmt.Errorf("step %s comes after %q, which is no step of the plan", step.Name, before)
				}
			}
			if !slices.Contains(ended, step.Name) && containsAll(ended, step.After) {
				ended = append(ended, step.Name)
			}
		}
	}
	for _, name := range known {
		if !slices.Contains(ended, name) {
			return fmt.Errorf("step %s waits for itself, in a circle", name)
		}
	}
	return nil
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
