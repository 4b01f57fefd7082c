package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// administrativeUnits are the administrative units that the leaver is a member of.
var administrativeUnits = things{
	none:    "the leaver is in no administrative unit",
	changed: "the leaver is out of the administrative unit",
	list:    (*Activities).listAdministrativeUnits,
	change: func(a *Activities, ctx context.Context, s subject, unit leaver.Item) error {
		id, err := a.objectID(ctx, s.UserID)
		if err != nil {
			return err
		}
		return a.graph.LeaveAdministrativeUnit(ctx, unit.ID, id)
	},
}

// listAdministrativeUnits lists the units that the leaver is in.
//
// Microsoft: GET /users/{id}/memberOf, DELETE /directory/administrativeUnits/{id}/members/{id}/$ref.
func (a *Activities) listAdministrativeUnits(ctx context.Context, s subject) ([]leaver.Item, error) {
	units, err := a.graph.AdministrativeUnits(ctx, s.UserID)
	var items []leaver.Item
	for _, unit := range units {
		item := leaver.Item{ID: unit.ID, Name: unit.DisplayName, Kind: "administrativeUnit"}
		switch {
		case ascii.EqualFold(unit.MembershipType, "Dynamic"):
			item.Outcome, item.Detail = leaver.Failed, "a rule says who is in the unit: who administers the unit changes the rule, or the properties of the account that it looks at"
		case unit.IsMemberManagementRestricted:
			item.Outcome, item.Detail = leaver.Failed, "the unit has restricted management, and no application changes it: a Privileged Role Administrator takes the leaver out"
		}
		items = append(items, item)
	}
	return items, err
}
