package graph

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Error is an answer of Graph's that is no success: a status that is not 2xx, or a 2xx
// whose body is an error. Its text is safe to store: it
// never holds a body, a path or a token.
//
// Microsoft: https://learn.microsoft.com/graph/errors
type Error struct {
	// Call names what was asked; Permission is the least that it needs.
	Call       string
	Permission string
	Status     int
	// Code is Graph's, or Intune's from within the message; it may be empty.
	Code string
	// Message is Graph's own and may name people: do not store it. See Safe.
	Message   string
	RequestID string
	// RetryAfter is how long Graph asked to wait, or zero.
	RetryAfter time.Duration
	// At is when Graph answered, by Graph's own clock; the worker's where Graph did not say.
	At time.Time
	// ApprovalCode is set when the tenant queued the action until a second
	// administrator approves it, whatever the status.
	//
	// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
	ApprovalCode string
	// Token is the kind of token that was sent.
	Token TokenKind
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.Call, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += " " + e.Code
	}
	if message := e.Safe(); message != "" {
		text += ": " + message
	}
	if e.RequestID != "" {
		text += " (request-id " + e.RequestID + ")"
	}
	return text
}

// ChangesDevice reports whether the call was to change a managed device.
func (e *Error) ChangesDevice() bool {
	return slices.Contains([]string{removeAllDevices.name, retireDevice.name, wipeDevice.name, deleteDevice.name, deleteAutopilotIdentity.name, wipeAppRegistrations.name}, e.Call)
}

// ChangesEntraDevice reports whether the call was to change a device object of
// Entra.
func (e *Error) ChangesEntraDevice() bool {
	return e.Call == disableEntraDevice.name || e.Call == deleteEntraDevice.name
}

// Safe is Graph's message without anything that could name a person, a device, an
// address or a secret.
func (e *Error) Safe() string { return nameless(scrub(e.Message)) }

// transportError says how a connection failed, and not where to: the words of Go's errors
// hold addresses, of which one names the user.
func transportError(ctx context.Context, call call, err error) error {
	if credential, ok := errors.AsType[*CredentialError](err); ok {
		return credential
	}
	if errors.Is(err, errTooLong) {
		return call.endless(errTooLong.Error())
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", call.name, ctx.Err())
	}
	return errors.New(call.name + ": " + broken(err))
}

// broken is how a connection failed.
func broken(err error) string {
	operation, _ := errors.AsType[*net.OpError](err)
	_, unnamed := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	timed, ok := errors.AsType[net.Error](err)
	switch {
	case operation != nil && operation.Op == "proxyconnect":
		return "the proxy could not be reached"
	case unnamed:
		return "the host's name could not be resolved"
	case untrusted:
		return "the certificate is not trusted"
	case ok && timed.Timeout():
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	}
	return "the connection failed"
}

func (c *Client) responseError(call call, response *http.Response) error {
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	e := &Error{
		Call: call.name, Permission: call.permission, Status: response.StatusCode, Token: c.token.Kind(),
		RequestID:    scrub(response.Header.Get("request-id")),
		ApprovalCode: approvalCode(response.Header),
		RetryAfter:   retryAfter(response.Header.Get("Retry-After"), at),
		At:           at,
	}
	if body, err := runtime.Payload(response); err == nil {
		e.parse(body)
	}
	return e
}

// parse reads Graph's error body. What is not in Graph's shape, such as a
// gateway's HTML page, leaves code and message empty.
func (e *Error) parse(body []byte) {
	var answer struct {
		Error struct {
			Code       string `json:"code"`
			Message    string `json:"message"`
			InnerError struct {
				RequestID string `json:"request-id"`
			} `json:"innerError"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	e.Code, e.Message = scrub(answer.Error.Code), answer.Error.Message
	if e.RequestID == "" {
		e.RequestID = scrub(answer.Error.InnerError.RequestID)
	}
	// Intune wraps its own error as JSON inside the message, sometimes twice.
	for range 3 {
		var inner struct {
			ErrorCode, Message string
		}
		if !strings.HasPrefix(strings.TrimSpace(e.Message), "{") || json.Unmarshal([]byte(e.Message), &inner) != nil {
			break
		}
		if inner.ErrorCode != "" {
			e.Code = scrub(inner.ErrorCode)
		}
		e.Message = inner.Message
	}
	// What follows are ids and an address for Microsoft's support.
	e.Message, _, _ = strings.Cut(e.Message, " - Operation ID (for customer support)")
}

// retryAfter reads whole and fractional seconds and HTTP dates. Graph's own
// documented sample is fractional.
//
// Microsoft: https://learn.microsoft.com/graph/throttling
func retryAfter(header string, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(math.Min(seconds, longest.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), longest)
	}
	return 0
}

// approvalCode is the header as it came, or it could not be sent back.
func approvalCode(h http.Header) string {
	code := h.Get(approvalCodeHeader)
	if len(code) > tooLong || strings.ContainsFunc(code, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return scrub(code)
	}
	return code
}

// nameless drops words with a capital, which may be names, unless they begin a
// sentence that goes on without one, or are Microsoft's own.
func nameless(message string) string {
	named := func(word string) bool {
		first, _ := utf8.DecodeRuneInString(word)
		return unicode.IsUpper(first) && !slices.Contains(ofMicrosoft, strings.TrimRight(word, ".,:;!?"))
	}
	words := strings.Fields(message)
	begins := true
	for n, word := range words {
		if named(word) && (!begins || n+1 < len(words) && named(words[n+1])) {
			words[n] = "…"
		}
		begins = strings.ContainsRune(".!?:", rune(word[len(word)-1]))
	}
	return strings.Join(words, " ")
}

var ofMicrosoft = strings.Fields("Microsoft Graph Intune Entra Azure AD Active Directory Autopilot BitLocker Windows Android iOS Apple Multi Admin Approval MAA API Header ID")

var (
	quoted   = regexp.MustCompile(`'[^']*'|"[^"]*"|’[^’]*’|‘[^’]*’|“[^”]*”`)
	longWord = 40
	tooLong  = 300
)

// scrub keeps the words of a message and drops what could identify: whatever
// is quoted, and every word that looks like an address, a path, a token or
// markup.
func scrub(message string) string {
	var kept []string
	for word := range strings.FieldsSeq(quoted.ReplaceAllString(message, "…")) {
		if len(word) > longWord || strings.ContainsAny(word, `@/\<>{}=%'"`) || strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			word = "…"
		}
		if word == "…" && len(kept) > 0 && kept[len(kept)-1] == "…" {
			continue
		}
		kept = append(kept, word)
	}
	text := strings.Join(kept, " ")
	if len(text) > tooLong {
		text = strings.ToValidUTF8(text[:tooLong], "") + "…"
	}
	return text
}
