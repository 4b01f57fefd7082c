package graph

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestTheKindOfATokenIsSeenInItsClaims(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]TokenKind{
		jwt(`{"idtyp":"app","roles":["User.Read.All"]}`):            Application,
		jwt(`{"idtyp":"app"}`):                                      Application,
		jwt(`{"roles":["User.Read.All"]}`):                          Application,
		jwt(`{"scp":"User.Read.All"}`):                              Delegated,
		jwt(`{"idtyp":"user","scp":"User.Read.All","roles":["x"]}`): Delegated,
		jwt(`{}`):            UnknownToken,
		jwt(`not json`):      UnknownToken,
		jwt(`{"scp":["a"]}`): UnknownToken,
		"opaque":             UnknownToken,
		"a.b":                UnknownToken,
		"a.!!!.c":            UnknownToken,
		"":                   UnknownToken,
	} {
		kind, user := kindOf(token)
		assert.Equal(t, want, kind, token)
		assert.Empty(t, user, token)
	}
}

func TestARefusalNamesTheKindOfTokenThatWasSent(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusForbidden, graphError("Forbidden", "No.")))
	for claims, want := range map[string]TokenKind{`{"idtyp":"app"}`: Application, `{"scp":"x"}`: Delegated} {
		client, err := New(Options{URL: s.URL, Credential: staticCredential(jwt(claims))})
		require.NoError(t, err)
		var e *Error
		require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})), &e)
		assert.Equal(t, want, e.Token)
	}
	var e *Error
	require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})), &e)
	assert.Equal(t, UnknownToken, e.Token)
}

type failingCredential struct{ err error }

func (f failingCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, f.err
}

func refused(t *testing.T, credential azcore.TokenCredential) *CredentialError {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request went out without a token") }))
	t.Cleanup(server.Close)
	client, err := New(Options{URL: server.URL, Credential: credential})
	require.NoError(t, err)
	var e *CredentialError
	require.ErrorAs(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), userID, Approval{})), &e)
	return e
}

func TestASignInThatFailsSendsNothingAndSaysWhetherWaitingHelps(t *testing.T) {
	t.Parallel()
	body := `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for adele@contoso.com. Trace ID: x"}`
	for _, c := range []struct {
		name   string
		status int
		code   string
		waits  bool
	}{
		{"refused", 401, "AADSTS7000215", false},
		{"throttled", 429, "AADSTS7000215", true},
		{"out of order", 503, "AADSTS7000215", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := refused(t, entra(t, func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
			}))
			assert.Equal(t, c.waits, e.Waits)
			assert.False(t, e.SignIn)
			assert.NotContains(t, e.Error(), "adele")
			assert.NotContains(t, e.Error(), "Trace")
			assert.Equal(t, c.code, e.Code)
		})
	}
	t.Run("not reached", func(t *testing.T) {
		t.Parallel()
		e := refused(t, entra(t, func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }))
		assert.True(t, e.Waits)
		assert.Equal(t, "no token for Graph", e.Error())
	})
}

// entra is a client secret's credential whose sign-in answers as told.
func entra(t *testing.T, answer func(*http.Request) (*http.Response, error)) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewClientSecretCredential("00000000-0000-0000-0000-000000000001", "client", "the-client-secret", &azidentity.ClientSecretCredentialOptions{
		DisableInstanceDiscovery: true,
		ClientOptions: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}, Transport: transport(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "openid-configuration") {
				return &http.Response{StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(
					`{"token_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/token","authorization_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/authorize","issuer":"https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/v2.0"}`))}, nil
			}
			response, err := answer(r)
			if response != nil {
				response.Request = r
			}
			return response, err
		})},
	})
	require.NoError(t, err)
	return credential
}

func TestNobodySignedInIsForAPerson(t *testing.T) {
	t.Parallel()
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		TenantID: "00000000-0000-0000-0000-000000000001", ClientID: "client", DisableAutomaticAuthentication: true, DisableInstanceDiscovery: true,
	})
	require.NoError(t, err)
	e := refused(t, credential)
	assert.True(t, e.SignIn)
	assert.False(t, e.Waits)
}

func TestACredentialThatFailsInItsOwnWayIsNotQuoted(t *testing.T) {
	t.Parallel()
	e := refused(t, failingCredential{errors.New("cannot read /home/adele/.azure")})
	assert.False(t, e.Waits)
	assert.Equal(t, "no token for Graph", e.Error())
}

type renewed struct {
	staticCredential
	times int
}

func (r *renewed) Renew() { r.times++ }

func TestACredentialIsRenewedWhenItsTokenIsRefusedAndOnlyThen(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{401: 1, 403: 0, 500: 0, 204: 0} {
		s, _ := serve(t, reply(status, ""))
		credential := &renewed{staticCredential: secret}
		client, err := New(Options{URL: s.URL + "/graph", Credential: credential})
		require.NoError(t, err)
		_ = client.RevokeSignInSessions(t.Context(), userID)
		assert.Equal(t, want, credential.times, status)
	}
}
