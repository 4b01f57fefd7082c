package graph

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// TeamMember is a user's membership of a team or a channel; its id is the membership's and no user's.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/aaduserconversationmember
type TeamMember struct {
	ID     string   `json:"id"`
	Roles  []string `json:"roles"`
	UserID string   `json:"userId"`
}

// IsOwner reports whether the member is an owner too.
func (m TeamMember) IsOwner() bool { return slices.Contains(m.Roles, "owner") }

var (
	listTeamMembers  = call{http.MethodGet, "list members of a team", "TeamMember.Read.All"}
	removeTeamMember = call{http.MethodDelete, "remove a member of a team", "TeamMember.ReadWrite.All"}
)

// TeamMembers lists a user's memberships of a team: one, or none.
//
// Microsoft: https://learn.microsoft.com/graph/api/team-list-members
func (c *Client) TeamMembers(ctx context.Context, teamID, userID string) ([]TeamMember, error) {
	user := objectID(userID)
	if user == "" {
		return nil, &UnusableIDError{Call: listTeamMembers.name, Of: "userId"}
	}
	filter := "?$filter=" + url.QueryEscape("(microsoft.graph.aadUserConversationMember/userId eq '"+user+"')")
	return c.members(ctx, listTeamMembers, c.object("/teams", teamID, "/members"+filter), user)
}

// RemoveTeamMember takes a member, by the id of the membership, out of a team, and an owner with it.
//
// Microsoft: https://learn.microsoft.com/graph/api/team-delete-members
func (c *Client) RemoveTeamMember(ctx context.Context, teamID, membershipID string) error {
	return c.do(ctx, removeTeamMember, c.below("/teams", teamID, "/members", membershipID, ""), nil, nil)
}

// members lists the memberships of one user. A membership that names no user could be the user's.
func (c *Client) members(ctx context.Context, call call, endpoint, userID string) ([]TeamMember, error) {
	all, err := list[TeamMember](ctx, c, call, endpoint)
	if err != nil {
		return nil, err
	}
	var members []TeamMember
	for _, m := range all {
		switch {
		case m.UserID == "":
			return nil, call.unusable("a membership names no user")
		case ascii.EqualFold(m.UserID, userID) && (m.ID == "" || m.Roles == nil):
			return nil, call.unusable("the user's membership lacks its id or its roles")
		case ascii.EqualFold(m.UserID, userID):
			members = append(members, m)
		}
	}
	return members, nil
}
