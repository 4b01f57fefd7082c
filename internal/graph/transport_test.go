package graph

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The errors are as Go words them, with addresses and names.
func TestAConnectionThatFailsIsWordedWithoutAddresses(t *testing.T) {
	t.Parallel()
	address := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 443}
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Source: address, Addr: address, Err: err}
	}
	for _, c := range []struct {
		want string
		err  error
	}{
		{"no answer in time", dial(os.ErrDeadlineExceeded)},
		{"no answer in time", &net.OpError{Op: "read", Net: "tcp", Addr: address, Err: timeout{}}},
		{"the connection was refused", dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))},
		{"the connection was cut", &net.OpError{Op: "read", Net: "tcp", Addr: address, Err: os.NewSyscallError("read", syscall.ECONNRESET)}},
		{"the connection was cut", io.ErrUnexpectedEOF},
		{"the connection was cut", fmt.Errorf("body of 10.1.2.3:443: %w", io.EOF)},
		{"the host's name could not be resolved", dial(&net.DNSError{Err: "no such host", Name: "adele.contoso.com", Server: "10.1.2.3:53", IsNotFound: true})},
		{"the host's name could not be resolved", dial(&net.DNSError{Err: "i/o timeout", Name: "adele.contoso.com", Server: "10.1.2.3:53", IsTimeout: true})},
		{"the certificate is not trusted", &tls.CertificateVerificationError{Err: errors.New("valid for adele.contoso.com, not 10.1.2.3")}},
		{"the proxy could not be reached", &net.OpError{Op: "proxyconnect", Net: "tcp", Addr: address, Err: dial(syscall.ECONNREFUSED)}},
		{"the connection failed", dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))},
		{"the connection failed", errors.New("tls: adele's laptop at 10.1.2.3 speaks no TLS")},
	} {
		client, made := New(Options{URL: "https://10.1.2.3/graph", Credential: staticCredential(secret), Transport: transport(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: c.err}
		})})
		require.NoError(t, made)
		_, failed := client.User(t.Context(), adele)
		assert.EqualError(t, failed, "get user: "+c.want)
		assert.NotErrorIs(t, failed, context.DeadlineExceeded, "the attempt's own time is not up")
		assert.NotContains(t, fmt.Sprintf("%+v %#v", failed, failed), "10.1.2.3")
	}
}

// timeout is what a connection's own deadline is, which Go takes for a context's.
type timeout struct{}

func (timeout) Error() string        { return "i/o timeout" }
func (timeout) Timeout() bool        { return true }
func (timeout) Temporary() bool      { return true }
func (timeout) Is(target error) bool { return target == context.DeadlineExceeded }

func TestRealConnectionsFailWithoutTheirAddresses(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cut.Close)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	toProxy := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(closed.URL) }}
	for want, c := range map[string]struct {
		url    string
		client *http.Client
	}{
		"the connection was refused":     {closed.URL, http.DefaultClient},
		"the certificate is not trusted": {secure.URL, http.DefaultClient},
		"the connection was cut":         {cut.URL, http.DefaultClient},
		"no answer in time":              {slow.URL, &http.Client{Timeout: 10 * time.Millisecond}},
		"the proxy could not be reached": {secure.URL, &http.Client{Transport: toProxy}},
	} {
		client, err := New(Options{URL: c.url + "/graph", Credential: staticCredential(secret), Transport: c.client})
		require.NoError(t, err)
		_, err = client.User(t.Context(), adele)
		assert.EqualError(t, err, "get user: "+want)
	}
}
