package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	ruling     = each{leaver.ActivityListInboxRules, leaver.ActivityDisableInboxRule}
	cancelling = each{leaver.ActivityListMeetings, leaver.ActivityCancelMeeting}
	unsharing  = each{leaver.ActivityListCalendarShares, leaver.ActivityRemoveCalendarShare}

	// ofMailbox are the steps that change something of a mailbox.
	ofMailbox = []each{ruling, cancelling, unsharing}
)

// full is a mailbox with one thing for each step, and one that nobody changes.
func full() graphsim.Mailbox {
	soon := time.Now().Add(24 * time.Hour)
	return graphsim.Mailbox{
		AutomaticReply: graphsim.AutomaticReply{Status: "scheduled", ExternalAudience: "all", InternalMessage: "secret plans", ExternalMessage: "secret plans"},
		Rules:          []graphsim.InboxRule{{ID: "r0", Name: "Private", IsEnabled: false}, {ID: "r1", Name: "Private", IsEnabled: true, ForwardTo: []string{"zaphod@example.org"}}},
		Events:         []graphsim.Event{{ID: "e0", Subject: "Private", Start: soon}, {ID: "e1", Subject: "Private", Start: soon, Organized: true, Attendees: []string{"zaphod@example.org"}}},
		Shares:         []graphsim.CalendarShare{{ID: "s0", Role: "freeBusyRead", Fixed: true}, {ID: "s1", Role: "write", Address: "zaphod@example.org"}},
	}
}

// withMailboxes is Adele with a mailbox, and Megan, who has the same.
func withMailboxes(t *testing.T, m graphsim.Mailbox) (*stage, leaver.StepRequest) {
	t.Helper()
	s := set(t, []graphsim.User{
		{UserPrincipalName: adele, DisplayName: "Adele Vance", AccountEnabled: true, MailboxPurpose: "user", Mailbox: graphsim.Always(m)},
		{UserPrincipalName: megan, DisplayName: "Megan Bowen", AccountEnabled: true, MailboxPurpose: "user", Mailbox: graphsim.Always(m)},
	})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

func (s *stage) mailbox(name string) graphsim.Mailbox { return s.Users()[name].Mailbox.Now() }

// open is the one item that a step is to change of a full mailbox.
func open(t *testing.T, s *stage, step each, request leaver.StepRequest) leaver.Item {
	t.Helper()
	var all []leaver.Item
	for _, item := range step.lists(t, s, request).Items {
		if item.Outcome == "" {
			all = append(all, item)
		}
	}
	require.Len(t, all, 1)
	return all[0]
}

func TestAMailboxStepChangesWhatItListsAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		assert.Equal(t, leaver.Done, step.changed(t, s, 1, request, item).Outcome, step.change)
		changed := s.mailbox(adele)
		want := full()
		switch step {
		case ruling:
			want.Rules[1].IsEnabled = false
		case cancelling:
			want.Sent, changed.Sent = nil, nil
			want.Events = want.Events[:1]
		case unsharing:
			want.Shares = want.Shares[:1]
		}
		for i := range want.Events {
			want.Events[i].Start = changed.Events[i].Start
		}
		assert.Equal(t, want, changed, step.change)
		assert.Empty(t, s.mailbox(megan).Sent)
		assert.Len(t, s.mailbox(megan).Events, 2)
		assert.Len(t, s.writes(), 1)

		// The second run finds nothing to do.
		for _, item := range step.lists(t, s, request).Items {
			assert.Contains(t, []leaver.Outcome{leaver.AlreadyDone, leaver.Skipped}, item.Outcome)
			assert.NotEmpty(t, item.Detail)
		}
		request.Items = []leaver.Item{item}
		for _, again := range step.lists(t, s, request).Items {
			assert.Equal(t, again.ID == item.ID, again.Outcome == leaver.Done, "it was to be changed when the step began")
		}
		assert.Equal(t, leaver.Done, step.changed(t, s, 2, request, item).Outcome)
		assert.Len(t, s.writes(), 1)
	}
}

func TestAChangeOfAMailboxThatDoesNotShowYetIsNotDone(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
		for n := range int32(2) {
			_, err := step.changes(t, s, n+1, request, item)
			waiting(t, s, err, leaver.GraphUnavailable)
		}
		s.Configure(graphsim.Settings{})
		assert.Equal(t, leaver.Done, step.changed(t, s, 3, request, item).Outcome)
		assert.LessOrEqual(t, len(s.mailbox(adele).Sent), 1, "nobody is told twice")
	}
}

func TestAChangeOfAMailboxWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		for _, method := range []string{"PATCH", "POST", "DELETE"} {
			s.Fail(graphsim.Fault{Method: method, Cut: true})
		}
		waiting(t, s, errorOf(step.changes(t, s, 1, request, item)), leaver.GraphUnavailable)
		assert.Equal(t, leaver.Done, step.changed(t, s, 2, request, item).Outcome, step.change)
		assert.Len(t, s.writes(), 1)
	}
}

func TestALeaverWithoutAMailboxNeedsNoMailboxStep(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		s.change(func(u *graphsim.User) { u.MailboxPurpose = "" })
		result := step.lists(t, s, request)
		assert.Equal(t, leaver.Skipped, result.Outcome)
		assert.Contains(t, result.Detail, "its licence has been taken away already")
		assertItem(t, step.changed(t, s, 1, request, item), leaver.Skipped, "Graph reaches no mailbox of the leaver")
		request.Items = []leaver.Item{item}
		assertItem(t, step.lists(t, s, request).Items[0], leaver.Skipped, "Graph reaches no mailbox of the leaver")
		assert.Empty(t, s.writes())
	}
}

func TestAMailboxOfADeletedLeaverIsNotLookedInto(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		s.change(func(u *graphsim.User) { u.Deleted = true })
		assert.Equal(t, leaver.StepResult{Detail: "the account is deleted"}, step.lists(t, s, request))
	}
}

func TestAMailboxThatExchangeLeavesOutIsForAPerson(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		s.change(func(u *graphsim.User) {
			m := u.Mailbox.Now()
			m.Denied = true
			u.Mailbox = graphsim.Always(m)
		})
		for _, err := range []error{errorOf(call[leaver.StepResult](t, s, 1, step.list, request)), errorOf(step.changes(t, s, 1, request, item))} {
			message := final(t, s, err, leaver.GraphForbidden).Message()
			assert.Contains(t, message, "RBAC for Applications")
			assert.Contains(t, message, "grant the permission")
		}
		assert.Empty(t, s.writes())
	}
}

func TestABusyMailboxIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, step := range ofMailbox {
		s, request := withMailboxes(t, full())
		item := open(t, s, step, request)
		s.Fail(graphsim.Fault{Status: 429, Code: "ApplicationThrottled", Message: "Application is over its MailboxConcurrency limit.", RetryAfter: "7"})
		failure := waiting(t, s, errorOf(step.changes(t, s, 1, request, item)), leaver.GraphThrottled)
		assert.Equal(t, 7*time.Second, failure.NextRetryDelay())
		assert.Equal(t, leaver.Done, step.changed(t, s, 2, request, item).Outcome)
	}
}

func TestNothingPrivateOfAMailboxIsTold(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, full())
	for _, step := range ofMailbox {
		for _, item := range step.lists(t, s, request).Items {
			assertPrivate(t, item)
		}
		assertPrivate(t, step.changed(t, s, 1, request, open(t, s, step, request)))
	}
	request.Settings.InternalMessage = "Write to somebody else."
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivitySetAutomaticReply, request)
	require.NoError(t, err)
	assertPrivate(t, result)
}

func TestADryRunSaysWhatAMailboxHolds(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	request := with(leaver.StepSettings{Include: true}, leaver.StepDisableInboxRules, leaver.StepCancelMeetings, leaver.StepRemoveCalendarShares)
	request.DryRun = true
	plan := planFor(t, s, request)
	assert.Contains(t, stepOf(t, plan, leaver.StepCancelMeetings).Note, "to be cancelled: 1")
	assert.Contains(t, stepOf(t, plan, leaver.StepDisableInboxRules).Note, "hidden rules")
	assert.Empty(t, stepOf(t, plan, leaver.StepRemoveCalendarShares).Note)
	assert.Len(t, stepOf(t, plan, leaver.StepRemoveCalendarShares).Items, 2)
	s.change(func(u *graphsim.User) { u.MailboxPurpose = "" })
	assert.Contains(t, stepOf(t, planFor(t, s, request), leaver.StepCancelMeetings).Note, "Graph reaches no mailbox")
	assert.Empty(t, s.writes())
}
