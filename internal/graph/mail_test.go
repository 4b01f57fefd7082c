package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAMailIsSentAsPlainTextAndNotKept(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusAccepted, ""))
	require.NoError(t, client.SendMail(t.Context(), "it@contoso.com", Mail{To: "max@contoso.com", Subject: "s", Text: "t", RunID: "r"}))
	assert.Equal(t, "POST /graph/v1.0/users/it@contoso.com/sendMail", s.all()[0].method+" "+s.all()[0].target)
	assert.JSONEq(t, `{"message":{"subject":"s","body":{"contentType":"Text","content":"t"},"toRecipients":[{"emailAddress":{"address":"max@contoso.com"}}],
		"internetMessageHeaders":[{"name":"x-leaver-run-id","value":"r"}]},"saveToSentItems":false}`, s.all()[0].body)
	require.ErrorAs(t, client.SendMail(t.Context(), "../it", Mail{}), new(*UnusableIDError))
}

func TestADeletedPersonIsReadAsPeopleNamedOne(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"@odata.type":"#microsoft.graph.user","id":"`+userID+`","displayName":"Megan"}`))
	person, err := client.DeletedContact(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, Contact{ID: userID, Name: "Megan"}, person)
	assert.Equal(t, "/graph/v1.0/directory/deletedItems/"+userID, s.all()[0].target)
	_, err = client.DeletedContact(t.Context(), otherwise)
	require.ErrorIs(t, err, ErrOtherUser)
}
