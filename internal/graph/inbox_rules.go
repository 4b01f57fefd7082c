package graph

import (
	"context"
	"encoding/json"
	"net/http"
)

var (
	listInboxRules   = call{http.MethodGet, "list messageRules", "MailboxSettings.Read"}
	disableInboxRule = call{http.MethodPatch, "disable messageRule", "MailboxSettings.ReadWrite"}
)

// InboxRule is a rule by which a mailbox handles what comes in. What the rule looks for and whom it names is private,
// and not kept.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/messagerule
type InboxRule struct {
	ID string
	// Disabled is set where Graph says so, and ReadOnly where Graph does not let the rule be changed.
	Disabled, ReadOnly bool
	// Forwards says that the rule sends mail on to others.
	Forwards bool
}

// InboxRules lists the rules of a user's inbox. Graph does not show rules that are hidden.
//
// Microsoft: https://learn.microsoft.com/graph/api/mailfolder-list-messagerules
func (c *Client) InboxRules(ctx context.Context, userID string) ([]InboxRule, error) {
	answers, err := list[struct {
		ID         string `json:"id"`
		IsEnabled  *bool  `json:"isEnabled"`
		IsReadOnly bool   `json:"isReadOnly"`
		Actions    struct {
			ForwardTo             []json.RawMessage `json:"forwardTo"`
			ForwardAsAttachmentTo []json.RawMessage `json:"forwardAsAttachmentTo"`
			RedirectTo            []json.RawMessage `json:"redirectTo"`
		} `json:"actions"`
	}](ctx, c, listInboxRules, c.user(userID, "/mailFolders/inbox/messageRules"))
	if err != nil {
		return nil, err
	}
	rules := make([]InboxRule, 0, len(answers))
	for _, answer := range answers {
		rules = append(rules, InboxRule{ID: answer.ID, Disabled: answer.IsEnabled != nil && !*answer.IsEnabled, ReadOnly: answer.IsReadOnly,
			Forwards: len(answer.Actions.ForwardTo)+len(answer.Actions.ForwardAsAttachmentTo)+len(answer.Actions.RedirectTo) > 0})
	}
	return rules, nil
}

// DisableInboxRule stops a rule of a user's inbox, which stays as it is otherwise.
//
// Microsoft: https://learn.microsoft.com/graph/api/messagerule-update
func (c *Client) DisableInboxRule(ctx context.Context, userID, ruleID string) error {
	var rule json.RawMessage // Graph answers with the rule
	return c.do(ctx, disableInboxRule, c.usersObject(userID, "/mailFolders/inbox/messageRules", ruleID, ""), map[string]bool{"isEnabled": false}, &rule)
}
