package activities

import (
	"context"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// access lets the successor into the leaver's mailbox, in each of the ways that the settings name.
//
// Microsoft: https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-permissions-for-recipients
var access = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		owner, mailbox, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		heir, note, err := a.heir(ctx, s)
		if err != nil && !isNobody(err) {
			return nil, err
		}
		var items []leaver.Item
		rights := rightsIn(s.Settings)
		if len(s.Known) > 0 { // of one right that is changed, the others need not be read
			rights = nil
			for _, known := range s.Known {
				rights = append(rights, known.ID)
			}
		}
		for _, right := range rights {
			item := leaver.Item{ID: right, Kind: "access", Detail: note, Before: map[string]string{successorID: heir.ObjectID, "granted": "false"}}
			if err != nil {
				item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, err.Error()
			} else if has, err := a.hasAccess(ctx, owner, mailbox, heir, right); err != nil {
				return nil, err
			} else if has {
				item = soAlready(item, hasAccess)
			}
			items = append(items, item)
		}
		return items, nil
	},
	change: forHeir(func(e *graph.Exchange, ctx context.Context, of graph.MailboxOwner, item leaver.Item, heirID string) error {
		switch item.ID {
		case leaver.AccessSendAs:
			return e.GrantSendAs(ctx, of, heirID)
		case leaver.AccessSendOnBehalf:
			return e.GrantSendOnBehalf(ctx, of, heirID)
		}
		return e.GrantFullAccess(ctx, of, heirID)
	}),
	changed: hasAccess,
}

const hasAccess = "the successor has the access"

// rightsIn are the ways in which the successor is to be let in.
func rightsIn(s leaver.Settings) []string {
	if len(s.Access) == 0 {
		return []string{leaver.AccessFull}
	}
	return s.Access
}

// byAccess is the door that grants what the settings name. The preview grants one right alone.
func byAccess(s leaver.Settings) graph.ExchangeDoor {
	if slices.Equal(s.Access, []string{leaver.AccessSendOnBehalf}) {
		return graph.ExchangePreview
	}
	return graph.ExchangeInvokeCommand
}

func (a *Activities) hasAccess(ctx context.Context, of graph.MailboxOwner, mailbox, heir graph.ExchangeMailbox, right string) (bool, error) {
	switch right {
	case leaver.AccessSendOnBehalf:
		return slices.ContainsFunc(mailbox.SendOnBehalf, heir.Goes), nil
	case leaver.AccessSendAs:
		all, err := a.exchange.SendAsPermissions(ctx, of)
		return slices.ContainsFunc(all, func(p graph.SendAsPermission) bool {
			return heir.Goes(p.User) && p.Control == "Allow" && slices.Contains(p.Rights, "SendAs")
		}), err
	}
	all, err := a.exchange.MailboxPermissions(ctx, of)
	theirs := slices.DeleteFunc(all, func(p graph.MailboxPermission) bool {
		return !heir.Goes(p.User) || !slices.Contains(p.Rights, "FullAccess")
	})
	// A denial counts more than a grant.
	return len(theirs) > 0 && !slices.ContainsFunc(theirs, func(p graph.MailboxPermission) bool { return !p.Allows("FullAccess") }), err
}
