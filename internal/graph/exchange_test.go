package graph

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const exchangeTenant = "5a1d0000-0000-4000-8000-00000000ce11"

// exchange is a client of a server that answers so.
func exchange(t *testing.T, answer http.HandlerFunc) (*graphServer, *Exchange) {
	t.Helper()
	s, client := serve(t, answer)
	return s, &Exchange{client, exchangeTenant, []ExchangeDoor{ExchangeInvokeCommand}}
}

var adeles = MailboxOwner{UserID: userID, UserPrincipalName: "adele@contoso.com"}

func TestACmdletIsSentAsExchangeTakesIt(t *testing.T) {
	t.Parallel()
	s, client := exchange(t, reply(http.StatusOK, `{"value":[{"ExternalDirectoryObjectId":"`+userID+`","RecipientTypeDetails":"UserMailbox","ForwardingSmtpAddress":null,"GrantSendOnBehalfTo":["megan"]}]}`))
	mailbox, err := client.Mailbox(t.Context(), adeles)
	require.NoError(t, err)
	assert.Equal(t, words{"megan"}, mailbox.SendOnBehalf)
	sent := s.all()[0]
	assert.Equal(t, "POST /graph/adminapi/beta/"+exchangeTenant+"/InvokeCommand", sent.method+" "+sent.target)
	assert.JSONEq(t, `{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"Identity":"`+userID+`"}}}`, sent.body)
	assert.Equal(t, "UPN:adele@contoso.com", sent.header.Get("X-AnchorMailbox"))

	client.doors = []ExchangeDoor{ExchangeInvokeCommand, ExchangePreview}
	_, err = client.Mailbox(t.Context(), adeles)
	require.NoError(t, err)
	assert.Equal(t, "/graph/adminapi/beta/"+exchangeTenant+"/InvokeCommand", s.all()[1].target, "the preview does not promise each property")
	require.NoError(t, client.GrantSendOnBehalf(t.Context(), adeles, userID))
	assert.Equal(t, "/graph/adminapi/v2.0/"+exchangeTenant+"/Mailbox", s.all()[2].target, "what the preview does goes there")
	_, err = client.Mailbox(t.Context(), MailboxOwner{userID, "zoë@contoso.com\r\nX: y"})
	require.NoError(t, err)
	assert.Contains(t, s.all()[3].header.Get("X-AnchorMailbox"), "APP:SystemMailbox{", "a header takes no such name")
}

// Exchange takes many kinds of names for an identity, and wildcards: a name could mean somebody else.
func TestExchangeIsToldObjectIDsAlone(t *testing.T) {
	t.Parallel()
	s, client := exchange(t, reply(http.StatusOK, `{"value":[]}`))
	for _, id := range []string{"", "*", "Adele Vance", "adele@contoso.com", "00000000-0000-0000-0000-00000000000", "{" + userID + "x"} {
		of := MailboxOwner{UserID: id}
		_, err := client.Mailbox(t.Context(), of)
		_, phones := client.MobileDevices(t.Context(), of)
		for _, err := range []error{
			err, phones, client.ConvertToShared(t.Context(), of), client.WipeMailFrom(t.Context(), adeles, id), client.ForwardMail(t.Context(), adeles, id), client.GrantFullAccess(t.Context(), adeles, id),
			client.GrantSendAs(t.Context(), adeles, id), client.GrantSendOnBehalf(t.Context(), adeles, id), client.CloseProtocol(t.Context(), of, IMAP), client.HoldMailbox(t.Context(), of, 1),
			client.RemoveFromDistributionGroup(t.Context(), id, userID), client.RemoveFromDistributionGroup(t.Context(), userID, id), client.HandOverDistributionGroup(t.Context(), id, userID, userID),
		} {
			require.ErrorContains(t, err, "an id is no GUID", "%q", id)
		}
	}
	assert.Empty(t, s.all())
}

func TestAMailboxOfSomebodyElseIsNotTakenForTheLeavers(t *testing.T) {
	t.Parallel()
	_, client := exchange(t, reply(http.StatusOK, `{"value":[{"ExternalDirectoryObjectId":"00000000-0000-4000-8000-000000000001"}]}`))
	_, err := client.Mailbox(t.Context(), adeles)
	require.ErrorIs(t, err, ErrOtherUser)
	_, err = client.Recipient(t.Context(), userID)
	require.ErrorIs(t, err, ErrOtherUser)

	for _, rows := range []string{`[]`, `[{},{}]`} {
		_, client = exchange(t, reply(http.StatusOK, `{"value":`+rows+`}`))
		_, err = client.Mailbox(t.Context(), adeles)
		var odd *AnswerError
		require.ErrorAs(t, err, &odd, rows)
	}
}

func TestWhatExchangeSaysIsReadWhereItSaysIt(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error":{"code":"NotFound","message":"Error executing cmdlet","details":[{"code":"Context","message":"Ex6F9304|Microsoft.ManagementObjectNotFoundException|The operation couldn't be performed because object 'x' couldn't be found on 'y'."}]}}`,
		`{"error":{"code":"NotFound","message":"","innererror":{"internalexception":{"message":"object 'x' couldn't be found on 'y'"}}}}`,
	} {
		_, client := exchange(t, reply(http.StatusNotFound, body))
		_, err := client.Mailbox(t.Context(), adeles)
		var refused *Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "Exchange", refused.Service())
		assert.Equal(t, "Exchange.ManageAsApp", refused.Permission)
		assert.True(t, refused.Says(regexp.MustCompile(`couldn.t be found`)), body)
		assert.NotContains(t, err.Error(), "couldn't", "words of an answer are kept nowhere")
	}
	// A success of the cmdlets for groups has no body, and one that changes nothing a warning.
	for _, answer := range []http.HandlerFunc{reply(http.StatusOK, ``), reply(http.StatusNoContent, ``),
		reply(http.StatusOK, `{"@odata.context":"c","adminapi.warnings@odata.type":"#Collection(String)","@adminapi.warnings":["no settings have been modified"],"value":[]}`)} {
		_, client := exchange(t, answer)
		require.NoError(t, client.ConvertToShared(t.Context(), adeles))
	}
	_, client := exchange(t, reply(http.StatusOK, `<html>`))
	require.Error(t, client.ConvertToShared(t.Context(), adeles))
}

func TestTheFilterForGroupsHoldsTheNameAsItIs(t *testing.T) {
	t.Parallel()
	s, client := exchange(t, reply(http.StatusOK, `{"value":[{"Guid":"g"}]}`))
	member, manages, err := client.DistributionGroups(t.Context(), Recipient{DistinguishedName: "CN=Adele O'Vance"})
	require.NoError(t, err)
	assert.Len(t, append(member, manages...), 2)
	for i, property := range []string{"Members", "ManagedBy"} {
		var body struct {
			CmdletInput struct{ Parameters map[string]any }
		}
		require.NoError(t, json.Unmarshal([]byte(s.all()[i].body), &body))
		assert.Equal(t, property+" -eq 'CN=Adele O''Vance'", body.CmdletInput.Parameters["Filter"])
	}
	_, _, err = client.DistributionGroups(t.Context(), Recipient{})
	require.Error(t, err, "a filter without a name could find any group")
	assert.Len(t, s.all(), 2)
}

func TestTheNextPageIsAskedForAsTheFirst(t *testing.T) {
	t.Parallel()
	s, client := exchange(t, func(w http.ResponseWriter, r *http.Request) {
		body := `{"value":[{"Guid":"a"}],"@odata.nextLink":"http://` + r.Host + r.URL.Path + `?$skiptoken=2"}`
		if strings.Contains(r.URL.RawQuery, "skiptoken") {
			body = `{"value":[{"Guid":"b"}]}`
		}
		reply(http.StatusOK, body)(w, r)
	})
	phones, err := client.MobileDevices(t.Context(), adeles)
	require.NoError(t, err)
	assert.Equal(t, []MobileDevice{{GUID: "a"}, {GUID: "b"}}, phones)
	assert.Equal(t, s.all()[0].body, s.all()[1].body)
	assert.Equal(t, "POST", s.all()[1].method)
}

func TestAnExchangeClientSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := ExchangeOptions{Cloud: clouds[0], TenantID: exchangeTenant, Credential: staticCredential("x"), Doors: []ExchangeDoor{ExchangePreview}}
	_, err := NewExchange(good)
	require.NoError(t, err)
	for want, spoil := range map[string]func(*ExchangeOptions){
		"want a GUID":                 func(o *ExchangeOptions) { o.TenantID = "contoso.com" },
		`there is no door "window"`:   func(o *ExchangeOptions) { o.Doors = []ExchangeDoor{"window"} },
		"no door to Exchange is open": func(o *ExchangeOptions) { o.Doors = nil },
		"needs a credential":          func(o *ExchangeOptions) { o.Credential = nil },
		"the URL is plain http":       func(o *ExchangeOptions) { o.URL = "http://exchange.example.com" },
	} {
		options := good
		spoil(&options)
		_, err := NewExchange(options)
		require.ErrorContains(t, err, want)
	}
	preview, err := NewExchange(good)
	require.NoError(t, err)
	require.ErrorIs(t, preview.ConvertToShared(t.Context(), adeles), ErrDoorClosed)
}

// What Exchange writes in another form than expected is never taken for what was to be seen.
func TestWhatExchangeWritesInAnotherFormIsNotMisread(t *testing.T) {
	t.Parallel()
	megan := Recipient{ObjectID: userID, Name: "megan-1", Identity: "Megan", UserPrincipalName: "megan@contoso.com"}
	for name, want := range map[string]bool{"EURPR01A001.PROD.OUTLOOK.COM/contoso.onmicrosoft.com/megan-1": true, "MEGAN@contoso.com": true, userID: true, "": false, "megan-2": false} {
		assert.Equal(t, want, megan.Goes(name), name)
	}
	for row, want := range map[string]bool{
		`{"AccessRights":["FullAccess"],"Deny":false}`: true, `{"AccessRights":"FullAccess, ReadPermission"}`: true, `{"AccessRights":["FullAccess"],"Deny":null}`: true,
		`{"AccessRights":["FullAccess"],"Deny":true}`: false, `{"AccessRights":["FullAccess"],"Deny":"True"}`: false, `{"AccessRights":["FullAccess"],"Deny":{"IsPresent":true}}`: false,
		`{"AccessRights":["ReadPermission"]}`: false, `{"AccessRights":null}`: false,
	} {
		_, client := exchange(t, reply(http.StatusOK, `{"value":[`+row+`]}`))
		permissions, err := client.MailboxPermissions(t.Context(), adeles)
		require.NoError(t, err)
		assert.Equal(t, want, permissions[0].Allows("FullAccess"), row)
	}
	_, client := exchange(t, reply(http.StatusOK, `{"value":[{"mapiEnabled":false,"OWAEnabled":true,"SmtpClientAuthenticationDisabled":null,"PopEnabled":"False"}]}`))
	states, err := client.ProtocolStates(t.Context(), adeles)
	require.NoError(t, err)
	assert.Equal(t, map[MailProtocol]ProtocolState{MAPI: ProtocolClosed, OWA: ProtocolOpen, SMTP: ProtocolByOrganization, POP: ProtocolByOrganization,
		IMAP: ProtocolByOrganization, EWS: ProtocolByOrganization, ActiveSync: ProtocolByOrganization}, states)
}
