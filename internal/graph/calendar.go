package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

var (
	listCalendarView         = call{http.MethodGet, "list calendarView", "Calendars.ReadBasic"}
	cancelEvent              = call{http.MethodPost, "cancel event", "Calendars.ReadWrite"}
	listCalendarPermissions  = call{http.MethodGet, "list calendarPermissions", "Calendars.Read"}
	deleteCalendarPermission = call{http.MethodDelete, "delete calendarPermission", "Calendars.ReadWrite"}
)

// Event is one date of a calendar. What it is about and whom it names is private, and not kept.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/event
type Event struct {
	ID string
	// SeriesMasterID is the id of the series that the date is of, or empty.
	SeriesMasterID string
	// IsOrganizer and IsCancelled are what Graph says of the calendar's owner and of the date.
	IsOrganizer, IsCancelled bool
	Attendees                int
}

// CalendarView lists the dates of a user's own calendar that lie between two times, each date of a series by itself.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-calendarview
func (c *Client) CalendarView(ctx context.Context, userID string, from, to time.Time) ([]Event, error) {
	// A date without one of these must not be taken for somebody else's, nor for one that nobody attends.
	answers, err := list[struct {
		ID             string             `json:"id"`
		SeriesMasterID string             `json:"seriesMasterId"`
		IsOrganizer    *bool              `json:"isOrganizer"`
		IsCancelled    bool               `json:"isCancelled"`
		Attendees      *[]json.RawMessage `json:"attendees"`
	}](ctx, c, listCalendarView, c.user(userID, "/calendarView?startDateTime="+url.QueryEscape(from.UTC().Format(time.RFC3339))+
		"&endDateTime="+url.QueryEscape(to.UTC().Format(time.RFC3339))+"&$select=id,seriesMasterId,isOrganizer,isCancelled,attendees&$top=500"))
	if err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(answers))
	for _, answer := range answers {
		if answer.IsOrganizer == nil || answer.Attendees == nil {
			return nil, &HiddenError{Call: listCalendarView.name, Property: "isOrganizer or attendees", Permission: listCalendarView.permission, Token: c.token.Kind()}
		}
		events = append(events, Event{answer.ID, answer.SeriesMasterID, *answer.IsOrganizer, answer.IsCancelled, len(*answer.Attendees)})
	}
	return events, nil
}

// CancelEvent cancels a meeting that a user organises, and all dates of a series by the id of the series. Everybody who
// is invited gets a mail with the comment.
//
// Microsoft: https://learn.microsoft.com/graph/api/event-cancel
func (c *Client) CancelEvent(ctx context.Context, userID, eventID, comment string) error {
	return c.do(ctx, cancelEvent, c.usersObject(userID, "/events", eventID, "/cancel"), map[string]string{"comment": comment}, nil)
}

// CalendarPermission is what somebody may see of a user's calendar, or do with it. Whom it names is private, and not
// kept.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/calendarpermission
type CalendarPermission struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	// IsRemovable is not set of what holds for the whole organisation, or for everybody.
	IsRemovable bool `json:"isRemovable"`
}

// CalendarPermissions lists who may see a user's own calendar.
//
// Microsoft: https://learn.microsoft.com/graph/api/calendar-list-calendarpermissions
func (c *Client) CalendarPermissions(ctx context.Context, userID string) ([]CalendarPermission, error) {
	return list[CalendarPermission](ctx, c, listCalendarPermissions, c.user(userID, "/calendar/calendarPermissions"))
}

// DeleteCalendarPermission ends what somebody may see of a user's own calendar.
//
// Microsoft: https://learn.microsoft.com/graph/api/calendarpermission-delete
func (c *Client) DeleteCalendarPermission(ctx context.Context, userID, id string) error {
	return c.do(ctx, deleteCalendarPermission, c.usersObject(userID, "/calendar/calendarPermissions", id, ""), nil, nil)
}
