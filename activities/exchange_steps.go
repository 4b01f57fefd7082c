package activities

import (
	"slices"

	"github.com/leaver-dev/leaver"
)

// afterMailbox are the steps that have ended before Exchange changes the mailbox: the hold, and what Graph does in it.
var afterMailbox = []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepHoldMailbox,
	leaver.StepDisableInboxRules, leaver.StepSetAutomaticReply, leaver.StepCancelMeetings, leaver.StepRemoveCalendarShares}

// exchangePermissions are those of every step through Exchange.
const exchangePermissions = "`Exchange.ManageAsApp` with a role such as Exchange Administrator, `User.Read.All`"

// exchangeSteps change what Graph does not reach of mail, by a door to Exchange that the worker has to open. The hold
// comes before the rest, which changes one property of the mailbox after the other; a mailbox is shared before somebody is let in, as a conversion has been seen to undo that; and
// phones hear of a wipe by a protocol that is closed afterwards.
var exchangeSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepHoldMailbox, Shape: leaver.Each, Activity: leaver.ActivityListLitigationHold, Change: leaver.ActivityHoldMailbox,
			After: []string{leaver.StepDisableAccount}, Summary: "Put the mailbox on hold", AtOnce: 1},
		doc: doc{
			does:        "puts the mailbox on litigation hold, for `holdDays` from when each item was created, or without an end",
			permissions: exchangePermissions,
			proof:       "Exchange shows the hold",
			undo:        "set `LitigationHoldEnabled` and `LitigationHoldDuration` to what `before` holds",
			traps:       "it needs a licence with Exchange Online Plan 2 or archiving; it can take four hours until it is in force; a mailbox on hold needs its licence also when it is shared; a longer hold is not shortened",
		},
		things: &hold, skip: skipDeleted, door: byInvokeCommand, takes: []string{leaver.SettingHoldDays},
	},
	{
		Step: leaver.Step{Name: leaver.StepWipeMailFromPhones, Shape: leaver.Each, Activity: leaver.ActivityListMailPhones, Change: leaver.ActivityWipeMailFromPhone,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepHoldMailbox}, Summary: "Remove the account from phones", Destroys: true, AtOnce: 1},
		doc: doc{
			does:        "has each phone that keeps a copy of the mailbox remove the account, with `AccountOnly`; the phone itself is never wiped",
			permissions: exchangePermissions,
			proof:       "Exchange shows that the wipe of the account is pending or done; the report says which",
			undo:        "none: the account is added anew; a wipe that is pending is taken back with `Clear-MobileDevice -Cancel`",
			traps:       "the phone hears of it when it next synchronises, which a phone whose user is blocked may never do; Exchange ActiveSync before 16.1 knows no such wipe",
		},
		things: &mailPhones, skip: skipDeleted, door: byInvokeCommand,
	},
	{
		Step: leaver.Step{Name: leaver.StepConvertToSharedMailbox, Shape: leaver.Each, Activity: leaver.ActivityListMailboxType, Change: leaver.ActivityConvertToSharedMailbox,
			After: afterMailbox, Summary: "Make the mailbox a shared one", AtOnce: 1},
		doc: doc{
			does:        "makes the mailbox a shared one, which is kept without a licence",
			permissions: exchangePermissions + ", `MailboxSettings.Read`",
			proof:       "Graph shows the mailbox's `userPurpose` as shared",
			undo:        "make it a user's mailbox again, which needs a licence",
			traps:       "above 50 GB, with an archive or on hold it needs a licence all the same; a mailbox is kept for 30 days once its licence is gone, unless it is shared by then",
		},
		things: &conversion, skip: skipDeleted, door: byInvokeCommand,
	},
	{
		Step: leaver.Step{Name: leaver.StepGrantMailboxAccess, Shape: leaver.Each, Activity: leaver.ActivityListMailboxAccess, Change: leaver.ActivityGrantMailboxAccess,
			After: append(slices.Clip(afterMailbox), leaver.StepConvertToSharedMailbox), Summary: "Let the successor into the mailbox", AtOnce: 1},
		doc: doc{
			does:        "lets the successor open the mailbox, send as it, or send on behalf of it, as `access` says: `fullAccess` (the default), `sendAs`, `sendOnBehalf`",
			permissions: exchangePermissions + "; `Exchange.ManageAsAppV2` where the preview does it",
			proof:       "Exchange lists the permission",
			undo:        "take the permission away; one that the successor had before is not in the report as changed",
			traps:       "the mailbox does not open in the successor's Outlook by itself; it is added there. Outlook for the desktop cannot send as, or on behalf of, a mailbox that `hideFromAddressLists` has hidden",
		},
		things: &access, skip: skipDeleted, door: byAccess, takes: []string{leaver.SettingHandOverTo, leaver.SettingAccess},
	},
	{
		Step: leaver.Step{Name: leaver.StepForwardMail, Shape: leaver.Each, Activity: leaver.ActivityListForwarding, Change: leaver.ActivityForwardMail,
			After: append(slices.Clip(afterMailbox), leaver.StepConvertToSharedMailbox), Summary: "Forward mail to the successor", AtOnce: 1},
		doc: doc{
			does:        "forwards what the mailbox gets to the successor, and keeps a copy; an address outside to which it was forwarded is removed",
			permissions: exchangePermissions,
			proof:       "Exchange shows the forwarding",
			undo:        "remove the forwarding; `before` says whether there was another one, and not to whom",
			traps:       "rules of the inbox forward besides: `disableInboxRules` stops them",
		},
		things: &forwarding, skip: skipDeleted, door: byInvokeCommand, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepHideFromAddressLists, Shape: leaver.Each, Activity: leaver.ActivityListAddressListEntry, Change: leaver.ActivityHideFromAddressLists,
			After: append(slices.Clip(afterMailbox), leaver.StepConvertToSharedMailbox, leaver.StepForwardMail), Summary: "Hide the mailbox from address lists", AtOnce: 1},
		doc: doc{
			does:        "takes the mailbox out of the organisation's address lists",
			permissions: exchangePermissions,
			proof:       "Exchange shows the mailbox as hidden",
			undo:        "set `HiddenFromAddressListsEnabled` to false",
			traps:       "for a synchronised account Exchange refuses it: set `msExchHideFromAddressLists` in Active Directory; Outlook may show the entry from its own copy for a day",
		},
		things: &hiding, skip: skipDeleted, door: byInvokeCommand,
	},
	{
		Step: leaver.Step{Name: leaver.StepDisableMailProtocols, Shape: leaver.Each, Activity: leaver.ActivityListMailProtocols, Change: leaver.ActivityDisableMailProtocol,
			After: append(slices.Clip(afterMailbox), leaver.StepWipeMailFromPhones, leaver.StepConvertToSharedMailbox, leaver.StepForwardMail, leaver.StepHideFromAddressLists), Summary: "Close the mailbox to programs", AtOnce: 1},
		doc: doc{
			does:        "closes the mailbox to the `protocols`: `activeSync`, `ews`, `imap`, `pop` and `smtp` unless they are named; `mapi` and `owa` can be",
			permissions: exchangePermissions,
			proof:       "Exchange shows each protocol as closed",
			undo:        "open those again that were open, as `state` in the report says, and set the others to null, which is as the organisation has it",
			traps:       "`mapi` and `owa` close the mailbox to everybody who was given access to it; a phone whose account is to be wiped may not hear of that any more",
		},
		things: &protocols, skip: skipDeleted, door: byInvokeCommand, takes: []string{leaver.SettingProtocols},
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveDistributionGroups, Shape: leaver.Each, Activity: leaver.ActivityListDistributionGroups, Change: leaver.ActivityRemoveDistributionGroup,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Leave distribution groups"},
		doc: doc{
			does:        "removes the user from distribution groups and mail-enabled security groups, and has the successor manage those that the user alone manages",
			permissions: exchangePermissions,
			proof:       "Exchange does not find the user in the group, or as its manager, any more",
			undo:        "add the user to the group again",
			traps:       "Entra shows the membership for some minutes more; a synchronised group is changed in Active Directory; dynamic distribution groups follow the user's attributes",
		},
		things: &distributionGroups, skip: skipDeleted, door: byInvokeCommand, takes: []string{leaver.SettingHandOverTo},
	},
}
