package activities

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// doorClosed says that the worker opens no door to Exchange by which a step can be done.
const doorClosed = "the worker opens no door to Exchange that takes this: see LEAVER_EXCHANGE in its configuration"

// byInvokeCommand is the door by which steps are done that the preview cannot do.
func byInvokeCommand(leaver.Settings) graph.ExchangeDoor { return graph.ExchangeInvokeCommand }

// opens reports whether a door is open, or one by which the same can be done.
func (a *Activities) opens(door graph.ExchangeDoor) bool {
	return a.exchange != nil && (a.exchange.Takes(door) || a.exchange.Takes(graph.ExchangeInvokeCommand))
}

// ownerOf names a user's mailbox to Exchange.
func (a *Activities) ownerOf(ctx context.Context, userID string) (graph.MailboxOwner, error) {
	if a.exchange == nil {
		return graph.MailboxOwner{}, graph.ErrDoorClosed
	}
	user, err := a.graph.User(ctx, userID)
	return graph.MailboxOwner{UserID: user.ID, UserPrincipalName: user.UserPrincipalName}, err
}

// inMailbox is a change of the leaver's mailbox.
func inMailbox(change func(*Activities, context.Context, graph.MailboxOwner, subject, leaver.Item) error) func(*Activities, context.Context, subject, leaver.Item) error {
	return func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		owner, err := a.ownerOf(ctx, s.UserID)
		if err != nil {
			return err
		}
		return change(a, ctx, owner, s, item)
	}
}

// forHeir is inMailbox for what is given to who takes over.
func forHeir(give func(e *graph.Exchange, ctx context.Context, of graph.MailboxOwner, item leaver.Item, heirID string) error) func(*Activities, context.Context, subject, leaver.Item) error {
	return inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, s subject, item leaver.Item) error {
		heir, _, err := a.heir(ctx, s)
		if err != nil {
			return err
		}
		return give(a.exchange, ctx, of, item, heir.ObjectID)
	})
}

// noExchangeMailbox is what Exchange tells of a leaver whom it does not know.
const noExchangeMailbox errNotApplicable = "Exchange knows no mailbox of the leaver: there is none, it is on the premises, or its licence has been taken away already"

// notThere finds how Exchange says that it knows no such mailbox or recipient.
var notThere = regexp.MustCompile(`could(n.?t| not) be found`)

// isUnknown reports whether Exchange knows no such mailbox or recipient.
func isUnknown(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusBadRequest) && e.Service() == "Exchange" && e.Says(notThere)
}

// ofExchange is the error of a call about the leaver's mailbox, which says so where Exchange knows none.
func ofExchange(err error) error {
	if isUnknown(err) {
		return noExchangeMailbox
	}
	return err
}

// mailbox is the leaver's as Exchange shows it, and how to name it.
func (a *Activities) mailbox(ctx context.Context, s subject) (graph.MailboxOwner, graph.ExchangeMailbox, error) {
	owner, err := a.ownerOf(ctx, s.UserID)
	if err != nil {
		return owner, graph.ExchangeMailbox{}, err
	}
	mailbox, err := a.exchange.Mailbox(ctx, owner)
	return owner, mailbox, ofExchange(err)
}

// successorID names in Before who is to take over: the manager may be another one by the time of the change.
const successorID = "successorId"

// heir is the mailbox of who takes over, and the note of successor. Who was listed to take over is not replaced.
func (a *Activities) heir(ctx context.Context, s subject) (graph.ExchangeMailbox, string, error) {
	if at := slices.IndexFunc(s.Known, func(i leaver.Item) bool { return i.Before[successorID] != "" }); at >= 0 {
		s.Settings.HandOverTo = s.Known[at].Before[successorID]
	}
	id, note, err := a.whoTakesOver(ctx, s)
	if err != nil {
		return graph.ExchangeMailbox{}, "", err
	}
	owner, err := a.ownerOf(ctx, id)
	if err != nil {
		return graph.ExchangeMailbox{}, "", err
	}
	mailbox, err := a.exchange.Mailbox(ctx, owner)
	if isUnknown(err) {
		err = errNobody("Exchange knows no mailbox of who is to take over: start anew with another handOverTo, or give that person a mailbox and retry")
	}
	return mailbox, note, err
}

// soAlready settles an item that needs no change.
func soAlready(item leaver.Item, detail string) leaver.Item {
	item.Outcome, item.Detail, item.Before = leaver.AlreadyDone, detail, nil
	return item
}
