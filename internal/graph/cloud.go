package graph

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud is one of Microsoft's clouds: where Graph answers and who signs in.
//
// Microsoft: https://learn.microsoft.com/graph/deployments
type Cloud struct {
	Name string
	// URL is the root of Graph, without the version.
	URL string
	// Exchange is the root of Exchange Online.
	Exchange string
	// SignIn is the authority that issues the tokens.
	SignIn cloud.Configuration
}

var clouds = [...]Cloud{
	{"global", "https://graph.microsoft.com", "https://outlook.office365.com", cloud.AzurePublic},
	{"usgov-l4", "https://graph.microsoft.us", "https://outlook.office365.us", cloud.AzureGovernment},
	{"usgov-l5", "https://dod-graph.microsoft.us", "https://outlook-dod.office365.us", cloud.AzureGovernment},
	{"china", "https://microsoftgraph.chinacloudapi.cn", "https://outlook.office365.cn", cloud.AzureChina},
}

// CloudNamed finds a cloud; the empty name is the global one.
func CloudNamed(name string) (Cloud, error) {
	var names []string
	for _, c := range clouds {
		if c.Name == cmp.Or(name, "global") {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Cloud{}, fmt.Errorf("no cloud is named %q, want one of %s", name, strings.Join(names, ", "))
}

// Scope is what a token for Graph in this cloud is asked for.
func (c Cloud) Scope() string { return c.URL + "/.default" }

// CheckURL refuses a Graph URL that would send a token in clear text: plain
// http is for a simulated tenant on this machine alone.
func CheckURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Host == "":
		return nil, fmt.Errorf("the URL must be absolute, such as %s", clouds[0].URL)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("the URL must hold neither user, query nor fragment")
	case base.Scheme == "http" && !loopback(base):
		return nil, fmt.Errorf("the URL is plain http, which is allowed on loopback only: use https")
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("the URL must begin with https://")
	}
	return base, nil
}

// Loopback reports whether a Graph URL leads to this machine.
func Loopback(text string) bool {
	base, err := CheckURL(text)
	return err == nil && loopback(base)
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
