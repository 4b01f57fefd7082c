package activities

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// groupMemberships are the groups and teams of which the leaver is a member. A membership by another group ends with
// that one's, and only there: such a membership is told and never removed.
//
// Microsoft: GET /users/{id}/memberOf and /transitiveMemberOf, POST /users/{id}/checkMemberGroups,
// DELETE /groups/{id}/members/{id}/$ref and /teams/{id}/members/{id}.
var groupMemberships = things{
	none:    "the leaver is a member of no group",
	list:    (*Activities).listGroupMemberships,
	look:    (*Activities).lookAtGroupMembership,
	changed: notMember,
	change:  (*Activities).removeGroupMembership,
}

const (
	notMember = "the membership is removed"
	// nestedEnd ends the id of an item that is no direct membership.
	nestedEnd = "/nested"
	// errNested waits for a membership to show of the group by which the leaver is a member of another, or for the
	// other membership to show no more.
	errNested = errNotYet("Graph lists a membership by another group and no membership of the other group; looking again, as its lists may lag. Where this lasts, the other group hides its members: grant the permission Member.Read.Hidden")
)

func (a *Activities) listGroupMemberships(ctx context.Context, s subject) ([]leaver.Item, error) {
	direct, err := a.graph.Groups(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	all, err := a.graph.AllGroups(ctx, s.UserID)
	var items []leaver.Item
	hangs := mailboxHangs(s.Results)
	for _, group := range direct {
		items = append(items, membershipOf(group))
		if last := &items[len(items)-1]; hangs != "" && last.Outcome == "" && len(group.AssignedLicenses) > 0 {
			last.Outcome, last.Failure, last.Detail = leaver.Failed, leaver.InvalidRequest, "the group gives licences: "+hangs
		}
		if s.exchangeHasChanged(group.ID) {
			at := &items[len(items)-1]
			at.Outcome, at.Failure, at.Detail = leaver.AlreadyDone, "", leaver.StepRemoveDistributionGroups+" has removed the membership, which Entra does not show yet"
		}
		if blocks := s.Results[leaver.StepAddToBlockGroup].Items; slices.ContainsFunc(blocks, func(i leaver.Item) bool { return ascii.EqualFold(i.ID, group.ID) }) {
			at := &items[len(items)-1]
			at.Outcome, at.Failure, at.Detail = leaver.Skipped, "", "it is the group that blocks the leaver's access"
		}
	}
	for _, group := range all {
		switch {
		case slices.ContainsFunc(direct, func(g graph.Group) bool { return ascii.EqualFold(g.ID, group.ID) }):
		case len(direct) == 0:
			return nil, errNested
		default:
			items = append(items, leaver.Item{ID: group.ID + nestedEnd, Name: group.DisplayName, Kind: "group", Outcome: leaver.Failed,
				Detail: "the leaver is a member by another group alone: the membership ends with that of the other group, or an administrator takes the other group out of this one in Entra"})
		}
	}
	return items, err
}

// exchangeHasChanged reports whether an earlier step has taken care of a distribution group in Exchange, by the id of its item.
func (s subject) exchangeHasChanged(id string) bool {
	return slices.ContainsFunc(s.Results[leaver.StepRemoveDistributionGroups].Items, func(i leaver.Item) bool {
		return ascii.EqualFold(i.ID, id) && (i.Outcome == leaver.Done || i.Outcome == leaver.AlreadyDone)
	})
}

// membershipOf is a direct membership as an item, with who can end it where that is not possible here.
func membershipOf(group graph.Group) leaver.Item {
	item := leaver.Item{ID: group.ID, Name: group.DisplayName, Kind: kindOf(group), Before: factsOf(group)}
	stays := staysInGroup(group)
	switch {
	case group.Hidden:
		item.Before = nil
		hideGroup(&item)
	case group.IsDynamic() && !group.OnPremisesSyncEnabled:
		item.Outcome, item.Detail = leaver.Failed, "a rule decides who is a member: an administrator changes the rule in Entra, or the properties of the user by which it finds members"
	case stays != "":
		item.Outcome, item.Detail = leaver.Failed, stays
	case group.IsAssignableToRole:
		item.Detail = rolesToo
	case len(group.AssignedLicenses) > 0:
		item.Detail = "it gives licences, which end with the membership"
	}
	return item
}

const rolesToo = "it can hold directory roles: the worker needs the permission RoleManagement.ReadWrite.Directory too"

// hideGroup asks a person about a group of which Graph does not tell what can be done with it.
func hideGroup(item *leaver.Item) {
	item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.GraphForbidden, "Graph hides what kind of group it is: grant the permission GroupMember.Read.All, then retry"
}

// staysInGroup says why neither members nor owners of a group can be changed here, and who can change them, or "".
func staysInGroup(group graph.Group) string {
	switch {
	case group.OnPremisesSyncEnabled:
		return "the group comes from Active Directory on the premises, and Entra refuses to change it: an administrator changes it in Active Directory"
	case group.IsExchanges():
		return "it is a distribution list or a mail-enabled security group, which Exchange alone can change: an Exchange administrator does so in the Exchange admin center"
	}
	return ""
}

func kindOf(group graph.Group) string {
	if group.IsTeam() {
		return "team"
	}
	return "group"
}

// factsOf is what a group was, for whoever undoes the change.
func factsOf(group graph.Group) map[string]string {
	facts := map[string]string{"groupTypes": strings.Join(group.GroupTypes, ", "), "isAssignableToRole": strconv.FormatBool(group.IsAssignableToRole)}
	var licences []string
	for _, licence := range group.AssignedLicenses {
		licences = append(licences, licence.SKUID)
	}
	if len(licences) > 0 {
		facts["assignedLicenses"] = strings.Join(licences, ", ")
	}
	return facts
}

// lookAtGroupMembership takes a membership for removed when Graph does not list it, and asks whether another group
// makes the leaver a member all the same.
func (a *Activities) lookAtGroupMembership(ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	direct, err := a.graph.Groups(ctx, s.UserID)
	switch {
	case a.isDeleted(ctx, s.UserID, err):
		return leaver.Item{Outcome: leaver.Skipped, Detail: accountDeleted}, nil
	case err != nil:
		return leaver.Item{}, err
	}
	if at := slices.IndexFunc(direct, func(g graph.Group) bool { return ascii.EqualFold(g.ID, item.ID) }); at >= 0 {
		return membershipOf(direct[at]), nil
	}
	still, err := a.graph.IsInGroup(ctx, s.UserID, strings.TrimSuffix(item.ID, nestedEnd))
	switch {
	case err != nil:
		return leaver.Item{}, err
	case still && len(direct) == 0:
		return leaver.Item{}, errNested
	case still && strings.HasSuffix(item.ID, nestedEnd):
		return leaver.Item{Outcome: leaver.Failed, Detail: "the leaver is a member by another group alone, and the membership ends with that of the other group"}, nil
	case still:
		return leaver.Item{Outcome: leaver.AlreadyDone, Detail: notMember + ", and another group makes the leaver a member still: see the other items"}, nil
	}
	return leaver.Item{Outcome: leaver.AlreadyDone, Detail: notMember}, nil
}

// removeGroupMembership removes a member of a team in Teams, which hears late of what the directory removes. Where
// Teams does not know the member, the directory does.
func (a *Activities) removeGroupMembership(ctx context.Context, s subject, item leaver.Item) error {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	if item.Kind != "team" {
		return a.graph.RemoveGroupMember(ctx, item.ID, userID)
	}
	members, err := a.graph.TeamMembers(ctx, item.ID, userID)
	switch {
	case err != nil:
		return err
	case len(members) == 0:
		return a.graph.RemoveGroupMember(ctx, item.ID, userID)
	case members[0].IsOwner():
		if others, err := a.otherGroupOwners(ctx, item.ID, userID); err != nil {
			return err
		} else if len(others) == 0 {
			return errNobody("the leaver is the last owner of the team: make somebody else an owner in Teams and retry, or have the step " + leaver.StepRemoveGroupOwnerships + " hand the team over")
		}
	}
	return a.graph.RemoveTeamMember(ctx, item.ID, members[0].ID)
}

// otherGroupOwners are the object ids of the users who own a group, without one. Graph does not take a service
// principal for the last owner.
func (a *Activities) otherGroupOwners(ctx context.Context, groupID, userID string) (others []string, err error) {
	owners, err := a.graph.GroupOwners(ctx, groupID)
	for _, owner := range owners {
		if owner.IsUser() && owner.ID != "" && !ascii.EqualFold(owner.ID, userID) {
			others = append(others, owner.ID)
		}
	}
	return others, err
}
