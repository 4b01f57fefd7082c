package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	adele  = "adele@contoso.com"
	userID = "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0"
	secret = "the-secret-token"

	inEntra   = "0f1e2d3c-1111-4222-8333-444455556666"
	otherwise = "0f1e2d3c-7777-4222-8333-444455556666"
)

type staticCredential string

func (s staticCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// seen is a request as it stood on the wire.
type seen struct {
	method, target, body string
	header               http.Header
}

// graphServer answers below a path that is not the root, so that an absolute
// path shows.
type graphServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
}

func serve(t testing.TB, answer http.HandlerFunc) (*graphServer, *Client) {
	t.Helper()
	s := &graphServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, seen{r.Method, r.RequestURI, string(body), r.Header})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	client, err := New(Options{URL: s.URL + "/graph", Credential: staticCredential(secret)})
	require.NoError(t, err)
	return s, client
}

func (s *graphServer) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

// filter is the $filter of the last request.
func filter(t *testing.T, s *graphServer) string {
	t.Helper()
	all := s.all()
	target, err := url.Parse(all[len(all)-1].target)
	require.NoError(t, err)
	return target.Query().Get("$filter")
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func adeleJSON(enabled bool) string {
	return fmt.Sprintf(`{"id":%q,"userPrincipalName":%q,"userType":"Member","accountEnabled":%t,"onPremisesSyncEnabled":null}`, userID, adele, enabled)
}

// failureOf is the error of a call that also tells when Graph answered.
func failureOf(_ time.Time, err error) error { return err }

// noAnswer asserts that a call failed and that there was no answer of Graph's.
func noAnswer(t *testing.T, call string, err error) {
	t.Helper()
	require.ErrorContains(t, err, call+": ")
	require.NotErrorIs(t, err, ErrOtherUser)
	require.NotErrorIs(t, err, context.Canceled)
	require.False(t, errors.As(err, new(*Error)) || errors.As(err, new(*UnusableIDError)), "%v", err)
}

// calls is every call there is that takes any id.
var calls = map[string]func(context.Context, *Client, string) error{
	"get user":             func(ctx context.Context, c *Client, id string) error { _, err := c.User(ctx, id); return err },
	"set accountEnabled":   func(ctx context.Context, c *Client, id string) error { return c.SetAccountEnabled(ctx, id, false) },
	"revokeSignInSessions": func(ctx context.Context, c *Client, id string) error { return c.RevokeSignInSessions(ctx, id) },
	"list managedDevices":  func(ctx context.Context, c *Client, id string) error { _, err := c.ManagedDevices(ctx, id); return err },
	"get managedDevice":    func(ctx context.Context, c *Client, id string) error { _, err := c.ManagedDevice(ctx, id); return err },
	"wipe": func(ctx context.Context, c *Client, id string) error {
		return failureOf(c.WipeDevice(ctx, id, Wipe{}, Approval{}))
	},
	"delete managedDevice": func(ctx context.Context, c *Client, id string) error {
		return failureOf(c.DeleteDevice(ctx, id, Approval{}))
	},
	"retire": func(ctx context.Context, c *Client, id string) error {
		return failureOf(c.RetireDevice(ctx, id, Approval{}))
	},
	"removeAllDevicesFromManagement": func(ctx context.Context, c *Client, id string) error {
		return failureOf(c.RemoveAllDevicesFromManagement(ctx, id, Approval{}))
	},
	"list registeredDevices": func(ctx context.Context, c *Client, id string) error {
		_, err := c.RegisteredDevices(ctx, id)
		return err
	},
	"disable device": func(ctx context.Context, c *Client, id string) error { return c.DisableEntraDevice(ctx, id) },
	"delete device":  func(ctx context.Context, c *Client, id string) error { return c.DeleteEntraDevice(ctx, id) },
	"delete windowsAutopilotDeviceIdentity": func(ctx context.Context, c *Client, id string) error {
		return c.DeleteAutopilotIdentity(ctx, id, Approval{})
	},
	"list managedAppRegistrations": func(ctx context.Context, c *Client, id string) error {
		_, err := c.ManagedAppDeviceTags(ctx, id)
		return err
	},
	"list appRoleAssignments": func(ctx context.Context, c *Client, id string) error {
		_, err := c.AppRoleAssignments(ctx, id)
		return err
	},
	"delete oauth2PermissionGrant": func(ctx context.Context, c *Client, id string) error { return c.RemovePermissionGrant(ctx, id) },
	"get manager":                  func(ctx context.Context, c *Client, id string) error { _, err := c.Manager(ctx, id); return err },
	"list directReports":           func(ctx context.Context, c *Client, id string) error { _, err := c.DirectReports(ctx, id); return err },
	"delete user":                  func(ctx context.Context, c *Client, id string) error { return c.DeleteUser(ctx, id) },
	"set password":                 func(ctx context.Context, c *Client, id string) error { return c.SetPassword(ctx, id, "x") },
	"list sponsorOf":               func(ctx context.Context, c *Client, id string) error { _, err := c.SponsorOf(ctx, id); return err },
	"list ownedObjects":            func(ctx context.Context, c *Client, id string) error { _, err := c.OwnedApps(ctx, id); return err },
	"get the OneDrive":             func(ctx context.Context, c *Client, id string) error { _, err := c.DriveID(ctx, id); return err },
	"wipeManagedAppRegistrationsByDeviceTag": func(ctx context.Context, c *Client, id string) error {
		return c.WipeManagedAppRegistrations(ctx, id, "t1", Approval{})
	},
	"get mailboxSettings":      func(ctx context.Context, c *Client, id string) error { _, err := c.AutomaticReply(ctx, id); return err },
	"get user's name and mail": func(ctx context.Context, c *Client, id string) error { _, err := c.Contact(ctx, id); return err },
	"set automaticRepliesSetting": func(ctx context.Context, c *Client, id string) error {
		return c.SetAutomaticReply(ctx, id, AutomaticReply{})
	},
	"list messageRules":   func(ctx context.Context, c *Client, id string) error { _, err := c.InboxRules(ctx, id); return err },
	"disable messageRule": func(ctx context.Context, c *Client, id string) error { return c.DisableInboxRule(ctx, userID, id) },
	"list calendarView": func(ctx context.Context, c *Client, id string) error {
		_, err := c.CalendarView(ctx, id, time.Time{}, time.Time{})
		return err
	},
	"cancel event": func(ctx context.Context, c *Client, id string) error { return c.CancelEvent(ctx, userID, id, "") },
	"list calendarPermissions": func(ctx context.Context, c *Client, id string) error {
		_, err := c.CalendarPermissions(ctx, id)
		return err
	},
	"delete calendarPermission": func(ctx context.Context, c *Client, id string) error {
		return c.DeleteCalendarPermission(ctx, userID, id)
	},
}

func TestEveryCallMakesOneAttempt(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		for _, status := range []int{408, 429, 500, 502, 503, 504} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				s, client := serve(t, reply(status, `{"error":{"code":"x","message":"y"}}`))
				var answer *Error
				require.ErrorAs(t, call(t.Context(), client, userID), &answer)
				assert.Equal(t, status, answer.Status)
				assert.Equal(t, name, answer.Call)
				assert.NotEmpty(t, answer.Permission)
				assert.Len(t, s.all(), 1)
			})
		}
	}
}

func TestADroppedConnectionIsOneAttemptAndNamesNobody(t *testing.T) {
	t.Parallel()
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			id := adele
			if name == "delete user" { // it takes no name
				id = userID
			}
			err := call(t.Context(), client, id)
			noAnswer(t, name, err)
			assert.NotContains(t, err.Error(), "adele")
			assert.NotContains(t, err.Error(), s.URL)
			assert.Len(t, s.all(), 1)
		})
	}
}

func TestARequestCarriesTheTokenAndAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	for range 3 {
		require.NoError(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})))
	}
	ids := map[string]bool{}
	for _, r := range s.all() {
		assert.Equal(t, "Bearer "+secret, r.header.Get("Authorization"))
		_, err := uuid.Parse(r.header.Get("client-request-id"))
		require.NoError(t, err)
		ids[r.header.Get("client-request-id")] = true
	}
	assert.Len(t, ids, 3)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
			t.Cleanup(elsewhere.Close)
			_, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL, status)
			})
			var answer *Error
			require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})), &answer)
			assert.Equal(t, status, answer.Status)
		})
	}
}

func TestACancelledCallSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := client.RemoveAllDevicesFromManagement(ctx, userID, Approval{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), userID)
	assert.Len(t, s.all(), 1)
}

func TestAnIDThatCouldLeadElsewhereIsNotSent(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "..", "../groups/x", "a/b", `a\b`, "a?b", "a\x00b", "a\nb", "a\x7fb", "/", "?"} {
		for name, call := range calls {
			t.Run(fmt.Sprintf("%s %q", name, id), func(t *testing.T) {
				t.Parallel()
				s, client := serve(t, reply(http.StatusOK, "{}"))
				require.ErrorAs(t, call(t.Context(), client, id), new(*UnusableIDError))
				assert.Empty(t, s.all())
			})
		}
	}
}

func TestAnAnswerThatIsCutOffIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"get user", "list managedDevices", "get managedDevice"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, `{"id":"adele`)
			})
			err := calls[name](t.Context(), client, userID)
			noAnswer(t, name, err)
			assert.NotContains(t, err.Error(), "adele")
		})
	}
}

func TestAClientIsRefusedWithoutACredentialOrWithAnUnsafeURL(t *testing.T) {
	t.Parallel()
	_, err := New(Options{URL: "https://graph.microsoft.com"})
	require.ErrorContains(t, err, "credential")
	_, err = New(Options{URL: "http://graph.example.com", Credential: staticCredential(secret)})
	require.ErrorContains(t, err, "plain http")
}

func TestTheCloudSaysWhereAndForWhom(t *testing.T) {
	t.Parallel()
	var asked []string
	var target string
	client, err := New(Options{Cloud: clouds[2], Credential: scopes{&asked}, Transport: transport(func(r *http.Request) (*http.Response, error) {
		target = r.URL.String()
		return &http.Response{StatusCode: 204, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	})})
	require.NoError(t, err)
	require.NoError(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})))
	assert.Equal(t, []string{"https://dod-graph.microsoft.us/.default"}, asked)
	assert.True(t, strings.HasPrefix(target, "https://dod-graph.microsoft.us/v1.0/users/"), target)
}

type scopes struct{ asked *[]string }

func (s scopes) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	*s.asked = o.Scopes
	return azcore.AccessToken{Token: secret, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) Do(r *http.Request) (*http.Response, error) { return t(r) }

// An administrator grants what the README and the page of the steps list.
func TestTheDocsNameEveryPermissionThatACallNeeds(t *testing.T) {
	t.Parallel()
	var docs []byte
	for _, file := range []string{"../../README.md", "../../docs/steps.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		docs = append(docs, text...)
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, call := range regexp.MustCompile(`\bcall\{http\..*\}`).FindAllString(string(source), -1) {
			for _, permission := range regexp.MustCompile(`[\w-]+(\.\w+)*\.All\b`).FindAllString(call, -1) {
				found++
				wider := strings.Replace(permission, ".Read.", ".ReadWrite.", 1)
				assert.True(t, bytes.Contains(docs, []byte("`"+permission+"`")) || bytes.Contains(docs, []byte("`"+wider+"`")), "%s: %s", file, permission)
			}
		}
	}
	assert.Greater(t, found, 15)
}
