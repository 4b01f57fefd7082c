package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// hiddenRules is what a person should know wherever rules are listed: attackers hide theirs.
const hiddenRules = "Graph does not show hidden rules: an Exchange administrator sees them with Get-InboxRule -IncludeHidden"

// inboxRules stops the rules of the leaver's inbox, which run on the server whether or not the account may sign in.
//
// Microsoft: PATCH /users/{id}/mailFolders/inbox/messageRules/{id},
// https://learn.microsoft.com/graph/api/messagerule-update
var inboxRules = &things{
	none: "the inbox has no rule that Graph shows; " + hiddenRules,
	note: func([]leaver.Item) string { return hiddenRules },
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		rules, err := a.graph.InboxRules(ctx, s.UserID)
		if err != nil {
			return nil, ofMailbox(err)
		}
		items := make([]leaver.Item, 0, len(rules))
		for _, rule := range rules {
			item := leaver.Item{ID: rule.ID, Kind: "rule", Before: map[string]string{"isEnabled": "true"}}
			if rule.Forwards {
				item.Kind = "forwarding"
			}
			switch {
			case rule.ID == "":
				item = unlistable(item.Kind)
			case rule.Disabled:
				item.Before, item.Outcome, item.Detail = nil, leaver.AlreadyDone, "the rule is disabled"
			case rule.ReadOnly:
				item.Before, item.Outcome, item.Detail = nil, leaver.Failed, "Graph may not change the rule: an Exchange administrator disables it with Disable-InboxRule"
			}
			items = append(items, item)
		}
		return items, nil
	},
	change: func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		return a.graph.DisableInboxRule(ctx, s.UserID, item.ID)
	},
	changed: "the rule is not in the inbox any more",
}
