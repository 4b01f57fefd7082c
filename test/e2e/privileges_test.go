package e2e

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

// Adele is an administrator, and is let go in anger.
func TestAnAdministratorLosesRolesUnitsAndLicences(t *testing.T) {
	t.Parallel()
	const exchange, e3 = "29232cdf-9323-42fd-ade2-1d097af3e4de", "05e9a617-0261-4cee-bb44-138d3ef5d965"
	w := newWorld(t, settings{})
	adele, other := w.tenant.Users()[graphsim.Leaver], w.tenant.Users()[megan]
	adele.Roles = []graphsim.Role{{ID: "r1"}, {ID: "r2", RoleDefinitionID: exchange, Managed: true}, {ID: "r3", RoleDefinitionID: exchange, Eligible: true}}
	adele.Licenses = []graphsim.License{{SkuID: e3, SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}}}
	adele.Units = []graphsim.AdministrativeUnit{{ID: "0e1f0000-0000-4000-8000-000000000009", Name: "Berlin"}}
	other.Roles, other.Licenses, other.Units = []graphsim.Role{{ID: "m1"}}, adele.Licenses, adele.Units
	w.tenant.Add(adele, other)
	w.before = w.tenant.Users()

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--detach",
		"--include", "confirmCompromised,removeDirectoryRoles,removeAdministrativeUnits,removeLicenses")
	w.approve("W")
	report := w.finished("W")
	assert.Equal(t, graphsim.Holdings{Roles: []graphsim.Role{}, Licenses: []graphsim.License{}, Units: []graphsim.AdministrativeUnit{}, RiskState: "confirmedCompromised"}, w.tenant.Users()[graphsim.Leaver].Holdings)
	assert.Len(t, step(report, leaver.StepRemoveDirectoryRoles).Items, 3)
	licence := step(report, leaver.StepRemoveLicenses).Items[0]
	assert.Equal(t, []string{"SPE_E3", "EXCHANGE_S_ENTERPRISE"}, []string{licence.Name, licence.Before["servicePlans"]})
	assert.Contains(t, licence.Detail, "30 days")
}
