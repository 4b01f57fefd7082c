package graph

import (
	"context"
	"net/http"
	"slices"
)

var (
	listAppRoles  = call{http.MethodGet, "list appRoleAssignments", "Directory.Read.All"}
	removeAppRole = call{http.MethodDelete, "delete appRoleAssignment", "AppRoleAssignment.ReadWrite.All"}
)

// AppRoleAssignment is a role in an application that a principal holds.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/approleassignment
type AppRoleAssignment struct {
	ID string `json:"id"`
	// PrincipalID is the user's, or that of a group whose member the user is.
	PrincipalID string `json:"principalId"`
	ResourceID  string `json:"resourceId"`
	// ResourceDisplayName is the application's name.
	ResourceDisplayName string `json:"resourceDisplayName"`
	AppRoleID           string `json:"appRoleId"`
}

// AppRoleAssignments lists the roles in applications that a user holds, also those by a group whose direct member the
// user is.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-approleassignments
func (c *Client) AppRoleAssignments(ctx context.Context, userID string) ([]AppRoleAssignment, error) {
	all, err := list[AppRoleAssignment](ctx, c, listAppRoles, c.user(userID, "/appRoleAssignments"))
	if slices.ContainsFunc(all, func(r AppRoleAssignment) bool { return r.ID == "" || r.PrincipalID == "" }) {
		return nil, listAppRoles.unusable("a role has no id or no principalId")
	}
	return all, err
}

// RemoveAppRoleAssignment takes a role in an application from a user.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-delete-approleassignments
func (c *Client) RemoveAppRoleAssignment(ctx context.Context, userID, id string) error {
	return c.do(ctx, removeAppRole, c.usersObject(userID, "/appRoleAssignments", id, ""), nil, nil)
}
