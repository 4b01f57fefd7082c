package graph

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// TokenKind is who a token speaks for.
//
// Microsoft: https://learn.microsoft.com/graph/permissions-overview
type TokenKind string

const (
	// Delegated tokens act for a signed-in user.
	Delegated TokenKind = "delegated"
	// Application tokens act for the application itself.
	Application TokenKind = "application"
	// UnknownToken is a token that could not be read.
	UnknownToken TokenKind = "unknown"
)

// CredentialError means that there is no token to send; Graph was not called.
type CredentialError struct {
	// Code is Entra's, such as AADSTS7000215, or empty.
	Code string
	// Waits says that signing in may succeed later by itself.
	Waits bool
	// SignIn says that a person must sign in.
	SignIn bool
}

func (e *CredentialError) Error() string {
	text := "no token for Graph"
	if e.Code != "" {
		text += ": Entra answered " + e.Code
	}
	return text
}

// observedCredential remembers the kind of token it passed on, and turns
// sign-in errors, which hold response bodies, into CredentialErrors.
type observedCredential struct {
	credential azcore.TokenCredential
	kind       atomic.Value
	user       atomic.Value
}

func (o *observedCredential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := o.credential.GetToken(ctx, options)
	if err != nil {
		return token, credentialError(ctx, err)
	}
	kind, user := kindOf(token.Token)
	o.kind.Store(kind)
	o.user.Store(user)
	return token, nil
}

// Renewer is a credential that can forget the tokens it has, so that the next is a new
// one. What azidentity signs in with keeps a token until it expires, also one that
// Graph refuses.
type Renewer interface{ Renew() }

// renew has the next token be a new one, where the credential can do that.
func (o *observedCredential) renew() {
	if r, ok := o.credential.(Renewer); ok {
		r.Renew()
	}
}

func (o *observedCredential) Kind() TokenKind {
	kind, _ := o.kind.Load().(TokenKind)
	return cmp.Or(kind, UnknownToken)
}

// User is the object id of the user whom the last token acts for; empty for an application's token, or where
// the token could not be read.
func (o *observedCredential) User() string {
	user, _ := o.user.Load().(string)
	return user
}

// kindOf looks into a token's claims. Microsoft calls tokens for its own
// services opaque, so this only ever words an error, or is one guard of several.
func kindOf(token string) (kind TokenKind, user string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return UnknownToken, ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Kind  string   `json:"idtyp"`
		User  string   `json:"oid"`
		Scope string   `json:"scp"`
		Roles []string `json:"roles"`
	}
	switch {
	case err != nil || json.Unmarshal(payload, &claims) != nil:
		return UnknownToken, ""
	case claims.Kind == "app", claims.Scope == "" && len(claims.Roles) > 0:
		return Application, ""
	case claims.Scope != "":
		return Delegated, claims.User
	}
	return UnknownToken, ""
}

var entraCode = regexp.MustCompile(`AADSTS\d{4,7}`)

func credentialError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &CredentialError{Code: entraCode.FindString(err.Error())}
	_, e.SignIn = errors.AsType[*azidentity.AuthenticationRequiredError](err)
	// A refusal comes with Entra's response; a failed sign-in without one did
	// not reach Entra.
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && !e.SignIn {
		e.Waits = failed.RawResponse == nil && e.Code == "" ||
			failed.RawResponse != nil && (failed.RawResponse.StatusCode == http.StatusTooManyRequests || failed.RawResponse.StatusCode >= 500)
	}
	return e
}
