package graph

import (
	"context"
	"net/http"
)

var (
	listGrants  = call{http.MethodGet, "list oauth2PermissionGrants", "Directory.Read.All"}
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
	return list[PermissionGrant](ctx, c, listGrants, c.user(userID, "/oauth2PermissionGrants"))
}

// RemovePermissionGrant takes a consent away, whoever it is of: the caller makes sure that it is of one user alone.
//
// Microsoft: https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
func (c *Client) RemovePermissionGrant(ctx context.Context, id string) error {
	return c.do(ctx, removeGrant, c.object("/oauth2PermissionGrants", id, ""), nil, nil)
}
