package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const innerID = "0f0f0f0f-0000-4000-8000-00000000000a"

// graphError is Graph's shape of an error.
func graphError(code, message string) string {
	content, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message,
		"innerError": map[string]any{"date": "2026-11-23T08:00:00", "request-id": innerID, "client-request-id": "c"}}})
	return string(content)
}

// intune wraps a message as Intune does.
func intune(code, message string) string {
	content, _ := json.Marshal(map[string]any{"_version": 3, "Message": message, "CustomApiErrorPhrase": "", "RetryAfter": nil, "ErrorCode": code})
	return string(content)
}

func parsed(body string) *Error {
	e := &Error{}
	e.parse([]byte(body))
	return e
}

func TestAnErrorSaysWhatThereIsToKnow(t *testing.T) {
	t.Parallel()
	_, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("request-id", "0f0f0f0f-0000-4000-8000-000000000001")
		w.Header().Set("Retry-After", "2.128")
		reply(http.StatusTooManyRequests, graphError("TooManyRequests", "Please wait."))(w, r)
	})
	var e *Error
	require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})), &e)
	assert.Equal(t, CallRemoveAllDevices, e.Call)
	assert.Equal(t, "DeviceManagementManagedDevices.PrivilegedOperations.All", e.Permission)
	assert.Equal(t, "TooManyRequests", e.Code)
	assert.True(t, e.Says(regexp.MustCompile(`^please wait\.$`)), "in lower case")
	assert.Equal(t, "0f0f0f0f-0000-4000-8000-000000000001", e.RequestID)
	assert.Equal(t, 2128*time.Millisecond, e.RetryAfter)
	assert.Equal(t, "removeAllDevicesFromManagement: 429 Too Many Requests TooManyRequests (request-id 0f0f0f0f-0000-4000-8000-000000000001)", e.Error())
}

func TestBodiesAreReadInAllTheShapesThatGraphAndIntuneSend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, code, message string }{
		{"graph", graphError("Authorization_RequestDenied", "Insufficient privileges."), "Authorization_RequestDenied", "Insufficient privileges."},
		{"no code", graphError("", "Something."), "", "Something."},
		{"intune", graphError("Forbidden", intune("Forbidden", "Not authorized.")), "Forbidden", "Not authorized."},
		{"intune twice", graphError("UnknownError", intune("", intune("BadRequest", "Request not applicable to target tenant."))), "BadRequest", "Request not applicable to target tenant."},
		{"intune without a code", graphError("UnknownError", intune("", "Broken.")), "UnknownError", "Broken."},
		{"intune with ids for support", graphError("x", intune("BadRequest", "Nope. - Operation ID (for customer support): 1 - Url: https://fef.example.com/users/adele")), "BadRequest", "Nope."},
		{"looks like JSON", graphError("x", "{not json"), "x", "{not json"},
		{"html", "<html><body>Service unavailable</body></html>", "", ""},
		{"empty", "", "", ""},
		{"null", "null", "", ""},
		{"a list", "[]", "", ""},
		{"an error that is a word", `{"error":"invalid_grant"}`, "", ""},
		{"null inside", `{"error":{"code":null,"message":null}}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := parsed(c.body)
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.message != "", e.HasWords())
			assert.Equal(t, e.HasWords(), e.Says(regexp.MustCompile("^"+regexp.QuoteMeta(ascii.ToLower(c.message))+"$")))
		})
	}
	assert.Equal(t, innerID, parsed(graphError("x", "y")).RequestID, "where the header is missing")
}

// markers are what no text may repeat: names, addresses, numbers, tokens and what is no
// code for other reasons.
var markers = []string{
	"Adele Vance", "adele@contoso.com", "+1 425 555 0100", "4255550100", "425-555-0100", "Zoë", "/users/adele", "CONTOSO-LT-0410",
	"<html>", "{\"user\":\"adele\"}", "'adele'", "_adele", "eyJhbGciOiJub25lIn0." + strings.Repeat("a", 60), "Adele\n", "\u212aim", "10.1.2.3:443",
}

// Whatever Graph answers, of its body and its headers a failure repeats a code and a GUID.
func TestNoWordOfAnAnswerIsPrinted(t *testing.T) {
	t.Parallel()
	for _, m := range markers {
		said, _ := json.Marshal(m)
		for name, body := range map[string]string{
			"code":       graphError(m, ""),
			"message":    graphError("Request_BadRequest", m),
			"sentence":   graphError("Request_BadRequest", "Insufficient privileges for "+m+"."),
			"Intune's":   graphError(m, intune(m, m)),
			"twice":      graphError("BadRequest", intune("", intune(m, m+" - Operation ID (for customer support)"))),
			"elsewhere":  strings.ReplaceAll(`{"error":{"code":"BadRequest","message":"","target":M,"details":[{"code":M,"message":M,"target":M}],"innerError":{"code":M,"message":M,"date":M,"request-id":M,"client-request-id":M,"innerError":{"code":M}}},"error_description":M}`, "M", string(said)),
			"not a text": `{"error":{"code":"BadRequest","message":{"value":` + string(said) + `}}}`,
			"the body":   m,
		} {
			for _, status := range []int{200, 400, 403, 404, 409, 503} {
				_, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					for _, header := range []string{"request-id", "client-request-id", "Retry-After", "Date", "x-ms-ags-diagnostic", "WWW-Authenticate", "x-msft-approval-code"} {
						if header != "x-msft-approval-code" || !sendable.MatchString(strings.TrimSpace(m)) { // it is sent back as it came
							w.Header().Set(header, m)
						}
					}
					reply(status, body)(w, r)
				})
				err := failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{}))
				if status == http.StatusOK && err == nil {
					continue // "4255550100" is JSON
				}
				require.Error(t, err)
				texts := []string{err.Error(), fmt.Sprintf("%v %+v %#v %q", err, err, err, err)}
				var e *Error
				if errors.As(err, &e) {
					whole, err := json.Marshal(e)
					require.NoError(t, err)
					texts = append(texts, string(whole), fmt.Sprintf("%v %+v %#v", *e, *e, *e))
				}
				for _, text := range texts {
					assert.NotContains(t, text, m, "%s %d", name, status)
					assert.NotContains(t, text, strings.TrimSpace(m), "%s %d", name, status)
				}
			}
		}
	}
}

func TestOnlyWhatHasTheFormOfACodeIsTakenForOne(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"Request_BadRequest", "accessDenied", "Directory_ObjectNotFound", "e", "Request.V2", strings.Repeat("x", 64)} {
		assert.Equal(t, c, parsed(graphError(c, "")).Code)
	}
	for _, other := range append([]string{"", "4255550100", "Bad Request", strings.Repeat("x", 65), "BadRequest\n"}, markers...) {
		assert.Empty(t, parsed(graphError(other, "")).Code, "%q", other)
		assert.Equal(t, "BadRequest", parsed(graphError("BadRequest", intune(other, "x"))).Code)
	}
}

func TestAnApprovalThatIsWaitedForIsSeenInTheHeaderWhateverTheStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 412} {
		_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-msft-approval-code", "5e6a7b8c")
			w.WriteHeader(status)
		})
		var e *Error
		require.ErrorAs(t, failureOf(client.RetireDevice(t.Context(), "d1", Approval{})), &e)
		assert.Equal(t, "5e6a7b8c", e.ApprovalCode)
	}
}

// A status of success with a code that was not sent is of the request alone; with
// the one that was, the call is done.
func TestACallThatIsQueuedIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-msft-approval-code", "5e6a7b8c")
		w.WriteHeader(http.StatusAccepted)
	})
	var e *Error
	require.ErrorAs(t, failureOf(client.WipeDevice(t.Context(), "d1", Wipe{}, Approval{})), &e)
	assert.Equal(t, "5e6a7b8c", e.ApprovalCode)
	require.ErrorAs(t, failureOf(client.WipeDevice(t.Context(), "d1", Wipe{}, Approval{Code: "an older one"})), &e)
	require.NoError(t, failureOf(client.WipeDevice(t.Context(), "d1", Wipe{}, Approval{Code: "5e6a7b8c"})))
}

func TestACodeIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"eyJyZXF1ZXN0IjoiMDEyMzQ1Njc4OWFiY2RlZiIsInYiOjF9==": "eyJyZXF1ZXN0IjoiMDEyMzQ1Njc4OWFiY2RlZiIsInYiOjF9==",
		"for adele@contoso.com":                              "…",
		"adele@contoso.com":                                  "…",
		"":                                                   "",
		strings.Repeat("x", 301):                             "…",
	} {
		assert.Equal(t, want, approvalCode(http.Header{"X-Msft-Approval-Code": {header}}))
	}
}

func TestAHeaderThatHoldsMoreThanAnIDIsScrubbed(t *testing.T) {
	t.Parallel()
	_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("request-id", "adele@contoso.com")
		w.WriteHeader(http.StatusInternalServerError)
	})
	_, err := client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "adele")
}

func TestRetryAfterIsReadHoweverGraphWritesIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"10":                            10 * time.Second,
		"2.128":                         2128 * time.Millisecond,
		"0":                             0,
		"0.5":                           500 * time.Millisecond,
		"-1":                            0,
		"NaN":                           0,
		"Inf":                           24 * time.Hour,
		"-Inf":                          0,
		"1e300":                         24 * time.Hour,
		"soon":                          0,
		"Mon, 23 Nov 2026 08:01:00 GMT": time.Minute,
		"Mon, 23 Nov 2026 07:59:00 GMT": 0,
		"Mon, 23 Nov 2099 07:59:00 GMT": 24 * time.Hour,
	} {
		assert.Equal(t, want, RetryAfter(header, now), "%q", header)
	}
}
