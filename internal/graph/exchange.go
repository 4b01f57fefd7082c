package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
)

// ExchangeDoor is an interface by which Exchange Online takes cmdlets.
type ExchangeDoor string

const (
	// ExchangePreview is the Exchange Online Admin API, which Microsoft documents, and which is a preview. It takes few
	// cmdlets.
	//
	// Microsoft: https://learn.microsoft.com/exchange/reference/admin-api-overview
	ExchangePreview ExchangeDoor = "preview"
	// ExchangeInvokeCommand is what Microsoft's PowerShell module ExchangeOnlineManagement speaks. Microsoft does not
	// document it, and may change it any day.
	ExchangeInvokeCommand ExchangeDoor = "invokeCommand"
)

// ExchangeDoors are all that there are.
func ExchangeDoors() []ExchangeDoor { return []ExchangeDoor{ExchangePreview, ExchangeInvokeCommand} }

// ExchangeOptions says where Exchange Online is, who calls, and by which doors.
type ExchangeOptions struct {
	Cloud Cloud
	// URL overrides the cloud's, for a simulated tenant.
	URL string
	// TenantID is the GUID of the tenant.
	TenantID   string
	Credential azcore.TokenCredential
	// Doors are those that are open. What the preview does in full goes there, where that is open.
	Doors  []ExchangeDoor
	Limits Limits
}

// Exchange has Exchange Online run cmdlets, with one attempt for each, as Client calls Graph.
type Exchange struct {
	client *Client
	tenant string
	doors  []ExchangeDoor
}

// NewExchange makes a client. It sends nothing.
func NewExchange(o ExchangeOptions) (*Exchange, error) {
	if uuid.Validate(o.TenantID) != nil {
		return nil, errors.New("the tenant's id must be known for Exchange: want a GUID")
	}
	for _, door := range o.Doors {
		if !slices.Contains(ExchangeDoors(), door) {
			return nil, fmt.Errorf("there is no door %q to Exchange, want %s or %s", door, ExchangePreview, ExchangeInvokeCommand)
		}
	}
	if len(o.Doors) == 0 {
		return nil, errors.New("no door to Exchange is open")
	}
	service := Cloud{Name: o.Cloud.Name, URL: o.Cloud.Exchange, SignIn: o.Cloud.SignIn}
	client, err := New(Options{Cloud: service, URL: o.URL, Credential: o.Credential, Limits: o.Limits})
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return &Exchange{client, uuid.MustParse(o.TenantID).String(), o.Doors}, nil
}

// cmdlet is one of Exchange's, by PowerShell's name.
type cmdlet struct {
	name string
	// endpoint is where the preview takes the cmdlet, or empty.
	endpoint string
	// all says that the preview does all that the other door does. Of a mailbox it does not promise each property.
	all bool
}

// The permissions for any cmdlet, by the door; the role that the application needs besides says what it may do.
const (
	invokePermission  = "Exchange.ManageAsApp"
	previewPermission = "Exchange.ManageAsAppV2"
)

// ErrDoorClosed means that no open door takes a cmdlet. Nothing was sent.
var ErrDoorClosed = errors.New("no door to Exchange that the worker opens takes this cmdlet")

// Takes reports whether a door is open.
func (e *Exchange) Takes(door ExchangeDoor) bool { return slices.Contains(e.doors, door) }

// route is the call by which a cmdlet is run, and its address.
func (e *Exchange) route(c cmdlet) (call, string, error) {
	root := strings.TrimSuffix(e.client.base.String(), "/") + "/adminapi/"
	switch {
	case c.endpoint != "" && e.Takes(ExchangePreview) && (c.all || !e.Takes(ExchangeInvokeCommand)):
		return call{http.MethodPost, c.name, previewPermission}, root + "v2.0/" + e.tenant + "/" + c.endpoint, nil
	case e.Takes(ExchangeInvokeCommand):
		return call{http.MethodPost, c.name, invokePermission}, root + "beta/" + e.tenant + "/InvokeCommand", nil
	}
	return call{}, "", fmt.Errorf("%s: %w", c.name, ErrDoorClosed)
}

// parameters are those of a cmdlet, by PowerShell's names.
type parameters map[string]any

// names refuses what is no object id, by which alone Exchange is told whom or what a cmdlet is about: it takes many kinds
// of names, and several recipients may have the same.
func (c cmdlet) names(ids ...string) error {
	if slices.ContainsFunc(ids, func(id string) bool { return objectID(id) == "" }) {
		return &UnusableIDError{Call: c.name, Of: "id", NoGUID: true}
	}
	return nil
}

// MailboxOwner is the user of a mailbox.
type MailboxOwner struct {
	// UserID is the object id, by which Exchange finds the mailbox.
	UserID string
	// UserPrincipalName is that by which Exchange finds the mailbox's server, which answers then.
	UserPrincipalName string
}

// rows has a cmdlet run that reads what belongs to a mailbox, all pages.
func rows[T any](ctx context.Context, e *Exchange, c cmdlet, of MailboxOwner) ([]T, error) {
	if err := c.names(of.UserID); err != nil {
		return nil, err
	}
	return reads[T](ctx, e, c, of, parameters{"Identity": of.UserID})
}

// oneRow is rows for a cmdlet that answers with one row.
func oneRow[T any](ctx context.Context, e *Exchange, c cmdlet, of MailboxOwner) (T, error) {
	all, err := rows[T](ctx, e, c, of)
	if err == nil && len(all) != 1 {
		err = &AnswerError{Call: c.name, Why: fmt.Sprintf("the answer has %d rows, want one", len(all))}
	}
	if err != nil {
		return *new(T), err
	}
	return all[0], nil
}

// reads has a cmdlet run, and returns the rows of its answer, all pages.
func reads[T any](ctx context.Context, e *Exchange, c cmdlet, of MailboxOwner, given parameters) ([]T, error) {
	call, address, err := e.route(c)
	if err != nil {
		return nil, err
	}
	return pages[T](e.anchored(ctx, of), e.client, call, address, c.input(given))
}

// change has a cmdlet run that changes what belongs to a mailbox.
func (e *Exchange) change(ctx context.Context, c cmdlet, of MailboxOwner, given parameters) error {
	if err := c.names(of.UserID); err != nil {
		return err
	}
	given["Identity"] = of.UserID
	return e.run(ctx, c, of, given)
}

// run has a cmdlet run that changes something. What the answer says does not count: what was changed is read afterwards.
func (e *Exchange) run(ctx context.Context, c cmdlet, of MailboxOwner, given parameters) error {
	call, address, err := e.route(c)
	if err != nil {
		return err
	}
	return e.client.do(e.anchored(ctx, of), call, address, c.input(given), nil)
}

func (c cmdlet) input(given parameters) any {
	return map[string]any{"CmdletInput": map[string]any{"CmdletName": c.name, "Parameters": given}}
}

// organisation is the owner of the mailbox that each organisation has, for what is about no user's mailbox.
var organisation = MailboxOwner{}

// anchored names the mailbox by whose server a request is answered.
func (e *Exchange) anchored(ctx context.Context, of MailboxOwner) context.Context {
	anchor := "UPN:" + of.UserPrincipalName
	if of.UserPrincipalName == "" || strings.ContainsFunc(anchor, func(r rune) bool { return r < ' ' || r > '~' }) {
		anchor = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@" + e.tenant
	}
	return policy.WithHTTPHeader(ctx, http.Header{"X-Anchormailbox": {anchor}, "Prefer": {"odata.maxpagesize=1000"}})
}
