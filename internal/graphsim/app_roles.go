package graphsim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	readsAppRoles = [][]string{{"Directory.Read.All"}, {"AppRoleAssignment.ReadWrite.All"}}
	readsGrants   = [][]string{{"Directory.Read.All"}, {"DelegatedPermissionGrant.ReadWrite.All"}}
	removesGrants = [][]string{{"DelegatedPermissionGrant.ReadWrite.All"}, {"Directory.ReadWrite.All"}}
	appRoleRoutes = []route{
		{http.MethodGet, "/users/{id}/appRoleAssignments", readsAppRoles, (*Tenant).listAppRoles},
		{http.MethodDelete, "/users/{id}/appRoleAssignments/{assignment}", readsAppRoles[1:], (*Tenant).deleteAppRole},
		{http.MethodGet, "/users/{id}/oauth2PermissionGrants", readsGrants, (*Tenant).listGrants},
		{http.MethodDelete, "/oauth2PermissionGrants/{id}", removesGrants, (*Tenant).deleteGrant},
	}
)

// AppRole is a role in an application that a user holds.
type AppRole struct {
	ID           string `json:"id"`
	PrincipalID  string `json:"principalId"` // that of a group where the role comes by one
	ResourceID   string `json:"resourceId"`
	ResourceName string `json:"resourceDisplayName"`
	AppRoleID    string `json:"appRoleId"`
}

// Grant is a consent, by a user or for the whole tenant.
type Grant struct {
	ID          string `json:"id"`
	ClientID    string `json:"clientId"`
	ResourceID  string `json:"resourceId"`
	ConsentType string `json:"consentType"` // Principal unless given, or AllPrincipals
	PrincipalID string `json:"principalId,omitempty"`
	Scope       string `json:"scope"`
}

// listAppRoles lists the roles that come by a group too, of which Microsoft's page tells.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-approleassignments
func (t *Tenant) listAppRoles(q query) answer {
	all := []any{}
	for _, r := range q.user.seen.at(t.shown()).AppRoles {
		kind := "Group"
		if ascii.EqualFold(r.PrincipalID, q.user.ID) {
			kind = "User"
		}
		all = append(all, map[string]any{"id": r.ID, "principalId": r.PrincipalID, "principalType": kind, "resourceId": r.ResourceID, "resourceDisplayName": r.ResourceName, "appRoleId": r.AppRoleID})
	}
	return collection("appRoleAssignments", all)
}

func (t *Tenant) deleteAppRole(q query) answer {
	id := q.named["assignment"]
	direct := func(r AppRole) bool { return r.ID == id && ascii.EqualFold(r.PrincipalID, q.user.ID) }
	if !slices.ContainsFunc(q.user.AppRoles, direct) {
		return noObject(id)
	}
	q.user.hold(t.now(), func(h *Holdings) { h.AppRoles = without(h.AppRoles, direct) })
	return noContent
}

func (t *Tenant) listGrants(q query) answer {
	all := []any{}
	for _, g := range q.user.seen.at(t.shown()).Grants {
		all = append(all, map[string]any{"id": g.ID, "clientId": g.ClientID, "resourceId": g.ResourceID, "consentType": g.ConsentType, "principalId": known(g.PrincipalID), "scope": g.Scope})
	}
	return collection("oauth2PermissionGrants", all)
}

// grant is the consent with an id, or nil.
func (u *User) grant(id string) *Grant {
	return find(u.Grants, func(g Grant) bool { return strings.EqualFold(g.ID, id) })
}

func (t *Tenant) deleteGrant(q query) answer {
	q.user.hold(t.now(), func(h *Holdings) {
		h.Grants = without(h.Grants, func(g Grant) bool { return strings.EqualFold(g.ID, q.id) })
	})
	return noContent
}

// noObject is how Entra answers where there is no object with an id.
func noObject(id string) answer {
	return fault(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}
