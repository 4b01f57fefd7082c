package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// AddToBlockGroup makes the leaver a member of a group to which Conditional Access gives no access, and reads that
// back. Entra takes a synchronised account too where the group is its own.
//
// Microsoft: POST /groups/{id}/members/$ref, https://learn.microsoft.com/graph/api/group-post-members
func (a *Activities) AddToBlockGroup(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	group, err := a.graph.Group(ctx, step.Settings.Group)
	if notFound(err) {
		return leaver.StepResult{}, invalid(ctx, "settings.group: there is no such group in this tenant")
	}
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	if why := blocksNobody(group); why != "" {
		return leaver.StepResult{}, invalid(ctx, "settings.group: "+why+"; name an assigned security group of Entra's own")
	}
	userID, err := a.objectID(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	item := leaver.Item{ID: group.ID, Name: group.DisplayName, Kind: "group", Outcome: leaver.Done}
	// A membership by another group does not count: it ends with that of the other group.
	switch err := a.graph.AddGroupMember(ctx, group.ID, userID); {
	case a.isDeleted(ctx, userID, err):
		return alreadyDone(accountDeleted), nil
	case isLinked(err) && activity.GetInfo(ctx).Attempt == 1:
		item.Outcome = leaver.AlreadyDone
		return alreadyDone("the leaver was a member of the group before", item), nil
	case err != nil && !isLinked(err):
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch is, err := a.graph.IsInGroup(ctx, userID, group.ID); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case !is:
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	return done(inBlockGroup, item), nil
}

const inBlockGroup = "the leaver is a member of the group; whether a policy blocks its members is Conditional Access's to say"

// blocksNobody says why nobody should, or can, be added to a group in order to be blocked, or "".
func blocksNobody(group graph.Group) string {
	switch {
	case group.IsDynamic():
		return "a rule decides who is a member of the group"
	case group.OnPremisesSyncEnabled:
		return "the group comes from Active Directory on the premises"
	case group.MailEnabled:
		return "the group has mail, which its members get"
	case group.IsAssignableToRole:
		return "the group can hold directory roles, which its members get"
	case len(group.AssignedLicenses) > 0:
		return "the group gives licences to its members"
	}
	return ""
}
