package activities

import "github.com/leaver-dev/leaver"

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
}
