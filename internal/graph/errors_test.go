package graph

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// graphError is Graph's shape of an error.
func graphError(code, message string) string {
	content, _ := json.Marshal(map[string]any{"error": map[string]any{"code": code, "message": message,
		"innerError": map[string]any{"date": "2026-11-23T08:00:00", "request-id": "inner-id", "client-request-id": "c"}}})
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
	assert.Equal(t, "Please wait.", e.Message)
	assert.Equal(t, "0f0f0f0f-0000-4000-8000-000000000001", e.RequestID)
	assert.Equal(t, 2128*time.Millisecond, e.RetryAfter)
	assert.Equal(t, "removeAllDevicesFromManagement: 429 Too Many Requests TooManyRequests: Please wait. (request-id 0f0f0f0f-0000-4000-8000-000000000001)", e.Error())
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
			assert.Equal(t, c.message, e.Message)
		})
	}
	assert.Equal(t, "inner-id", parsed(graphError("x", "y")).RequestID, "where the header is missing")
}

func TestTextOfAnErrorHoldsNoPersonPathBodyOrToken(t *testing.T) {
	t.Parallel()
	token := "eyJhbGciOiJub25lIn0." + strings.Repeat("a", 60) + ".c2ln"
	for _, message := range []string{
		"Resource 'adele@contoso.com' does not exist or one of its queried reference-property objects are not present.",
		`The user "Adele Vance" cannot be changed.`,
		"The user “Adele Vance” cannot be changed.",
		"Object adele@contoso.com was not found at https://graph.microsoft.com/v1.0/users/adele",
		"Bad path /users/adele/managedDevices",
		"Invalid token " + token,
		"<html><title>adele</title></html>",
		`{"user":"adele"}`,
	} {
		_, client := serve(t, reply(http.StatusBadRequest, graphError("Request_BadRequest", message)))
		var e *Error
		require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), adele, Approval{})), &e)
		for _, text := range []string{e.Error(), e.Safe()} {
			for _, private := range []string{"adele", "Adele", "contoso", "/users", "eyJ", secret, "html"} {
				assert.NotContains(t, text, private, message)
			}
			assert.LessOrEqual(t, len(text), 500)
		}
	}
}

func TestWhatIsSafeInAMessageIsKept(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Insufficient privileges to complete the operation.": "Insufficient privileges to complete the operation.",
		"Resource 'x' does not exist":                        "Resource … does not exist",
		"":                                                   "",
		"line one\nline two":                                 "line one line two",
		"bell\x07 rings":                                     "… rings",
	} {
		assert.Equal(t, want, (&Error{Message: message}).Safe())
	}
	long := (&Error{Message: strings.Repeat("wörter ", 200)}).Safe()
	assert.LessOrEqual(t, len(long), tooLong+len("…"))
	assert.True(t, strings.HasSuffix(long, "…"))
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
		"for adele@contoso.com":                              "for …",
		strings.Repeat("x", tooLong+1):                       "…",
	} {
		assert.Equal(t, want, approvalCode(http.Header{"X-Msft-Approval-Code": {header}}))
	}
}

func TestAMessageNamesNobody(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"The primary user Adele Vance of CONTOSO-LT-0410 is blocked.": "The primary user … … of … is blocked.",
		"Adele Vance left. Retire it in Intune first.":                "… … left. Retire it in Intune first.",
		"Request not applicable to target tenant.":                    "Request not applicable to target tenant.",
		"Wipe is not supported: Windows and Android only.":            "Wipe is not supported: Windows and Android only.",
	} {
		assert.Equal(t, want, (&Error{Message: message}).Safe())
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
		assert.Equal(t, want, retryAfter(header, now), "%q", header)
	}
}
