package graph

import (
	"context"
	"net/http"
)

var (
	getMailbox        = call{http.MethodGet, "get mailboxSettings", "MailboxSettings.Read"}
	setAutomaticReply = call{http.MethodPatch, "set automaticRepliesSetting", "MailboxSettings.ReadWrite"}
)

// MailboxPurpose is what a user's mailbox is for: user, shared, room, equipment, or another word. A user without a
// mailbox is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get-mailboxsettings
func (c *Client) MailboxPurpose(ctx context.Context, userID string) (string, error) {
	var settings struct {
		UserPurpose string `json:"userPurpose"`
	}
	err := c.do(ctx, getMailbox, c.user(userID, "/mailboxSettings?$select=userPurpose"), nil, &settings)
	return settings.UserPurpose, err
}

// AutomaticReply is what a mailbox answers to mail by itself. The messages are HTML, which Exchange rewrites when it
// stores it.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/automaticrepliessetting
type AutomaticReply struct {
	// Status is disabled, alwaysEnabled or scheduled.
	Status string `json:"status"`
	// ExternalAudience is none, contactsOnly or all.
	ExternalAudience string `json:"externalAudience,omitzero"`
	// What is empty stays as it is, where it is set.
	InternalMessage string `json:"internalReplyMessage,omitzero"`
	ExternalMessage string `json:"externalReplyMessage,omitzero"`
}

// AutomaticReply reads what a user's mailbox answers by itself.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get-mailboxsettings
func (c *Client) AutomaticReply(ctx context.Context, userID string) (AutomaticReply, error) {
	var settings struct {
		AutomaticReply `json:"automaticRepliesSetting"`
	}
	if err := c.do(ctx, getMailbox, c.user(userID, "/mailboxSettings?$select=automaticRepliesSetting"), nil, &settings); err != nil {
		return AutomaticReply{}, err
	}
	if settings.Status == "" {
		return AutomaticReply{}, getMailbox.unusable("the answer lacks the status of the automatic reply")
	}
	return settings.AutomaticReply, nil
}

// SetAutomaticReply has a user's mailbox answer by itself, or not.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-update-mailboxsettings
func (c *Client) SetAutomaticReply(ctx context.Context, userID string, reply AutomaticReply) error {
	body := map[string]AutomaticReply{"automaticRepliesSetting": reply}
	var settings struct {
		AutomaticReply *AutomaticReply `json:"automaticRepliesSetting"`
	}
	return c.do(ctx, setAutomaticReply, c.user(userID, "/mailboxSettings"), body, &settings)
}
