package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// NotifyByMail tells the leaver's manager, or who was named, about an offboarding. Names and addresses of people are
// read here, and stand in the mail alone. A mail whose sending was not answered is not sent again, as it may have been
// sent.
//
// Microsoft: POST /users/{id}/sendMail, https://learn.microsoft.com/graph/api/user-sendmail
func (a *Activities) NotifyByMail(ctx context.Context, request leaver.NotifyRequest) error {
	if a.mailFrom == "" {
		return undelivered(ctx, "the worker has no mailbox to send from any more: set LEAVER_MAIL_FROM")
	}
	to, err := a.recipient(ctx, request)
	if err != nil {
		return unsent(ctx, err)
	}
	name, err := a.nameOf(ctx, request.Event.UserID)
	if err != nil {
		return unsent(ctx, err)
	}
	subject, text := compose(name, request.Event)
	err = a.graph.SendMail(ctx, a.mailFrom, graph.Mail{To: to, Subject: subject, Text: text, RunID: request.Event.RunID})
	if err == nil || isRefused(err) {
		return unsent(ctx, err)
	}
	return undelivered(ctx, "the call that sends the mail got no clear answer, and is not made again: the mail may have been sent")
}

// isRefused reports that a mail was certainly not sent. A gateway's answer for Graph tells nothing.
func isRefused(err error) bool {
	if answer, ok := errors.AsType[*graph.Error](err); ok {
		return answer.Status < 500 && answer.Status != http.StatusRequestTimeout || answer.Status == http.StatusServiceUnavailable
	}
	_, noToken := errors.AsType[*graph.CredentialError](err)
	_, wrongID := errors.AsType[*graph.UnusableIDError](err)
	return noToken || wrongID
}

// unsent is what it means that a mail was not sent, or nothing where it was.
func unsent(ctx context.Context, err error) error {
	answer, ok := errors.AsType[*graph.Error](err)
	nobody, isNobody := errors.AsType[errNobody](err)
	switch {
	case err == nil:
		answered(ctx)
		return nil
	case isNobody:
		return undelivered(ctx, nobody.Error())
	case ok && answer.Code == "MailboxNotEnabledForRESTAPI":
		return undelivered(ctx, "Graph reaches no mailbox of the user whom LEAVER_MAIL_FROM names: give that user a mailbox in Exchange Online, or name another one; Graph answered "+facts(answer))
	}
	return failure(ctx, err)
}

// recipient is the address that a mail goes to.
func (a *Activities) recipient(ctx context.Context, request leaver.NotifyRequest) (string, error) {
	id, who := request.To, "the user whom the profile names in notify"
	if request.To == leaver.Manager {
		above, note, err := a.managerAbove(ctx, request.Event.UserID)
		switch {
		case notFound(err) && request.ManagerID != "": // nobody is the manager of a deleted account
			above = request.ManagerID
		case err != nil:
			return "", err
		case above == "":
			return "", errNobody(note)
		}
		id, who = above, "the manager"
	}
	person, err := a.graph.Contact(ctx, id)
	if err == nil && person.Mail == "" {
		err = errNobody(who + " has no mail address in Entra")
	}
	return person.Mail, err
}

// managerToTell is the object id of who gets the mails to the manager once the account is deleted, or empty. A plan
// neither fails nor waits long for it.
func (a *Activities) managerToTell(ctx context.Context, notify leaver.Notify, leaverID string) string {
	if !slices.ContainsFunc(notify.Mail, func(m leaver.Mail) bool { return m.To == leaver.Manager }) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	id, _, _ := a.managerAbove(ctx, leaverID)
	return id
}

// nameOf is how people name a user, also one who is deleted.
func (a *Activities) nameOf(ctx context.Context, id string) (string, error) {
	person, err := a.graph.Contact(ctx, id)
	if notFound(err) {
		person, err = a.graph.DeletedContact(ctx, id)
	}
	if notFound(err) {
		err = nil
	}
	return cmp.Or(strings.Join(strings.Fields(person.Name), " "), "the user "+id), err
}

// compose is a mail about an offboarding.
func compose(name string, event leaver.Event) (subject, text string) {
	subject = "The offboarding of " + name
	switch event.Moment {
	case leaver.MomentBegun:
		subject += " has begun"
	case leaver.MomentWaits:
		subject += " waits for a person"
	case leaver.MomentEnded:
		subject += " has ended: " + cmp.Or(endings[event.Status], string(event.Status))
	}
	var b strings.Builder
	b.WriteString(subject + ".\n\n")
	for _, wait := range event.Waits {
		fmt.Fprintf(&b, "%s: %s.\n", cmp.Or(wait.Step, "The whole offboarding"), asked(wait))
	}
	s := event.Steps
	fmt.Fprintf(&b, "Of %d steps %d have ended: %d done, %d left out, %d without success.\n", s.Planned, s.Ended, s.Done, s.Skipped, s.Failed)
	fmt.Fprintf(&b, "\nThose who run the offboardings find this one in Temporal, by the workflow id %s.\n", event.WorkflowID)
	return subject, b.String()
}

// endings say how an offboarding ended.
var endings = map[leaver.Status]string{
	leaver.Completed:               "all is done",
	leaver.CompletedWithExceptions: "something was left as it is",
	leaver.Incomplete:              "something could not be done",
	leaver.Aborted:                 "a person aborted it",
	leaver.Rejected:                "a person rejected its plan, and nothing was touched",
	leaver.CanceledStatus:          "it was cancelled",
}

// asked says what a person can do about a wait.
func asked(wait leaver.EventWait) string {
	switch {
	case wait.For == leaver.WaitForApproval:
		return "a second administrator is to approve in Intune"
	case slices.Contains(wait.Actions, leaver.Approve):
		return "the plan is to be approved, or rejected"
	case slices.Contains(wait.Actions, leaver.ContinueOffboarding):
		return "somebody has enabled the account again, and a person is to decide whether the offboarding goes on"
	}
	return "an administrator is to decide"
}
