package leaver

import "time"

// Status is where an offboarding stands, and in a report how it ended.
type Status string

const (
	// Planning means that nothing has been touched yet.
	Planning Status = "planning"
	// Running means that at least one step is at work and none waits for a person.
	Running Status = "running"
	// Waiting means that at least one step waits for a person.
	Waiting Status = "waiting"

	// Planned is the end of a dry run.
	Planned Status = "planned"
	// Completed means that every step is done, was so already, or was left out
	// by the plan.
	Completed Status = "completed"
	// CompletedWithExceptions is Completed, but a person left something as it is.
	CompletedWithExceptions Status = "completedWithExceptions"
	// Incomplete means that a step failed and nobody was to be asked.
	Incomplete Status = "incomplete"
	// Aborted means that a person ended it.
	Aborted Status = "aborted"
	// Rejected means that a person has rejected the plan, and that nothing was touched.
	Rejected Status = "rejected"
	// CanceledStatus means that the workflow was cancelled.
	CanceledStatus Status = "canceled"
)

// Report is the result of an offboarding. It says what was seen, never more.
type Report struct {
	Status    Status       `json:"status"`
	Leaver    Leaver       `json:"leaver"`
	Profile   string       `json:"profile,omitempty"`
	StartedAt time.Time    `json:"startedAt"`
	EndedAt   time.Time    `json:"endedAt,omitzero"`
	Steps     []StepRecord `json:"steps"`
	// Aborted is the decision that ended it early.
	Aborted *Decided `json:"aborted,omitempty"`
	// Guards are what the plan found out about each danger.
	Guards []Guard `json:"guards,omitempty"`
	// Approval is set where the plan must be approved.
	Approval *PlanApproval `json:"approval,omitempty"`
	// EnabledAgain is set once the account was found enabled that the offboarding had disabled.
	EnabledAgain *EnabledAgain `json:"enabledAgain,omitempty"`
	// Notices are the last twenty that people, or a webhook, were to be told, and what became of each.
	Notices []Notice `json:"notices,omitempty"`
}

// EnabledAgain says that somebody has enabled the account again, as for a person who is hired again. Nothing is
// changed until a person has decided that the offboarding goes on.
type EnabledAgain struct {
	// FoundAt is when that was seen. Graph does not tell when it was done.
	FoundAt time.Time `json:"foundAt"`
	// Continued is the decision by which the offboarding went on.
	Continued *Decided `json:"continued,omitempty"`
}

// StepRecord is a step of the plan and what has become of it.
type StepRecord struct {
	Step
	State State `json:"state"`
	// Outcome is set once the step has ended.
	Outcome Outcome `json:"outcome,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	Items   []Item  `json:"items,omitempty"`
	// Failure is why the step could not go on last, also when it was then retried or left
	// out; where it touches items, what a person is asked about them.
	Failure   *StepFailure `json:"failure,omitempty"`
	Decisions []Decided    `json:"decisions,omitempty"`
	// EarlierDecisions is how many decisions there were before the first of Decisions:
	// the last hundred are kept.
	EarlierDecisions int       `json:"earlierDecisions,omitzero"`
	StartedAt        time.Time `json:"startedAt,omitzero"`
	EndedAt          time.Time `json:"endedAt,omitzero"`
}

// State is where a step stands.
type State string

const (
	StepPending State = "pending"
	StepRunning State = "running"
	StepWaiting State = "waiting" // for a person
	// StepAwaitingApproval is waiting for a second administrator, in Intune.
	StepAwaitingApproval State = "awaitingApproval"
	StepEnded            State = "ended"
)

// StepFailure is why a step could not go on.
type StepFailure struct {
	Type    FailureType `json:"type"`
	Message string      `json:"message"`
}

// Progress is the answer to QueryProgress: the report as it stands, and what
// is waited for.
type Progress struct {
	Report
	Waits []Wait `json:"waits,omitempty"`
	// Refused lists the last signals that could not be carried out, and why:
	// a signal gets no answer of its own.
	Refused []RefusedSignal `json:"refused,omitempty"`
	// Warnings say what may end the offboarding too early.
	Warnings []string `json:"warnings,omitempty"`
}

// Wait is something that the offboarding waits for.
type Wait struct {
	Step string `json:"step"`
	// For is "person", "approval", "graph", "devices" or "time".
	For   string    `json:"for"`
	Since time.Time `json:"since"`
	// Actions are the signals and updates that end the wait.
	Actions []Action `json:"actions,omitempty"`
	// Choices are what an Answer may say about the items.
	Choices []Choice `json:"choices,omitempty"`
	// Until is when Graph is asked again, for a wait for Graph; without a Step it is until
	// when planning is tried. For a wait for a time it is that time.
	Until time.Time `json:"until,omitzero"`
	// Why is what planning failed with last, while it waits for Graph, or why the whole offboarding waits for a
	// person.
	Why string `json:"why,omitempty"`
}

const (
	// WaitForPerson is the For of a Wait that a decision ends.
	WaitForPerson = "person"
	// WaitForGraph is that of a Wait that lasts until a used-up day is over.
	WaitForGraph = "graph"
	// WaitForApproval is that of a Wait that a second administrator ends, in Intune.
	WaitForApproval = "approval"
	// WaitForDevices is that of a Wait for devices that are on their way.
	WaitForDevices = "devices"
	// WaitForTime is that of a Wait of a step that begins some time after the steps before it.
	WaitForTime = "time"
)

// RefusedSignal is a signal that changed nothing.
type RefusedSignal struct {
	Action Action    `json:"action"`
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
}
