package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	batchPath = "/$batch"
	batchMost = 20 // requests in one batch
)

// batched is one request of a batch.
//
// Microsoft: https://learn.microsoft.com/graph/json-batching
type batched struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"` // below /v1.0
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// batch serves the requests of a batch one after the other, each as if it had come by itself, and answers
// backwards: Graph promises no order. One that depends on a request that failed is not served, nor logged.
func (t *Tenant) batch(q query) answer {
	var body struct {
		Requests []batched `json:"requests"`
	}
	if json.Unmarshal(q.body, &body) != nil || len(body.Requests) == 0 {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
	}
	if len(body.Requests) > batchMost {
		return fault(http.StatusBadRequest, "MaximumValueExceeded", fmt.Sprintf("Number of batch request steps exceeds the maximum value of %d.", batchMost))
	}
	queries := make([]query, len(body.Requests))
	for i, request := range body.Requests {
		inner, reason := t.unpack(q, request, body.Requests[:i])
		if reason != "" {
			return fault(http.StatusBadRequest, "BadRequest", "Batch request '"+request.ID+"': "+reason)
		}
		queries[i] = inner
	}

	failed := map[string]bool{}
	responses, all := []any{}, answer{status: http.StatusOK}
	for i, request := range body.Requests {
		id := strings.ToLower(request.ID)
		a := fault(http.StatusFailedDependency, "FailedDependency", "A request that this one depends on has failed.")
		if slices.ContainsFunc(request.DependsOn, func(other string) bool { return failed[strings.ToLower(other)] }) {
			a.content, _ = json.Marshal(a.body)
		} else {
			a = t.serve(queries[i])
		}
		if a.reset || a.status == 0 {
			return a
		}
		failed[id], all.cut = a.status >= 400, all.cut || a.cut
		responses = append(responses, a.packed(request.ID))
	}
	slices.Reverse(responses)
	all.body = map[string]any{"responses": responses}
	return all
}

// unpack makes a request of its own of one in a batch, or gives the reason for which Graph refuses the batch.
func (t *Tenant) unpack(q query, request batched, before []batched) (inner query, reason string) {
	isBefore := func(id string) bool {
		return slices.ContainsFunc(before, func(other batched) bool { return strings.EqualFold(other.ID, id) })
	}
	r := q.request.Clone(q.request.Context())
	r.Method, r.Header = request.Method, http.Header{}
	for name, value := range request.Headers {
		r.Header.Set(name, value)
	}
	if r.Header.Get("client-request-id") == "" {
		r.Header.Set("client-request-id", q.request.Header.Get("client-request-id"))
	}
	r.Header.Set("Authorization", q.request.Header.Get("Authorization"))
	if string(request.Body) == "null" {
		request.Body = nil
	}
	target, err := url.Parse(GraphPath + "/v1.0/" + strings.TrimPrefix(request.URL, "/"))
	switch {
	case request.ID == "" || request.Method == "" || request.URL == "" || err != nil:
		return inner, "it needs an id, a method and a relative URL."
	case isBefore(request.ID):
		return inner, "its id is not unique."
	case len(request.Body) > 0 && r.Header.Get("Content-Type") == "":
		return inner, "it has a body and no Content-Type header."
	case slices.ContainsFunc(request.DependsOn, func(id string) bool { return !isBefore(id) }):
		return inner, "it depends on a request that does not stand before it."
	}
	r.URL = target
	path, _ := graphPath(r)
	inner = t.parse(r, path, request.Body)
	if inner.route.path == batchPath {
		return inner, "it is a batch itself."
	}
	return inner, ""
}

// packed is the answer as a batch holds it. A body that is no JSON is in base64.
func (a answer) packed(id string) map[string]any {
	headers := map[string]string{}
	for _, header := range a.header {
		headers[header[0]] = header[1]
	}
	packed := map[string]any{"id": id, "status": a.status, "headers": headers}
	switch {
	case json.Valid(a.content):
		packed["body"] = json.RawMessage(a.content)
	case len(a.content) > 0:
		packed["body"] = a.content
	}
	return packed
}
