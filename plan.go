package leaver

import (
	"fmt"
	"slices"
)

// Plan is what will be done to one leaver, and from which facts that was
// decided. It is pinned in the workflow's history when the offboarding starts.
type Plan struct {
	Leaver Leaver `json:"leaver"`
	Steps  []Step `json:"steps"`
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
}

// Step is one row of a plan.
type Step struct {
	Name     string `json:"name"`
	Activity string `json:"activity"`
	// Summary says for people what the step does. It is shown in the Web UI
	// and holds no names.
	Summary string `json:"summary"`
	// Kind decides the step's retry and time-out options.
	Kind Kind `json:"kind"`
	// After names the steps that must have ended before this one begins.
	After []string `json:"after,omitempty"`
	// Needs names the steps without whose effect this one makes no sense: when
	// one of them was not done, this one is skipped.
	Needs []string `json:"needs,omitempty"`
	// Partly lets this one run for the items of which something was asked, when
	// the step that it needs was not done as a whole.
	Partly bool `json:"partly,omitzero"`
	// HandsOver lets the step end while items are for a person still, or await
	// approval, once others are on their way: a step after it goes on with all.
	HandsOver bool `json:"handsOver,omitzero"`
	// Changes lets the activity end with Ongoing when it has done something, and be
	// run again: what is done is known then, whatever becomes of the rest.
	Changes   bool      `json:"changes,omitzero"`
	OnFailure OnFailure `json:"onFailure"`
	// Skip says why the plan leaves the step out; empty means it runs.
	Skip string `json:"skip,omitempty"`
	// Note is what a person should know about this step for this leaver.
	Note string `json:"note,omitempty"`
	// Poll is set for steps of kind Polls.
	Poll *Poll `json:"poll,omitempty"`
	// Devices is set for steps that do something to devices.
	Devices *DevicePolicy `json:"devices,omitempty"`
	// Justification is what a second administrator is told, where the tenant
	// demands one's approval.
	Justification string `json:"justification,omitempty"`
	// Items is what the step would touch, as far as the plan could see.
	Items []Item `json:"items,omitempty"`
	// Patience is how long Graph may be out of order, or a tenant's limits used
	// up, before a person is asked; zero means a day.
	Patience Duration `json:"patience,omitzero"`
	// TaskQueue is where the activity runs; empty means the workflow's own.
	TaskQueue string `json:"taskQueue,omitempty"`
}

// Kind is how a step behaves towards Graph.
type Kind string

const (
	// Reads changes nothing.
	Reads Kind = "read"
	// Writes changes something: when cancelled, a running attempt ends first.
	Writes Kind = "write"
	// Polls looks again and again until its condition holds.
	Polls Kind = "poll"
)

// Poll is the rhythm of a step of kind Polls: the first wait, doubled each
// time up to the longest, until the deadline after the step began.
type Poll struct {
	First    Duration `json:"first"`
	Longest  Duration `json:"longest"`
	Deadline Duration `json:"deadline"`
	// For names what is waited for, as in "waits for devices".
	For string `json:"for"`
	// Changes says that the activity is to end with Ongoing when what it sees has
	// changed, so that the workflow knows too; it is then run again, with what is
	// left of the deadline.
	Changes bool `json:"changes,omitzero"`
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
		if step.Kind == Polls && step.Poll == nil {
			return fmt.Errorf("step %s polls and has no rhythm", step.Name)
		}
		known = append(known, step.Name)
	}
	var ended []string
	for range p.Steps {
		for _, step := range p.Steps {
			for _, before := range slices.Concat(step.After, step.Needs) {
				if !slices.Contains(known, before) {
					return fmt.Errorf("step %s comes after %q, which is no step of the plan", step.Name, before)
				}
			}
			if !slices.Contains(ended, step.Name) && containsAll(ended, step.After) && containsAll(ended, step.Needs) {
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
