package e2e

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The steps that take back what applications and services have given, and hand over what the leaver owns.
func TestWhatALeaverHoldsIsTakenOrHandedOverAndNobodyElses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Configure(graphsim.Settings{PackagesTake: leaver.Duration(2 * time.Second), NumbersTake: leaver.Duration(time.Second)})
	users := w.tenant.Users()
	holdings := func(number string) graphsim.Holdings {
		return graphsim.Holdings{
			AppRoles: []graphsim.AppRole{{ResourceName: "Expenses"}}, Grants: []graphsim.Grant{{Scope: "Mail.Read"}, {ConsentType: "AllPrincipals", Scope: "User.Read"}},
			Packages: []graphsim.Package{{Name: "Sales"}}, Drive: &graphsim.Drive{}, Numbers: []graphsim.PhoneNumber{{Number: number}},
		}
	}
	adele, megan := users[graphsim.Leaver], users["megan@contoso.com"]
	adele.Holdings, megan.Holdings = holdings("+15550142"), holdings("+15550199")
	adele.ManagerID = megan.ID
	w.tenant.Add(adele, megan)
	app := w.tenant.AddApp(graphsim.App{Name: "Expenses", Owners: []string{adele.ID}, Secrets: []graphsim.Secret{{KeyID: "0f1e2d3c-0001-4222-8333-444455556666"}}})
	enterprise := w.tenant.AddApp(graphsim.App{Kind: "servicePrincipals", Name: "Expenses", Owners: []string{adele.ID}})
	w.before = w.tenant.Users()

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--include",
		"removeAppRoleAssignments,removeOAuth2PermissionGrants,removeAppOwnerships,removeAccessPackages,handOverOneDrive,unassignPhoneNumber")
	report, err := w.report("W")
	require.NoError(t, err)
	for _, name := range []string{leaver.StepRemoveAppRoleAssignments, leaver.StepRemoveOAuth2PermissionGrants, leaver.StepRemoveAppOwnerships,
		leaver.StepRemoveAccessPackages, leaver.StepHandOverOneDrive, leaver.StepUnassignPhoneNumber} {
		assert.Equal(t, leaver.Done, step(report, name).Outcome, name)
	}
	left := w.tenant.Users()[graphsim.Leaver]
	assert.Empty(t, left.AppRoles)
	assert.Empty(t, left.Numbers)
	assert.Equal(t, "expired", left.Packages[0].State)
	require.Len(t, left.Grants, 1)
	assert.Equal(t, "AllPrincipals", left.Grants[0].ConsentType)
	require.Len(t, left.Drive.Permissions, 1)
	assert.Equal(t, megan.ID, left.Drive.Permissions[0].UserID)
	for _, id := range []string{app, enterprise} {
		assert.Equal(t, []string{megan.ID}, w.tenant.Apps()[id].Owners)
	}
	assert.Equal(t, w.before["megan@contoso.com"].Holdings, w.tenant.Users()["megan@contoso.com"].Holdings)
}
