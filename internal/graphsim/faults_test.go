package graphsim_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFaultSpoilsWhatItMatchesAndAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Fail(graphsim.Fault{Method: "POST", Path: removal, Times: 2, Status: 500, Code: "InternalServerError", Message: "Broken."})
	assert.Equal(t, 200, o.graph("GET", "/users/"+adele, "").status)
	for range 2 {
		r := o.graph("POST", "/users/"+adele+removal, "")
		assert.Equal(t, []any{500, "InternalServerError", "Broken."}, []any{r.status, r.code(t), r.message(t)})
	}
	assert.Equal(t, "managed", o.Users()[adele].Devices[0].State, "nothing was done")
	assert.Equal(t, 204, o.graph("POST", "/users/"+adele+removal, "").status)

	o.Fail(graphsim.Fault{Times: -1, Status: 503})
	for range 3 {
		assert.Equal(t, 503, o.graph("GET", "/users/"+adele, "").status)
	}
	o.Heal()
	o.Fail(graphsim.Fault{Times: -1, Every: 3, Status: 503})
	for _, status := range []int{200, 200, 503, 200, 200, 503} {
		assert.Equal(t, status, o.graph("GET", "/users/"+adele, "").status)
	}
	o.Heal()
	assert.Equal(t, 200, o.graph("GET", "/users/"+adele, "").status)
}

func TestThrottlingSaysHowLongAndSeesWhoComesEarly(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	for _, header := range []string{"", "3600", "0.001"} {
		o.Heal()
		o.Fail(graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: header})
		r := o.graph("GET", "/users/"+adele, "")
		assert.Equal(t, []any{429, header}, []any{r.status, r.header.Get("Retry-After")})
		time.Sleep(2 * time.Millisecond)
		o.graph("GET", "/users/"+adele, "")
		last := o.Requests()[len(o.Requests())-2:]
		assert.Equal(t, header == "3600", last[1].Early, header)
		assert.Equal(t, []bool{true, false}, []bool{last[0].Fault, last[1].Fault})
	}
}

func TestAGatewayAnswersInHTML(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Fail(graphsim.Fault{Status: 503, HTML: true})
	r := o.graph("GET", "/users/"+adele, "")
	assert.Equal(t, []any{503, "text/html"}, []any{r.status, r.header.Get("Content-Type")})
	assert.Contains(t, r.body, "<html>")
}

func TestAConnectionIsResetBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.Fail(graphsim.Fault{Path: removal, Reset: true})
	_, err := o.try("POST", graphsim.GraphPath+"/v1.0/users/"+adele+removal, "")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	assert.Equal(t, "managed", o.Users()[adele].Devices[0].State)
}

func TestAnAnswerIsCutOffAfterItWasDone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.lee(graphsim.Device{Name: "never", CheckIn: -1})
	o.Fail(graphsim.Fault{Times: 2, Cut: true})
	_, err := o.try("POST", graphsim.GraphPath+"/v1.0/users/"+lee+removal, "")
	require.Error(t, err)
	assert.Equal(t, "retirePending", o.Users()[lee].Devices[0].State)
	_, err = o.try("GET", graphsim.GraphPath+"/v1.0/users/"+adele, "")
	require.Error(t, err)
	assert.NotErrorIs(t, err, io.EOF, "it ends in the middle, not before")
}

func TestASlowAnswerIsDoneBeforeOrAfterTheWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault graphsim.Fault
		done  bool
	}{
		{graphsim.Fault{Delay: leaver.Duration(time.Hour)}, false},
		{graphsim.Fault{Late: leaver.Duration(time.Hour)}, true},
	} {
		o := newOffice(t, nil)
		o.Fail(c.fault)
		ctx, leave := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, "PATCH", o.url+graphsim.GraphPath+"/v1.0/users/"+adele, strings.NewReader(`{"accountEnabled":false}`))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+o.token)
		failed := make(chan error)
		go func() {
			_, err := o.http.Do(request)
			failed <- err
		}()
		require.Eventually(t, func() bool {
			return len(o.Requests()) == 1 && o.Users()[adele].AccountEnabled != c.done
		}, 5*time.Second, time.Millisecond)
		leave()
		require.ErrorIs(t, <-failed, context.Canceled)
		assert.False(t, o.Requests()[0].Fault, "late is not spoilt")
	}
}

func TestEveryRequestIsLogged(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.graph("GET", "/users/"+adele+"/managedDevices", "")
	o.graph("PATCH", "/users/"+adele, `{"accountEnabled":false}`)
	device := o.Users()[megan].Devices[0].ID
	o.graph("GET", managed+device, "")
	o.graph("GET", "/users/nobody@contoso.com", "")
	requests := o.Requests()
	require.Len(t, requests, 4)
	for i, want := range []graphsim.Request{
		{Method: "GET", Path: "/users/" + adele + "/managedDevices", Status: 200, UserID: o.Users()[adele].ID},
		{Method: "PATCH", Path: "/users/" + adele, Status: 204, UserID: o.Users()[adele].ID},
		{Method: "GET", Path: managed + device, Status: 200, UserID: o.Users()[megan].ID}, // whose device it is
		{Method: "GET", Path: "/users/nobody@contoso.com", Status: 404},
	} {
		assert.NotEmpty(t, requests[i].RequestID)
		want.At, want.RequestID, want.ClientRequestID = requests[i].At, requests[i].RequestID, "mine"
		assert.Equal(t, want, requests[i])
		assert.Equal(t, want.Method == "PATCH", want.Writes())
	}
}

func TestTheTenantServesUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	tenant := graphsim.NewTenant(nil)
	graphURL, ended, err := tenant.Serve(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(graphURL, graphsim.GraphPath), graphURL)
	response, err := http.Get(graphURL + "/v1.0/users/x")
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, 401, response.StatusCode)
	stop()
	require.ErrorIs(t, <-ended, http.ErrServerClosed)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, _, err = tenant.Serve(t.Context(), taken.Addr().String())
	require.Error(t, err)
}

func TestManyMayCallAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				_, err := o.try("POST", graphsim.GraphPath+"/v1.0/users/"+adele+removal, "")
				assert.NoError(t, err)
				_, err = o.try("GET", graphsim.GraphPath+"/v1.0/users/"+adele+"/managedDevices", "")
				assert.NoError(t, err)
				o.Users()
			}
		})
	}
	all.Wait()
	assert.Len(t, o.Requests(), 320)
}
