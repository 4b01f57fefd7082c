package graph

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is taken for an id stays one segment of the path, below /users.
func FuzzUserPath(f *testing.F) {
	for _, id := range []string{adele, userID, "alex_example.com#EXT#@contoso.onmicrosoft.com", "$a@contoso.com", "$o'b", "..", "a/b", "%2e%2e", "a%2fb", "')/x", "$')/x('", "", "a;b", "\x00"} {
		f.Add(id)
	}
	client, err := New(Options{URL: "http://127.0.0.1:1/graph", Credential: staticCredential(secret)})
	require.NoError(f, err)
	const below = "/removeAllDevicesFromManagement"
	f.Fuzz(func(t *testing.T, id string) {
		address := client.user(id, below)
		if address == "userId" {
			require.ErrorAs(t, client.do(t.Context(), removeAllDevices, address, nil, nil), new(*UnusableIDError))
			return
		}
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:1", u.Host)
		require.Empty(t, u.RawQuery)
		require.Empty(t, u.Fragment)
		segment, ok := strings.CutPrefix(u.EscapedPath(), "/graph/v1.0/users")
		require.True(t, ok, address)
		segment, ok = strings.CutSuffix(segment, below)
		require.True(t, ok, address)
		if strings.HasPrefix(id, "$") {
			require.True(t, strings.HasPrefix(segment, "('") && strings.HasSuffix(segment, "')"), address)
			segment = strings.TrimSuffix(strings.TrimPrefix(segment, "('"), "')")
			id = strings.ReplaceAll(id, "'", "''")
		} else {
			require.True(t, strings.HasPrefix(segment, "/"), address)
			segment = segment[1:]
		}
		require.NotContains(t, segment, "/")
		require.NotEqual(t, "..", segment)
		back, err := url.PathUnescape(segment)
		require.NoError(t, err)
		require.Equal(t, id, back)
	})
}

func FuzzParseError(f *testing.F) {
	f.Add([]byte(graphError("a", "b")))
	f.Add([]byte(graphError("UnknownError", intune("", intune("BadRequest", "'adele' at /users/adele")))))
	f.Add([]byte("<html>"))
	f.Add([]byte(`{"error":{"code":"adele@contoso.com","message":"{\"Message\":\"{}\"}"}}`))
	text := regexp.MustCompile(`^get user: 400 Bad Request( [A-Za-z][A-Za-z0-9_.]{0,63})?( \(request-id [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\))?$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		e := &Error{Call: "get user", Status: 400}
		e.parse(body)
		require.Regexp(t, text, e.Error())
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "1", "2.128", "-1", "NaN", "Inf", "1e999", "Mon, 23 Nov 2026 08:01:00 GMT", "0x1p-2"} {
		f.Add(header)
	}
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		wait := RetryAfter(header, now)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, 24*time.Hour)
	})
}
