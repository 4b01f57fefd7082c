package activities

import (
	"context"
	"strconv"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// forwarding has the leaver's mailbox forward to the successor, and keep a copy. An address outside of the organisation
// to which it was forwarded before is removed, and not kept: it may be somebody's own.
//
// Microsoft: https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/configure-email-forwarding
var forwarding = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		_, mailbox, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		item := leaver.Item{ID: "forwarding", Kind: "forwarding", Before: map[string]string{
			"forwardingAddress": isSet(mailbox.ForwardingAddress), "forwardingSmtpAddress": isSet(mailbox.ForwardingSMTPAddress),
			"deliverToMailboxAndForward": strconv.FormatBool(mailbox.KeepsCopy)}}
		heir, note, err := a.heir(ctx, s)
		switch {
		case isNobody(err):
			item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, err.Error()
		case err != nil:
			return nil, err
		case heir.Goes(mailbox.ForwardingAddress) && mailbox.ForwardingSMTPAddress == "" && mailbox.KeepsCopy:
			item = soAlready(item, isForwarded)
		default:
			item.Detail, item.Before[successorID] = note, heir.ObjectID
		}
		return []leaver.Item{item}, nil
	},
	change: forHeir(func(e *graph.Exchange, ctx context.Context, of graph.MailboxOwner, _ leaver.Item, heirID string) error {
		return e.ForwardMail(ctx, of, heirID)
	}),
	changed: isForwarded,
}

// isSet tells of an address that it is there, and not which: it may be somebody's own.
func isSet(address string) string {
	if address == "" {
		return "none"
	}
	return "set, and not kept"
}

const isForwarded = "mail is forwarded to the successor, and a copy stays"

// hiding takes the leaver out of the organisation's address lists.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
var hiding = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		owner, mailbox, err := a.mailbox(ctx, s)
		item := leaver.Item{ID: "addressLists", Kind: "mailbox", Before: map[string]string{"hiddenFromAddressListsEnabled": "false"}}
		if err == noExchangeMailbox {
			if _, err := a.exchange.Recipient(ctx, owner.UserID); err == nil {
				item.Outcome, item.Detail, item.Before = leaver.Failed, "Exchange lists the leaver without a mailbox of its own: an Exchange administrator hides the entry with Set-MailUser, or an administrator does so in Active Directory", nil
				return []leaver.Item{item}, nil
			}
		}
		switch {
		case err != nil:
			return nil, err
		case mailbox.Hidden:
			item = soAlready(item, isHidden)
		case mailbox.IsDirSynced:
			item.Outcome, item.Detail = leaver.Failed, "the account comes from Active Directory on the premises, and Exchange refuses to hide it: an administrator sets msExchHideFromAddressLists there"
		}
		return []leaver.Item{item}, nil
	},
	change: inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, _ subject, _ leaver.Item) error {
		return a.exchange.HideFromAddressLists(ctx, of)
	}),
	changed: isHidden,
}

const isHidden = "no address list shows the mailbox"
