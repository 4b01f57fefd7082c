package graphsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// part is an answer in a batch.
type part struct {
	ID      string
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

func (p part) text() string { return string(p.Body) }

// batch sends requests in one and returns the answers by id, and the ids in their order.
func (o *office) batch(requests ...string) (parts map[string]part, order []string) {
	o.t.Helper()
	r := o.graph("POST", "/$batch", `{"requests":[`+strings.Join(requests, ",")+`]}`)
	require.Equal(o.t, 200, r.status, r.body)
	var body struct{ Responses []part }
	require.NoError(o.t, json.Unmarshal([]byte(r.body), &body))
	parts = map[string]part{}
	for _, p := range body.Responses {
		parts[p.ID], order = p, append(order, p.ID)
	}
	return parts, order
}

func get(id, url string) string { return fmt.Sprintf(`{"id":%q,"method":"GET","url":%q}`, id, url) }

func patch(id, url, body, more string) string {
	return fmt.Sprintf(`{"id":%q,"method":"PATCH","url":%q,"headers":{"Content-Type":"application/json"},"body":%s%s}`, id, url, body, more)
}

func TestEachRequestOfABatchIsAnsweredAsIfItHadComeByItself(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	o := newOffice(t, &file)
	o.Configure(graphsim.Settings{PageSize: 2})
	parts, order := o.batch(get("1", "/users/"+adele+"/managedDevices?$select=id"), get("2", "users/nobody@contoso.com"),
		patch("3", "/Users/"+adele, `{"accountEnabled":false}`, ""), `{"id":"four","method":"GET","url":"/nonsense","body":null}`)
	assert.Equal(t, []string{"four", "3", "2", "1"}, order, "the order is not the request's")
	statuses := map[string]int{}
	for id, p := range parts {
		statuses[id] = p.Status
		assert.NotEmpty(t, p.Headers["request-id"], id)
		assert.Equal(t, "mine", p.Headers["client-request-id"])
	}
	assert.Equal(t, map[string]int{"1": 200, "2": 404, "3": 204, "four": 400}, statuses)
	assert.Contains(t, parts["1"].Headers["Content-Type"], "application/json")
	assert.Contains(t, parts["2"].text(), "Request_ResourceNotFound")
	assert.Empty(t, parts["3"].Body)
	assert.False(t, o.Users()[adele].AccountEnabled)

	var list map[string]any
	require.NoError(t, json.Unmarshal(parts["1"].Body, &list))
	assert.Len(t, list["value"], 2)
	next := o.do("GET", strings.TrimPrefix(list["@odata.nextLink"].(string), o.url), "")
	assert.Len(t, next.json(t)["value"], 2)

	requests := o.Requests()
	require.Len(t, requests, 6)
	for i, want := range []string{"POST /$batch 200", "GET /users/" + adele + "/managedDevices 200", "GET /users/nobody@contoso.com 404", "PATCH /Users/" + adele + " 204", "GET /nonsense 400"} {
		assert.Equal(t, want, fmt.Sprint(requests[i].Method, " ", requests[i].Path, " ", requests[i].Status))
		assert.Equal(t, strings.HasPrefix(want, "PATCH"), requests[i].Writes(), want)
	}
	assert.Equal(t, o.Users()[adele].ID, requests[3].UserID)
	assert.Equal(t, 6, strings.Count(file.String(), "\n"), "each is recorded")
	assert.Contains(t, file.String(), `"target":"/users/`+adele+`/managedDevices?$select=id"`)
}

func TestABatchThatIsMadeWronglyIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	many := func(n int) (all []string) {
		for i := range n {
			all = append(all, get(fmt.Sprint(i), "/users/"+adele))
		}
		return all
	}
	parts, _ := o.batch(many(20)...)
	assert.Len(t, parts, 20)
	before := len(o.Requests())
	write := patch("1", "/users/"+adele, `{"accountEnabled":false}`, "")
	for name, requests := range map[string]string{
		"twenty-one":            strings.Join(many(21), ","),
		"none":                  "",
		"an id twice":           write + "," + get("a", "/users/"+adele) + "," + get("A", "/users/"+adele),
		"no id":                 write + "," + get("", "/users/"+adele),
		"no method":             write + `,{"id":"2","url":"/users"}`,
		"no URL":                write + "," + get("2", ""),
		"a URL that is none":    write + "," + get("2", "/%zz"),
		"a body without a type": write + `,{"id":"2","method":"PATCH","url":"/users/` + adele + `","body":{}}`,
		"depends on none":       write + "," + patch("2", "/users/"+adele, "{}", `,"dependsOn":["1","9"]`),
		"depends on a later":    patch("2", "/users/"+adele, "{}", `,"dependsOn":["1"]`) + "," + write,
		"a batch in it":         write + `,{"id":"2","method":"POST","url":"/$batch","headers":{"Content-Type":"application/json"},"body":{}}`,
	} {
		r := o.graph("POST", "/$batch", `{"requests":[`+requests+`]}`)
		assert.Equal(t, 400, r.status, name)
		assert.NotEmpty(t, r.code(t), name)
	}
	assert.Equal(t, 400, o.graph("POST", "/$batch", "[]").status)
	assert.Equal(t, 405, o.graph("GET", "/$batch", "").status)
	o.token = "made up"
	assert.Equal(t, 401, o.graph("POST", "/$batch", `{"requests":[`+write+`]}`).status)
	assert.True(t, o.Users()[adele].AccountEnabled, "nothing of it is done")
	assert.Len(t, o.Requests(), before+14)
}

func TestARequestOfABatchNeedsItsOwnPermission(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.token = o.Token(graphsim.Application, "User.Read.All")
	parts, _ := o.batch(get("1", "/users/"+adele), get("2", "/users/"+adele+"/managedDevices"))
	assert.Equal(t, []int{200, 403}, []int{parts["1"].Status, parts["2"].Status})
}

func TestARequestWhosePredecessorFailedIsNotMade(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	parts, _ := o.batch(get("ok", "/users/"+adele), get("bad", "/users/nobody"),
		patch("1", "/users/"+adele, `{"jobTitle":"a"}`, `,"dependsOn":["OK"]`),
		patch("2", "/users/"+adele, `{"jobTitle":"b"}`, `,"dependsOn":["ok","BAD"]`),
		patch("3", "/users/"+adele, `{"jobTitle":"c"}`, `,"dependsOn":["2"]`))
	assert.Equal(t, []int{204, 424, 424}, []int{parts["1"].Status, parts["2"].Status, parts["3"].Status})
	assert.Contains(t, parts["3"].text(), "FailedDependency")
	assert.Equal(t, "a", o.Users()[adele].Texts["jobTitle"])
	assert.Len(t, o.Requests(), 4)
}

func TestTheRequestsOfABatchAreThrottledOneByOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Fail(graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: "3600"})
	o.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503, HTML: true})
	parts, _ := o.batch(get("1", "/users/"+adele), get("2", "/users/"+adele), get("3", "/users/"+adele+"/managedDevices"))
	assert.Equal(t, []int{429, 200, 503}, []int{parts["1"].Status, parts["2"].Status, parts["3"].Status})
	assert.Equal(t, "3600", parts["1"].Headers["Retry-After"])
	var page []byte
	require.NoError(t, json.Unmarshal(parts["3"].Body, &page), "it is in base64")
	assert.Contains(t, string(page), "<html>")
	requests := o.Requests()
	assert.Equal(t, []bool{false, true, false, true}, []bool{requests[0].Fault, requests[1].Fault, requests[2].Fault, requests[3].Fault})
	assert.True(t, requests[2].Early)

	o.lee(graphsim.Device{ID: "d1", CheckIn: -1}, graphsim.Device{ID: "d2", CheckIn: -1})
	o.Configure(graphsim.Settings{DailyRetires: 1})
	retire := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"method":"POST","url":"%s%s/retire"}`, id, managed, id)
	}
	parts, _ = o.batch(retire("d1"), retire("d2"))
	assert.Equal(t, []int{204, 429}, []int{parts["d1"].Status, parts["d2"].Status})
}

func TestABatchItselfMeetsOnlyAFaultThatNamesIt(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	o := newOffice(t, &file)
	request := `{"requests":[` + patch("1", "/users/"+adele, `{"accountEnabled":false}`, "") + `]}`
	o.Fail(graphsim.Fault{Path: "/$batch", Status: 503})
	assert.Equal(t, 503, o.graph("POST", "/$batch", request).status)
	o.Fail(graphsim.Fault{Method: "PATCH", Reset: true})
	_, err := o.try("POST", graphsim.GraphPath+"/v1.0/$batch", request)
	require.Error(t, err)
	assert.True(t, o.Users()[adele].AccountEnabled)
	assert.Equal(t, 1, strings.Count(file.String(), "\n"), "what was not answered is no exchange")
	o.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	_, err = o.try("POST", graphsim.GraphPath+"/v1.0/$batch", request)
	require.Error(t, err)
	assert.False(t, o.Users()[adele].AccountEnabled, "the answer alone is lost")

	o.Fail(graphsim.Fault{Method: "PATCH", Delay: leaver.Duration(20 * time.Millisecond), Late: leaver.Duration(20 * time.Millisecond)})
	started := time.Now()
	parts, _ := o.batch(get("0", "/users/"+adele), patch("1", "/users/"+adele, `{"accountEnabled":true}`, ""))
	assert.Equal(t, 204, parts["1"].Status)
	assert.GreaterOrEqual(t, time.Since(started), 40*time.Millisecond)
}

func TestABatchMayAskForApproval(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{ID: "d1", CheckIn: -1})
	o.Configure(graphsim.Settings{MultiAdminApproval: true})
	parts, _ := o.batch(`{"id":"1","method":"POST","url":"` + managed + `d1/retire","headers":{"x-msft-approval-justification":"bGVhdmVz"}}`)
	code := parts["1"].Headers["x-msft-approval-code"]
	require.True(t, o.Decide(code, "approved"), parts["1"].text())
	assert.Equal(t, 204, o.retire("d1", "x-msft-approval-code", code), "by itself it is the same call")
}
