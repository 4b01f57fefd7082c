package graph

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAutomaticReplyIsReadAndSet(t *testing.T) {
	t.Parallel()
	const setting = `{"automaticRepliesSetting":{"status":"alwaysEnabled","externalAudience":"all","internalReplyMessage":"in","externalReplyMessage":"out"}}`
	s, client := serve(t, reply(http.StatusOK, setting))
	want := AutomaticReply{Status: "alwaysEnabled", ExternalAudience: "all", InternalMessage: "in", ExternalMessage: "out"}
	got, err := client.AutomaticReply(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	require.NoError(t, client.SetAutomaticReply(t.Context(), userID, want))
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/mailboxSettings?$select=automaticRepliesSetting", s.all()[0].target)
	assert.Equal(t, "PATCH /graph/v1.0/users/"+userID+"/mailboxSettings", s.all()[1].method+" "+s.all()[1].target)
	assert.JSONEq(t, setting, s.all()[1].body)
}

func TestAMailboxThatDoesNotTellItsStatusIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"automaticRepliesSetting":null}`, `{"automaticRepliesSetting":{}}`, `{"automaticRepliesSetting":{"status":null}}`, `{"automaticRepliesSetting":[]}`, `null`} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.AutomaticReply(t.Context(), userID)
		require.ErrorAs(t, err, new(*AnswerError), body)
	}
}

func TestARuleIsDisabledOnlyWhereGraphSaysSo(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[
		{"id":"a","isEnabled":false,"displayName":"private"},
		{"id":"b","isEnabled":true,"isReadOnly":true,"actions":{"forwardTo":[{"emailAddress":{"address":"x@y"}}],"delete":true}},
		{"id":"c","isEnabled":null,"actions":{"redirectTo":[]}},
		{"id":"d","isEnabled":"false","actions":{"forwardAsAttachmentTo":[{}]}},
		{"id":"e","actions":{"redirectTo":[{}]}}]}`))
	rules, err := client.InboxRules(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []InboxRule{{ID: "a", Disabled: true}, {ID: "b", ReadOnly: true, Forwards: true}, {ID: "c"}, {ID: "d", Forwards: true}, {ID: "e", Forwards: true}}, rules)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/mailFolders/inbox/messageRules", s.all()[0].target)

	s, client = serve(t, reply(http.StatusOK, `{"id":"b","isEnabled":false}`))
	require.NoError(t, client.DisableInboxRule(t.Context(), userID, "b=="))
	assert.Equal(t, "PATCH /graph/v1.0/users/"+userID+"/mailFolders/inbox/messageRules/b==", s.all()[0].method+" "+s.all()[0].target)
	assert.JSONEq(t, `{"isEnabled":false}`, s.all()[0].body)
}

func TestTheDatesOfACalendarAreListedBetweenTwoTimes(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[
		{"id":"a","seriesMasterId":null,"isOrganizer":true,"attendees":[{},{}],"subject":"private"},
		{"id":"b","seriesMasterId":"m","isOrganizer":false,"isCancelled":true,"attendees":[]}]}`))
	from := time.Date(2026, 11, 26, 12, 0, 0, 0, time.FixedZone("", 3600))
	events, err := client.CalendarView(t.Context(), userID, from, from.AddDate(1, 0, 0))
	require.NoError(t, err)
	assert.Equal(t, []Event{{ID: "a", IsOrganizer: true, Attendees: 2}, {ID: "b", SeriesMasterID: "m", IsCancelled: true}}, events)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/calendarView?startDateTime=2026-11-26T11%3A00%3A00Z&endDateTime=2027-11-26T11%3A00%3A00Z&$select=id,seriesMasterId,isOrganizer,isCancelled,attendees&$top=500", s.all()[0].target)
}

func TestADateThatDoesNotTellWhoseItIsIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []string{`{"id":"a"}`, `{"id":"a","isOrganizer":true}`, `{"id":"a","attendees":[]}`, `{"id":"a","isOrganizer":true,"attendees":null}`, `{"id":"a","isOrganizer":"true","attendees":[]}`, `"a"`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+row+`]}`))
		_, err := client.CalendarView(t.Context(), userID, time.Time{}, time.Time{})
		require.ErrorAs(t, err, new(*HiddenError), row)
	}
}

func TestAMeetingIsCancelledWithAComment(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusAccepted, ""))
	require.NoError(t, client.CancelEvent(t.Context(), userID, "e1", "gone"))
	assert.Equal(t, "POST /graph/v1.0/users/"+userID+"/events/e1/cancel", s.all()[0].method+" "+s.all()[0].target)
	assert.JSONEq(t, `{"comment":"gone"}`, s.all()[0].body)
}

func TestAShareThatDoesNotSayThatItIsRemovableIsNot(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"a","isRemovable":true,"role":"read","emailAddress":{"address":"x@y"}},{"id":"b","isRemovable":false},{"id":"c"},{"id":"d","isRemovable":"true"}]}`))
	shares, err := client.CalendarPermissions(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []CalendarPermission{{"a", "read", true}, {ID: "b"}, {ID: "c"}, {ID: "d"}}, shares)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/calendar/calendarPermissions", s.all()[0].target)

	s, client = serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.DeleteCalendarPermission(t.Context(), userID, "a=="))
	assert.Equal(t, "DELETE /graph/v1.0/users/"+userID+"/calendar/calendarPermissions/a==", s.all()[0].method+" "+s.all()[0].target)
}

// What lies below a user has two ids, and neither may lead elsewhere.
func TestBothIDsOfAPathAreChecked(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{}`))
	for _, bad := range []string{"", "..", "a/b", "a?b"} {
		for _, err := range []error{client.DisableInboxRule(t.Context(), bad, "r"), client.DisableInboxRule(t.Context(), userID, bad),
			client.CancelEvent(t.Context(), bad, "e", ""), client.DeleteCalendarPermission(t.Context(), bad, "p")} {
			require.ErrorAs(t, err, new(*UnusableIDError))
		}
	}
	assert.Empty(t, s.all())
}

func TestAPersonIsReadAsPeopleNameOne(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"@odata.type":"#microsoft.graph.user","id":"`+otherwise+`","displayName":"Megan","mail":"megan@contoso.com"}`))
	person, err := client.Contact(t.Context(), "megan@contoso.com")
	require.NoError(t, err)
	assert.Equal(t, Contact{otherwise, "Megan", "megan@contoso.com"}, person)
	assert.Equal(t, "/graph/v1.0/users/megan@contoso.com?$select=id,displayName,mail", s.all()[0].target)

	_, client = serve(t, reply(http.StatusOK, `{"displayName":"Megan"}`))
	_, err = client.Contact(t.Context(), "megan@contoso.com")
	require.ErrorAs(t, err, new(*AnswerError))
}
