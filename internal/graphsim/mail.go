package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// SentMail is a mail that was sent from a mailbox of the tenant.
type SentMail struct {
	From    string            `json:"from"` // the sender's object id
	To      []string          `json:"to"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
	Headers map[string]string `json:"headers,omitempty"`
	Saved   bool              `json:"saved,omitempty"` // among the sender's sent items
}

var mailRoutes = []route{
	{http.MethodPost, "/users/{id}/sendMail", [][]string{{"Mail.Send"}}, inMailbox((*Tenant).sendMail)},
}

// Mails returns every mail that was sent so far.
func (t *Tenant) Mails() []SentMail {
	defer t.lock()()
	return slices.Clone(t.mails)
}

// sendMail accepts a mail. Exchange lets a message have five headers of its own, whose names begin with x-.
func (t *Tenant) sendMail(q query) answer {
	type address struct {
		EmailAddress struct {
			Address string `json:"address"`
		} `json:"emailAddress"`
	}
	body := struct {
		Message struct {
			Subject string `json:"subject"`
			Body    struct {
				ContentType string `json:"contentType"`
				Content     string `json:"content"`
			} `json:"body"`
			ToRecipients []address `json:"toRecipients"`
			Headers      []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"internetMessageHeaders"`
		} `json:"message"`
		SaveToSentItems bool `json:"saveToSentItems"`
	}{SaveToSentItems: true}
	if json.Unmarshal(q.body, &body) != nil || !slices.Contains([]string{"text", "html"}, strings.ToLower(body.Message.Body.ContentType)) {
		return fault(http.StatusBadRequest, "RequestBodyRead", "The request needs a message with a body of the type Text or HTML.")
	}
	mail := SentMail{From: q.user.ID, Subject: body.Message.Subject, Text: body.Message.Body.Content, Headers: map[string]string{}, Saved: body.SaveToSentItems}
	for _, to := range body.Message.ToRecipients {
		if !strings.Contains(to.EmailAddress.Address, "@") {
			return fault(http.StatusBadRequest, "ErrorInvalidRecipients", "At least one recipient is not valid.")
		}
		mail.To = append(mail.To, to.EmailAddress.Address)
	}
	for _, header := range body.Message.Headers {
		if !strings.HasPrefix(strings.ToLower(header.Name), "x-") || len(body.Message.Headers) > 5 {
			return fault(http.StatusBadRequest, "InvalidInternetMessageHeader", "The internet message header name should start with 'x-' or 'X-', and a message can have five of them.")
		}
		mail.Headers[header.Name] = header.Value
	}
	if len(mail.To) == 0 {
		return fault(http.StatusBadRequest, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
	}
	t.mails = append(t.mails, mail)
	return answer{status: http.StatusAccepted}
}
