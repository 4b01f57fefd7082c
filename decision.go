package leaver

import (
	"errors"
	"fmt"
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
	// Answer decides about the items, such as devices, that a waiting step asks
	// about. The step goes on when there is an answer for each.
	Answer Action = "answer"
)

// Actions lists every action.
//
// Signals of several kinds that come together are taken in this order: Temporal
// keeps one for each kind only, and what is decided about a single item must not
// be overtaken by what is decided about all.
func Actions() []Action { return []Action{Answer, RetryStep, SkipStep, Abort} }

// Decision is the one JSON object that a signal or update takes.
type Decision struct {
	// Step names the step, for all actions but Abort.
	Step string `json:"step,omitzero"`
	// Choice is one of those that the step offers, for Answer; Items are the ids
	// that it is for, none meaning all that the step asks about.
	Choice Choice   `json:"choice,omitzero"`
	Items  []string `json:"items,omitempty"`
	// By says who decided; Reason says why. Both are free text for the report.
	By     string `json:"by,omitzero"`
	Reason string `json:"reason,omitzero"`
}

// Choice is what a person decides about an item.
type Choice string

const (
	// WaitLonger waits as long again.
	WaitLonger Choice = "waitLonger"
	// Approved tells that a second administrator has approved, where the worker
	// may not read it.
	Approved Choice = "approved"
	// GiveUp leaves the item as it is; the offboarding ends with exceptions.
	GiveUp Choice = "giveUp"
)

// ApprovalChoices are what may be decided about an item that awaits a second
// administrator's approval.
func ApprovalChoices() []Choice { return []Choice{Approved, GiveUp} }

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
	if action == Answer && decision.Choice == "" {
		return Decision{}, errors.New("choice: is missing, want one of those that the step offers")
	}
	if action != Answer && (decision.Choice != "" || len(decision.Items) > 0) {
		return Decision{}, fmt.Errorf("choice, items: are for answer, and %s takes neither", action)
	}
	return decision, nil
}

// Decided is a decision as the report keeps it.
type Decided struct {
	Action Action `json:"action"`
	Decision
	At time.Time `json:"at"`
}
