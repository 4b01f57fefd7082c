package graphsim

import (
	"net/http"
	"slices"
	"strings"
)

// passwordMethod is the id that every user's password has.
const passwordMethod = "28c10230-6103-485e-b985-444c60001490"

// methodPaths are the paths by which v1.0 removes methods, by the kind's name, and the permission of each.
var methodPaths = map[string][2]string{
	"temporaryAccessPass": {"temporaryAccessPassMethods", "TAP"}, "phone": {"phoneMethods", "Phone"}, "email": {"emailMethods", "Email"},
	"microsoftAuthenticator": {"microsoftAuthenticatorMethods", "MicrosoftAuthApp"}, "fido2": {"fido2Methods", "Passkey"},
	"softwareOath": {"softwareOathMethods", "SoftwareOATH"}, "windowsHelloForBusiness": {"windowsHelloForBusinessMethods", "WindowsHello"},
	"platformCredential": {"platformCredentialMethods", "PlatformCred"}, "external": {"externalAuthenticationMethods", "External"},
}

var methodRoutes = func() []route {
	all := []route{{http.MethodGet, "/users/{id}/authentication/methods", [][]string{{"UserAuthenticationMethod.Read.All"}, {"UserAuthenticationMethod.ReadWrite.All"}}, (*Tenant).listMethods}}
	for kind, path := range methodPaths {
		needs := [][]string{{"UserAuthMethod-" + path[1] + ".ReadWrite.All"}, {"UserAuthenticationMethod.ReadWrite.All"}}
		all = append(all, route{http.MethodDelete, "/users/{id}/authentication/" + path[0] + "/{method}", needs,
			func(t *Tenant, q query) answer { return t.removeMethod(q, kind) }})
	}
	return all
}()

// Method is one way in which a user signs in, beside the password.
type Method struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // such as phone, fido2 or hardwareOath
	// Default is the method that the user is asked for first.
	Default bool   `json:"default,omitempty"`
	Model   string `json:"model,omitempty"` // of a security key
	// Text is a telephone number, a mail address or the name of a device.
	Text string `json:"text,omitempty"`
}

func (t *Tenant) listMethods(q query) answer {
	all := []any{map[string]any{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": passwordMethod, "password": nil}}
	for _, m := range q.user.seen.at(t.shown()).Methods {
		row := map[string]any{"@odata.type": "#microsoft.graph." + m.Kind + "AuthenticationMethod", "id": m.ID}
		switch m.Kind {
		case "phone":
			row["phoneNumber"], row["phoneType"] = m.Text, "mobile"
		case "email":
			row["emailAddress"] = m.Text
		case "fido2":
			row["displayName"], row["model"], row["createdDateTime"] = m.Text, m.Model, stamp(q.user.SessionsValidFrom)
		case "microsoftAuthenticator", "windowsHelloForBusiness", "platformCredential", "external":
			row["displayName"] = m.Text
		}
		all = append(all, row)
	}
	return collection("users('"+q.user.ID+"')/authentication/methods", all)
}

// removeMethod refuses the default method while there are others, in one of the two ways that have been seen.
//
// Source: https://github.com/microsoftgraph/microsoft-graph-docs/issues/14470 and /issues/18091
func (t *Tenant) removeMethod(q query, kind string) answer {
	id := q.named["method"]
	is := func(m Method) bool { return m.Kind == kind && strings.EqualFold(m.ID, id) }
	method := find(q.user.Methods, is)
	switch {
	case method == nil:
		return fault(http.StatusNotFound, "resourceNotFound", "The requested authentication method id of ["+id+"] was not found.")
	case q.grant.delegated && q.user.privileged():
		return fault(http.StatusForbidden, "accessDenied", "Request Authorization failed")
	case method.Default && slices.ContainsFunc(q.user.Methods, func(m Method) bool { return !is(m) }):
		if kind == "phone" {
			return fault(http.StatusBadRequest, "badRequest", "The requested authentication method id of ["+id+"] matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed")
		}
		return fault(http.StatusBadRequest, "badRequest", "Cannot delete default method with other methods configured. Please change default method before deletion.")
	}
	q.user.hold(t.now(), func(h *Holdings) { h.Methods = without(h.Methods, is) })
	return noContent
}

// privileged reports whether it takes more than an ordinary administrator to change what keeps others out of the account.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions
func (u *User) privileged() bool {
	return len(u.Roles) > 0 || slices.ContainsFunc(u.Memberships, func(m Membership) bool { return m.Role || m.IsAssignableToRole })
}
