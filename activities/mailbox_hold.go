package activities

import (
	"context"
	"strconv"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

const onHold = "the mailbox is on litigation hold; it can take four hours until that is in force"

// hold puts the leaver's mailbox on litigation hold, and shortens no hold.
//
// Microsoft: https://learn.microsoft.com/purview/ediscovery-create-a-litigation-hold
var hold = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		_, mailbox, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		item := leaver.Item{ID: "hold", Kind: "mailbox", Before: map[string]string{
			"litigationHoldEnabled": strconv.FormatBool(mailbox.LitigationHold), "litigationHoldDuration": lengthOf(mailbox)}}
		if holdsFor(mailbox, s.Settings.HoldDays) {
			item = soAlready(item, onHold)
		}
		return []leaver.Item{item}, nil
	},
	change: inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, s subject, _ leaver.Item) error {
		return a.exchange.HoldMailbox(ctx, of, s.Settings.HoldDays)
	}),
	changed: onHold,
}

// lengthOf is how long a mailbox holds what is in it: in days, Unlimited, or "" where Exchange says it in another way.
func lengthOf(mailbox graph.ExchangeMailbox) string {
	days, _, _ := strings.Cut(mailbox.LitigationHoldDuration, ".")
	if _, err := strconv.Atoi(days); err == nil || days == unlimited {
		return days
	}
	return ""
}

const unlimited = "Unlimited"

// holdsFor reports whether a mailbox is on hold for a number of days at least; zero days are without an end. A hold whose
// length is not known counts for none, and is set anew.
func holdsFor(mailbox graph.ExchangeMailbox, days int) bool {
	length, err := strconv.Atoi(lengthOf(mailbox))
	return mailbox.LitigationHold && (lengthOf(mailbox) == unlimited || err == nil && days > 0 && length >= days)
}
