package graphsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// GraphPath is where Graph's root stands on the server. It is not the server's
// root, so that a client that follows absolute paths is found out.
const GraphPath = "/graph"

// Request is one request as the tenant saw it.
type Request struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	// Path is the path below /v1.0, as it was sent.
	Path   string `json:"path"`
	Status int    `json:"status"`
	// UserID is the object id of the user whom the path names, or who owned the
	// device that it names.
	UserID          string `json:"userId"`
	RequestID       string `json:"requestId"`
	ClientRequestID string `json:"clientRequestId"`
	// Fault says that the answer was spoilt.
	Fault bool `json:"fault"`
	// Early says that the request came before a Retry-After had passed.
	Early bool `json:"early"`
}

// Writes reports whether the request was made to change something.
func (r Request) Writes() bool { return r.Method != http.MethodGet }

// Requests returns every request so far, in order of arrival.
func (t *Tenant) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Request(nil), t.requests...)
}

// exchange is a line of the recording.
type exchange struct {
	Method       string `json:"method"`
	Target       string `json:"target"`
	RequestType  string `json:"requestType,omitempty"`
	RequestBody  string `json:"requestBody,omitempty"`
	Status       int    `json:"status"`
	ResponseType string `json:"responseType,omitempty"`
	ResponseBody string `json:"responseBody,omitempty"`
	Fault        bool   `json:"fault,omitempty"`
}

// Handler serves Graph below GraphPath and the control API below /control/.
func (t *Tenant) Handler() http.Handler {
	control := t.control()
	byID, byKey := t.calls()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path, graph := graphPath(r); {
		case !graph:
			control.ServeHTTP(w, r)
		case !plain(path):
			t.serveGraph(w, query{request: r})
		case strings.HasPrefix(path, "/users('"):
			byKey.ServeHTTP(w, r)
		default:
			byID.ServeHTTP(w, r)
		}
	})
}

// graphPath is a request's path below /v1.0, or with /beta before it, as it was
// sent. A request on any other path is not Graph's.
func graphPath(r *http.Request) (path string, graph bool) {
	escaped := r.URL.EscapedPath()
	if path, ok := strings.CutPrefix(escaped, GraphPath+"/v1.0"); ok {
		return path, true
	}
	path, below := strings.CutPrefix(escaped, GraphPath)
	return path, below && strings.HasPrefix(path, "/beta/deviceManagement/")
}

// plain reports whether every segment of a path is a name, neither empty nor dots.
// ServeMux redirects the client from another path to a cleaned one, which Graph
// does not do.
func plain(path string) bool {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	return !slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool {
		return segment == "" || segment == "." || segment == ".."
	})
}

// Serve listens on address, such as "127.0.0.1:0", until ctx ends, and calls
// ready with the URL to give to a Graph client.
func (t *Tenant) Serve(ctx context.Context, address string, ready func(graphURL string)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("simulated tenant: %w", err)
	}
	server := &http.Server{Handler: t.Handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	ready("http://" + listener.Addr().String() + GraphPath)
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("simulated tenant: %w", err)
	}
	return nil
}

func (t *Tenant) serveGraph(w http.ResponseWriter, q query) {
	r := q.request
	path, _ := graphPath(r)
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	q.body = body
	entry := Request{Method: r.Method, Path: path, RequestID: uuid.NewString(), ClientRequestID: r.Header.Get("client-request-id")}
	t.mu.Lock()
	entry.At = t.now()
	spoil, early := t.faultFor(r, path)
	if user := t.target(q); user != nil {
		entry.UserID = user.ID
	}
	entry.Fault, entry.Early = spoil != nil && !spoil.onlySlow(), early
	t.requests = append(t.requests, entry)
	mine := len(t.requests) - 1
	t.mu.Unlock()

	if spoil != nil && !wait(r, time.Duration(spoil.Delay)) {
		return
	}
	if spoil != nil && spoil.Reset {
		drop(w)
		return
	}

	t.mu.Lock()
	var a answer
	if spoil != nil && spoil.Status != 0 {
		a = fault(spoil.Status, spoil.Code, spoil.Message)
		if spoil.RetryAfter != "" {
			a.header = map[string]string{"Retry-After": spoil.RetryAfter}
		}
	} else {
		a = t.answer(q)
	}
	t.requests[mine].Status = a.status
	content, contentType := a.encode(entry)
	if spoil != nil && spoil.HTML {
		content, contentType = []byte("<!DOCTYPE html><html><body><h2>Our services aren't available right now</h2></body></html>"), "text/html"
	}
	t.keep(r, path, body, entry.Fault, a.status, content, contentType)
	t.mu.Unlock()

	if spoil != nil && !wait(r, time.Duration(spoil.Late)) {
		return
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("request-id", entry.RequestID)
	if entry.ClientRequestID != "" {
		w.Header().Set("client-request-id", entry.ClientRequestID)
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	if spoil != nil && spoil.Cut {
		cut(w, a.status, content)
		return
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(content)
}

// wait returns false when the client has gone.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
		return false
	}
}

// onlySlow reports whether the answer comes late but whole.
func (f *Fault) onlySlow() bool { return f.Status == 0 && !f.Reset && !f.Cut && !f.HTML }

// cut drops the connection half-way through the body, or before the status
// where there is no body.
func cut(w http.ResponseWriter, status int, content []byte) {
	if len(content) > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.WriteHeader(status)
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
	}
	drop(w)
}

// encode is the body as Graph sends it; it adds an error's innerError.
func (a answer) encode(entry Request) (content []byte, contentType string) {
	if a.body == nil {
		return nil, ""
	}
	body := a.body.(map[string]any)
	if failure, ok := body["error"].(map[string]any); ok {
		failure["innerError"] = map[string]any{
			"date": entry.At.UTC().Format("2006-01-02T15:04:05"), "request-id": entry.RequestID, "client-request-id": entry.ClientRequestID,
		}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body)
	return bytes.TrimSpace(buffer.Bytes()), "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
}

func (t *Tenant) keep(r *http.Request, path string, body []byte, spoilt bool, status int, content []byte, contentType string) {
	if t.record == nil || strings.HasPrefix(path, "/beta/") {
		return
	}
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	line, _ := json.Marshal(exchange{
		Method: r.Method, Target: path, RequestType: r.Header.Get("Content-Type"), RequestBody: string(body),
		Status: status, ResponseType: contentType, ResponseBody: string(content), Fault: spoilt,
	})
	_, _ = t.record.Write(append(line, '\n'))
}
