// Package graph is a thin client for the few calls of Microsoft Graph, and of
// Exchange Online, that an offboarding makes. Each call is one attempt: when to try again is not decided
// here, but every error says what there is to know for it.
package graph

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/uuid"
)

// Options says where Graph is and who calls.
type Options struct {
	Cloud Cloud
	// URL overrides the cloud's, for a simulated tenant.
	URL string
	// Credential signs in; one that is a Renewer is renewed when Graph refuses its token.
	Credential azcore.TokenCredential
	// Transport overrides the HTTP client.
	Transport policy.Transporter
	// Limits bound what a list may take.
	Limits Limits
}

// Client calls Graph with one credential.
type Client struct {
	pipeline runtime.Pipeline
	base     *url.URL
	root     string
	beta     string
	token    *observedCredential
	limits   Limits
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
	limits := o.Limits.orDefaults()
	token := &observedCredential{credential: o.Credential}
	bearer := runtime.NewBearerTokenPolicy(token, []string{o.Cloud.Scope()}, &policy.BearerTokenOptions{
		InsecureAllowCredentialWithHTTP: loopback(base),
	})
	pipeline := runtime.NewPipeline("leaver", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{bearer},
	}, &policy.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Transport: bounded{o.Transport, limits.Bytes},
	})
	versions := strings.TrimSuffix(base.String(), "/")
	return &Client{pipeline: pipeline, base: base, root: versions + "/v1.0", beta: versions + "/beta", token: token, limits: limits}, nil
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

// unusable is the error where an answer is not what Graph documents.
func (c call) unusable(why string) error { return &AnswerError{Call: c.name, Why: why} }

// CallRemoveAllDevices is the name of the call about which callers ask an Error.
const CallRemoveAllDevices = "removeAllDevicesFromManagement"

// SignedInUser is the object id of the user whom the last token acted for, or empty: see TokenKind.
func (c *Client) SignedInUser() string { return c.token.User() }

// TokenKind is that of the last token, or UnknownToken.
func (c *Client) TokenKind() TokenKind { return c.token.Kind() }

// do is send for calls of which nobody asks when Graph answered.
func (c *Client) do(ctx context.Context, call call, endpoint string, body, answer any) error {
	_, err := c.send(ctx, call, endpoint, body, answer)
	return err
}

// send sends one request and decodes a 2xx body into answer, unless answer is nil; a
// *[]byte takes the body as it is. It returns when Graph answered, by Graph's own clock;
// the zero time where Graph did not say. An endpoint that is no address names the id that
// cannot be used.
func (c *Client) send(ctx context.Context, call call, endpoint string, body, answer any) (time.Time, error) {
	if !strings.Contains(endpoint, "://") {
		return time.Time{}, &UnusableIDError{Call: call.name, Of: endpoint}
	}
	request, err := runtime.NewRequest(ctx, call.method, endpoint)
	if err != nil {
		return time.Time{}, call.unusable("the address cannot be used")
	}
	request.Raw().Header.Set("Accept", "application/json")
	// Some answers differ by their text alone.
	request.Raw().Header.Set("Accept-Language", "en-US")
	// Microsoft's support finds a call by its id.
	request.Raw().Header.Set("client-request-id", uuid.NewString())
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return time.Time{}, fmt.Errorf("%s: encode the request: %w", call.name, err)
		}
	}
	response, err := c.pipeline.Do(request)
	if err != nil {
		return time.Time{}, transportError(ctx, call, err)
	}
	at, _ := http.ParseTime(response.Header.Get("Date"))
	return at, c.understand(call, response, answer)
}

// understand makes an error of an answer that is no success, and decodes one that is.
// Where the caller decodes nothing, the body still says whether Graph has done it: a
// proxy's page, or an error in Graph's shape, is no success whatever the status.
func (c *Client) understand(call call, response *http.Response, answer any) error {
	// A tenant that queues a call until it is approved tells so by a header: a status
	// of success with one would be of the request alone.
	code := response.Header.Get(approvalCodeHeader)
	queued := code != "" && code != response.Request.Header.Get(approvalCodeHeader)
	if response.StatusCode < 200 || response.StatusCode > 299 || queued {
		if response.StatusCode == http.StatusUnauthorized {
			c.token.renew()
		}
		return c.responseError(call, response)
	}
	if later, ok := answer.(*accepted); ok {
		later.operation, answer = operationOf(response.Header.Get("Location")), nil
	}
	unusable := func(why string) error {
		return &AnswerError{Call: call.name, Why: why, RequestID: guid(response.Header.Get("request-id"))}
	}
	content, err := runtime.Payload(response)
	if err != nil {
		return unusable("the answer could not be read")
	}
	if answer == nil && (len(bytes.TrimSpace(content)) == 0 || response.StatusCode == http.StatusNoContent) {
		return nil
	}
	var failed struct {
		Error map[string]any `json:"error"`
	}
	if bytes.Contains(content, []byte(`"error"`)) && json.Unmarshal(content, &failed) == nil && failed.Error != nil {
		return c.responseError(call, response)
	}
	if text, ok := answer.(*[]byte); ok {
		*text = content
		return nil
	}
	if answer == nil && !isAcknowledgement(content) || answer != nil && json.Unmarshal(content, answer) != nil {
		return unusable("the answer is not the JSON that Graph documents")
	}
	return nil
}

// accepted is the answer to a call that Graph carries out later: the id of the operation, where Graph tells it.
type accepted struct{ operation string }

var operations = regexp.MustCompile(`/operations(?:\('([^'/]+)'\)|/([^'/?]+))$`)

// operationOf is the id of the operation to which a Location leads. The rest of it is not used: an address in an answer
// could lead a token elsewhere.
func operationOf(location string) string {
	found := operations.FindStringSubmatch(location)
	if found == nil {
		return ""
	}
	return cmp.Or(found[1], found[2])
}

// isAcknowledgement reports whether a body is one that a call documents which answers with nothing, or with value alone:
// another object may be a proxy's or a gateway's.
func isAcknowledgement(content []byte) bool {
	var body map[string]json.RawMessage
	if json.Unmarshal(content, &body) != nil || body == nil {
		return false
	}
	for name, value := range body {
		isNote := strings.HasPrefix(name, "@") || strings.HasPrefix(name, "adminapi.") // Exchange notes the type of its warnings so
		if name != "value" && !isNote || name == "value" && string(value) == "false" {
			return false
		}
	}
	return true
}

// user is the address of a user and what lies below; it is the word "userId" for an
// unusable id.
// Nothing else in this package puts a name into a path.
//
// Microsoft: a name that begins with $ needs the form with parentheses,
// https://learn.microsoft.com/graph/api/user-get
func (c *Client) user(id, below string) string {
	switch {
	case !usableID(id):
		return "userId"
	case strings.HasPrefix(id, "$"):
		return c.root + "/users('" + url.PathEscape(strings.ReplaceAll(id, "'", "''")) + "')" + below
	}
	return c.object("/users", id, below)
}

// object is the address of one object of a collection and what lies below; it is
// the word "id" for an unusable id.
func (c *Client) object(collection, id, below string) string {
	if !usableID(id) {
		return "id"
	}
	return c.root + collection + "/" + url.PathEscape(id) + below
}

// below is the address of an object that stands below another, and what lies below it; it is the word "id" where
// one of the two ids is unusable.
func (c *Client) below(collection, id, under, other, end string) string {
	if !usableID(other) {
		return "id"
	}
	return c.object(collection, id, under+"/"+url.PathEscape(other)+end)
}

// usersObject is the address of one object of a collection that lies below a user, and what lies below the object; it
// is the word "userId" or "id" for an unusable id.
func (c *Client) usersObject(userID, collection, id, below string) string {
	if !usableID(id) {
		return "id"
	}
	return c.user(userID, collection+"/"+url.PathEscape(id)+below)
}

// having is the address of those objects of a collection whose property holds a GUID.
// It is the property's name for any other text, which could change what the filter means.
func (c *Client) having(collection, property, guid, options string) string {
	if uuid.Validate(guid) != nil { // Parse takes any characters for braces
		return property
	}
	return c.root + collection + "?$filter=" + url.QueryEscape(property+" eq '"+uuid.MustParse(guid).String()+"'") + options
}

// UnusableIDError means that an id could lead a request elsewhere; nothing was sent.
type UnusableIDError struct {
	Call string
	// Of says what the id is: "userId", or "id" of another object.
	Of string
	// NoGUID says that it is no GUID where only a GUID is taken.
	NoGUID bool
}

func (e *UnusableIDError) Error() string {
	if e.NoGUID {
		return e.Call + ": an " + e.Of + " is no GUID"
	}
	return e.Call + ": " + e.Of + " is empty, a relative path, or holds a slash, a backslash, a question mark or a control character"
}

func usableID(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '/' || r == '\\' || r == '?'
	})
}

// reference is how the body of a call names an object of the directory: by an address of Graph's own, whatever stands
// between Graph and the client.
//
// Microsoft: https://learn.microsoft.com/graph/api/application-post-owners
func (c *Client) reference(id string) string {
	return c.base.Scheme + "://" + c.base.Host + "/v1.0/directoryObjects/" + url.PathEscape(id)
}
