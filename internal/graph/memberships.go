package graph

import (
	"context"
	"net/http"
	"strings"
)

var (
	listMemberships   = call{http.MethodGet, "list transitiveMemberOf", "Directory.Read.All"}
	listAssignments   = call{http.MethodGet, "list roleAssignments", "RoleManagement.Read.Directory"}
	listEligibilities = call{http.MethodGet, "list roleEligibilitySchedules", "RoleEligibilitySchedule.Read.Directory"}
)

// Membership is a group, a directory role or an administrative unit that a user is a member of, also by another
// group.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/directoryobject
type Membership struct {
	ID   string `json:"id"`
	Type string `json:"@odata.type"`
	// IsAssignableToRole says of a group that it can hold directory roles.
	IsAssignableToRole bool `json:"isAssignableToRole"`
}

// IsRole reports whether a membership is of a directory role.
func (m Membership) IsRole() bool { return strings.HasSuffix(m.Type, ".directoryRole") }

// Memberships lists what a user is a member of, also by other groups. A row that Graph hides has no more than its id.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-transitivememberof
func (c *Client) Memberships(ctx context.Context, userID string) ([]Membership, error) {
	return list[Membership](ctx, c, listMemberships, c.user(userID, "/transitiveMemberOf"))
}

// RoleAssignment is a directory role that a principal holds, or may activate.
type RoleAssignment struct {
	PrincipalID string `json:"principalId"`
}

// RoleAssignments lists the directory roles that a user holds directly, also those of an administrative unit alone.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleAssignments(ctx context.Context, userID string) ([]RoleAssignment, error) {
	return list[RoleAssignment](ctx, c, listAssignments, c.having("/roleManagement/directory/roleAssignments", "principalId", userID, ""))
}

// RoleEligibilities lists the directory roles that a user may activate, by Privileged Identity Management.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleeligibilityschedules
func (c *Client) RoleEligibilities(ctx context.Context, userID string) ([]RoleAssignment, error) {
	return list[RoleAssignment](ctx, c, listEligibilities, c.having("/roleManagement/directory/roleEligibilitySchedules", "principalId", userID, ""))
}
