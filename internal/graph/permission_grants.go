package graph

import (
	"context"
	"net/http"
	"slices"
)

var (
	listGrants  = call{http.MethodGet, "list oauth2PermissionGrants", "Directory.Read.All"}
	getAppName  = call{http.MethodGet, "get the name of an application", "Application.Read.All"}
	removeGrant = call{http.MethodDelete, "delete oauth2PermissionGrant", "DelegatedPermissionGrant.ReadWrite.All"}
)

// PermissionGrant is the consent by which an application may act for one user, or for every user of the tenant.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
type PermissionGrant struct {
	ID string `json:"id"`
	// ClientID is the object id of the service principal that may act, and ResourceID of the one whose data it reaches.
	ClientID   string `json:"clientId"`
	ResourceID string `json:"resourceId"`
	// ConsentType is Principal for one user, and AllPrincipals for every user.
	ConsentType string `json:"consentType"`
	PrincipalID string `json:"principalId"`
	Scope       string `json:"scope"`
}

// PermissionGrants lists the consents that let applications act for a user.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-oauth2permissiongrants
func (c *Client) PermissionGrants(ctx context.Context, userID string) ([]PermissionGrant, error) {
	all, err := list[PermissionGrant](ctx, c, listGrants, c.user(userID, "/oauth2PermissionGrants"))
	if slices.ContainsFunc(all, func(g PermissionGrant) bool { return g.ID == "" || g.ConsentType == "" }) {
		return nil, listGrants.unusable("a consent has no id or no consentType")
	}
	return all, err
}

// EnterpriseAppName is what people call an application, by the object id of its service principal.
//
// Microsoft: https://learn.microsoft.com/graph/api/serviceprincipal-get
func (c *Client) EnterpriseAppName(ctx context.Context, id string) (string, error) {
	var app struct {
		DisplayName string `json:"displayName"`
	}
	err := c.do(ctx, getAppName, c.app(EnterpriseApp, id, "?$select=displayName"), nil, &app)
	return app.DisplayName, err
}

// RemovePermissionGrant takes a consent away, whoever it is of: the caller makes sure that it is of one user alone.
//
// Microsoft: https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
func (c *Client) RemovePermissionGrant(ctx context.Context, id string) error {
	return c.do(ctx, removeGrant, c.object("/oauth2PermissionGrants", id, ""), nil, nil)
}
