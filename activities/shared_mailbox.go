package activities

import (
	"context"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

const (
	sharedMailbox = "SharedMailbox"
	isShared      = "the mailbox is a shared one"
	// errConverting waits for Graph to show what Exchange has done.
	errConverting = errNotYet("Exchange has made the mailbox a shared one and Graph does not show it yet; looking again")
)

// conversion makes the leaver's mailbox a shared one. Graph's userPurpose is the proof.
//
// Microsoft: https://learn.microsoft.com/exchange/recipients-in-exchange-online/manage-user-mailboxes/convert-a-mailbox
var conversion = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		_, mailbox, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		item := leaver.Item{ID: "mailbox", Kind: "mailbox", Detail: strings.TrimPrefix(needsLicense(mailbox), "; "), Before: map[string]string{"recipientTypeDetails": graph.CodeOf(mailbox.Type)}}
		if mailbox.Type != sharedMailbox {
			return []leaver.Item{item}, nil
		}
		switch purpose, err := a.graph.MailboxPurpose(ctx, s.UserID); {
		case ofMailbox(err) == noMailbox || err == nil && purpose != "shared": // Exchange has just shown the mailbox
			return nil, errConverting
		case err != nil:
			return nil, err
		}
		return []leaver.Item{soAlready(item, isShared+needsLicense(mailbox))}, nil
	},
	change: inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, _ subject, _ leaver.Item) error {
		return a.exchange.ConvertToShared(ctx, of)
	}),
	changed: isShared,
}

// needsLicense says why a shared mailbox would need a licence, or "".
//
// Microsoft: https://learn.microsoft.com/microsoft-365/admin/email/about-shared-mailboxes
func needsLicense(mailbox graph.ExchangeMailbox) string {
	if mailbox.LitigationHold || mailbox.ArchiveStatus != "" && mailbox.ArchiveStatus != "None" {
		return "; it is on hold or has an archive, for which it needs a licence still"
	}
	return ""
}
