package leaver

import (
	"encoding/json"
	"time"
)

// Guard is what the plan found out about one danger, before anything is touched.
type Guard struct {
	Name   GuardName   `json:"name"`
	Result GuardResult `json:"result"`
	// Detail says in words what was found, or what could not be read. It holds no names.
	Detail string `json:"detail,omitempty"`
}

// GuardName names a danger.
type GuardName string

const (
	// GuardOwnAccount is for the account that the worker signs in as.
	GuardOwnAccount GuardName = "ownAccount"
	// GuardProtectedUser is for the users, and the members of the groups, that the worker's configuration protects.
	GuardProtectedUser GuardName = "protectedUser"
	// GuardPrivilegedUser is for those who hold a directory role, may activate one, or are in a group that can hold
	// roles.
	GuardPrivilegedUser GuardName = "privilegedUser"
	// GuardResourceAccount is for the accounts of rooms, equipment and shared mailboxes.
	GuardResourceAccount GuardName = "resourceAccount"
	// GuardManyDevices is for leavers with more devices than the worker's configuration expects.
	GuardManyDevices GuardName = "manyDevices"
	// GuardSharedDevices is for devices that others use too, or that an enrolment manager has enrolled.
	GuardSharedDevices GuardName = "sharedDevices"
	// GuardOffboardedBefore is for leavers whose account is enabled although an offboarding has ended: they may
	// have been hired again since.
	GuardOffboardedBefore GuardName = "offboardedBefore"
	// GuardOnly is for leavers of whom another offboarding runs.
	GuardOnly GuardName = "onlyOffboarding"
	// GuardManyStarts is for more offboardings within an hour than the worker's configuration expects.
	GuardManyStarts GuardName = "manyStarts"
)

// GuardResult is what became of a guard.
type GuardResult string

const (
	// GuardClear means that there is no such danger.
	GuardClear GuardResult = "clear"
	// GuardApproval means that the offboarding waits until its plan is approved.
	GuardApproval GuardResult = "approval"
	// GuardRefused means that the leaver is not offboarded.
	GuardRefused GuardResult = "refused"
	// GuardNotChecked means that Graph, or Temporal, did not let the worker read what the guard needs.
	GuardNotChecked GuardResult = "notChecked"
)

// PlanApproval is what has become of a plan that must be approved before anything is touched.
type PlanApproval struct {
	// Since is when the plan was made.
	Since time.Time `json:"since"`
	// Why says why it must be approved.
	Why string `json:"why"`
	// Needed is how many people must approve it.
	Needed int `json:"needed"`
	// Plan is the digest of the plan, and Statement the text that people sign, where approvals are signed.
	Plan      string `json:"plan,omitempty"`
	Statement string `json:"statement,omitempty"`
	// Given are the approvals.
	Given []PlanApproved `json:"given,omitempty"`
	// Rejected is the decision that ended the offboarding before it began.
	Rejected *Decided `json:"rejected,omitempty"`
}

// PlanApproved is an approval of a plan.
type PlanApproved struct {
	Decided
	Signer
}

// Signer is who has signed an approval.
type Signer struct {
	// Principal is the person, as the worker's allowed signers file writes it; empty where approvals are not signed.
	Principal string `json:"principal,omitempty"`
	// Key is the key's fingerprint, as ssh-keygen prints it.
	Key string `json:"key,omitempty"`
}

// VerifyRequest asks who signed an approval.
type VerifyRequest struct {
	WorkflowID string    `json:"workflowId"`
	FirstRunID string    `json:"firstRunId"`
	Plan       string    `json:"plan"` // its digest
	Signature  string    `json:"signature"`
	At         time.Time `json:"at"`
}

// PlanText is the plan as canonical JSON, before anything has run: what an approval is about.
func (r Report) PlanText() ([]byte, error) {
	plan := Plan{Leaver: r.Leaver, Guards: r.Guards}
	if r.Approval != nil {
		plan.Approvals = r.Approval.Needed
	}
	for _, s := range r.Steps {
		planned := s.Step
		planned.Items = s.Items
		plan.Steps = append(plan.Steps, planned)
	}
	return json.Marshal(plan)
}

// IsOpen reports whether the plan waits for an approval.
func (a *PlanApproval) IsOpen() bool {
	return a != nil && !a.IsRejected() && len(a.Given) < a.Needed
}

// IsRejected reports whether a person has rejected the plan.
func (a *PlanApproval) IsRejected() bool { return a != nil && a.Rejected != nil }
