package graph

import (
	"context"
	"net/http"
)

var sendMail = call{http.MethodPost, "send mail", "Mail.Send"}

// Mail is a mail in plain text.
type Mail struct {
	To, Subject, Text string
	// RunID is the id of the run that the mail is about. It stands in a header, by which a mail is told from others.
	RunID string
}

// SendMail sends a mail from the mailbox of a user, and keeps no copy there. Graph answers before the mail is delivered.
// The call cannot be repeated: where its answer is lost, the mail may have been sent.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-sendmail
func (c *Client) SendMail(ctx context.Context, sender string, mail Mail) error {
	message := map[string]any{
		"subject":                mail.Subject,
		"body":                   map[string]string{"contentType": "Text", "content": mail.Text},
		"toRecipients":           []any{map[string]any{"emailAddress": map[string]string{"address": mail.To}}},
		"internetMessageHeaders": []any{map[string]string{"name": "x-leaver-run-id", "value": mail.RunID}},
	}
	return c.do(ctx, sendMail, c.user(sender, "/sendMail"), map[string]any{"message": message, "saveToSentItems": false}, nil)
}
