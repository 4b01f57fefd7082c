package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
)

const (
	// meetingsAhead is how far meetings are looked for; a series that goes on after that is cancelled as a whole.
	meetingsAhead = 2 * 365 * 24 * time.Hour
	// cancelled is what the attendees are told. They may be anybody, so that it says nothing of the leaver.
	cancelled = "This meeting is cancelled: its organiser is no longer available."
)

// meetings cancels what the leaver has invited others to, and tells them. A series is one item. Dates that nobody else
// attends, and meetings of other organisers, are not listed.
//
// Microsoft: POST /users/{id}/events/{id}/cancel, https://learn.microsoft.com/graph/api/event-cancel
var meetings = &things{
	none: "the leaver organises no meeting that others attend within the next two years",
	note: countMeetings,
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		now := time.Now()
		events, err := a.graph.CalendarView(ctx, s.UserID, now, now.Add(meetingsAhead))
		if err != nil {
			return nil, ofMailbox(err)
		}
		var items []leaver.Item
		for _, event := range events {
			item := leaver.Item{ID: event.ID, Kind: "meeting"}
			if event.SeriesMasterID != "" {
				item = leaver.Item{ID: event.SeriesMasterID, Kind: "series"}
			}
			if item.ID == "" {
				item = unlistable(item.Kind)
			}
			known := func(i leaver.Item) bool { return i.ID == item.ID }
			if event.IsOrganizer && !event.IsCancelled && event.Attendees > 0 && !slices.ContainsFunc(items, known) {
				items = append(items, item)
			}
		}
		return items, nil
	},
	change: func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		return a.graph.CancelEvent(ctx, s.UserID, item.ID, cancelled)
	},
	changed: "the calendar does not show it any more; Exchange tells the attendees of a meeting that was cancelled",
}

// countMeetings says how many meetings are to be cancelled.
func countMeetings(items []leaver.Item) string {
	open, series := 0, 0
	for _, item := range items {
		if item.Outcome == "" {
			open++
			if item.Kind == "series" {
				series++
			}
		}
	}
	if open == 0 {
		return ""
	}
	return fmt.Sprintf("to be cancelled: %d, of which %d are series, whose past dates go too; the attendees of each get a mail, which cannot be taken back", open, series)
}
