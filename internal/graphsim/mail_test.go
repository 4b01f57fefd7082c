package graphsim_test

import (
	"testing"

	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

const mail = `{"message":{"subject":"s","body":{"contentType":"Text","content":"t"},"toRecipients":[{"emailAddress":{"address":"max@contoso.com"}}],"internetMessageHeaders":[{"name":"X-Run","value":"r"}]},"saveToSentItems":false}`

func TestAMailIsAcceptedFromAMailbox(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{})
	assert.Equal(t, 202, o.graph("POST", "/users/"+lee+"/sendMail", mail).status)
	want := []graphsim.SentMail{{From: o.Users()[lee].ID, To: []string{"max@contoso.com"}, Subject: "s", Text: "t", Headers: map[string]string{"X-Run": "r"}}}
	assert.Equal(t, want, o.Mails())

	o.token = o.Token(graphsim.Application, "User.Read.All")
	assert.Equal(t, "ErrorAccessDenied", o.graph("POST", "/users/"+lee+"/sendMail", mail).code(t))
	user := o.Users()[lee]
	user.MailboxPurpose = ""
	o.Add(user)
	o.token = o.Token(graphsim.Application)
	assert.Equal(t, "MailboxNotEnabledForRESTAPI", o.graph("POST", "/users/"+lee+"/sendMail", mail).code(t))
	assert.Equal(t, want, o.Mails())
}

func TestAMailThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{})
	for body, code := range map[string]string{
		`{}`: "RequestBodyRead",
		`{"message":{"body":{"contentType":"Text"}}}`:                                                                "ErrorInvalidRecipients",
		`{"message":{"body":{"contentType":"Text"},"toRecipients":[{"emailAddress":{"address":"max"}}]}}`:            "ErrorInvalidRecipients",
		`{"message":{"body":{"contentType":"text"},"internetMessageHeaders":[{"name":"Message-Id"}]}}`:               "InvalidInternetMessageHeader",
		`{"message":{"body":{"contentType":"RTF"},"toRecipients":[{"emailAddress":{"address":"max@contoso.com"}}]}}`: "RequestBodyRead",
	} {
		r := o.graph("POST", "/users/"+lee+"/sendMail", body)
		assert.Equal(t, []any{400, code}, []any{r.status, r.code(t)}, body)
	}
	assert.Empty(t, o.Mails())
}
