package graph

import (
	"cmp"
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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// Error is an answer of Graph's that is no success: a status that is not 2xx, or a 2xx
// whose body is an error. Its text is safe to store: of the answer it holds the status,
// the code and the request id, and none of the words.
//
// Microsoft: https://learn.microsoft.com/graph/errors
type Error struct {
	// Call names what was asked; Permission is the least that it needs.
	Call       string
	Permission string
	Status     int
	// Code is Graph's, or Intune's from within the message; it is empty where that has
	// not the form of a code.
	Code string
	// message may name anybody. It is a pointer so that no format prints it.
	message   *string
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

// IsSensitive reports whether the call takes more than its permission where the user is an administrator.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions
func (e *Error) IsSensitive() bool {
	return slices.Contains([]string{setPassword.name, deleteUser.name, clearTelephone.name}, e.Call)
}

// OfMailbox reports whether Exchange was asked, which can leave a mailbox out of what an application may do.
func (e *Error) OfMailbox() bool {
	return strings.HasPrefix(e.Permission, "MailboxSettings.") || strings.HasPrefix(e.Permission, "Calendars.") || e.Call == sendMail.name
}

// Service is who answered.
func (e *Error) Service() string {
	if strings.HasPrefix(e.Permission, "Exchange.") {
		return "Exchange"
	}
	return "Graph"
}

// Says reports whether Graph's own words, in lower case, fit a pattern. They are never
// shown: they may name a person, a device, an address or a secret.
func (e *Error) Says(words *regexp.Regexp) bool {
	return e.HasWords() && words.MatchString(ascii.ToLower(*e.message))
}

// IsGraphs reports whether the answer was in JSON, as Graph's own are, and no proxy's page.
func (e *Error) IsGraphs() bool { return e.message != nil }

// HasWords reports whether Graph says something in words of its own.
func (e *Error) HasWords() bool { return e.message != nil && *e.message != "" }

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
	return errors.New(call.name + ": " + Broken(err))
}

// Broken is how a connection failed, without any address.
func Broken(err error) string {
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
		RequestID:    guid(response.Header.Get("request-id")),
		ApprovalCode: approvalCode(response.Header),
		RetryAfter:   RetryAfter(response.Header.Get("Retry-After"), at),
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
				RequestID         string `json:"request-id"`
				InternalException struct {
					Message string `json:"message"`
				} `json:"internalexception"`
			} `json:"innerError"`
			Details []struct {
				Message string `json:"message"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	code, message := answer.Error.Code, answer.Error.Message
	e.RequestID = cmp.Or(e.RequestID, guid(answer.Error.InnerError.RequestID))
	// Intune wraps its own error as JSON inside the message, sometimes twice.
	for range 3 {
		var inner struct {
			ErrorCode, Message string
		}
		if !strings.HasPrefix(strings.TrimSpace(message), "{") || json.Unmarshal([]byte(message), &inner) != nil {
			break
		}
		code, message = cmp.Or(CodeOf(inner.ErrorCode), code), inner.Message
	}
	// Exchange says what is wrong here, and above that something is.
	for _, detail := range answer.Error.Details {
		message += " " + detail.Message
	}
	message = strings.TrimSpace(message + " " + answer.Error.InnerError.InternalException.Message)
	// What follows are ids and an address for Microsoft's support.
	message, _, _ = strings.Cut(message, " - Operation ID (for customer support)")
	e.Code, e.message = CodeOf(code), &message
}

var codes = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,63}$`)

// CodeOf is a text that has the form of Graph's codes and of the values of its
// enumerations, or else nothing.
func CodeOf(text string) string { return codes.FindString(text) }

// guid is a text that is a GUID, or else nothing.
func guid(text string) string {
	if uuid.Validate(text) != nil {
		return ""
	}
	return uuid.MustParse(text).String()
}

// RetryAfter reads a Retry-After: whole and fractional seconds and HTTP dates. Graph's own
// documented sample is fractional.
//
// Microsoft: https://learn.microsoft.com/graph/throttling
func RetryAfter(header string, now time.Time) time.Duration {
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

var sendable = regexp.MustCompile(`^[A-Za-z0-9+/=._~:-]{1,300}$`)

// approvalCode is the header as it came, or it could not be sent back. One that is no
// code still tells that the call is queued.
func approvalCode(h http.Header) string {
	if code := h.Get(approvalCodeHeader); code == "" || sendable.MatchString(code) {
		return code
	}
	return "…"
}
