package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// appRoles are the leaver's own roles in applications. A role that comes by a group ends with the membership.
//
// Microsoft: GET and DELETE /users/{id}/appRoleAssignments.
var appRoles = things{
	none:    "the leaver has no role in an application",
	list:    (*Activities).listAppRoles,
	changed: "the role is removed; an application to which Entra provisions accounts hears of it in its next cycle",
	change: func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		return a.graph.RemoveAppRoleAssignment(ctx, s.UserID, item.ID)
	},
}

func (a *Activities) listAppRoles(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	roles, err := a.graph.AppRoleAssignments(ctx, id)
	var items []leaver.Item
	for _, role := range roles {
		item := leaver.Item{ID: role.ID, Name: role.ResourceDisplayName, Kind: "appRole",
			Before: map[string]string{"principalId": role.PrincipalID, "resourceId": role.ResourceID, "appRoleId": role.AppRoleID}}
		if !ascii.EqualFold(role.PrincipalID, id) {
			item.Outcome, item.Detail = leaver.Skipped, "the role comes by a group, and ends with the membership there"
		}
		items = append(items, item)
	}
	return items, err
}
