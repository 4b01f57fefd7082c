package workflows_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// receiver is a webhook, and what it was told.
type receiver struct {
	url    string
	mu     sync.Mutex
	broken int // the status that it answers with, or zero
	tries  int
	events []heard
	text   string // all that came
}

// heard is an event that came.
type heard struct {
	ID   string       `json:"id"`
	Time time.Time    `json:"time"`
	Data leaver.Event `json:"data"`
}

// compare says which of two events happened first: events of one moment of virtual time may come in any order.
func (h heard) compare(other heard) int {
	order := []leaver.Moment{leaver.MomentBegun, leaver.MomentWaits, leaver.MomentEnded}
	return cmp.Or(h.Time.Compare(other.Time), slices.Index(order, h.Data.Moment)-slices.Index(order, other.Data.Moment))
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(request.Body)
	var event heard
	_ = json.Unmarshal(body, &event)
	if r.tries++; r.broken != 0 {
		w.WriteHeader(r.broken)
		return
	}
	r.events, r.text = append(r.events, event), r.text+string(body)
	slices.SortStableFunc(r.events, heard.compare)
}

// breaks has the webhook answer with a status from now on; zero has it work.
func (r *receiver) breaks(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = status
}

// told is what the webhook was told, as "begun 1, waits 1", and the status at the end.
func (r *receiver) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, event := range r.events {
		e := event.Data
		all = append(all, fmt.Sprint(e.Moment, " ", e.Number, " ", e.Status))
		if !strings.HasSuffix(event.ID, fmt.Sprintf("%s-%s-%d", e.RunID, e.Moment, e.Number)) {
			all = append(all, "with another id")
		}
	}
	return strings.Join(all, ", ")
}

// tells has an office's default profile tell a webhook of all moments.
func (r *receiver) tells(c *plugin.Config) {
	c.WebhookURL, c.WebhookSecret = r.url, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	c.Profiles = map[string]leaver.Profile{leaver.DefaultProfile: {Notify: leaver.Notify{Webhook: []leaver.Moment{leaver.MomentBegun, leaver.MomentWaits, leaver.MomentEnded}}}}
}

func TestEachMomentIsToldOnce(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	o := newOffice(t, hook.tells).forbid("PATCH", "")
	o.after(time.Hour, func() { o.signal(leaver.RetryStep, `{"step":"disableAccount"}`) }) // is refused again
	o.after(2*time.Hour, func() {
		o.tenant.Heal()
		o.signal(leaver.RetryStep, `{"step":"disableAccount"}`)
	})
	report := o.ends(leaver.Completed, adele)
	assert.Equal(t, "begun 1 running, waits 1 waiting, waits 2 waiting, ended 1 completed", hook.told())
	assert.Equal(t, []leaver.EventWait{{Step: "disableAccount", For: leaver.WaitForPerson, Actions: []leaver.Action{leaver.RetryStep, leaver.SkipStep, leaver.Abort}}}, hook.events[1].Data.Waits)
	assert.Equal(t, leaver.StepCounts{Planned: 3, Ended: 3, Done: 3}, hook.events[3].Data.Steps)
	require.Len(t, report.Notices, 4)
	for i, notice := range report.Notices {
		assert.Equal(t, leaver.Done, notice.Outcome)
		assert.True(t, slices.ContainsFunc(hook.events, func(h heard) bool { return h.ID == notice.ID }))
		assert.False(t, slices.ContainsFunc(report.Notices[:i], func(n leaver.Notice) bool { return n.ID == notice.ID }))
	}
	for _, word := range []string{"adele", "Vance", "contoso", "CONTOSO-LT", "reason", "127.0.0.1"} {
		assert.NotContains(t, strings.ToLower(hook.text), strings.ToLower(word), "ids and counts alone")
	}
}

func TestAPlanThatMustBeApprovedIsToldBeforeAnythingBegins(t *testing.T) {
	t.Parallel()
	for decision, want := range map[leaver.Action]string{
		leaver.Approve: "waits 1 waiting, begun 1 running, ended 1 completed",
		leaver.Reject:  "waits 1 waiting, ended 1 rejected",
		leaver.Abort:   "waits 1 waiting, ended 1 aborted",
	} {
		hook := newReceiver(t)
		o := newOffice(t, hook.tells, func(c *plugin.Config) { c.Guards.Approvals = activities.ApproveAlways })
		o.after(time.Hour, func() { o.signal(decision, `{"by":"it@contoso.com","reason":"of Adele"}`) })
		_, _ = o.run(adele)
		assert.Equal(t, want, hook.told())
		assert.Equal(t, []leaver.EventWait{{For: leaver.WaitForPerson, Actions: []leaver.Action{leaver.Approve, leaver.Reject, leaver.Abort}}}, hook.events[0].Data.Waits)
		assert.NotContains(t, hook.text, "Adele")
	}
}

func TestHowItEndedIsToldHoweverItEnded(t *testing.T) {
	t.Parallel()
	for want, end := range map[leaver.Status]func(*office){
		leaver.Aborted:        func(o *office) { o.signal(leaver.Abort, `{}`) },
		leaver.CanceledStatus: (*office).cancel,
		leaver.Incomplete: func(o *office) {
			for _, step := range []string{"revokeSessions", "removeAllDevices"} {
				o.signal(leaver.SkipStep, `{"step":"`+step+`"}`)
			}
		},
	} {
		hook := newReceiver(t)
		o := newOffice(t, hook.tells).fleet(silent("A")).forbid("PATCH", "")
		o.after(time.Hour, func() { end(o) })
		request := adele
		if want == leaver.Incomplete {
			request = `{"userId":"adele@contoso.com","onFailure":"continue"}`
		}
		report := o.ends(want, request)
		assert.True(t, strings.HasSuffix(hook.told(), "ended 1 "+string(want)), hook.told())
		assert.Equal(t, leaver.Done, report.Notices[len(report.Notices)-1].Outcome)
	}
}

func TestWhatTouchesNothingTellsNobody(t *testing.T) {
	t.Parallel()
	for _, request := range []string{`{"userId":"adele@contoso.com","dryRun":true}`, `{"userId":"nobody@contoso.com"}`} {
		hook := newReceiver(t)
		_, _ = newOffice(t, hook.tells).run(request)
		assert.Empty(t, hook.told())
	}
}

// A webhook that is out of order holds up no step, and the end for an hour at most.
func TestAWebhookThatIsOutOfOrderFailsNothing(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]time.Duration{503: time.Hour, 401: time.Minute} {
		hook := newReceiver(t)
		hook.breaks(status)
		o := newOffice(t, hook.tells)
		report := o.ends(leaver.Completed, adele)
		assert.Less(t, report.EndedAt.Sub(report.StartedAt), 10*time.Minute)
		assert.LessOrEqual(t, o.Now().Sub(report.EndedAt), want+time.Minute)
		require.Len(t, report.Notices, 2)
		for _, notice := range report.Notices {
			assert.Equal(t, leaver.Failed, notice.Outcome)
			assert.Equal(t, leaver.NotDelivered, notice.Failure)
			assert.Contains(t, notice.Detail, fmt.Sprint("NotifyByWebhook: the webhook answered ", status))
		}
		assert.Equal(t, status == 503, hook.tries > 10, "%d tries", hook.tries)
		assert.Less(t, hook.tries, 60)
	}
}

// While the end is told, decisions are refused, and a cancellation comes too late.
func TestADecisionThatComesWhileTheEndIsToldIsRefused(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	hook.breaks(503)
	o := newOffice(t, hook.tells)
	o.after(40*time.Minute, func() {
		assert.Equal(t, leaver.Completed, o.progress().Status)
		o.signal(leaver.Abort, `{}`)
		refused := o.update(leaver.SkipStep, onRemoval)
		o.cancel()
		o.after(10*time.Minute, func() {
			assert.ErrorContains(t, refused(), "ending already")
			hook.breaks(0)
		})
	})
	report := o.ends(leaver.Completed, adele)
	assert.Nil(t, report.Aborted)
	assert.Contains(t, o.progress().Refused[0].Why, "ending already")
	assert.Contains(t, hook.told(), "ended 1 completed")
}

// What was told is not told again by the next run, and what is being told ends before.
func TestContinuingAsNewTellsNothingTwice(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	o := newOffice(t, hook.tells).fleet(silent("A"), harm("B"))
	hook.breaks(503)
	schedule{
		at(10*time.Minute, renew),
		{at: 30 * time.Minute, do: func(o *office) {
			assert.Zero(t, o.runs, "a webhook is at work")
			hook.breaks(0)
		}},
		{at: time.Hour, do: func(o *office) { assert.Equal(t, 1, o.runs) }},
		at(2*time.Hour, renew), at(3*time.Hour, renew),
		{at: 4 * time.Hour, do: func(o *office) { o.answer("giveUp", "B") }},
		at(5*time.Hour, renew),
		{at: 6 * time.Hour, do: func(o *office) { o.fleet() }},
	}.on(o)
	report := o.ends(leaver.Completed, adele)
	assert.GreaterOrEqual(t, o.runs, 4)
	told := strings.Split(hook.told(), ", ")
	assert.ElementsMatch(t, []string{"begun 1 running", "waits 1 waiting", "ended 1 completed"}, told)
	assert.Len(t, report.Notices, 3)
}

// An offboarding that waits very often keeps the last notices.
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	o := newOffice(t, hook.tells).forbid("PATCH", "")
	for n := range 25 {
		o.after(time.Duration(n+1)*time.Hour, func() { o.signal(leaver.RetryStep, `{"step":"disableAccount"}`) })
	}
	o.after(30*time.Hour, func() { o.signal(leaver.Abort, `{}`) })
	report := o.ends(leaver.Aborted, adele)
	assert.Len(t, hook.events, 28)
	require.Len(t, report.Notices, 20)
	assert.Equal(t, leaver.MomentEnded, report.Notices[19].Moment)
}

// mailed is an office whose default profile has the manager get mails, and IT one at a wait.
func mailed(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, func(c *plugin.Config) {
		c.MailFrom = "it@contoso.com"
		c.Profiles = map[string]leaver.Profile{leaver.DefaultProfile: {
			Steps: map[string]leaver.StepSettings{leaver.StepDeleteUser: {Include: true}},
			Notify: leaver.Notify{Mail: []leaver.Mail{
				{To: leaver.Manager, At: []leaver.Moment{leaver.MomentBegun, leaver.MomentEnded}},
				{To: "it@contoso.com", At: []leaver.Moment{leaver.MomentWaits}},
			}},
		}}
	})
	o.tenant.Add(graphsim.User{UserPrincipalName: "it@contoso.com", AccountEnabled: true, MailboxPurpose: "shared", Texts: map[string]string{"mail": "it@contoso.com"}})
	user := o.tenant.Users()[graphsim.Leaver]
	user.ManagerID = o.tenant.Add(graphsim.User{UserPrincipalName: "max@contoso.com", AccountEnabled: true, Texts: map[string]string{"mail": "max@contoso.com"}})
	o.tenant.Add(user)
	return o
}

// The leaver's manager is told of the end too, though the account is deleted by then.
func TestTheManagerIsToldByMailUntilTheAccountIsDeleted(t *testing.T) {
	t.Parallel()
	o := mailed(t)
	report := o.ends(leaver.Completed, adele)
	assert.True(t, o.tenant.Users()[graphsim.Leaver].Deleted)
	var subjects []string
	for _, mail := range o.tenant.Mails() {
		assert.Equal(t, []string{"max@contoso.com"}, mail.To)
		assert.Contains(t, mail.Headers, "x-leaver-run-id")
		subjects = append(subjects, mail.Subject)
	}
	name := o.tenant.Users()[graphsim.Leaver].DisplayName
	assert.Equal(t, []string{"The offboarding of " + name + " has begun", "The offboarding of " + name + " has ended: all is done"}, subjects)
	assert.Len(t, report.Notices, 2)
}

func TestAMailWhoseAnswerIsLostIsSentOnceAndSaidToBeDoubtful(t *testing.T) {
	t.Parallel()
	o := mailed(t)
	o.tenant.Fail(graphsim.Fault{Path: "/sendMail", Cut: true, Times: -1})
	report := o.ends(leaver.Completed, adele)
	assert.Len(t, o.tenant.Mails(), 2, "one for each moment")
	for _, notice := range report.Notices {
		assert.Equal(t, leaver.Failed, notice.Outcome)
		assert.Contains(t, notice.Detail, "may have been sent")
	}
}

// A worker that dies while it sends a mail tells nothing.
func TestAMailWhoseWorkerDiesIsSaidToBeDoubtful(t *testing.T) {
	t.Parallel()
	o := mailed(t)
	o.OnActivity(leaver.ActivityNotifyByMail, mock.Anything, mock.Anything).Return(temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil))
	report := o.ends(leaver.Completed, adele)
	require.Len(t, report.Notices, 2)
	assert.Contains(t, report.Notices[0].Detail, "may have been sent")
}
