package leaver

import (
	"errors"
	"time"
)

// Action names a signal, and an update of the same name, by which a person or
// a program decides something about a running offboarding.
type Action string

const (
	// RetryStep runs a step again that waits for a person.
	RetryStep Action = "retryStep"
	// SkipStep leaves a step out that has not ended.
	SkipStep Action = "skipStep"
	// Abort starts no further step and ends the offboarding incomplete.
	Abort Action = "abort"
)

// Actions lists every action.
func Actions() []Action { return []Action{RetryStep, SkipStep, Abort} }

// Decision is the one JSON object that a signal or update takes.
type Decision struct {
	// Step names the step, for RetryStep and SkipStep.
	Step string `json:"step,omitzero"`
	// By says who decided; Reason says why. Both are free text for the report.
	By     string `json:"by,omitzero"`
	Reason string `json:"reason,omitzero"`
}

// ParseDecision reads a decision strictly. Its errors name the field.
func ParseDecision(action Action, input []byte) (Decision, error) {
	var decision Decision
	if err := ParseStrict(input, &decision); err != nil {
		return Decision{}, err
	}
	if action == Abort && decision.Step != "" {
		return Decision{}, errors.New("step: abort ends the whole offboarding and takes none; to leave one step out use skipStep")
	}
	if action != Abort && decision.Step == "" {
		return Decision{}, errors.New("step: is missing, want the name of a step of the plan")
	}
	return decision, nil
}

// Decided is a decision as the report keeps it.
type Decided struct {
	Action Action `json:"action"`
	Decision
	At time.Time `json:"at"`
}
