package graph

import (
	"context"
	"net/http"
	"strings"
)

var (
	listMemberships = call{http.MethodGet, "list transitiveMemberOf", "Directory.Read.All"}
)

// Membership is a group, a directory role or an administrative unit that a user is a member of, also by another
// group.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/directoryobject
type Membership struct {
	ID          string `json:"id"`
	Type        string `json:"@odata.type"`
	DisplayName string `json:"displayName"`
	// IsAssignableToRole says of a group that it can hold directory roles.
	IsAssignableToRole bool `json:"isAssignableToRole"`
}

// IsRole reports whether a membership is of a directory role.
func (m Membership) IsRole() bool { return strings.HasSuffix(m.Type, ".directoryRole") }

// MayHoldRoles reports whether a membership is of a group that can hold directory roles. Every group has a name: of one
// without, Graph hides the properties from the caller, and it could be such a group.
func (m Membership) MayHoldRoles() bool {
	isGroup := m.Type == "" || strings.HasSuffix(m.Type, ".group")
	return isGroup && (m.IsAssignableToRole || m.DisplayName == "")
}

// Memberships lists what a user is a member of, also by other groups. A row that Graph hides has no more than its id.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-transitivememberof
func (c *Client) Memberships(ctx context.Context, userID string) ([]Membership, error) {
	return list[Membership](ctx, c, listMemberships, c.user(userID, "/transitiveMemberOf"))
}
