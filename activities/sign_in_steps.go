package activities

import "github.com/leaver-dev/leaver"

// signInSteps take from the leaver what signs in, once sign-in is blocked: whoever still can sign in could make it anew.
var signInSteps = []row{
	{
		// Two at once: the default method waits for the others, and holds up none.
		Step: leaver.Step{Name: leaver.StepRemoveAuthenticationMethods, Shape: leaver.Each, Activity: leaver.ActivityListAuthenticationMethods, Change: leaver.ActivityRemoveAuthenticationMethod,
			After: []string{leaver.StepDisableAccount, leaver.StepRevokeSessions}, Summary: "Remove the sign-in methods", Destroys: true, AtOnce: 2},
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
