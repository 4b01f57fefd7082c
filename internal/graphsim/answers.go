package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// answer is a response before it is written; a 204 has no body.
type answer struct {
	status int // zero when nobody waits for the answer any more
	body   map[string]any
	header [][2]string
	// content is the body as it is sent.
	content    []byte
	reset, cut bool // the connection is dropped before the answer, or in the middle of it
}

// with adds a header, unless its value is empty.
func (a answer) with(header, value string) answer {
	if value != "" {
		a.header = append(slices.Clip(a.header), [2]string{header, value})
	}
	return a
}

var noContent = answer{status: http.StatusNoContent}

func entity(context string, body map[string]any) answer {
	body["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#" + context
	return answer{status: http.StatusOK, body: body}
}

func collection(context string, all []any) answer {
	return entity(context, map[string]any{"value": all})
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// intuneFault is how Intune puts its own error into Graph's message.
func intuneFault(status int, code, message string) answer {
	inner, _ := json.Marshal(map[string]any{
		"_version": 3, "Message": message + " - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000",
		"CustomApiErrorPhrase": "", "RetryAfter": nil, "ErrorSourceService": "", "HttpHeaders": "{}", "ErrorCode": code,
	})
	return fault(status, code, string(inner))
}

func unauthorized(message string) answer {
	return fault(http.StatusUnauthorized, "InvalidAuthenticationToken", message).
		with("WWW-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`)
}

// fault is an error in Graph's shape; encode adds its innerError.
func fault(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{"error": map[string]any{"code": code, "message": message}}}
}
