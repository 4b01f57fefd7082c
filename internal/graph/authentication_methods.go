package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

var listMethods = call{http.MethodGet, "list authentication methods", "UserAuthenticationMethod.Read.All"}

// MethodKind is a kind of authentication methods that v1.0 of Graph can remove.
type MethodKind int

const (
	TemporaryAccessPass MethodKind = iota
	PhoneMethod
	EmailMethod
	AuthenticatorMethod
	PasskeyMethod
	SoftwareOathMethod
	WindowsHelloMethod
	PlatformCredentialMethod
	ExternalMethod
)

// methodKinds says how Graph names the kinds, and where it removes a method of each. A path is never made from a name:
// that of the external methods does not follow the rule, and some kinds have no path.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview
var methodKinds = []struct {
	kind       MethodKind
	named      string
	collection string
	remove     call
}{
	{TemporaryAccessPass, "temporaryAccessPass", "/authentication/temporaryAccessPassMethods", call{http.MethodDelete, "delete Temporary Access Pass", "UserAuthMethod-TAP.ReadWrite.All"}},
	{PhoneMethod, "phone", "/authentication/phoneMethods", call{http.MethodDelete, "delete phone method", "UserAuthMethod-Phone.ReadWrite.All"}},
	{EmailMethod, "email", "/authentication/emailMethods", call{http.MethodDelete, "delete email method", "UserAuthMethod-Email.ReadWrite.All"}},
	{AuthenticatorMethod, "microsoftAuthenticator", "/authentication/microsoftAuthenticatorMethods", call{http.MethodDelete, "delete Microsoft Authenticator", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"}},
	{PasskeyMethod, "fido2", "/authentication/fido2Methods", call{http.MethodDelete, "delete passkey", "UserAuthMethod-Passkey.ReadWrite.All"}},
	{SoftwareOathMethod, "softwareOath", "/authentication/softwareOathMethods", call{http.MethodDelete, "delete software OATH token", "UserAuthMethod-SoftwareOATH.ReadWrite.All"}},
	{WindowsHelloMethod, "windowsHelloForBusiness", "/authentication/windowsHelloForBusinessMethods", call{http.MethodDelete, "delete Windows Hello for Business", "UserAuthMethod-WindowsHello.ReadWrite.All"}},
	{PlatformCredentialMethod, "platformCredential", "/authentication/platformCredentialMethods", call{http.MethodDelete, "delete platform credential", "UserAuthMethod-PlatformCred.ReadWrite.All"}},
	{ExternalMethod, "external", "/authentication/externalAuthenticationMethods", call{http.MethodDelete, "delete external method", "UserAuthMethod-External.ReadWrite.All"}},
}

// AuthenticationMethod is one way in which a user signs in. Telephone numbers, addresses and names are not read.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/authenticationmethod
type AuthenticationMethod struct {
	ID              string    `json:"id"`
	Type            string    `json:"@odata.type"`
	CreatedDateTime time.Time `json:"createdDateTime"`
	// Model is that of a security key.
	Model string `json:"model"`
}

// Named is Graph's name for the kind of the method, such as phone, or empty where it has not the form of a name.
func (m AuthenticationMethod) Named() string {
	named, ok := strings.CutPrefix(m.Type, "#microsoft.graph.")
	if !ok {
		return ""
	}
	return CodeOf(strings.TrimSuffix(named, "AuthenticationMethod"))
}

// Kind is the kind of the method, and whether v1.0 of Graph can remove it.
func (m AuthenticationMethod) Kind() (kind MethodKind, removable bool) {
	named := m.Named()
	for _, k := range methodKinds {
		if k.named == named && strings.HasSuffix(m.Type, "AuthenticationMethod") {
			return k.kind, true
		}
	}
	return 0, false
}

// IsPassword reports whether the method is the password, which no user is without.
func (m AuthenticationMethod) IsPassword() bool {
	return m.Type == "#microsoft.graph.passwordAuthenticationMethod"
}

// AuthenticationMethods lists the ways in which a user signs in, with the password.
//
// Microsoft: https://learn.microsoft.com/graph/api/authentication-list-methods
func (c *Client) AuthenticationMethods(ctx context.Context, userID string) ([]AuthenticationMethod, error) {
	methods, err := list[AuthenticationMethod](ctx, c, listMethods, c.user(userID, "/authentication/methods"))
	switch {
	case err != nil:
		return nil, err
	case slices.ContainsFunc(methods, func(m AuthenticationMethod) bool { return m.Type == "" }):
		return nil, &HiddenError{Call: listMethods.name, Property: "@odata.type", Permission: listMethods.permission, Token: c.token.Kind()}
	case slices.ContainsFunc(methods, func(m AuthenticationMethod) bool { return m.ID == "" }):
		return nil, listMethods.unusable("a method has no id")
	}
	return methods, nil
}

// RemoveAuthenticationMethod removes one method. The default one can be removed when it is the last.
//
// Microsoft: https://learn.microsoft.com/graph/api/phoneauthenticationmethod-delete, and so on for each kind
func (c *Client) RemoveAuthenticationMethod(ctx context.Context, userID string, kind MethodKind, id string) error {
	for _, k := range methodKinds {
		if k.kind == kind {
			return c.do(ctx, k.remove, c.usersObject(userID, k.collection, id, ""), nil, nil)
		}
	}
	return listMethods.unusable("there is no such kind of methods")
}
