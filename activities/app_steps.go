package activities

import "github.com/leaver-dev/leaver"

// appSteps take from the leaver what applications and services have given.
var appSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepRemoveAppRoleAssignments, Shape: leaver.Each, Activity: leaver.ActivityListAppRoleAssignments, Change: leaver.ActivityRemoveAppRoleAssignment,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Remove the roles in applications"},
		doc: doc{
			does:        "removes the roles in applications that the user was given directly",
			permissions: "`AppRoleAssignment.ReadWrite.All`",
			proof:       "the role is not listed any more",
			undo:        "assign it again, with `principalId`, `resourceId` and `appRoleId` as they are in the report",
			traps:       "a role that comes by a group is not touched, it ends with the membership; an application to which Entra provisions accounts hears of it in its next cycle",
		},
		things: &appRoles, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveOAuth2PermissionGrants, Shape: leaver.Each, Activity: leaver.ActivityListOAuth2PermissionGrants, Change: leaver.ActivityRemoveOAuth2PermissionGrant,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Take away the consents to applications"},
		doc: doc{
			does:        "deletes the user's own consents, by which applications act for the user",
			permissions: "`DelegatedPermissionGrant.ReadWrite.All`; `Application.Read.All` for the names of the applications, optional",
			proof:       "the consent is not listed any more",
			undo:        "grant it again, with `clientId`, `resourceId`, `principalId` and `scope` as they are in the report",
			traps:       "a consent for the whole tenant (`AllPrincipals`) is never touched; tokens that an application has end by themselves, within about an hour",
		},
		things: &permissionGrants, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveAppOwnerships, Shape: leaver.Each, Activity: leaver.ActivityListAppOwnerships, Change: leaver.ActivityRemoveAppOwnership,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Hand over the applications that the leaver owns"},
		doc: doc{
			does:        "makes the user's successor an owner of the app registrations and enterprise applications that the user owns, and the user no owner any more",
			permissions: "`Application.ReadWrite.All`, `Directory.Read.All`",
			proof:       "the successor is listed as an owner before the user is removed, and then the user is not listed any more",
			undo:        "make the user an owner again",
			traps:       "secrets and certificates that the user knows go on working: their `keyId` and `endDateTime` are in the report, for somebody to rotate them; nothing is rotated here",
		},
		things: &appOwnerships, skip: skipDeleted, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepRemoveAccessPackages, Shape: leaver.Each, Activity: leaver.ActivityListAccessPackages, Change: leaver.ActivityRemoveAccessPackage,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Take away the access packages"},
		doc: doc{
			does:        "requests that the access packages of the user are removed, and with them the groups, applications and sites that they hold",
			permissions: "`EntitlementManagement.ReadWrite.All`",
			proof:       "the assignment has expired, or is not listed any more",
			undo:        "assign the package again, with `accessPackageId` and `assignmentPolicyId` as they are in the report; its policy may demand an approval",
			traps:       "Graph takes the request at once and removes the package later; a request of the user's own that awaits approval is not seen here, and an application cannot cancel it",
		},
		things: &accessPackages, skip: skipDeleted,
	},
	{
		Step: leaver.Step{Name: leaver.StepHandOverOneDrive, Shape: leaver.Single, Activity: leaver.ActivityHandOverOneDrive,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Give the successor access to the OneDrive"},
		doc: doc{
			does:        "lets the user's successor read and change what is in the user's OneDrive, by an invitation without a mail",
			permissions: "`Files.ReadWrite.All`",
			proof:       "the permission is listed on the root of the OneDrive",
			undo:        "delete the permission that the report names; one that was there before is not named",
			traps:       "an invitation makes nobody an owner or a site administrator, and does not reach what has permissions of its own; without a licence the OneDrive is read-only after 60 days and archived after 93, and the report has the dates",
		},
		do: (*Activities).HandOverOneDrive, skip: skipDeleted, takes: []string{leaver.SettingHandOverTo},
	},
	{
		Step: leaver.Step{Name: leaver.StepUnassignPhoneNumber, Shape: leaver.Each, Activity: leaver.ActivityListPhoneNumbers, Change: leaver.ActivityUnassignPhoneNumber,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Take the telephone numbers away"},
		doc: doc{
			does:        "takes the telephone numbers from the user that Teams has assigned",
			permissions: "`TeamsTelephoneNumber.ReadWrite.All`",
			proof:       "the number is not listed as the user's any more",
			undo:        "assign the number again, with `telephoneNumber`, `numberType`, `assignmentCategory` and `locationId` as they are in the report, unless somebody else has it",
			traps:       "it has to be done before the Teams licence is removed; only in the global cloud; the number stands in the report, in `before`, and is masked elsewhere",
		},
		things: &phoneNumbers, skip: skipDeleted,
	},
}
