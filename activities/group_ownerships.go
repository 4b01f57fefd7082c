package activities

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// groupOwnerships are the groups and teams that the leaver owns. One that nobody else owns is handed over first.
//
// Microsoft: GET /users/{id}/ownedObjects, GET, POST and DELETE /groups/{id}/owners, POST /teams/{id}/members.
var groupOwnerships = things{
	none:    "the leaver owns no group",
	list:    (*Activities).listGroupOwnerships,
	look:    (*Activities).lookAtGroupOwnership,
	changed: noOwner,
	change:  (*Activities).removeGroupOwnership,
}

// lastOwner finds how Entra keeps the last owner of a group. It says so too where the other owner is a service
// principal, where it has not heard of the other one yet, and at times without a cause.
//
// Microsoft: https://github.com/microsoftgraph/microsoft-graph-docs/issues/12054
var lastOwner = regexp.MustCompile(`must have at least one owner`)

const errKeptOwner = errUndone("Graph takes the leaver for the last owner, though it lists another one: remove the owner in Entra or make one more user an owner there, then retry")

func (a *Activities) listGroupOwnerships(ctx context.Context, s subject) ([]leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	owned, err := a.graph.OwnedGroups(ctx, userID)
	if err != nil || len(owned) == 0 {
		return nil, err
	}
	_, _, nobody := a.whoTakesOver(ctx, s)
	if nobody != nil && !isNobody(nobody) {
		return nil, nobody
	}
	items := make([]leaver.Item, len(owned))
	err = readEach(ctx, len(owned), func(ctx context.Context, i int) error {
		items[i] = ownershipOf(owned[i])
		if s.exchangeHasChanged(owned[i].ID + managedEnd) {
			items[i].Outcome, items[i].Failure, items[i].Detail = leaver.AlreadyDone, "", leaver.StepRemoveDistributionGroups+" has removed the ownership, which Entra does not show yet"
		}
		if nobody == nil || items[i].Outcome != "" || owned[i].IsAssignableToRole {
			return nil
		}
		others, err := a.otherGroupOwners(ctx, owned[i].ID, userID)
		if err == nil && len(others) == 0 {
			items[i].Outcome, items[i].Failure, items[i].Detail = leaver.Failed, leaver.InvalidRequest, "nobody else owns the group: "+nobody.Error()
		}
		return err
	})
	return items, err
}

// ownershipOf is a group that the leaver owns as an item, with who can change that where it is not possible here.
func ownershipOf(group graph.Group) leaver.Item {
	item := leaver.Item{ID: group.ID, Name: group.DisplayName, Kind: kindOf(group), Before: factsOf(group)}
	switch stays := staysInGroup(group); {
	case group.Hidden:
		item.Before = nil
		hideGroup(&item)
	case stays != "":
		item.Outcome, item.Detail = leaver.Failed, stays
	case group.IsAssignableToRole:
		item.Detail = rolesToo
	}
	return item
}

func (a *Activities) lookAtGroupOwnership(ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return leaver.Item{}, err
	}
	owners, err := a.graph.GroupOwners(ctx, item.ID)
	switch {
	case notFound(err):
		return leaver.Item{Outcome: leaver.AlreadyDone, Detail: "the group is deleted"}, nil
	case err != nil:
		return leaver.Item{}, err
	case !slices.ContainsFunc(owners, func(o graph.Owner) bool { return ascii.EqualFold(o.ID, userID) }):
		return leaver.Item{Outcome: leaver.AlreadyDone, Detail: noOwner}, nil
	}
	group, err := a.graph.Group(ctx, item.ID)
	return ownershipOf(group), err
}

// removeGroupOwnership removes the leaver when somebody else is seen to own the group. A group that can hold directory
// roles needs no owner and is handed over to nobody: whoever owns it gives those roles away.
func (a *Activities) removeGroupOwnership(ctx context.Context, s subject, item leaver.Item) error {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	others, err := a.otherGroupOwners(ctx, item.ID, userID)
	if err != nil {
		return err
	}
	if len(others) == 0 && item.Before["isAssignableToRole"] != "true" {
		if err := a.handOverGroup(ctx, s, item); err != nil {
			return err
		}
		switch others, err = a.otherGroupOwners(ctx, item.ID, userID); {
		case err != nil:
			return err
		case len(others) == 0:
			return errNotYet("whoever takes over was made an owner, and Graph does not show it yet; looking again")
		}
	}
	err = a.graph.RemoveGroupOwner(ctx, item.ID, userID)
	if isBadRequest(err, lastOwner) {
		return errKeptOwner
	}
	return err
}

// handOverGroup makes the successor an owner. An owner of a team has to be a member too, and Teams makes both, but where
// a rule decides who is a member.
func (a *Activities) handOverGroup(ctx context.Context, s subject, item leaver.Item) error {
	next, _, err := a.whoTakesOver(ctx, s)
	switch {
	case err != nil:
		return err
	case item.Kind == "team" && !strings.Contains(item.Before["groupTypes"], "DynamicMembership"):
		return a.graph.AddTeamOwner(ctx, item.ID, next)
	}
	if err := a.graph.AddGroupOwner(ctx, item.ID, next); err != nil && !isLinked(err) {
		return err
	}
	return nil
}
