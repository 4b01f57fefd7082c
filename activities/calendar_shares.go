package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// calendarShares ends what others may see of the leaver's own calendar, or do with it.
//
// Microsoft: DELETE /users/{id}/calendar/calendarPermissions/{id},
// https://learn.microsoft.com/graph/api/calendarpermission-delete
var calendarShares = &things{
	none: "the calendar is shared with nobody",
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		shares, err := a.graph.CalendarPermissions(ctx, s.UserID)
		if err != nil {
			return nil, ofMailbox(err)
		}
		items := make([]leaver.Item, 0, len(shares))
		for _, share := range shares {
			item := leaver.Item{ID: share.ID, Kind: "share", Before: map[string]string{"role": share.Role}}
			switch {
			case share.ID == "":
				item = unlistable(item.Kind)
			case !share.IsRemovable:
				item.Before, item.Outcome, item.Detail = nil, leaver.Skipped, "it says what everybody in the organisation may see, and cannot be removed"
			}
			items = append(items, item)
		}
		return items, nil
	},
	change: func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		return a.graph.DeleteCalendarPermission(ctx, s.UserID, item.ID)
	},
	changed: "the calendar is not shared so any more",
}
