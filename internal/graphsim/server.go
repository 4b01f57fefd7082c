package graphsim

import (
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
	"github.com/leaver-dev/leaver"
)

// GraphPath is where Graph's root stands on the server. It is not the server's
// root, so that a client that follows absolute paths is found out.
const GraphPath = "/graph"

// Request is one request as the tenant saw it.
type Request struct {
	At                         time.Time
	Method                     string
	Path                       string // below /v1.0, as it was sent
	Status                     int
	UserID                     string // the object id of the user whom the request names, or who owned the device that it names
	RequestID, ClientRequestID string
	Fault                      bool // the answer was spoilt
	Early                      bool // the request came before a Retry-After had passed
}

// Writes reports whether the request was made to change something. A batch is not: what it holds is. Nor is a question
// that is asked with POST.
func (r Request) Writes() bool {
	return r.Method != http.MethodGet && !strings.EqualFold(r.Path, batchPath) && !strings.HasSuffix(r.Path, "/checkMemberGroups") && !strings.Contains(r.Path, "/Get-")
}

// Requests returns every request so far, in order of arrival. A batch is one, and each request in it is another.
func (t *Tenant) Requests() []Request {
	defer t.lock()()
	return slices.Clone(t.requests)
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

// Handler serves Graph below GraphPath, Exchange below ExchangePath, and the control API below /control/.
func (t *Tenant) Handler() http.Handler {
	control := t.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, graph := graphPath(r); graph {
			t.serveGraph(w, r, path)
			return
		}
		if _, exchange := cutPrefix(r.URL.Path, ExchangePath+"/adminapi/"); exchange {
			t.serveExchange(w, r)
			return
		}
		control.ServeHTTP(w, r)
	})
}

// graphPath is a request's path below /v1.0, or with /beta before it, as it was
// sent. A request on any other path is not Graph's.
func graphPath(r *http.Request) (path string, graph bool) {
	path, below := strings.CutPrefix(r.URL.EscapedPath(), GraphPath)
	if path, ok := cutPrefix(path, "/v1.0"); below && ok {
		return path, true
	}
	_, beta := cutPrefix(path, "/beta/deviceManagement/")
	return path, below && beta
}

// cutPrefix cuts a prefix in any case.
func cutPrefix(path, prefix string) (rest string, found bool) {
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return path, false
	}
	return path[len(prefix):], true
}

// Serve listens on address, such as "127.0.0.1:0", until ctx ends. It returns the URL
// to give to a Graph client, and where it tells how it ended.
func (t *Tenant) Serve(ctx context.Context, address string) (graphURL string, ended <-chan error, err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("simulated tenant: %w", err)
	}
	server := &http.Server{Handler: t.Handler(), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	end := make(chan error, 1)
	go func() { end <- server.Serve(listener) }()
	return "http://" + listener.Addr().String() + GraphPath, end, nil
}

func (t *Tenant) serveGraph(w http.ResponseWriter, r *http.Request, path string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	t.mu.Lock()
	a := t.serve(t.parse(r, path, body))
	t.mu.Unlock()
	a.write(w)
}

// serve answers one request, by itself or of a batch: it logs the request, lets it meet its fault and records
// the exchange. The tenant is locked, but while the request waits.
func (t *Tenant) serve(q query) answer {
	spoil, early := t.faultFor(q)
	entry := Request{At: t.now(), Method: q.request.Method, Path: q.path, Fault: spoil.spoils(), Early: early,
		RequestID: uuid.NewString(), ClientRequestID: q.request.Header.Get("client-request-id")}
	if user := t.target(q); user != nil {
		entry.UserID = user.ID
	}
	t.requests = append(t.requests, entry)
	mine := len(t.requests) - 1
	if !t.wait(q, spoil.Delay) {
		return answer{}
	}
	if spoil.Reset {
		return answer{reset: true}
	}

	a := fault(spoil.Status, spoil.Code, spoil.Message).with("Retry-After", spoil.RetryAfter)
	if spoil.Status == 0 {
		a = t.answer(q)
	}
	if a.reset || a.status == 0 {
		return a
	}
	spoil.spoilList(q.request, a)
	t.requests[mine].Status = a.status
	contentType := a.encode(entry)
	if spoil.HTML {
		a.content, contentType = []byte("<!DOCTYPE html><html><body><h2>Our services aren't available right now</h2></body></html>"), "text/html"
	}
	t.keep(q, entry.Fault, a, contentType)
	if !t.wait(q, spoil.Late) {
		return answer{}
	}
	a.cut = a.cut || spoil.Cut
	a = a.with("OData-Version", "4.0").with("Cache-Control", "no-cache").with("Strict-Transport-Security", "max-age=31536000")
	return a.with("Date", entry.At.UTC().Format(http.TimeFormat)).with("request-id", entry.RequestID).with("client-request-id", entry.ClientRequestID).with("Content-Type", contentType)
}

// write sends the answer, or as much of it as the client is to get.
func (a answer) write(w http.ResponseWriter) {
	if a.reset {
		drop(w)
		return
	}
	for _, header := range a.header {
		w.Header().Set(header[0], header[1])
	}
	switch {
	case a.status == 0:
	case a.cut:
		cut(w, a.status, a.content)
	default:
		w.WriteHeader(a.status)
		_, _ = w.Write(a.content)
	}
}

// wait returns false when the client has gone. The tenant is not locked meanwhile.
func (t *Tenant) wait(q query, d leaver.Duration) bool {
	if d <= 0 {
		return true
	}
	t.mu.Unlock()
	defer t.mu.Lock()
	select {
	case <-time.After(time.Duration(d)):
		return true
	case <-q.request.Context().Done():
		return false
	}
}

// cut drops the connection half-way through the body, or before the status where there is no body.
func cut(w http.ResponseWriter, status int, content []byte) {
	if len(content) > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.WriteHeader(status)
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
	}
	drop(w)
}

// encode writes the body as Graph sends it; it adds an error's innerError.
func (a *answer) encode(entry Request) (contentType string) {
	if a.body == nil {
		return ""
	}
	if failure, ok := a.body["error"].(map[string]any); ok {
		failure["innerError"] = map[string]any{
			"date": entry.At.UTC().Format("2006-01-02T15:04:05"), "request-id": entry.RequestID, "client-request-id": entry.ClientRequestID,
		}
	}
	a.content, _ = json.Marshal(a.body)
	return "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
}

func (t *Tenant) keep(q query, spoilt bool, a answer, contentType string) {
	if _, beta := cutPrefix(q.path, "/beta/"); beta || q.route.exchangeAdmin() || t.record == nil {
		return
	}
	target := q.path
	if options := q.request.URL.RawQuery; options != "" {
		target += "?" + options
	}
	_ = json.NewEncoder(t.record).Encode(exchange{
		Method: q.request.Method, Target: target, RequestType: q.request.Header.Get("Content-Type"), RequestBody: withoutPasswords(q.body),
		Status: a.status, ResponseType: contentType, ResponseBody: string(a.content), Fault: spoilt,
	})
}
