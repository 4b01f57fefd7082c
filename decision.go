package leaver

import (
	"cmp"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
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
	// Approve lets a plan be carried out that must be approved.
	Approve Action = "approve"
	// Reject ends an offboarding whose plan must be approved.
	Reject Action = "reject"
	// ContinueOffboarding goes on though somebody has enabled the account again.
	ContinueOffboarding Action = "continueOffboarding"
	// Answer decides about items, such as devices, that a waiting step asks about.
	// It is acted on at once, whatever else is to be decided.
	Answer Action = "answer"
)

// Actions lists every action.
//
// Signals of several kinds that come together are taken in this order: Temporal
// keeps one for each kind only, and what is decided about a single item must not
// be overtaken by what is decided about all.
func Actions() []Action {
	return []Action{Answer, RetryStep, SkipStep, Approve, ContinueOffboarding, Reject, Abort}
}

// isOfAll reports whether an action is about the whole offboarding.
func (a Action) isOfAll() bool {
	return a == Approve || a == Reject || a == ContinueOffboarding || a == Abort
}

// Decision is the one JSON object that a signal or update takes.
type Decision struct {
	// Step names the step, for those actions that are about a step.
	Step string `json:"step,omitzero"`
	// Choice is one of those that the step offers, for Answer; Items are the ids
	// that it is for, none meaning all that the step asks about. A choice that cannot be
	// undone names its items.
	Choice Choice   `json:"choice,omitzero"`
	Items  []string `json:"items,omitempty"`
	// UserID may name the leaver, by object id or user principal name. A decision about
	// another user is refused: a workflow id may be used again for somebody else.
	UserID string `json:"userId,omitzero"`
	// Signature is an OpenSSH signature over the statement of the plan, for Approve, as ssh-keygen -Y sign writes it.
	Signature string `json:"signature,omitzero"`
	// By says who decided; Reason says why. Both are free text for the report.
	By     string `json:"by,omitzero"`
	Reason string `json:"reason,omitzero"`
}

// Choice is what a person decides about an item.
type Choice string

const (
	// Retry has what failed, or was refused, tried once more. A device that is late is
	// waited for as long again.
	Retry Choice = "retry"
	// WaitLonger waits as long again.
	WaitLonger Choice = "waitLonger"
	// Approved tells that a second administrator has approved, where the worker
	// may not read it.
	Approved Choice = "approved"
	// GiveUp leaves the item as it is; the offboarding ends with exceptions.
	GiveUp Choice = "giveUp"
)

// Destroys reports whether a choice has something done that cannot be undone.
func (c Choice) Destroys() bool {
	switch DeviceAction(c) {
	case Wipe, WipeKeepUserData, DeleteRecord:
		return true
	}
	return false
}

// maxText bounds what people write, in characters: it is kept as long as the
// offboarding.
const maxText = 1024

// maxSignature bounds a signature, in bytes. One of OpenSSH's longest RSA key is shorter.
const maxSignature = 8 << 10

// maxItems bounds how many items a decision names.
const maxItems = 1000

// checkItems refuses ids that are given twice, or cannot be ids, and too many of them.
func checkItems(ids []string) error {
	if len(ids) > maxItems {
		return fmt.Errorf("items: are %d, want at most %d", len(ids), maxItems)
	}
	known := map[string]bool{}
	for _, id := range ids {
		switch {
		case len(id) > maxUserID:
			return fmt.Errorf("items: an id is longer than %d characters", maxUserID)
		case known[id]:
			return errors.New("items: an id is given twice")
		}
		known[id] = true
	}
	return nil
}

// checkText refuses a text that is too long, by the name of its field.
func checkText(field, text string) error {
	if n := utf8.RuneCountInString(text); n > maxText {
		return fmt.Errorf("%s: is %d characters long, want at most %d", field, n, maxText)
	}
	return nil
}

// ParseDecision reads a decision strictly. Its errors name the field.
func ParseDecision(action Action, input []byte) (Decision, error) {
	var decision Decision
	if err := ParseStrict(input, &decision); err != nil {
		return Decision{}, err
	}
	switch {
	case action == Abort && decision.Step != "":
		return Decision{}, errors.New("step: abort ends the whole offboarding and takes none; to leave one step out use skipStep")
	case action.isOfAll() && decision.Step != "":
		return Decision{}, fmt.Errorf("step: %s is for the whole offboarding and takes none", action)
	case !action.isOfAll() && decision.Step == "":
		return Decision{}, errors.New("step: is missing, want the name of a step of the plan")
	case action == Answer && decision.Choice == "":
		return Decision{}, errors.New("choice: is missing, want one of those that the step offers")
	case action == Answer && decision.Choice.Destroys() && len(decision.Items) == 0:
		return Decision{}, fmt.Errorf("items: are missing, and %s cannot be undone: want the ids of the devices, as %s shows them", decision.Choice, QueryProgress)
	case action != Approve && decision.Signature != "":
		return Decision{}, fmt.Errorf("signature: is for approve, and %s takes none", action)
	case len(decision.Signature) > maxSignature:
		return Decision{}, fmt.Errorf("signature: is longer than %d bytes", maxSignature)
	case action != Answer && (decision.Choice != "" || len(decision.Items) > 0):
		return Decision{}, fmt.Errorf("choice, items: are for answer, and %s takes neither", action)
	}
	if err := cmp.Or(checkText("by", decision.By), checkText("reason", decision.Reason), checkText("step", decision.Step), checkText("choice", string(decision.Choice)), checkText("userId", decision.UserID)); err != nil {
		return Decision{}, err
	}
	return decision, checkItems(decision.Items)
}

// Decided is a decision as the report keeps it.
type Decided struct {
	Action Action `json:"action"`
	Decision
	At time.Time `json:"at"`
}
