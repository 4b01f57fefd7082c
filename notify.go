package leaver

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Notify says who is told about an offboarding, and at which moments. That something could not be told fails no
// offboarding: the report says so.
type Notify struct {
	// Webhook are the moments that the worker's webhook is told of.
	Webhook []Moment `json:"webhook,omitempty"`
	Mail    []Mail   `json:"mail,omitempty"`
}

// Mail says who gets a mail, and at which moments.
type Mail struct {
	// To is an object id, a user principal name, or "manager" for the leaver's manager.
	To string   `json:"to"`
	At []Moment `json:"at"`
}

// Moment is a moment of an offboarding that people are told of.
type Moment string

const (
	// MomentBegun is when the first step begins.
	MomentBegun Moment = "begun"
	// MomentWaits is each time that the offboarding begins to wait for a person.
	MomentWaits Moment = "waits"
	// MomentEnded is when the offboarding has ended, however it ended.
	MomentEnded Moment = "ended"
)

func (n Notify) check(field string) error {
	if err := checkMoments(field+".webhook", n.Webhook); err != nil {
		return err
	}
	for i, mail := range n.Mail {
		field := fmt.Sprintf("%s.mail.%d", field, i)
		var err error
		if mail.To != Manager && CheckUserID(mail.To) != nil {
			err = fmt.Errorf("%s.to: want the object id or user principal name of a user, or %q", field, Manager)
		} else if len(mail.At) == 0 {
			err = fmt.Errorf("%s.at: is missing, want moments, of begun, waits and ended", field)
		}
		if err = cmp.Or(err, checkMoments(field+".at", mail.At)); err != nil {
			return err
		}
	}
	return nil
}

func checkMoments(field string, moments []Moment) error {
	for i, moment := range moments {
		switch {
		case !slices.Contains([]Moment{MomentBegun, MomentWaits, MomentEnded}, moment):
			return fmt.Errorf("%s.%d: want begun, waits or ended", field, i)
		case slices.Contains(moments[:i], moment):
			return fmt.Errorf("%s.%d: %s is given twice", field, i, moment)
		}
	}
	return nil
}

// Event is what is told of an offboarding: ids, counts and the names of steps. It names no person and no device.
type Event struct {
	WorkflowID string `json:"workflowId"`
	// RunID is the id of the first run: an offboarding that continues as new keeps it.
	RunID string `json:"runId"`
	// UserID is the leaver's object id.
	UserID string `json:"userId"`
	Moment Moment `json:"moment"`
	// Number counts how often the moment has come: an offboarding may wait for a person many times.
	Number int    `json:"number"`
	Status Status `json:"status"`
	// Steps counts the steps of the plan.
	Steps StepCounts `json:"steps"`
	// Waits are what people are asked.
	Waits []EventWait `json:"waits,omitempty"`
}

// StepCounts says how many steps of a plan stand how.
type StepCounts struct {
	Planned int `json:"planned"`
	Ended   int `json:"ended"`
	// Done counts what was done before too.
	Done    int `json:"done"`
	Skipped int `json:"skipped"`
	// Failed are the steps whose effect was not seen, whatever the reason.
	Failed int `json:"failed"`
}

// EventWait is something that people are asked.
type EventWait struct {
	// Step is the name of the step that asks, or empty where the whole offboarding waits.
	Step string `json:"step,omitempty"`
	// For is WaitForPerson or WaitForApproval.
	For     string   `json:"for"`
	Actions []Action `json:"actions,omitempty"`
}

// NotifyRequest is what the activities take that tell somebody about an offboarding.
type NotifyRequest struct {
	// ID is the event's. It is the same for each attempt, so that a receiver can drop what comes twice.
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Event Event     `json:"event"`
	// To is who gets a mail, as in Mail, and ManagerID as in Plan.
	To        string `json:"to,omitempty"`
	ManagerID string `json:"managerId,omitempty"`
}

// Notice is something that was to be told, and what became of it.
type Notice struct {
	ID     string    `json:"id"`
	Moment Moment    `json:"moment"`
	At     time.Time `json:"at"`
	// By is NoticeByWebhook or NoticeByMail, and To who was to get the mail.
	By string `json:"by"`
	To string `json:"to,omitempty"`
	// Outcome is Done where the webhook, or the mailbox, has accepted it; else Failed, and Detail says why.
	Outcome Outcome     `json:"outcome"`
	Failure FailureType `json:"failure,omitempty"`
	Detail  string      `json:"detail,omitempty"`
}

const (
	NoticeByWebhook = "webhook"
	NoticeByMail    = "mail"
)
