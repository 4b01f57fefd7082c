package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver/internal/webhook"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const key = "0123456789abcdef0123456789abcdef"

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(key))

// received is a request as it came.
type received struct {
	*http.Request
	body string
}

// receiver is an endpoint on this machine.
func receiver(t *testing.T, answer http.HandlerFunc) (endpoint *webhook.Endpoint, requests func() []received) {
	t.Helper()
	came := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- received{r, string(body)}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	endpoint, err := webhook.New(server.URL+"/hook?sig=hidden", secret)
	require.NoError(t, err)
	return endpoint, func() (all []received) {
		for len(came) > 0 {
			all = append(all, <-came)
		}
		return all
	}
}

var event = webhook.Event{ID: "e1", Source: "/leaver/default", Type: "dev.leaver.offboarding.begun", Subject: "u1", Time: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Data: map[string]int{"n": 1}}

func TestAnEventIsSignedOverWhatIsSent(t *testing.T) {
	t.Parallel()
	endpoint, requests := receiver(t, func(http.ResponseWriter, *http.Request) {})
	require.NoError(t, endpoint.Send(t.Context(), event))
	r := requests()[0]
	assert.Equal(t, "POST /hook?sig=hidden", r.Method+" "+r.URL.String())
	assert.Equal(t, "application/cloudevents+json; charset=utf-8", r.Header.Get("Content-Type"))
	assert.JSONEq(t, `{"specversion":"1.0","id":"e1","source":"/leaver/default","type":"dev.leaver.offboarding.begun","subject":"u1","time":"2026-11-26T12:00:00Z","datacontenttype":"application/json","data":{"n":1}}`, r.body)

	sum := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(sum, "e1."+r.Header.Get("webhook-timestamp")+"."+r.body)
	assert.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)), r.Header.Get("webhook-signature"))
	assert.Equal(t, "e1", r.Header.Get("webhook-id"))
	at, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), time.Unix(at, 0), time.Minute)
}

func TestAnAnswerThatIsNoSuccessTellsItsStatusAndNothingOfItsBody(t *testing.T) {
	t.Parallel()
	for status, retryAfter := range map[int]time.Duration{400: 0, 401: 0, 410: 0, 429: 7 * time.Second, 503: 7 * time.Second} {
		endpoint, _ := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
			http.Error(w, "no such word", status)
		})
		var answer *webhook.Error
		require.ErrorAs(t, endpoint.Send(t.Context(), event), &answer)
		assert.Equal(t, webhook.Error{Status: status, RetryAfter: retryAfter}, *answer)
		assert.NotContains(t, answer.Error(), "word")
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	endpoint, requests := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	var answer *webhook.Error
	require.ErrorAs(t, endpoint.Send(t.Context(), event), &answer)
	assert.Equal(t, http.StatusTemporaryRedirect, answer.Status)
	assert.Len(t, requests(), 1)
}

func TestWhereNobodyAnswersNoAddressIsTold(t *testing.T) {
	t.Parallel()
	endpoint, err := webhook.New("http://127.0.0.1:1/hook?sig=hidden", secret)
	require.NoError(t, err)
	assert.EqualError(t, endpoint.Send(t.Context(), event), "the webhook did not answer: the connection was refused")

	endpoint, _ = receiver(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.EqualError(t, endpoint.Send(ctx, event), "the webhook did not answer: no answer in time")
}

func TestAnAddressOrASecretThatCannotBeRightIsRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	short := "whsec_" + base64.StdEncoding.EncodeToString([]byte(key[:23]))
	for _, c := range []struct{ address, secret, want string }{
		{"hooks.example.com/hidden", secret, "want an absolute address"},
		{"https://u:hidden@example.com", secret, "want an absolute address"},
		{"https://example.com/#hidden", secret, "want an absolute address"},
		{"http://example.com/hidden", secret, "plain http"},
		{"ftp://example.com/hidden", secret, "must begin with https://"},
		{"https://example.com", "hidden", "want as the secret whsec_"},
		{"https://example.com", "whsec_hidden!", "want as the secret whsec_"},
		{"https://example.com", strings.TrimPrefix(secret, "whsec_"), "want as the secret whsec_"},
		{"https://example.com", short, "want as the secret whsec_"},
	} {
		_, err := webhook.New(c.address, c.secret)
		require.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "hidden")
	}
	for _, address := range []string{"https://hooks.example.com/a?b=c", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"} {
		_, err := webhook.New(address, secret)
		assert.NoError(t, err, address)
	}
}
