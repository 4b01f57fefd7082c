package graphsim_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

// calendar is a clock that a test moves on by hand.
type calendar struct{ now time.Time }

func (c *calendar) pass(d time.Duration) { c.now = c.now.Add(d) }

// inJune is an office on the morning of the first of June. Its requests take no
// time.
func inJune(t *testing.T) (*office, *calendar) {
	t.Helper()
	june := &calendar{time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)}
	tenant := graphsim.NewTenant(nil)
	tenant.Clock(func() time.Time { return june.now })
	return &office{tenant, t, "", &http.Client{Transport: inProcess{tenant.Handler()}}, tenant.Token(graphsim.Application)}, june
}

// inProcess serves without a network.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result(), nil
}

func TestARetiredDeviceLeavesWhenItChecksInAndNoOtherDoes(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Add(graphsim.Contoso(time.Hour)...)
	const twenty = leaver.Duration(20 * day)
	id := o.lee(graphsim.Device{ID: "slow", CheckIn: twenty}, graphsim.Device{ID: "stubborn", CheckIn: twenty, Failures: 1}, graphsim.Device{ID: "never", CheckIn: -1})
	asked := june.now
	// stand is how Lee's devices stand, with their last check-in.
	type stand struct {
		id, state string
		lastSync  time.Time
	}
	stands := func() (all []stand) {
		for _, d := range o.Users()[lee].Devices {
			all = append(all, stand{d.ID, d.State, d.LastSync})
		}
		return all
	}
	before, issued, done := asked.Add(-time.Hour), asked.Add(10*day), asked.Add(20*day)
	assert.Equal(t, []stand{{"slow", "managed", before}, {"stubborn", "managed", before}, {"never", "managed", before}}, stands())

	r := o.graph("POST", "/users/"+id+removal, "")
	assert.Equal(t, []any{204, ""}, []any{r.status, r.body})
	assert.Equal(t, asked, o.Requests()[0].At)
	june.pass(10*day - time.Nanosecond)
	assert.Equal(t, []stand{{"slow", "retirePending", before}, {"stubborn", "retirePending", before}, {"never", "retirePending", before}}, stands())
	for _, wait := range []time.Duration{time.Nanosecond, 10*day - time.Nanosecond} { // it is silent after it was issued
		june.pass(wait)
		assert.Equal(t, []stand{{"slow", "retireIssued", issued}, {"stubborn", "retireIssued", issued}, {"never", "retirePending", before}}, stands())
	}
	assert.Equal(t, "retireIssued", o.graph("GET", managed+"slow", "").json(t)["managementState"])
	june.pass(time.Nanosecond)
	assert.Equal(t, 404, o.graph("GET", managed+"slow", "").status)
	assert.Equal(t, []stand{{"stubborn", "retireFailed", done}, {"never", "retirePending", before}}, stands())
	for _, d := range o.Users()[adele].Devices {
		assert.Equal(t, "managed", d.State)
	}
	assert.Equal(t, 204, o.graph("POST", "/users/"+id+removal, "").status, "a second time")
}

func TestADeviceThatDoesNotHearACallChecksInAndStays(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	id := o.lee(graphsim.Device{ID: "deaf", CheckIn: leaver.Duration(day), Ignores: 2}, graphsim.Device{ID: "silent", CheckIn: -1, Ignores: 1})
	asked := june.now
	deaf := func() graphsim.Device { return o.Users()[lee].Devices[0] }
	assert.Equal(t, 204, o.graph("POST", "/users/"+id+removal, "").status)
	june.pass(day - time.Second)
	assert.Equal(t, []any{"managed", asked.Add(-time.Hour)}, []any{deaf().State, deaf().LastSync}, "it is not yet due")
	june.pass(36 * time.Hour)
	assert.Equal(t, []any{"managed", asked.Add(2 * day)}, []any{deaf().State, deaf().LastSync})
	assert.Equal(t, asked.Add(-time.Hour), o.Users()[lee].Devices[1].LastSync, "this one checks in never")

	assert.Equal(t, 204, o.graph("POST", managed+"deaf/wipe", "{}").status)
	june.pass(30 * day)
	assert.Equal(t, []any{"managed", 0}, []any{deaf().State, deaf().Ignores})
	assert.Equal(t, 204, o.graph("POST", managed+"deaf/wipe", "{}").status, "this call it hears")
	june.pass(day)
	assert.Equal(t, []string{"deaf"}, o.Wiped())
}

func TestAnApprovalRequestExpiresAfterThreeDays(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.lee(graphsim.Device{ID: "d1", CheckIn: -1})
	o.Configure(graphsim.Settings{MultiAdminApproval: true})
	assert.Equal(t, 403, o.retire("d1"))
	june.pass(3*day - time.Second)
	assert.Equal(t, 409, o.retire("d1"), "the first request still waits")
	assert.Equal(t, "needsApproval", o.Approvals()[0].Status)
	june.pass(time.Second)
	assert.Equal(t, "expired", o.Approvals()[0].Status)
	assert.False(t, o.Decide(o.Approvals()[0].Code, "approved"), "it is too late")

	assert.Equal(t, 403, o.retire("d1"), "the call files a new request")
	require.True(t, o.Decide(o.Approvals()[1].Code, "approved"))
	june.pass(30 * day)
	assert.Equal(t, "approved", o.Approvals()[1].Status, "it was decided in time")
}

func TestADailyLimitEndsAtMidnight(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.lee(graphsim.Device{ID: "d1", CheckIn: -1})
	o.Configure(graphsim.Settings{DailyRetires: 1})
	assert.Equal(t, 204, o.retire("d1"))
	june.pass(15*time.Hour - time.Second)
	assert.Equal(t, 429, o.retire("d1"))
	june.pass(time.Second)
	assert.Equal(t, 204, o.retire("d1"))
	assert.Equal(t, 429, o.retire("d1"))
}

func TestARetryAfterPassesByTheTenantsClock(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	path := "/users/" + o.lee()
	o.Fail(graphsim.Fault{Status: 429, RetryAfter: "3600"})
	for _, wait := range []time.Duration{0, 59 * time.Minute, time.Minute} {
		june.pass(wait)
		o.graph("GET", path, "")
	}
	requests := o.Requests()
	require.Len(t, requests, 3)
	assert.Equal(t, []bool{true, false}, []bool{requests[1].Early, requests[2].Early})
}
