package activities

import "github.com/leaver-dev/leaver"

// signInSteps take from the leaver what signs in, once sign-in is blocked: whoever still can sign in could make it anew.
var signInSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepResetPassword, Shape: leaver.Single, Activity: leaver.ActivityResetPassword,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveDirectoryRoles}, Summary: "Reset the password"},
		doc: doc{
			does:        "gives the user a random password that nobody knows and that is kept nowhere",
			permissions: "`User-PasswordProfile.ReadWrite.All`, `User.Read.All`; `Domain.Read.All` to see whether the domain is federated, optional; for an administrator, or a member of a group that can hold directory roles, the directory role Privileged Authentication Administrator too",
			proof:       "`lastPasswordChangeDateTime` of the user is later than before",
			undo:        "set another password, or give out a Temporary Access Pass",
			traps:       "the password of a synchronised account is reset in Active Directory, twice; that of a federated account is kept elsewhere, where the account is disabled; a reset ends no session, so revoke them again afterwards",
		},
		do: (*Activities).ResetPassword, skip: skipPassword, note: noteLeft,
	},
	{
		// What was signed in anew between the first revocation and the reset of the password ends too.
		Step: leaver.Step{Name: leaver.StepRevokeSessionsAgain, Shape: leaver.Single, Activity: leaver.ActivityRevokeSessions,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepResetPassword}, Summary: "End all sessions once more"},
		doc: doc{
			does:        "makes the user's refresh tokens and session cookies invalid once more, after the password was reset",
			permissions: "`User.RevokeSessions.All`",
			proof:       "Graph confirms the call; it takes effect within minutes",
			undo:        "none is needed: the user signs in again",
			traps:       "access tokens in use end by themselves, within about an hour",
		},
		skip: skipSessions, // the activity is that of revokeSessions
	},
	{
		// Two at once: the default method waits for the others, and holds up none.
		Step: leaver.Step{Name: leaver.StepRemoveAuthenticationMethods, Shape: leaver.Each, Activity: leaver.ActivityListAuthenticationMethods, Change: leaver.ActivityRemoveAuthenticationMethod,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveDirectoryRoles}, Summary: "Remove the sign-in methods", Destroys: true, AtOnce: 2},
		doc: doc{
			does: "removes the telephones, mail addresses, authenticator apps, passkeys, OATH tokens, Windows Hello keys, platform credentials, external methods and Temporary Access Passes by which the user signs in",
			permissions: "`UserAuthenticationMethod.Read.All`, and of each kind `UserAuthMethod-TAP.ReadWrite.All`, `UserAuthMethod-Phone.ReadWrite.All`, `UserAuthMethod-Email.ReadWrite.All`, " +
				"`UserAuthMethod-MicrosoftAuthApp.ReadWrite.All`, `UserAuthMethod-Passkey.ReadWrite.All`, `UserAuthMethod-SoftwareOATH.ReadWrite.All`, `UserAuthMethod-WindowsHello.ReadWrite.All`, " +
				"`UserAuthMethod-PlatformCred.ReadWrite.All`, `UserAuthMethod-External.ReadWrite.All`; or `UserAuthenticationMethod.ReadWrite.All` for all",
			proof: "the method is not listed any more",
			undo:  "none: the user registers anew, with a Temporary Access Pass",
			traps: "Graph removes the default method last; the password stays, see `resetPassword`; hardware OATH tokens and QR codes are removed by hand; a Windows Hello key stays on its device until the device hears of it; certificates are no methods, and are not touched",
		},
		things: &authenticationMethods, skip: skipDeleted,
	},
}

// The password of an external user belongs to the home tenant.
func skipPassword(l leaver.Leaver) string {
	if l.External && !l.Deleted {
		return "a guest's password can only be reset in the home tenant"
	}
	return skipDeleted(l)
}
