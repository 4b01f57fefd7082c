package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Mailbox is what stands in the mailbox of a user.
type Mailbox struct {
	AutomaticReply AutomaticReply     `json:"automaticReply"`
	Rules          []InboxRule        `json:"rules,omitempty"`
	Events         []Event            `json:"events,omitempty"`
	Shares         []CalendarShare    `json:"shares,omitempty"`
	Sent           []CancelledMeeting `json:"sent,omitempty"`
	Denied         bool               `json:"denied,omitempty"` // Exchange's RBAC for Applications leaves the mailbox out
}

// AutomaticReply is what a mailbox answers by itself.
type AutomaticReply struct {
	Status           string `json:"status"` // disabled unless given
	ExternalAudience string `json:"externalAudience"`
	InternalMessage  string `json:"internalReplyMessage"`
	ExternalMessage  string `json:"externalReplyMessage"`
}

// InboxRule is a rule of the inbox.
type InboxRule struct {
	ID        string   `json:"id"`
	Name      string   `json:"displayName"`
	IsEnabled bool     `json:"isEnabled"`
	ReadOnly  bool     `json:"isReadOnly,omitempty"`
	ForwardTo []string `json:"forwardTo,omitempty"`
	Hidden    bool     `json:"hidden,omitempty"` // Graph does not show it
}

var (
	readsMailbox   = [][]string{{"MailboxSettings.Read"}, {"MailboxSettings.ReadWrite"}}
	readsCalendars = [][]string{{"Calendars.ReadBasic"}, {"Calendars.Read"}, {"Calendars.ReadWrite"}}
)

var mailboxRoutes = []route{
	{http.MethodGet, "/users/{id}/mailboxSettings", readsMailbox, shows("mailboxSettings", (&User{}).mailboxSettings(Mailbox{}), nil, inMailbox((*Tenant).getMailbox))},
	{http.MethodPatch, "/users/{id}/mailboxSettings", readsMailbox[1:], inMailbox((*Tenant).patchMailbox)},
	{http.MethodGet, "/users/{id}/mailFolders/inbox/messageRules", readsMailbox, inMailbox((*Tenant).listInboxRules)},
	{http.MethodPatch, "/users/{id}/mailFolders/inbox/messageRules/{rule}", readsMailbox[1:], inMailbox((*Tenant).patchInboxRule)},
	{http.MethodGet, "/users/{id}/calendarView", readsCalendars, shows("event", (&Event{}).properties(), nil, inMailbox((*Tenant).listCalendarView))},
	{http.MethodPost, "/users/{id}/events/{event}/cancel", readsCalendars[2:], inMailbox((*Tenant).cancelEvent)},
	{http.MethodGet, "/users/{id}/calendar/calendarPermissions", readsCalendars[1:], inMailbox((*Tenant).listCalendarShares)},
	{http.MethodDelete, "/users/{id}/calendar/calendarPermissions/{share}", readsCalendars[2:], inMailbox((*Tenant).deleteCalendarShare)},
}

func mailboxDenied() answer {
	return fault(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}

func noSuchItem() answer {
	return fault(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
}

// inMailbox refuses what Exchange refuses before it looks into a mailbox.
func inMailbox(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		switch {
		case q.user.MailboxPurpose == "":
			return fault(http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
		case q.user.Mailbox.now.Denied:
			return mailboxDenied()
		}
		return do(t, q)
	}
}

func (t *Tenant) getMailbox(q query) answer {
	shown := *q.user
	shown.MailboxPurpose = t.shownPurpose(q.user)
	return entity("users('"+q.user.ID+"')/mailboxSettings"+q.context, selected(q, shown.mailboxSettings(q.user.Mailbox.at(t.shown()))))
}

func (u *User) mailboxSettings(m Mailbox) map[string]any {
	reply := m.AutomaticReply
	if reply.Status == "" {
		reply.Status, reply.ExternalAudience = "disabled", "all"
	}
	return map[string]any{"userPurpose": u.MailboxPurpose, "timeZone": "W. Europe Standard Time", "automaticRepliesSetting": reply}
}

// patchMailbox sets the automatic reply, and leaves as it is what the body does not hold.
func (t *Tenant) patchMailbox(q query) answer {
	m := q.user.Mailbox.now
	before := m.AutomaticReply
	var patch struct {
		Reply json.RawMessage `json:"automaticRepliesSetting"`
	}
	if json.Unmarshal(q.body, &patch) != nil || json.Unmarshal(patch.Reply, &m.AutomaticReply) != nil ||
		!slices.Contains([]string{"disabled", "alwaysEnabled", "scheduled"}, m.AutomaticReply.Status) {
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "The automatic reply is not valid.")
	}
	for _, message := range []struct{ old, new *string }{{&before.InternalMessage, &m.AutomaticReply.InternalMessage}, {&before.ExternalMessage, &m.AutomaticReply.ExternalMessage}} {
		if *message.old != *message.new { // Exchange makes a page of what it is given
			*message.new = "<html>\n<body>\n" + *message.new + "\n</body>\n</html>\n"
		}
	}
	q.user.Mailbox.set(m, t.now())
	return entity("users('"+q.user.ID+"')/mailboxSettings", map[string]any{"automaticRepliesSetting": m.AutomaticReply})
}

func (t *Tenant) listInboxRules(q query) answer {
	all := []any{}
	for _, rule := range q.user.Mailbox.at(t.shown()).Rules {
		if !rule.Hidden {
			all = append(all, rule.properties())
		}
	}
	return collection("users('"+q.user.ID+"')/mailFolders('inbox')/messageRules", all)
}

func (r InboxRule) properties() map[string]any {
	actions := map[string]any{"stopProcessingRules": true}
	var to []any
	for _, address := range r.ForwardTo {
		to = append(to, map[string]any{"emailAddress": map[string]any{"address": address, "name": address}})
	}
	if to != nil {
		actions["forwardTo"] = to
	}
	return map[string]any{"id": r.ID, "displayName": r.Name, "sequence": 1, "isEnabled": r.IsEnabled, "hasError": false, "isReadOnly": r.ReadOnly, "actions": actions}
}

// patchInboxRule enables a rule, or disables it. Microsoft does not say how a rule is refused that is read-only.
func (t *Tenant) patchInboxRule(q query) answer {
	m := q.user.Mailbox.now
	m.Rules = slices.Clone(m.Rules)
	rule := find(m.Rules, func(r InboxRule) bool { return r.ID == q.named["rule"] && !r.Hidden })
	switch {
	case rule == nil:
		return noSuchItem()
	case rule.ReadOnly:
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "The rule is read-only and can't be modified.")
	}
	var patch struct {
		IsEnabled *bool `json:"isEnabled"`
	}
	if json.Unmarshal(q.body, &patch) != nil || patch.IsEnabled == nil {
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "The request needs a body with the properties to change.")
	}
	rule.IsEnabled = *patch.IsEnabled
	q.user.Mailbox.set(m, t.now())
	return entity("users('"+q.user.ID+"')/mailFolders('inbox')/messageRules/$entity", rule.properties())
}

// Event is one date of a calendar.
type Event struct {
	ID        string    `json:"id"`
	Series    string    `json:"seriesMasterId,omitempty"` // the id of the series that the date is of
	Subject   string    `json:"subject"`
	Start     time.Time `json:"start"`
	Organized bool      `json:"isOrganizer"` // the calendar's owner organises it
	Attendees []string  `json:"attendees,omitempty"`
}

// CancelledMeeting is what the attendees of a meeting were sent.
type CancelledMeeting struct {
	ID      string `json:"id"`
	Comment string `json:"comment"`
}

func (e *Event) properties() map[string]any {
	kind := "singleInstance"
	if e.Series != "" {
		kind = "occurrence"
	}
	attendees := []any{}
	for _, address := range e.Attendees {
		attendees = append(attendees, map[string]any{"type": "required", "emailAddress": map[string]any{"address": address, "name": address}})
	}
	at := func(t time.Time) map[string]any {
		return map[string]any{"dateTime": t.UTC().Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
	}
	return map[string]any{"id": e.ID, "type": kind, "seriesMasterId": known(e.Series), "subject": e.Subject, "isOrganizer": e.Organized, "isCancelled": false,
		"attendees": attendees, "start": at(e.Start), "end": at(e.Start.Add(time.Hour))}
}

func (t *Tenant) listCalendarView(q query) answer {
	from, badFrom := time.Parse(time.RFC3339, q.options.Get("startDateTime"))
	to, badTo := time.Parse(time.RFC3339, q.options.Get("endDateTime"))
	if badFrom != nil || badTo != nil {
		return fault(http.StatusBadRequest, "ErrorInvalidParameter", "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.")
	}
	all := []map[string]any{}
	for _, event := range q.user.Mailbox.at(t.shown()).Events {
		if event.Start.Before(to) && event.Start.Add(time.Hour).After(from) {
			all = append(all, event.properties())
		}
	}
	return t.page(q, "users('"+q.user.ID+"')/calendarView", all)
}

// cancelEvent cancels one date, or a series with the dates that have been.
func (t *Tenant) cancelEvent(q query) answer {
	var body struct {
		Comment string `json:"comment"`
	}
	if json.Unmarshal(q.body, &body) != nil {
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "The request needs a body.")
	}
	m := q.user.Mailbox.now
	id := q.named["event"]
	is := func(e Event) bool { return e.ID == id || e.Series == id }
	switch event := find(m.Events, is); {
	case event == nil:
		return noSuchItem()
	case !event.Organized:
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "Your request can't be completed. You need to be an organizer to cancel a meeting.")
	}
	m.Events = slices.DeleteFunc(slices.Clone(m.Events), is)
	m.Sent = append(slices.Clone(m.Sent), CancelledMeeting{id, body.Comment})
	q.user.Mailbox.set(m, t.now())
	return answer{status: http.StatusAccepted}
}

// CalendarShare is what somebody may see of a calendar, or do with it.
type CalendarShare struct {
	ID      string `json:"id"`
	Address string `json:"address,omitempty"`
	Role    string `json:"role"`
	Fixed   bool   `json:"fixed,omitempty"` // the row of everybody, which cannot be removed
}

func (t *Tenant) listCalendarShares(q query) answer {
	all := []any{}
	for _, share := range q.user.Mailbox.at(t.shown()).Shares {
		all = append(all, map[string]any{"id": share.ID, "role": share.Role, "isRemovable": !share.Fixed, "isInsideOrganization": true,
			"allowedRoles": []string{"freeBusyRead", "limitedRead", "read", "write"}, "emailAddress": map[string]any{"name": share.Address, "address": known(share.Address)}})
	}
	return collection("users('"+q.user.ID+"')/calendar/calendarPermissions", all)
}

// deleteCalendarShare ends a share. Microsoft does not say how the row of everybody is refused.
func (t *Tenant) deleteCalendarShare(q query) answer {
	m := q.user.Mailbox.now
	is := func(s CalendarShare) bool { return s.ID == q.named["share"] }
	switch share := find(m.Shares, is); {
	case share == nil:
		return noSuchItem()
	case share.Fixed:
		return fault(http.StatusBadRequest, "ErrorInvalidRequest", "The calendar permission can't be removed.")
	}
	m.Shares = slices.DeleteFunc(slices.Clone(m.Shares), is)
	q.user.Mailbox.set(m, t.now())
	return noContent
}
