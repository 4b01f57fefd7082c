package graphsim_test

import (
	"net/http"
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
	return &office{Tenant: tenant, t: t, http: &http.Client{Transport: inProcess{tenant.Handler()}}, token: tenant.Token(graphsim.Application)}, june
}

func TestDevicesCheckInByTheTenantsClock(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	id := o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{
		{Name: "slow", CheckIn: leaver.Duration(20 * day)}, {Name: "stubborn", CheckIn: leaver.Duration(20 * day), Failures: 1}, {Name: "never", CheckIn: -1},
	}})
	assert.Equal(t, june.now.Add(-time.Hour), o.Users()["lee@contoso.com"].Devices[0].LastSync)
	assert.Equal(t, 204, o.graph("POST", "/users/"+id+removal, "").status)
	assert.Equal(t, june.now, o.Requests()[0].At)
	asked := june.now

	june.pass(15 * day)
	slow := o.Users()["lee@contoso.com"].Devices[0]
	assert.Equal(t, "retireIssued", slow.State)
	assert.Equal(t, asked.Add(10*day), slow.LastSync, "it has been silent since")

	june.pass(15 * day)
	left := o.Users()["lee@contoso.com"].Devices
	require.Len(t, left, 2)
	assert.Equal(t, "retireFailed", left[0].State)
	assert.Equal(t, asked.Add(20*day), left[0].LastSync)
	assert.Equal(t, "retirePending", left[1].State)
}

func TestAnApprovalRequestExpiresAfterThreeDays(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{{ID: "d1", CheckIn: -1}}})
	o.Configure(graphsim.Settings{MultiAdminApproval: true})
	retire := func() int {
		return o.graph("POST", "/deviceManagement/managedDevices/d1/retire", "", "x-msft-approval-justification", "bGVhdmVz").status
	}
	assert.Equal(t, 403, retire())
	june.pass(3*day - time.Second)
	assert.Equal(t, 409, retire(), "the first request still waits")
	assert.Equal(t, "needsApproval", o.Approvals()[0].Status)
	june.pass(time.Second)
	assert.Equal(t, "expired", o.Approvals()[0].Status)
	assert.False(t, o.Decide(o.Approvals()[0].Code, "approved"), "it is too late")

	assert.Equal(t, 403, retire(), "the call files a new request")
	require.True(t, o.Decide(o.Approvals()[1].Code, "approved"))
	june.pass(30 * day)
	assert.Equal(t, "approved", o.Approvals()[1].Status, "it was decided in time")
}

func TestADailyLimitEndsAtMidnight(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Add(graphsim.User{UserPrincipalName: "lee@contoso.com", Devices: []graphsim.Device{{ID: "d1", CheckIn: -1}}})
	o.Configure(graphsim.Settings{DailyRetires: 1})
	retire := func() int { return o.graph("POST", "/deviceManagement/managedDevices/d1/retire", "").status }
	assert.Equal(t, 204, retire())
	june.pass(15*time.Hour - time.Second)
	assert.Equal(t, 429, retire())
	june.pass(time.Second)
	assert.Equal(t, 204, retire())
	assert.Equal(t, 429, retire())
}

func TestARetryAfterPassesByTheTenantsClock(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Add(graphsim.User{ID: "lee", UserPrincipalName: "lee@contoso.com"})
	o.Fail(graphsim.Fault{Status: 429, RetryAfter: "3600"})
	for _, wait := range []time.Duration{0, 59 * time.Minute, time.Minute} {
		june.pass(wait)
		o.graph("GET", "/users/lee", "")
	}
	requests := o.Requests()
	require.Len(t, requests, 3)
	assert.True(t, requests[1].Early)
	assert.False(t, requests[2].Early)
}
