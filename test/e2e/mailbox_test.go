package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the mailbox does for the leaver ends, and people are told; the report holds nothing that stood in the mailbox.
func TestAMailboxIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.MailboxPurpose, adele.ManagerID = "user", w.tenant.Add(graphsim.User{UserPrincipalName: "max@contoso.com", DisplayName: "Max", AccountEnabled: true, Texts: map[string]string{"mail": "max@contoso.com"}})
	soon, others := time.Now().Add(48*time.Hour), []string{"zaphod@example.org"}
	adele.Mailbox = graphsim.Always(graphsim.Mailbox{
		Rules:  []graphsim.InboxRule{{ID: "r1", Name: "Zaphod", IsEnabled: true, ForwardTo: others}, {ID: "r2", Name: "Zaphod", IsEnabled: true}},
		Events: []graphsim.Event{{ID: "d1", Series: "weekly", Subject: "Zaphod", Start: soon, Organized: true, Attendees: others}, {ID: "e1", Subject: "Zaphod", Start: soon, Attendees: others}},
		Shares: []graphsim.CalendarShare{{ID: "s0", Role: "freeBusyRead", Fixed: true}, {ID: "s1", Role: "write", Address: others[0]}},
	})
	w.tenant.Add(adele)
	w.before = w.tenant.Users()

	steps := map[string]leaver.StepSettings{leaver.StepSetAutomaticReply: {Include: true, Settings: leaver.Settings{InternalMessage: "{leaverName} has left. Write to {handOverToMail}."}}}
	for _, name := range []string{leaver.StepDisableInboxRules, leaver.StepCancelMeetings, leaver.StepRemoveCalendarShares} {
		steps[name] = leaver.StepSettings{Include: true}
	}
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Steps: steps})
	report := w.completed("W")
	after := w.tenant.Users()[graphsim.Leaver].Mailbox.Now()
	assert.Equal(t, "alwaysEnabled", after.AutomaticReply.Status)
	assert.Contains(t, after.AutomaticReply.InternalMessage, "has left. Write to max@contoso.com.")
	assert.False(t, after.Rules[0].IsEnabled || after.Rules[1].IsEnabled)
	assert.Len(t, after.Events, 1)
	assert.Len(t, after.Sent, 1)
	assert.Len(t, after.Shares, 1)
	assert.Equal(t, map[string]string{"role": "write"}, step(report, leaver.StepRemoveCalendarShares).Items[1].Before)
	assert.Contains(t, step(report, leaver.StepDisableInboxRules).Detail, "2 items changed; Graph does not show hidden rules")
	told, err := json.Marshal(report)
	require.NoError(t, err)
	assert.NotContains(t, strings.ToLower(string(told)), "zaphod")
}
