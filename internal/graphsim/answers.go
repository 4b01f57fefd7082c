package graphsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// answer is a response before it is written; a 204 has no body.
type answer struct {
	status int
	body   any
	header map[string]string
}

func collection(context string, all []any) answer {
	return answer{status: http.StatusOK, body: map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#" + context, "value": all}}
}

// filtered is the value that $filter asks a property to be equal to.
func filtered(q query, property string) (value string, ok bool) {
	value, found := strings.CutPrefix(q.options.Get("$filter"), property+" eq '")
	value, closed := strings.CutSuffix(value, "'")
	return value, found && closed
}

// selected keeps the properties that $select names, or else those that Graph
// returns by default; without either it keeps them all.
func selected(q query, all map[string]any, byDefault ...string) map[string]any {
	names := byDefault
	if list := q.options.Get("$select"); list != "" {
		names = strings.Split(list, ",")
	}
	if len(names) == 0 {
		return all
	}
	some := make(map[string]any, len(names))
	for _, name := range names {
		if value, known := all[name]; known {
			some[name] = value
		}
	}
	return some
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// intuneMessage is how Intune puts its own error into Graph's message.
func intuneMessage(code, message string) string {
	inner, _ := json.Marshal(map[string]any{
		"_version": 3, "Message": message + " - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000",
		"CustomApiErrorPhrase": "", "RetryAfter": nil, "ErrorSourceService": "", "HttpHeaders": "{}", "ErrorCode": code,
	})
	return string(inner)
}

func unauthorized(message string) answer {
	a := fault(http.StatusUnauthorized, "InvalidAuthenticationToken", message)
	a.header = map[string]string{"WWW-Authenticate": `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`}
	return a
}

// fault is an error in Graph's shape; encode adds its innerError.
func fault(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{"error": map[string]any{"code": code, "message": message}}}
}
