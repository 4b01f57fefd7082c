package graph

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachCloudHasItsHostScopeAndAuthority(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ url, authority string }{
		"":         {"https://graph.microsoft.com", "https://login.microsoftonline.com/"},
		"global":   {"https://graph.microsoft.com", "https://login.microsoftonline.com/"},
		"usgov-l4": {"https://graph.microsoft.us", "https://login.microsoftonline.us/"},
		"usgov-l5": {"https://dod-graph.microsoft.us", "https://login.microsoftonline.us/"},
		"china":    {"https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn/"},
	} {
		cloud, err := CloudNamed(name)
		require.NoError(t, err, name)
		assert.Equal(t, want.url, cloud.URL)
		assert.Equal(t, want.url+"/.default", cloud.Scope())
		assert.Equal(t, want.authority, cloud.SignIn.ActiveDirectoryAuthorityHost)
	}
	_, err := CloudNamed("mars")
	require.EqualError(t, err, `no cloud is named "mars", want one of global, usgov-l4, usgov-l5, china`)
}

func TestPlainHTTPIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://graph.microsoft.com":          "",
		"https://graph.example.com:8443/graph": "",
		"http://localhost:8484/graph":          "",
		"http://127.0.0.1:8484":                "",
		"http://127.9.9.9":                     "",
		"http://[::1]:8484/graph":              "",
		"http://graph.microsoft.com":           "plain http",
		"http://10.0.0.1":                      "plain http",
		"http://localhost.example.com":         "plain http",
		"http://127.0.0.1.example.com":         "plain http",
		"http://0.0.0.0:8484":                  "plain http",
		"ftp://graph.microsoft.com":            "must begin with https://",
		"graph.microsoft.com":                  "must be absolute",
		"/graph":                               "must be absolute",
		"":                                     "must be absolute",
		"https://":                             "must be absolute",
		"https://user:pw@graph.microsoft.com":  "neither user, query nor fragment",
		"https://graph.microsoft.com?x=1":      "neither user, query nor fragment",
		"https://graph.microsoft.com#x":        "neither user, query nor fragment",
		"https://[::1":                         "must be absolute",
	} {
		_, err := CheckURL(url)
		if want == "" {
			assert.NoError(t, err, url)
			continue
		}
		require.ErrorContains(t, err, want, url)
		assert.NotContains(t, err.Error(), "pw@")
	}
	assert.True(t, Loopback("http://[::1]:8484/graph"))
	assert.True(t, Loopback("https://localhost"))
	assert.False(t, Loopback("https://graph.microsoft.com"))
	assert.False(t, Loopback(""))
}
