package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
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
		item := leaver.Item{ID: "forwarding", Kind: "forwarding", Before: map[string]string{"forwarding": "none"}}
		switch {
		case mailbox.ForwardingAddress != "":
			item.Before["forwarding"] = "a recipient of the organisation"
		case mailbox.ForwardingSMTPAddress != "":
			item.Before["forwarding"] = "an address that is not kept"
		}
		heir, note, err := a.heir(ctx, s)
		switch {
		case isNobody(err):
			item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, err.Error()
		case err != nil:
			return nil, err
		case heir.Goes(mailbox.ForwardingAddress) && mailbox.ForwardingSMTPAddress == "" && mailbox.KeepsCopy:
			item = soAlready(item, isForwarded)
		default:
			item.Detail = note
		}
		return []leaver.Item{item}, nil
	},
	change: func(a *Activities, ctx context.Context, s subject, _ leaver.Item) error {
		owner, err := a.ownerOf(ctx, s.UserID)
		if err != nil {
			return err
		}
		heir, _, err := a.heir(ctx, s)
		if err != nil {
			return err
		}
		return a.exchange.ForwardMail(ctx, owner, heir.ObjectID)
	},
	changed: isForwarded,
}

const isForwarded = "mail is forwarded to the successor, and a copy stays"

// hiding takes the leaver out of the organisation's address lists.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
var hiding = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		_, mailbox, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		item := leaver.Item{ID: "addressLists", Kind: "mailbox", Before: map[string]string{"hiddenFromAddressListsEnabled": "false"}}
		if mailbox.Hidden {
			item = soAlready(item, isHidden)
		}
		return []leaver.Item{item}, nil
	},
	change: func(a *Activities, ctx context.Context, s subject, _ leaver.Item) error {
		owner, err := a.ownerOf(ctx, s.UserID)
		if err != nil {
			return err
		}
		return a.exchange.HideFromAddressLists(ctx, owner)
	},
	changed: isHidden,
}

const isHidden = "no address list shows the mailbox"
