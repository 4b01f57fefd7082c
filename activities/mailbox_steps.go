package activities

import "github.com/leaver-dev/leaver"

// mailboxSteps change the mailbox, which must still be one: they come before the licences go. Exchange takes four
// requests at a time for one mailbox, so that each step sends one at a time.
//
// Microsoft: https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
var mailboxSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepDisableInboxRules, Shape: leaver.Each, Activity: leaver.ActivityListInboxRules, Change: leaver.ActivityDisableInboxRule,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Disable the rules of the inbox", AtOnce: 1},
		doc: doc{
			does:        "sets `isEnabled` of each rule of the inbox to false; a rule forwards mail whether or not the account may sign in",
			permissions: "`MailboxSettings.ReadWrite`",
			proof:       "the rules are listed again until each is disabled",
			undo:        "set `isEnabled` of the rule to true",
			traps:       "Graph does not show hidden rules, and refuses to change some: an Exchange administrator sees to both. Forwarding of the whole mailbox is no rule",
		},
		things: inboxRules, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepSetAutomaticReply, Shape: leaver.Single, Activity: leaver.ActivitySetAutomaticReply,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Answer mail automatically"},
		doc: doc{
			does:        "answers mail with `internalMessage`, and mail from outside with `externalMessage` where that is given. The texts are plain, and may hold `{leaverName}`, `{handOverToName}` and `{handOverToMail}`",
			permissions: "`MailboxSettings.ReadWrite`; `User.Read.All` for the placeholders",
			proof:       "the settings of the mailbox are read again until they say so",
			undo:        "set `status` of the automatic reply to what `before` holds; the texts before are private and not kept",
			traps:       "the texts of a request are stored in the workflow's history and shown with its plan; they are in no log and no detail",
		},
		do: (*Activities).SetAutomaticReply, skip: skipDeleted,
		takes: []string{leaver.SettingInternalMessage, leaver.SettingExternalMessage, leaver.SettingHandOverTo}, needs: []string{leaver.SettingInternalMessage},
	},
	{
		Step: leaver.Step{Name: leaver.StepCancelMeetings, Shape: leaver.Each, Activity: leaver.ActivityListMeetings, Change: leaver.ActivityCancelMeeting,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Cancel the meetings that the leaver organises", Destroys: true, AtOnce: 1},
		doc: doc{
			does:        "cancels the meetings of the next two years that the leaver organises and others attend, in the leaver's own calendar; a series is cancelled as a whole",
			permissions: "`Calendars.ReadWrite`",
			proof:       "the calendar does not show the meeting any more",
			undo:        "none: the attendees have been told by mail",
			traps:       "the mailbox must still be able to send; the past dates of a series are cancelled too; other calendars of the leaver are not looked at",
		},
		things: meetings, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveCalendarShares, Shape: leaver.Each, Activity: leaver.ActivityListCalendarShares, Change: leaver.ActivityRemoveCalendarShare,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Stop sharing the calendar", AtOnce: 1},
		doc: doc{
			does:        "removes each share of the leaver's own calendar, and each delegate of it",
			permissions: "`Calendars.ReadWrite`",
			proof:       "the calendar does not list the share any more",
			undo:        "share the calendar anew with the role that `before` holds; whom it was shared with is told by the id alone",
			traps:       "what everybody in the organisation may see cannot be removed; calendars that others share with the leaver are theirs",
		},
		things: calendarShares, skip: skipDeleted,
	},
}
