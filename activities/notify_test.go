package activities_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	manager = "max@contoso.com"
	// webhookSecret is a key of 32 bytes.
	webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// listening is a stage whose webhook answers so.
func listening(t *testing.T, answer http.HandlerFunc) *stage {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return set(t, withDevices(), func(c *plugin.Config) { c.WebhookURL, c.WebhookSecret = server.URL+"/graph/hook", webhookSecret })
}

// begun is what is told of Adele.
func (s *stage) begun() leaver.NotifyRequest {
	return leaver.NotifyRequest{ID: "run-begun-1", At: time.Now(), To: leaver.Manager, Event: leaver.Event{
		WorkflowID: "W", RunID: "run", UserID: s.id(adele), Moment: leaver.MomentBegun, Number: 1, Status: leaver.Running, Steps: leaver.StepCounts{Planned: 3, Ended: 1, Done: 1}}}
}

func TestTheWebhookIsToldAnEvent(t *testing.T) {
	t.Parallel()
	came := make(chan map[string]any, 1)
	s := listening(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var event map[string]any
		_ = json.Unmarshal(body, &event)
		came <- event
	})
	request := s.begun()
	require.NoError(t, attempt{}.run(t, s, leaver.ActivityNotifyByWebhook, request, nil))
	event := <-came
	assert.Equal(t, []any{"1.0", "run-begun-1", "dev.leaver.offboarding.begun", "/leaver/default-test-namespace", s.id(adele)},
		[]any{event["specversion"], event["id"], event["type"], event["source"], event["subject"]})
	assert.Equal(t, map[string]any{"workflowId": "W", "runId": "run", "userId": s.id(adele), "moment": "begun", "number": 1.0, "status": "running",
		"steps": map[string]any{"planned": 3.0, "ended": 1.0, "done": 1.0, "skipped": 0.0, "failed": 0.0}}, event["data"])
}

func TestWhatTheWebhookAnswersDecidesWhetherItIsToldAgain(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		408: "", 429: "", 500: "", 502: "", 503: "",
		301: "set LEAVER_WEBHOOK_URL to where it leads", 401: "LEAVER_WEBHOOK_SECRET_FILE", 403: "LEAVER_WEBHOOK_SECRET_FILE",
		404: "there is no receiver", 410: "there is no receiver", 400: "its own log says why", 413: "its own log says why",
	} {
		s := listening(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			http.Error(w, "Adele Vance is not known", status)
		})
		err := attempt{}.run(t, s, leaver.ActivityNotifyByWebhook, s.begun(), nil)
		failure := failed(t, s, err, leaver.NotDelivered, want == "")
		assert.Contains(t, failure.Message(), "the webhook answered "+strconv.Itoa(status))
		assert.Contains(t, failure.Message(), want)
		assert.Equal(t, 7*time.Second, failure.NextRetryDelay())
	}
	s := set(t, withDevices(), func(c *plugin.Config) { c.WebhookURL, c.WebhookSecret = "http://127.0.0.1:1/graph", webhookSecret })
	waiting(t, s, attempt{}.run(t, s, leaver.ActivityNotifyByWebhook, s.begun(), nil), leaver.NotDelivered)
	s = set(t, withDevices())
	assert.Contains(t, final(t, s, attempt{}.run(t, s, leaver.ActivityNotifyByWebhook, s.begun(), nil), leaver.NotDelivered).Message(), "set LEAVER_WEBHOOK_URL")
	assert.Contains(t, final(t, s, attempt{}.run(t, s, leaver.ActivityNotifyByMail, s.begun(), nil), leaver.NotDelivered).Message(), "set LEAVER_MAIL_FROM")
}

// managed is a stage where Max is Adele's manager, and IT has the mailbox that mails are sent from.
func managed(t *testing.T) *stage {
	t.Helper()
	s := set(t, withDevices(), func(c *plugin.Config) { c.MailFrom = "it@contoso.com" })
	s.Add(graphsim.User{UserPrincipalName: "it@contoso.com", AccountEnabled: true, MailboxPurpose: "shared"})
	id := s.Add(graphsim.User{UserPrincipalName: manager, DisplayName: "Max Manager", AccountEnabled: true, Texts: map[string]string{"mail": "Max.Manager@contoso.com"}})
	s.change(func(u *graphsim.User) { u.ManagerID = id })
	return s
}

func (s *stage) mails(t *testing.T, request leaver.NotifyRequest) error {
	t.Helper()
	return attempt{}.run(t, s, leaver.ActivityNotifyByMail, request, nil)
}

func TestTheManagerGetsAMail(t *testing.T) {
	t.Parallel()
	s := managed(t)
	require.NoError(t, s.mails(t, s.begun()))
	require.Len(t, s.Mails(), 1)
	assert.Equal(t, graphsim.SentMail{From: s.id("it@contoso.com"), To: []string{"Max.Manager@contoso.com"}, Headers: map[string]string{"x-leaver-run-id": "run"},
		Subject: "The offboarding of Adele Vance has begun",
		Text: "The offboarding of Adele Vance has begun.\n\nOf 3 steps 1 have ended: 1 done, 0 left out, 0 without success.\n\n" +
			"Those who run the offboardings find this one in Temporal, by the workflow id W.\n"}, s.Mails()[0])
}

func TestAMailSaysWhatIsAskedAndHowItEnded(t *testing.T) {
	t.Parallel()
	s := managed(t)
	request := s.begun()
	request.Event.Moment, request.Event.Status = leaver.MomentWaits, leaver.Waiting
	request.Event.Waits = []leaver.EventWait{{For: leaver.WaitForPerson, Actions: []leaver.Action{leaver.Approve}}, {For: leaver.WaitForPerson, Actions: []leaver.Action{leaver.ContinueOffboarding}},
		{Step: leaver.StepRemoveAllDevices, For: leaver.WaitForApproval}, {Step: leaver.StepRevokeSessions, For: leaver.WaitForPerson, Actions: []leaver.Action{leaver.RetryStep}}}
	require.NoError(t, s.mails(t, request))
	assert.Equal(t, "The offboarding of Adele Vance waits for a person", s.Mails()[0].Subject)
	for _, line := range []string{"The whole offboarding: the plan is to be approved, or rejected.\n", "The whole offboarding: somebody has enabled the account again",
		"removeAllDevices: a second administrator is to approve in Intune.\n", "revokeSessions: an administrator is to decide.\n"} {
		assert.Contains(t, s.Mails()[0].Text, line)
	}
	for _, status := range []leaver.Status{leaver.Completed, leaver.CompletedWithExceptions, leaver.Incomplete, leaver.Aborted, leaver.Rejected, leaver.CanceledStatus} {
		request.Event.Moment, request.Event.Status = leaver.MomentEnded, status
		require.NoError(t, s.mails(t, request))
		mails := s.Mails()
		subject := mails[len(mails)-1].Subject
		assert.True(t, strings.HasPrefix(subject, "The offboarding of Adele Vance has ended: "), subject)
		assert.NotContains(t, subject, string(status)+"ed", "it is in words")
	}
}

func TestAMailGoesToWhoIsNamedOrToTheNextManagerAbove(t *testing.T) {
	t.Parallel()
	s := managed(t)
	request := s.begun()
	request.To = "it@contoso.com"
	assert.Contains(t, final(t, s, s.mails(t, request), leaver.NotDelivered).Message(), "the user whom the profile names in notify has no mail address")
	request.To = manager
	require.NoError(t, s.mails(t, request))
	request.To = s.id(manager)
	require.NoError(t, s.mails(t, request))

	disabled := s.Users()[manager]
	disabled.AccountEnabled = false
	disabled.ManagerID = s.Add(graphsim.User{UserPrincipalName: megan, AccountEnabled: true, Texts: map[string]string{"mail": megan}})
	s.Add(disabled)
	require.NoError(t, s.mails(t, s.begun()))
	assert.Equal(t, []string{megan}, s.Mails()[2].To)

	s.change(func(u *graphsim.User) { u.ManagerID = "" })
	assert.Contains(t, final(t, s, s.mails(t, s.begun()), leaver.NotDelivered).Message(), "the leaver has no manager in Entra")
	assert.Len(t, s.Mails(), 3)
}

// Graph tells nobody's manager of an account that the offboarding has deleted.
func TestTheManagerOfADeletedAccountIsThePlans(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.config.Profiles = map[string]leaver.Profile{leaver.DefaultProfile: {Notify: leaver.Notify{Mail: []leaver.Mail{{To: leaver.Manager, At: []leaver.Moment{leaver.MomentEnded}}}}}}
	var err error
	s.offboarding, err = plugin.New(s.config)
	require.NoError(t, err)
	plan := planFor(t, s, leaver.Request{UserID: adele})
	assert.Equal(t, s.config.Profiles[leaver.DefaultProfile].Notify, plan.Notify)
	assert.Equal(t, s.id(manager), plan.ManagerID)

	s.change(func(u *graphsim.User) { u.Deleted = true })
	request := s.begun()
	request.ManagerID = plan.ManagerID
	require.NoError(t, s.mails(t, request))
	assert.Equal(t, []string{"Max.Manager@contoso.com"}, s.Mails()[0].To)
	assert.Equal(t, "The offboarding of Adele Vance has begun", s.Mails()[0].Subject)
}

// A mail is sent again only where it was certainly not sent before.
func TestAMailThatMayHaveBeenSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault graphsim.Fault
		why   leaver.FailureType
		waits bool
	}{
		{graphsim.Fault{Status: 429, RetryAfter: "7"}, leaver.GraphThrottled, true},
		{graphsim.Fault{Status: 503}, leaver.GraphUnavailable, true},
		{graphsim.Fault{Status: 403, Code: "ErrorAccessDenied"}, leaver.GraphForbidden, false},
		{graphsim.Fault{Status: 500}, leaver.NotDelivered, false},
		{graphsim.Fault{Status: 504, HTML: true}, leaver.NotDelivered, false},
		{graphsim.Fault{Cut: true}, leaver.NotDelivered, false},
		{graphsim.Fault{Reset: true}, leaver.NotDelivered, false},
		{graphsim.Fault{Status: 408}, leaver.NotDelivered, false},
	} {
		s := managed(t)
		c.fault.Path, c.fault.Message = "/sendMail", "Max Manager and Adele Vance are not known."
		s.Fail(c.fault)
		failure := failed(t, s, s.mails(t, s.begun()), c.why, c.waits)
		assert.Equal(t, c.why == leaver.NotDelivered, strings.Contains(failure.Message(), "the mail may have been sent"), failure.Message())
	}
	s := managed(t)
	s.Fail(graphsim.Fault{Path: "/manager", Status: 504})
	waiting(t, s, s.mails(t, s.begun()), leaver.GraphUnavailable)
}

func TestASenderWithoutAMailboxIsNamedByItsVariable(t *testing.T) {
	t.Parallel()
	s := managed(t)
	sender := s.Users()["it@contoso.com"]
	sender.MailboxPurpose = ""
	s.Add(sender)
	message := final(t, s, s.mails(t, s.begun()), leaver.NotDelivered).Message()
	assert.Contains(t, message, "LEAVER_MAIL_FROM")
	assert.Contains(t, message, "404 MailboxNotEnabledForRESTAPI")

	sender.MailboxPurpose, sender.Mailbox = "shared", graphsim.Always(graphsim.Mailbox{Denied: true})
	s.Add(sender)
	message = final(t, s, s.mails(t, s.begun()), leaver.GraphForbidden).Message()
	assert.Contains(t, message, "Mail.Send")
	assert.Contains(t, message, "RBAC for Applications")
	assert.Empty(t, s.Mails())
}
