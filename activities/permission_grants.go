package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// permissionGrants are the consents by which applications act for the leaver. A consent for the whole tenant is
// everybody's, and is never touched.
//
// Microsoft: GET /users/{id}/oauth2PermissionGrants, DELETE /oauth2PermissionGrants/{id}.
var permissionGrants = things{
	none:    "no application has the leaver's own consent",
	list:    (*Activities).listPermissionGrants,
	changed: "the consent is taken away; tokens that the application has end by themselves, within about an hour",
	change: func(a *Activities, ctx context.Context, _ subject, item leaver.Item) error {
		return a.graph.RemovePermissionGrant(ctx, item.ID)
	},
}

func (a *Activities) listPermissionGrants(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	grants, err := a.graph.PermissionGrants(ctx, id)
	if err != nil {
		return nil, err
	}
	items := make([]leaver.Item, len(grants))
	err = readEach(ctx, len(grants), func(ctx context.Context, i int) (err error) {
		items[i], err = a.consent(ctx, id, grants[i])
		return err
	})
	return items, err
}

// consent is a consent as an item. The name of an application that cannot be read is left out: the application may be
// deleted, or the worker may lack the permission to read it.
func (a *Activities) consent(ctx context.Context, userID string, grant graph.PermissionGrant) (leaver.Item, error) {
	item := leaver.Item{ID: grant.ID, Kind: "consent",
		Before: map[string]string{"clientId": grant.ClientID, "resourceId": grant.ResourceID, "consentType": grant.ConsentType, "principalId": grant.PrincipalID, "scope": grant.Scope}}
	switch {
	case grant.ConsentType != "Principal":
		item.Outcome, item.Detail = leaver.Skipped, "it is a consent for every user of the tenant, and is not touched"
	case !ascii.EqualFold(grant.PrincipalID, userID):
		item.Outcome, item.Detail = leaver.Skipped, "it is another user's consent, and is not touched"
	}
	name, err := a.graph.EnterpriseAppName(ctx, grant.ClientID)
	if halted(err) {
		return leaver.Item{}, err
	}
	item.Name = name
	return item, nil
}
