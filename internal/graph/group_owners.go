package graph

import (
	"context"
	"net/http"
)

var (
	listOwnedGroups  = call{http.MethodGet, "list ownedObjects", "User.Read.All and GroupMember.Read.All"}
	addGroupOwner    = call{http.MethodPost, "add an owner to a group", changesOwners}
	removeGroupOwner = call{http.MethodDelete, "remove an owner of a group", changesOwners}
	addTeamOwner     = call{http.MethodPost, "add an owner to a team", "TeamMember.ReadWrite.All"}
)

const changesOwners = "Group.ReadWrite.All (for a group that can hold directory roles: and RoleManagement.ReadWrite.Directory)"

// OwnedGroups lists the groups that a user owns.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-ownedobjects
func (c *Client) OwnedGroups(ctx context.Context, userID string) ([]Group, error) {
	return c.groups(ctx, listOwnedGroups, c.user(userID, "/ownedObjects"+groupFields))
}

// AddGroupOwner makes a user an owner of a group, and no member.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-post-owners
func (c *Client) AddGroupOwner(ctx context.Context, groupID, userID string) error {
	return c.link(ctx, addGroupOwner, groupID, "owners", userID)
}

// RemoveGroupOwner takes an owner from a group.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-delete-owners
func (c *Client) RemoveGroupOwner(ctx context.Context, groupID, userID string) error {
	return c.do(ctx, removeGroupOwner, c.linkOf(groupID, "owners", userID), nil, nil)
}

// AddTeamOwner makes a user a member and an owner of a team. Graph takes 4 for each team in a minute.
//
// Microsoft: https://learn.microsoft.com/graph/api/team-post-members
func (c *Client) AddTeamOwner(ctx context.Context, teamID, userID string) error {
	user := objectID(userID)
	if user == "" {
		return &UnusableIDError{Call: addTeamOwner.name, Of: "userId"}
	}
	return c.do(ctx, addTeamOwner, c.object("/teams", teamID, "/members"), map[string]any{
		"@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": []string{"owner"}, "user@odata.bind": c.base.Scheme + "://" + c.base.Host + "/v1.0/users('" + user + "')",
	}, new([]byte))
}
