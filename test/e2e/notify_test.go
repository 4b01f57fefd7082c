package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	webhookKey = "0123456789abcdef0123456789abcdef"
	sender     = "it@contoso.com"
	manager    = "max@contoso.com"
)

// delivery is an event as it came.
type delivery struct {
	header http.Header
	body   []byte
}

// hook is a webhook that is out of order for the first delivery.
type hook struct {
	mu  sync.Mutex
	all []delivery
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all = append(h.all, delivery{r.Header, body}); len(h.all) == 1 {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Max is on holiday", http.StatusServiceUnavailable)
	}
}

func (h *hook) deliveries() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivery(nil), h.all...)
}

// event is what was delivered, after a look at whether it is signed and a CloudEvent.
func (d delivery) event(t *testing.T) (event cloudevents.Event, data leaver.Event) {
	t.Helper()
	sum := hmac.New(sha256.New, []byte(webhookKey))
	_, _ = io.WriteString(sum, d.header.Get("webhook-id")+"."+d.header.Get("webhook-timestamp")+".")
	_, _ = sum.Write(d.body)
	assert.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)), d.header.Get("webhook-signature"))
	assert.True(t, strings.HasPrefix(d.header.Get("Content-Type"), "application/cloudevents+json"))
	require.NoError(t, json.Unmarshal(d.body, &event))
	require.NoError(t, event.Validate())
	assert.Equal(t, event.ID(), d.header.Get("webhook-id"))
	require.NoError(t, event.DataAs(&data))
	return event, data
}

// telling is a world where the manager of Adele, and a webhook, are told.
func telling(t *testing.T, webhook string) *world {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		return filepath.Join(dir, name)
	}
	w := newWorld(t, settings{Env: []string{
		"LEAVER_PROFILES=" + file("profiles.yaml", "default: {notify: {webhook: [begun, waits, ended], mail: [{to: manager, at: [begun, ended]}]}}"),
		"LEAVER_WEBHOOK_URL=" + webhook, "LEAVER_WEBHOOK_SECRET_FILE=" + file("secret", "whsec_"+base64.StdEncoding.EncodeToString([]byte(webhookKey))+"\n"),
		"LEAVER_MAIL_FROM=" + sender, "LEAVER_LOG_LEVEL=debug",
	}})
	w.tenant.Add(graphsim.User{UserPrincipalName: sender, AccountEnabled: true, MailboxPurpose: "shared"})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.ManagerID = w.tenant.Add(graphsim.User{UserPrincipalName: manager, DisplayName: "Max Manager", AccountEnabled: true, Texts: map[string]string{"mail": "Max.Manager@contoso.com"}})
	w.tenant.Add(adele)
	return w
}

// The webhook is told each moment by an event of one id, and the manager by mail. Names of people stand in the mails alone.
func TestAWebhookAndTheManagerAreTold(t *testing.T) {
	t.Parallel()
	h := &hook{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	w := telling(t, server.URL)
	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Status: 403, Code: "Authorization_RequestDenied"})
	w.start("W")
	w.waiting("W", leaver.StepDisableAccount)
	w.must(programs.temporal, "workflow", "signal", "--workflow-id", "W", "--name", "retryStep", "--input", `{"step":"disableAccount"}`)
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	require.Len(t, report.Notices, 5)
	for _, notice := range report.Notices {
		assert.Equal(t, leaver.Done, notice.Outcome, notice.Detail)
	}

	run := w.runs("W")[0].ID
	times, moments := map[string]int{}, map[leaver.Moment]leaver.Event{}
	first, _ := h.deliveries()[0].event(t)
	for _, d := range h.deliveries() {
		event, data := d.event(t)
		times[event.ID()]++
		moments[data.Moment] = data
		assert.Equal(t, run+"-"+string(data.Moment)+"-1", event.ID())
		assert.Equal(t, "dev.leaver.offboarding."+string(data.Moment), event.Type())
		assert.Equal(t, []string{"/leaver/default", report.Leaver.ID}, []string{event.Source(), event.Subject()})
		assert.Equal(t, []string{"W", run, report.Leaver.ID}, []string{data.WorkflowID, data.RunID, data.UserID})
		assert.WithinDuration(t, time.Now(), event.Time(), patience)
	}
	assert.Equal(t, 2, times[first.ID()], "what was refused for now comes again by the same id")
	assert.Len(t, times, 3)
	assert.Equal(t, leaver.StepDisableAccount, moments[leaver.MomentWaits].Waits[0].Step)
	assert.Equal(t, leaver.Completed, moments[leaver.MomentEnded].Status)
	assert.Equal(t, leaver.StepCounts{Planned: 3, Ended: 3, Done: 3}, moments[leaver.MomentEnded].Steps)

	mails := w.tenant.Mails()
	require.Len(t, mails, 2)
	name := w.before[graphsim.Leaver].DisplayName
	for i, end := range []string{" has begun", " has ended: all is done"} {
		assert.Equal(t, "The offboarding of "+name+end, mails[i].Subject)
		assert.Equal(t, []string{"Max.Manager@contoso.com"}, mails[i].To)
		assert.Equal(t, map[string]string{"x-leaver-run-id": run}, mails[i].Headers)
		assert.False(t, mails[i].Saved)
	}

	kept := w.must(programs.temporal, "workflow", "show", "--workflow-id", "W", "--address", w.server.Address, "--output", "json")
	log, err := os.ReadFile(filepath.Join(w.dir, "worker.log"))
	require.NoError(t, err)
	kept += string(log)
	for _, d := range h.deliveries() {
		kept += string(d.body)
		assert.NotContains(t, string(d.body), "contoso")
	}
	for _, word := range []string{name, "Max", manager, webhookKey, "whsec_", server.URL, "holiday"} {
		assert.NotContains(t, kept, word)
	}
}

// A worker dies while it sends a mail: whether the mail was sent is not known, and it is not sent again.
func TestAMailIsNotSentAgainAfterItsWorkerDied(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	w := telling(t, server.URL)
	w.tenant.Fail(graphsim.Fault{Method: "POST", Path: "/sendMail", Late: leaver.Duration(10 * time.Minute)})
	w.start("W")
	w.arrived("POST", "/sendMail")
	w.worker.Kill()
	w.startWorker()
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	var doubtful []leaver.Notice
	for _, notice := range report.Notices {
		if notice.Outcome == leaver.Failed {
			doubtful = append(doubtful, notice)
		}
	}
	require.Len(t, doubtful, 1)
	assert.Equal(t, leaver.MomentBegun, doubtful[0].Moment)
	assert.Contains(t, doubtful[0].Detail, "may have been sent")
	assert.Len(t, w.tenant.Mails(), 2, "one for each moment")
}
