package graphsim_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withMailbox is a tenant where Lee has a mailbox.
func withMailbox(t *testing.T, m graphsim.Mailbox) *office {
	t.Helper()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: lee, MailboxPurpose: "user", Mailbox: graphsim.Always(m)})
	return o
}

func (o *office) mailbox() graphsim.Mailbox { return o.Users()[lee].Mailbox.Now() }

const (
	rules  = "/users/" + lee + "/mailFolders/inbox/messageRules"
	shares = "/users/" + lee + "/calendar/calendarPermissions"
)

// calendarView is the path of the dates within a year from now.
func calendarView() string {
	return "/users/" + lee + "/calendarView?startDateTime=" + url.QueryEscape(time.Now().UTC().Format(time.RFC3339)) +
		"&endDateTime=" + url.QueryEscape(time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339))
}

func TestExchangeRefusesAMailboxThatIsMissingOrLeftOut(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{Denied: true})
	for path, method := range map[string]string{"/users/" + lee + "/mailboxSettings": "GET", rules: "GET", rules + "/r1": "PATCH", calendarView(): "GET", "/users/" + lee + "/events/e1/cancel": "POST", shares: "GET", shares + "/s1": "DELETE"} {
		r := o.graph(method, path, "{}")
		assert.Equal(t, []any{403, "ErrorAccessDenied"}, []any{r.status, r.code(t)}, path)
	}
	user := o.Users()[lee]
	user.MailboxPurpose = ""
	o.Add(user)
	for _, path := range []string{"/users/" + lee + "/mailboxSettings", rules, calendarView(), shares} {
		r := o.graph("GET", path, "")
		assert.Equal(t, []any{404, "MailboxNotEnabledForRESTAPI"}, []any{r.status, r.code(t)}, path)
	}
	o.token = o.Token(graphsim.Application, "User.Read.All")
	assert.Equal(t, "ErrorAccessDenied", o.graph("GET", rules, "").code(t), "Exchange words a missing permission so too")
}

func TestAnAutomaticReplyKeepsWhatIsNotSet(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{AutomaticReply: graphsim.AutomaticReply{Status: "disabled", ExternalAudience: "none", InternalMessage: "in", ExternalMessage: "out"}})
	const settings = "/users/" + lee + "/mailboxSettings"
	require.Equal(t, 200, o.graph("PATCH", settings, `{"automaticRepliesSetting":{"status":"alwaysEnabled","internalReplyMessage":"gone"}}`).status)
	assert.Equal(t, graphsim.AutomaticReply{Status: "alwaysEnabled", ExternalAudience: "none", InternalMessage: "<html>\n<body>\ngone\n</body>\n</html>\n", ExternalMessage: "out"}, o.mailbox().AutomaticReply)
	shown := o.graph("GET", settings+"?$select=automaticRepliesSetting", "").json(t)
	assert.Equal(t, "alwaysEnabled", shown["automaticRepliesSetting"].(map[string]any)["status"])
	assert.NotContains(t, shown, "userPurpose")
	for _, body := range []string{`{"automaticRepliesSetting":{"status":"on"}}`, `{}`, `[]`, ``} {
		assert.Equal(t, 400, o.graph("PATCH", settings, body).status, body)
	}
	assert.Equal(t, 400, o.graph("GET", settings+"?$select=nonsense", "").status)
}

func TestARuleThatIsReadOnlyOrHiddenIsNotChanged(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{Rules: []graphsim.InboxRule{{ID: "r1", IsEnabled: true, ForwardTo: []string{"x@example.org"}}, {ID: "r2", IsEnabled: true, ReadOnly: true}, {ID: "r3", IsEnabled: true, Hidden: true}}})
	assert.Len(t, o.list(rules), 2)
	assert.Equal(t, 200, o.graph("PATCH", rules+"/r1", `{"isEnabled":false}`).status)
	assert.Equal(t, 400, o.graph("PATCH", rules+"/r2", `{"isEnabled":false}`).status)
	assert.Equal(t, 404, o.graph("PATCH", rules+"/r3", `{"isEnabled":false}`).status)
	assert.Equal(t, 400, o.graph("PATCH", rules+"/r1", `{}`).status)
	var enabled []bool
	for _, rule := range o.mailbox().Rules {
		enabled = append(enabled, rule.IsEnabled)
	}
	assert.Equal(t, []bool{false, true, true}, enabled)
}

func TestOnlyTheOrganiserCancelsAMeeting(t *testing.T) {
	t.Parallel()
	soon, past := time.Now().Add(time.Hour), time.Now().AddDate(0, -1, 0)
	o := withMailbox(t, graphsim.Mailbox{Events: []graphsim.Event{{ID: "e0", Series: "m", Start: past, Organized: true}, {ID: "e1", Series: "m", Start: soon, Organized: true, Attendees: []string{adele}},
		{ID: "e2", Start: soon}, {ID: "e3", Start: soon, Organized: true}, {ID: "e4", Start: soon.AddDate(3, 0, 0), Organized: true}}})
	assert.Len(t, o.list(calendarView()), 3, "what has been, and what is later, is not shown")
	cancel := func(id string) reply {
		return o.graph("POST", "/users/"+lee+"/events/"+id+"/cancel", `{"comment":"gone"}`)
	}
	assert.Contains(t, cancel("e2").message(t), "You need to be an organizer to cancel a meeting.")
	assert.Equal(t, 202, cancel("m").status)
	assert.Equal(t, "ErrorItemNotFound", cancel("m").code(t))
	assert.Equal(t, 202, cancel("e3").status)
	assert.Equal(t, []graphsim.CancelledMeeting{{ID: "m", Comment: "gone"}, {ID: "e3", Comment: "gone"}}, o.mailbox().Sent)
	require.Len(t, o.mailbox().Events, 2, "the dates of a series that have been are gone too")
	assert.Equal(t, 400, o.graph("GET", "/users/"+lee+"/calendarView", "").status)
}

func TestTheShareOfEverybodyStays(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{Shares: []graphsim.CalendarShare{{ID: "s0", Role: "freeBusyRead", Fixed: true}, {ID: "s1", Role: "write", Address: adele}}})
	assert.Equal(t, 400, o.graph("DELETE", shares+"/s0", "").status)
	assert.Equal(t, 204, o.graph("DELETE", shares+"/s1", "").status)
	assert.Equal(t, 404, o.graph("DELETE", shares+"/s1", "").status)
	assert.Len(t, o.mailbox().Shares, 1)
}

func TestReadsOfAMailboxLagBehindWrites(t *testing.T) {
	t.Parallel()
	o := withMailbox(t, graphsim.Mailbox{Shares: []graphsim.CalendarShare{{ID: "s1", Role: "write"}}})
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	assert.Equal(t, 204, o.graph("DELETE", shares+"/s1", "").status)
	assert.Len(t, o.list(shares), 1, "the removal does not show yet")
	assert.Equal(t, 404, o.graph("DELETE", shares+"/s1", "").status)
}
