package activities

import (
	"context"
	"errors"
	"net/http"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// channelMemberships are the private and shared channels of which the leaver is a member. A shared channel keeps its
// members when they leave the team.
//
// Microsoft: GET /users/{id}/teamwork/associatedTeams, GET /teams/{id}/channels and /teams/{id}/channels/{id}/members,
// DELETE /teams/{id}/channels/{id}/members/{id}.
var channelMemberships = things{
	none:    "the leaver is a member of no private or shared channel",
	list:    (*Activities).listChannelMemberships,
	look:    (*Activities).lookAtChannelMembership,
	changed: notInChannel,
	change:  (*Activities).removeChannelMembership,
}

const notInChannel = "the leaver is no member of the channel any more"

func (a *Activities) listChannelMemberships(ctx context.Context, s subject) ([]leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	teams, err := a.graph.AssociatedTeams(ctx, userID)
	if err != nil {
		return nil, err
	}
	ofTeam := make([][]leaver.Item, len(teams))
	err = readEach(ctx, len(teams), func(ctx context.Context, i int) (err error) {
		ofTeam[i], err = a.channelsOf(ctx, teams[i], userID)
		return err
	})
	var items []leaver.Item
	for _, of := range ofTeam {
		items = append(items, of...)
	}
	return items, err
}

// channelsOf are the leaver's memberships of the channels of one team. A shared channel may be another organisation's,
// whose teams are not found here.
func (a *Activities) channelsOf(ctx context.Context, team graph.Team, userID string) (items []leaver.Item, err error) {
	channels, err := a.graph.Channels(ctx, team.ID)
	if notFound(err) {
		return []leaver.Item{{ID: team.ID, Name: team.DisplayName, Kind: "team", Outcome: leaver.Failed,
			Detail: "Teams does not find the team here: it may be another organisation's that shares a channel, and its owners remove the leaver there"}}, nil
	}
	for _, channel := range channels {
		members, err := a.graph.ChannelMembers(ctx, team.ID, channel.ID, userID)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			role := "member"
			if member.IsOwner() {
				role = "owner"
			}
			items = append(items, leaver.Item{ID: channel.ID, Name: channel.DisplayName, Kind: "channel",
				Before: map[string]string{"teamId": team.ID, "membershipType": channel.MembershipType, "roles": role}})
		}
	}
	return items, err
}

func (a *Activities) lookAtChannelMembership(ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return leaver.Item{}, err
	}
	members, err := a.graph.ChannelMembers(ctx, item.Before["teamId"], item.ID, userID)
	switch {
	case notFound(err):
		return leaver.Item{Outcome: leaver.AlreadyDone, Detail: "the channel is deleted"}, nil
	case err != nil:
		return leaver.Item{}, err
	case len(members) == 0:
		return leaver.Item{Outcome: leaver.AlreadyDone, Detail: notInChannel}, nil
	}
	return item, nil
}

func (a *Activities) removeChannelMembership(ctx context.Context, s subject, item leaver.Item) error {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	members, err := a.graph.ChannelMembers(ctx, item.Before["teamId"], item.ID, userID)
	if err != nil || len(members) == 0 {
		return err
	}
	err = a.graph.RemoveChannelMember(ctx, item.Before["teamId"], item.ID, members[0].ID)
	if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Status == http.StatusBadRequest && members[0].IsOwner() {
		return errNobody("Teams refuses to remove an owner of the channel, which it does with the last one: make somebody else an owner of the channel in Teams, then retry")
	}
	return err
}
