package activities

import (
	"strings"

	"github.com/leaver-dev/leaver"
)

// peopleSteps change how the directory shows the leaver to others. Whoever takes over has to be found before.
var peopleSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepHandOverDirectReports, Shape: leaver.Each, Activity: leaver.ActivityListDirectReports, Change: leaver.ActivityHandOverDirectReport,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Give the direct reports another manager"},
		doc: doc{
			does:        "makes whoever takes over the manager of those who report to the user",
			permissions: "`User.ReadWrite.All`",
			proof:       "the user's list of direct reports does not have them any more",
			undo:        "set the manager again, with `manager` as it is in the report",
			traps:       "a manager who cannot sign in is passed over for the next one above, five levels at most; where there is nobody a person is asked; the manager of a synchronised account is set in Active Directory",
		},
		things: &directReports, skip: skipDeleted, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepHandOverSponsorships, Shape: leaver.Each, Activity: leaver.ActivityListSponsorships, Change: leaver.ActivityHandOverSponsorship,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Have somebody else answer for guests and agents"},
		doc: doc{
			does:        "makes whoever takes over the sponsor of the guests and agents that the user answers for, and the user no sponsor any more",
			permissions: "`User.ReadWrite.All` for guests and users of agents; `AgentIdentity.UpdateSponsors.All`, `Application.Read.All` for agent identities",
			proof:       "whoever takes over is listed as a sponsor before the user is removed, and then the user's list does not have it any more",
			undo:        "make the user a sponsor again",
			traps:       "an agent identity keeps its last sponsor; the sponsors of an agent's blueprint are changed by hand; where nobody takes over a person is asked, and nothing is changed",
		},
		things: &sponsorships, skip: skipDeleted, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepScrubAttributes, Shape: leaver.Single, Activity: leaver.ActivityScrubAttributes,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveGroupMemberships}, Summary: "Empty attributes of the account", Destroys: true},
		doc: doc{
			does:        "empties those properties of the user that `attributes` names, of: `" + strings.Join(scrubbable, "`, `") + "`",
			permissions: "`User.ReadWrite.All`; for the `mobilePhone` of an administrator, or of a member of a group that can hold directory roles, a directory role that outranks them too",
			proof:       "the user is read again until they are empty",
			undo:        "none from here: the values stand in no report, as they are about a person; write them anew from the personnel records",
			traps:       "dynamic groups follow such properties, so that the user may join or leave some; those of a synchronised account are emptied in Active Directory",
		},
		do: (*Activities).ScrubAttributes, skip: skipDeleted, note: noteLeft, takes: []string{leaver.SettingAttributes}, needs: []string{leaver.SettingAttributes}, check: checkAttributes,
	},
}
