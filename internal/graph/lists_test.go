package graph

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless serves pages whose next links never end; each page holds rows devices.
func endless(t *testing.T, limits Limits, rows int, next func(page int) string) (*graphServer, *Client) {
	t.Helper()
	var s *graphServer
	page := 0
	s, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		page++
		devices := strings.TrimSuffix(strings.Repeat(laptop+",", rows), ",")
		fmt.Fprintf(w, `{"value":[%s],"@odata.nextLink":"%s/graph/v1.0/users/%s/managedDevices?%s"}`, devices, s.URL, userID, next(page))
	})
	client.limits = limits.orDefaults()
	return s, client
}

// B01: a next link led to the same page for ever.
func TestAListWithoutEndIsGivenUpAndSaysWhy(t *testing.T) {
	t.Parallel()
	onwards := func(page int) string { return fmt.Sprint(page) }
	for name, c := range map[string]struct {
		limits   Limits
		rows     int
		next     func(int) string
		why      string
		requests int
	}{
		"the same link":    {Limits{}, 1, func(int) string { return "same" }, "was read already", 2},
		"a ring of two":    {Limits{}, 1, func(page int) string { return fmt.Sprint(page % 2) }, "was read already", 3},
		"too many pages":   {Limits{Pages: 7}, 0, onwards, "more than 7 pages", 7},
		"by default too":   {Limits{}, 0, onwards, "more than 1000 pages", 1000},
		"too many rows":    {Limits{Rows: 10}, 3, onwards, "more than 10 rows", 4},
		"too many bytes":   {Limits{Bytes: 4 * int64(len(laptop))}, 1, onwards, "more than", 3},
		"one page is long": {Limits{Rows: 10}, 20, onwards, "more than 10 rows", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client := endless(t, c.limits, c.rows, c.next)
			devices, err := client.ManagedDevices(t.Context(), userID)
			var answer *AnswerError
			require.ErrorAs(t, err, &answer)
			assert.True(t, answer.Lasting)
			assert.Contains(t, answer.Why, c.why)
			assert.Empty(t, devices, "half a list is no list")
			assert.Len(t, s.all(), c.requests)
		})
	}
}

func TestAnAnswerThatIsLongerThanItMayBeIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	sent := 0
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"value":[`)
		for range 10_000 {
			n, err := io.WriteString(w, laptop+",")
			if sent += n; err != nil {
				return
			}
		}
	})
	client, err := New(Options{URL: s.URL + "/graph", Credential: staticCredential(secret), Limits: Limits{Bytes: 10_000}})
	require.NoError(t, err)
	_, err = client.ManagedDevices(t.Context(), userID)
	var answer *AnswerError
	require.ErrorAs(t, err, &answer)
	assert.True(t, answer.Lasting)
	assert.Equal(t, "list managedDevices: the answer holds more than it may", err.Error())
}

// B03 and B05: one odd row of a list kept all from being seen.
func TestAnOddRowHidesNoOtherRowAndNoOtherField(t *testing.T) {
	t.Parallel()
	for odd, want := range map[string]ManagedDevice{
		`{"id":"d9","deviceName":"B","lastSyncDateTime":""}`:                   {ID: "d9", DeviceName: "B"},
		`{"id":"d9","deviceName":"B","lastSyncDateTime":"yesterday"}`:          {ID: "d9", DeviceName: "B"},
		`{"id":"d9","deviceName":7,"operatingSystem":"iOS","userId":null}`:     {ID: "d9", OperatingSystem: "iOS"},
		`{"id":"","deviceName":"B"}`:                                           {DeviceName: "B"},
		`{"id":17,"deviceName":"B"}`:                                           {DeviceName: "B"},
		`{"id":null,"deviceName":{"a":1},"managementState":["retirePending"]}`: {},
		`null`: {},
		`[]`:   {},
		`"d9"`: {},
	} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+laptop+`,`+odd+`,{"id":"d3"}]}`))
		devices, err := client.ManagedDevices(t.Context(), userID)
		require.NoError(t, err, odd)
		require.Len(t, devices, 3)
		assert.Equal(t, "d1", devices[0].ID)
		assert.Equal(t, want, devices[1], odd)
		assert.Equal(t, "d3", devices[2].ID)
	}
}

func TestANextLinkThatCannotBeReadIsNoEnd(t *testing.T) {
	t.Parallel()
	for _, link := range []string{`7`, `{}`, `["x"]`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+laptop+`],"@odata.nextLink":`+link+`}`))
		_, err := client.ManagedDevices(t.Context(), userID)
		noAnswer(t, "list managedDevices", err)
	}
}

// B31: an answer of success that is none, and B51: one with a body that nobody wants.
func TestASuccessCountsOnlyWithTheBodyThatTheCallDocuments(t *testing.T) {
	t.Parallel()
	const refused = `{"error":{"code":"Forbidden","message":"Application is not authorized."}}`
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := serve(t, reply(http.StatusOK, refused))
			var answer *Error
			require.ErrorAs(t, call(t.Context(), client, userID), &answer)
			assert.Equal(t, "Forbidden", answer.Code)
			_, client = serve(t, reply(http.StatusOK, "<html><body>Please sign in</body></html>"))
			require.ErrorAs(t, call(t.Context(), client, userID), new(*AnswerError))
		})
	}
	for _, body := range []string{`{"error":"blocked"}`, `{"Error":{"code":"Forbidden"}}`, `{"message":"blocked"}`, `{"value":false}`, `null`, `[]`, `"ok"`} {
		_, client := serve(t, reply(http.StatusOK, body))
		require.Error(t, failureOf(client.RetireDevice(t.Context(), "d1", Approval{})), body)
	}
	for status, body := range map[int]string{200: `{"@odata.context":"x"}`, 202: "", 204: "ignored"} {
		_, client := serve(t, reply(status, body))
		require.NoError(t, failureOf(client.RetireDevice(t.Context(), "d1", Approval{})), status)
	}
}

func TestAWriteTellsWhenGraphAnsweredByGraphsOwnClock(t *testing.T) {
	t.Parallel()
	_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Mon, 23 Nov 2026 08:01:00 GMT")
		w.WriteHeader(http.StatusNoContent)
	})
	at, err := client.RetireDevice(t.Context(), "d1", Approval{})
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 11, 23, 8, 1, 0, 0, time.UTC), at.UTC())
}

func TestDevicesOfADeletedAccountAreFoundByItsObjectID(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[`+laptop+`,{"id":"d2","userId":"`+otherwise+`"},{"id":"d3"}]}`))
	devices, err := client.ManagedDevicesOf(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, devices, 1, "Graph may ignore the filter")
	assert.Equal(t, "d1", devices[0].ID)
	assert.Equal(t, "userId eq '"+userID+"'", filter(t, s))
}

// A hostile next link leads to the devices of everybody, or of somebody else.
func TestANextLinkToAnotherListIsNotFollowed(t *testing.T) {
	t.Parallel()
	for link, same := range map[string]bool{
		"/users/" + userID + "/managedDevices":                        true,
		"/Users('" + strings.ToUpper(userID) + "')/manageddevices":    true,
		"/deviceManagement/managedDevices":                            false,
		"/users/" + inEntra + "/managedDevices":                       false,
		"/users/" + userID + "/managedDevices/../../x/managedDevices": false,
		"/users/" + userID + "/registeredDevices":                     false,
	} {
		t.Run(link, func(t *testing.T) {
			t.Parallel()
			var s *graphServer
			s, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("$skiptoken") {
					fmt.Fprint(w, `{"value":[]}`)
					return
				}
				fmt.Fprintf(w, `{"value":[%s],"@odata.nextLink":"%s/graph/v1.0%s?$skiptoken=2"}`, laptop, s.URL, link)
			})
			devices, err := client.ManagedDevices(t.Context(), userID)
			if same {
				require.NoError(t, err)
				assert.Len(t, devices, 1)
				return
			}
			require.ErrorContains(t, err, "the link to the next page leads to another list")
			assert.Len(t, s.all(), 1)
		})
	}
}

// FuzzList takes any JSON for a page: nothing panics, a good row is never hidden, and
// the bounds hold.
func FuzzList(f *testing.F) {
	for _, row := range []string{"null", `{"id":""}`, `{"id":{}}`, `{"lastSyncDateTime":"x"}`, `[[[[]]]]`, `{"id":"d9","id":7}`, `"`, `{`, "0", `{"ID":"d9","Id":1}`} {
		f.Add(row, "", 3)
	}
	f.Add("{}", "?$skiptoken=1", 1)
	f.Fuzz(func(t *testing.T, row, next string, pages int) {
		limit, asked := max(1, pages%10), 0
		client, err := New(Options{URL: "http://127.0.0.1:1/graph", Credential: staticCredential(secret), Limits: Limits{Pages: limit, Rows: 50, Bytes: 1 << 20},
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				asked++
				link := ""
				if next != "" {
					link = fmt.Sprintf(`,"@odata.nextLink":%q`, "http://127.0.0.1:1/graph/v1.0/users/"+userID+"/managedDevices"+next+fmt.Sprint(asked))
				}
				body := `{"value":[` + laptop + `,` + row + `,{"id":"last"}]` + link + `}`
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: r}, nil
			})})
		require.NoError(t, err)
		devices, err := client.ManagedDevices(t.Context(), userID)
		require.LessOrEqual(t, asked, limit)
		if err != nil {
			require.Empty(t, devices)
			return
		}
		require.GreaterOrEqual(t, len(devices), 3*asked)
		require.Equal(t, "d1", devices[0].ID)
		require.Equal(t, "CONTOSO-LT-0417", devices[0].DeviceName)
		require.Equal(t, "last", devices[len(devices)-1].ID)
	})
}

// One page may hold more rows than a list may have, also the last one: rows of two bytes would take gigabytes.
func TestAPageOfMoreRowsThanAListMayHaveIsNotDecoded(t *testing.T) {
	t.Parallel()
	_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"value":[`+strings.Repeat("{},", 2_000_000)+`{}]}`)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.ManagedDevices(t.Context(), userID)
	runtime.ReadMemStats(&after)
	var answer *AnswerError
	require.ErrorAs(t, err, &answer)
	assert.Contains(t, answer.Why, "more than 50000 rows")
	t.Log((after.TotalAlloc-before.TotalAlloc)>>20, "MiB allocated")
}
