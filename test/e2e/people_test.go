package e2e

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Adele signs in no more, her reports and what she answered for get Megan, and then the account is deleted.
func TestALeaverSignsInNoMoreIsSucceededAndDeleted(t *testing.T) {
	t.Parallel()
	const lidia, guest = "lidia@contoso.com", "mia_partner.com#EXT#@contoso.onmicrosoft.com"
	w := newWorld(t, settings{})
	users := w.tenant.Users()
	adele, next := users[graphsim.Leaver], users[megan].ID
	adele.ManagerID, adele.Texts = next, map[string]string{"jobTitle": "Clerk", "department": "Sales"}
	for _, kind := range []string{"microsoftAuthenticator", "phone", "email", "fido2", "softwareOath", "temporaryAccessPass", "windowsHelloForBusiness", "platformCredential", "external"} {
		adele.Methods = append(adele.Methods, graphsim.Method{Kind: kind, Text: kind, Default: kind == "microsoftAuthenticator"})
	}
	w.tenant.Add(adele, graphsim.User{UserPrincipalName: lidia, AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: adele.ID}},
		graphsim.User{UserPrincipalName: guest, UserType: "Guest", Holdings: graphsim.Holdings{Sponsors: []string{adele.ID}}})
	agent := w.tenant.AddAgent(graphsim.Agent{Name: "Invoice agent", Sponsors: []string{adele.ID}})
	w.before = w.tenant.Users()

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--detach", "--steps", `{"scrubAttributes":{"include":true,"attributes":["jobTitle"]}}`,
		"--include", "resetPassword,revokeSessionsAgain,removeAuthenticationMethods,handOverDirectReports,handOverSponsorships,deleteUser")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
	for _, name := range []string{leaver.StepResetPassword, leaver.StepRevokeSessionsAgain, leaver.StepRemoveAuthenticationMethods, leaver.StepHandOverDirectReports,
		leaver.StepHandOverSponsorships, leaver.StepScrubAttributes, leaver.StepDeleteUser} {
		assert.Equal(t, leaver.Done, step(report, name).Outcome, name)
	}
	left := w.tenant.Users()
	assert.Empty(t, left[graphsim.Leaver].Methods)
	assert.NotZero(t, left[graphsim.Leaver].PasswordChanged)
	assert.Equal(t, map[string]string{"department": "Sales"}, left[graphsim.Leaver].Texts)
	assert.True(t, left[graphsim.Leaver].Deleted)
	assert.Equal(t, next, left[lidia].ManagerID)
	assert.Equal(t, []string{next}, left[guest].Sponsors)
	assert.Equal(t, []string{next}, w.tenant.Agents()[agent].Sponsors)
	assert.Equal(t, w.before[megan], left[megan])
}
