package graph

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// Team is a team of Teams; its id is that of the group whose members it has.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/associatedteaminfo
type Team struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	TenantID    string `json:"tenantId"`
}

// Channel is a channel of a team. Private and shared channels have members of their own.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/channel
type Channel struct {
	ID             string `json:"id"`
	DisplayName    string `json:"displayName"`
	MembershipType string `json:"membershipType"`
}

var (
	listTeams           = call{http.MethodGet, "list associatedTeams", "Team.ReadBasic.All"}
	listChannels        = call{http.MethodGet, "list channels", "Channel.ReadBasic.All"}
	listChannelMembers  = call{http.MethodGet, "list members of a channel", "ChannelMember.Read.All"}
	removeChannelMember = call{http.MethodDelete, "remove a member of a channel", "ChannelMember.ReadWrite.All"}
)

// AssociatedTeams lists the teams that a user is a member of, and those that host a shared channel of which the user is.
//
// Microsoft: https://learn.microsoft.com/graph/api/associatedteaminfo-list
func (c *Client) AssociatedTeams(ctx context.Context, userID string) ([]Team, error) {
	return list[Team](ctx, c, listTeams, c.user(userID, "/teamwork/associatedTeams"))
}

// Channels lists the channels of a team that have members of their own. Graph documents no filter for them.
//
// Microsoft: https://learn.microsoft.com/graph/api/channel-list
func (c *Client) Channels(ctx context.Context, teamID string) ([]Channel, error) {
	channels, err := list[Channel](ctx, c, listChannels, c.object("/teams", teamID, "/channels?$select=id,displayName,membershipType"))
	return slices.DeleteFunc(channels, func(c Channel) bool { return c.MembershipType == "standard" }), err
}

// ChannelMembers lists a user's memberships of a channel: one, or none.
//
// Microsoft: https://learn.microsoft.com/graph/api/channel-list-members
func (c *Client) ChannelMembers(ctx context.Context, teamID, channelID, userID string) ([]TeamMember, error) {
	user := objectID(userID)
	if user == "" {
		return nil, &UnusableIDError{Call: listChannelMembers.name, Of: "userId"}
	}
	return c.members(ctx, listChannelMembers, c.below("/teams", teamID, "/channels", channelID, "/members"), user)
}

// RemoveChannelMember takes a member, by the id of the membership, out of a private or a shared channel.
//
// Microsoft: https://learn.microsoft.com/graph/api/channel-delete-members
func (c *Client) RemoveChannelMember(ctx context.Context, teamID, channelID, membershipID string) error {
	if !usableID(membershipID) {
		return &UnusableIDError{Call: removeChannelMember.name, Of: "id"}
	}
	return c.do(ctx, removeChannelMember, c.below("/teams", teamID, "/channels", channelID, "/members/"+url.PathEscape(membershipID)), nil, nil)
}
