// Package webhook tells an endpoint about events: CloudEvents in JSON, signed as Standard Webhooks says. Each call is
// one attempt: when to try again is not decided here.
//
// CloudEvents: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
// Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leaver-dev/leaver/internal/graph"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// patience is how long an endpoint may take for its answer.
	patience = 15 * time.Second
	// secretPrefix is how secrets of Standard Webhooks begin.
	secretPrefix = "whsec_"
)

// Endpoint is where events go.
type Endpoint struct {
	url    string
	signer *standardwebhooks.Webhook
	client *http.Client
}

// New checks address and secret. Nothing is sent.
func New(address, secret string) (*Endpoint, error) {
	if err := CheckURL(address); err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || !strings.HasPrefix(secret, secretPrefix) || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("want as the secret whsec_ and 24 to 64 bytes in base64, such as what echo whsec_$(openssl rand -base64 32) prints")
	}
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, errors.New("the secret cannot be used")
	}
	// Whoever closes the idle connections of http.DefaultTransport may break a call that is on its way.
	transport := http.DefaultTransport
	if shared, ok := transport.(*http.Transport); ok {
		transport = shared.Clone()
	}
	// A redirect could lead an event elsewhere.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Endpoint{address, signer, &http.Client{Transport: transport, CheckRedirect: stay, Timeout: patience}}, nil
}

// CheckURL refuses an address that would send events in clear text, but for one on this machine. Its errors never repeat
// the address: its query may be a secret.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("want an absolute address without user and fragment, such as https://hooks.example.com/leaver")
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return errors.New("is plain http, which is allowed on loopback only: use https")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must begin with https://")
	}
	return nil
}

// Event is what the endpoint is told.
type Event struct {
	// ID is the same for each attempt, so that the endpoint can drop what comes twice.
	ID string
	// Source and Type say where the event comes from, and of which kind it is; Subject is what it is about.
	Source, Type, Subject string
	Time                  time.Time
	Data                  any
}

// Error is an answer that is no success. Of the answer's body nothing is kept.
type Error struct {
	Status int
	// RetryAfter is how long the endpoint asked to wait, or zero.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	return fmt.Sprintf("the webhook answered %d %s", e.Status, http.StatusText(e.Status))
}

// Send makes one attempt. Its errors are an Error, or say how there was no answer, and hold no address.
func (e *Endpoint) Send(ctx context.Context, event Event) error {
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": event.ID, "source": event.Source, "type": event.Type, "subject": event.Subject,
		"time": event.Time.UTC().Format(time.RFC3339Nano), "datacontenttype": "application/json", "data": event.Data,
	})
	if err != nil {
		return fmt.Errorf("encode the event: %w", err)
	}
	now := time.Now()
	signature, err := e.signer.Sign(event.ID, now, body)
	if err != nil {
		return errors.New("the event cannot be signed")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	request.Header.Set("User-Agent", "leaver")
	request.Header.Set(standardwebhooks.HeaderWebhookID, event.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := e.client.Do(request)
	if err != nil {
		return errors.New("the webhook did not answer: " + graph.Broken(err))
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // so that the connection can be used again
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &Error{response.StatusCode, graph.RetryAfter(response.Header.Get("Retry-After"), time.Now())}
	}
	return nil
}
