package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// protocols are the ways by which programs reach the leaver's mailbox, of which those are closed that the settings name.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-casmailbox
var protocols = things{
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		owner, _, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		states, err := a.exchange.ProtocolStates(ctx, owner)
		if err != nil {
			return nil, err
		}
		var items []leaver.Item
		for _, protocol := range protocolsIn(s.Settings) {
			item := leaver.Item{ID: protocol, Kind: "protocol", Before: map[string]string{"state": string(states[graph.MailProtocol(protocol)])}}
			if states[graph.MailProtocol(protocol)] == graph.ProtocolClosed {
				item = soAlready(item, isClosed)
			}
			items = append(items, item)
		}
		return items, nil
	},
	change: inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, _ subject, item leaver.Item) error {
		return a.exchange.CloseProtocol(ctx, of, graph.MailProtocol(item.ID))
	}),
	changed: isClosed,
}

const isClosed = "the mailbox is closed to it"

// protocolsIn are the protocols to close. Those by which Outlook and the web reach a mailbox stay open unless they are
// named: those who were given access to the mailbox need them.
func protocolsIn(s leaver.Settings) []string {
	if len(s.Protocols) == 0 {
		return []string{string(graph.ActiveSync), string(graph.EWS), string(graph.IMAP), string(graph.POP), string(graph.SMTP)}
	}
	return s.Protocols
}
