// Package graph is a thin client for the few Microsoft Graph calls that an
// offboarding makes. Each call is one attempt: when to try again is not decided
// here, but every error says what there is to know for it.
package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/uuid"
)

// Options says where Graph is and who calls.
type Options struct {
	Cloud Cloud
	// URL overrides the cloud's, for a simulated tenant.
	URL        string
	Credential azcore.TokenCredential
	// Transport overrides the HTTP client.
	Transport policy.Transporter
}

// Client calls Graph with one credential.
type Client struct {
	pipeline runtime.Pipeline
	base     *url.URL
	root     string
	beta     string
	token    *observedCredential
}

// New makes a client. It sends nothing.
func New(o Options) (*Client, error) {
	if o.Credential == nil {
		return nil, errors.New("the Graph client needs a credential")
	}
	base, err := CheckURL(cmp.Or(o.URL, o.Cloud.URL))
	if err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = &http.Client{Transport: connections(), CheckRedirect: refuseRedirects}
	}
	token := &observedCredential{credential: o.Credential}
	bearer := runtime.NewBearerTokenPolicy(token, []string{o.Cloud.Scope()}, &policy.BearerTokenOptions{
		InsecureAllowCredentialWithHTTP: loopback(base),
	})
	pipeline := runtime.NewPipeline("leaver", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{bearer},
	}, &policy.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Transport: o.Transport,
	})
	versions := strings.TrimSuffix(base.String(), "/")
	return &Client{pipeline: pipeline, base: base, root: versions + "/v1.0", beta: versions + "/beta", token: token}, nil
}

// connections are the client's own: whoever closes the idle ones of
// http.DefaultTransport, as httptest does, may break a call that is on its way.
func connections() http.RoundTripper {
	if shared, ok := http.DefaultTransport.(*http.Transport); ok {
		return shared.Clone()
	}
	return http.DefaultTransport
}

// refuseRedirects keeps a token, and a POST, from being carried elsewhere.
func refuseRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// call is one kind of request: its method, what people call it and the least
// permission that it needs.
type call struct {
	method, name, permission string
}

// unusable is the error where no answer came that Graph documents.
func (c call) unusable(why string) error { return fmt.Errorf("%s: %s", c.name, why) }

// The names of calls about which callers ask an Error.
const (
	CallGetUser          = "get user"
	CallRemoveAllDevices = "removeAllDevicesFromManagement"
)

// do sends one request and decodes a 2xx body into answer, unless answer is nil. An
// empty endpoint is that of an unusable id.
func (c *Client) do(ctx context.Context, call call, endpoint string, body, answer any) error {
	if endpoint == "" {
		return ErrUnusableID
	}
	request, err := runtime.NewRequest(ctx, call.method, endpoint)
	if err != nil {
		return call.unusable("the address cannot be used")
	}
	request.Raw().Header.Set("Accept", "application/json")
	// Microsoft's support finds a call by its id.
	request.Raw().Header.Set("client-request-id", uuid.NewString())
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return fmt.Errorf("%s: encode the request: %w", call.name, err)
		}
	}
	response, err := c.pipeline.Do(request)
	if err != nil {
		return transportError(ctx, call, err)
	}
	// A tenant that queues a call until it is approved tells so by a header: a status
	// of success with one would be of the request alone.
	code := response.Header.Get(approvalCodeHeader)
	queued := code != "" && code != response.Request.Header.Get(approvalCodeHeader)
	if response.StatusCode < 200 || response.StatusCode > 299 || queued {
		return c.responseError(call, response)
	}
	if answer == nil {
		return nil
	}
	if err := runtime.UnmarshalAsJSON(response, answer); err != nil {
		return call.unusable("the answer is not the JSON that Graph documents")
	}
	return nil
}

// list reads a collection, all pages.
func list[T any](ctx context.Context, c *Client, call call, endpoint string) ([]T, error) {
	var all []T
	for {
		var page struct {
			Value    *[]T   `json:"value"`
			NextLink string `json:"@odata.nextLink"`
		}
		if err := c.do(ctx, call, endpoint, nil, &page); err != nil {
			return nil, err
		}
		// An answer without a list must not be taken for an empty one.
		if page.Value == nil {
			return nil, call.unusable("the answer holds no list")
		}
		all = append(all, *page.Value...)
		if endpoint = page.NextLink; endpoint == "" {
			return all, nil
		}
		// A link to another host would carry the token there.
		target, err := url.Parse(endpoint)
		if err != nil || target.Scheme != c.base.Scheme || target.Host != c.base.Host || target.User != nil {
			return nil, call.unusable("the next page is on another host")
		}
	}
}

// user is the address of a user and what lies below; it is empty for an unusable id.
// Nothing else in this package puts a name into a path.
//
// Microsoft: a name that begins with $ needs the form with parentheses,
// https://learn.microsoft.com/graph/api/user-get
func (c *Client) user(id, below string) string {
	if usableID(id) && strings.HasPrefix(id, "$") {
		return c.root + "/users('" + url.PathEscape(strings.ReplaceAll(id, "'", "''")) + "')" + below
	}
	return c.object("/users", id, below)
}

// object is the address of one object of a collection and what lies below; it is empty
// for an unusable id.
func (c *Client) object(collection, id, below string) string {
	if !usableID(id) {
		return ""
	}
	return c.root + collection + "/" + url.PathEscape(id) + below
}

// having is the address of those objects of a collection whose property holds a GUID.
// It is empty for any other text, which could change what the filter means.
func (c *Client) having(collection, property, guid, options string) string {
	parsed, err := uuid.Parse(guid)
	if err != nil {
		return ""
	}
	return c.root + collection + "?$filter=" + url.QueryEscape(property+" eq '"+parsed.String()+"'") + options
}

// ErrUnusableID means that an id could lead a request elsewhere; nothing was sent.
var ErrUnusableID = errors.New("the id is empty, a relative path, or holds a slash, a backslash, a question mark or a control character")

func usableID(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '/' || r == '\\' || r == '?'
	})
}
