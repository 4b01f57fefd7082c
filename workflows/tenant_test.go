package workflows_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver/plugin"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// quarterHourly looks at the devices every quarter of an hour.
func quarterHourly(c *plugin.Config) { c.FirstPoll, c.LongestPoll = 15*time.Minute, 15*time.Minute }

// before puts a handler in front of the tenant.
func before(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, next http.Handler)) func(*plugin.Config) {
	return func(c *plugin.Config) {
		target, _ := url.Parse(c.GraphURL)
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, proxy) }))
		t.Cleanup(server.Close)
		c.GraphURL = server.URL + target.Path
	}
}

// listWithout answers with a list that misses some.
func listWithout(w http.ResponseWriter, r *http.Request, next http.Handler, missing func(id any) bool) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	var page map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &page)
	page["value"] = slices.DeleteFunc(page["value"].([]any), func(d any) bool { return missing(d.(map[string]any)["id"]) })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(page)
}

// countActivities counts the activities that end: each has its events in the history.
func (o *office) countActivities() *int {
	ended := 0
	o.SetOnActivityCompletedListener(func(*activity.Info, converter.EncodedValue, error) { ended++ })
	return &ended
}

// requested counts the requests of a method whose path ends so.
func (o *office) requested(method, path string) int {
	n := 0
	for _, r := range o.tenant.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, path) {
			n++
		}
	}
	return n
}
