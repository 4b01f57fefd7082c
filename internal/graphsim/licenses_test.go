package graphsim_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	e3      = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	pc      = "e4a8e0a1-0000-4000-8000-000000000001"
	visio   = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
	ofLee   = "/users/" + lee
	sources = ofLee + "?$select=id,assignedLicenses,licenseAssignmentStates,usageLocation"
)

func withLicenses(t *testing.T) *office {
	t.Helper()
	o := newOffice(t, nil)
	o.Add(graphsim.User{UserPrincipalName: lee, Texts: map[string]string{"usageLocation": "DE"}, Holdings: graphsim.Holdings{Licenses: []graphsim.License{
		{SkuID: e3, SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}, DisabledPlans: []string{"57ff2da0-773e-42df-b2af-ffb7a2317929"}},
		{SkuID: e3, SkuPartNumber: "SPE_E3", AssignedByGroup: "0e1f0000-0000-4000-8000-000000000001"},
		{SkuID: pc, SkuPartNumber: "CPC_B_2C_8RAM_128GB", State: "Error"},
	}}})
	return o
}

func removes(skus string) string { return `{"addLicenses":[],"removeLicenses":[` + skus + `]}` }

func TestALicenceHasARowForEachSource(t *testing.T) {
	t.Parallel()
	o := withLicenses(t)
	user := o.graph("GET", sources, "").json(t)
	assert.Equal(t, "DE", user["usageLocation"])
	assert.Len(t, user["assignedLicenses"], 1, "one counts, from two sources, and one is in error")
	states := user["licenseAssignmentStates"].([]any)
	assert.Len(t, states, 3)
	assert.Equal(t, "Error", states[2].(map[string]any)["state"])
	assert.Equal(t, "SPE_E3", o.list(ofLee + "/licenseDetails")[0].(map[string]any)["skuPartNumber"])
	assert.Equal(t, 400, o.graph("PATCH", ofLee, `{"assignedLicenses":[]}`).status)
}

func TestALicenceIsRemovedFromTheUserAndNotFromTheGroup(t *testing.T) {
	t.Parallel()
	o := withLicenses(t)
	o.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	r := o.graph("POST", ofLee+"/assignLicense", removes(`"`+e3+`","`+visio+`"`))
	assert.Equal(t, []any{400, "User does not have a corresponding license."}, []any{r.status, r.message(t)})
	assert.Len(t, o.Users()[lee].Licenses, 3, "one bad licence fails the whole call")

	assert.Equal(t, 200, o.graph("POST", ofLee+"/assignLicense", removes(`"`+e3+`"`)).status)
	assert.Len(t, o.graph("GET", sources, "").json(t)["licenseAssignmentStates"], 3, "it lags")
	o.Configure(graphsim.Settings{})
	assert.Len(t, o.graph("GET", sources, "").json(t)["licenseAssignmentStates"], 2)
	assert.Contains(t, o.graph("POST", ofLee+"/assignLicense", removes(`"`+e3+`"`)).message(t), "inherited from a group membership")
	assert.Equal(t, 400, o.graph("POST", ofLee+"/assignLicense", `{"removeLicenses":["`+pc+`"]}`).status)
	assert.Equal(t, 200, o.graph("POST", ofLee+"/assignLicense", removes(`"`+pc+`"`)).status)
	assert.Len(t, o.Users()[lee].Licenses, 1)
}

func TestALicenceOfAGroupGoesSomeTimeAfterTheMembership(t *testing.T) {
	t.Parallel()
	o, june := inJune(t)
	o.Configure(graphsim.Settings{LicensesTake: leaver.Duration(time.Hour)})
	id := o.lee()
	user := o.Users()[lee]
	var groups []string
	for range 2 {
		groups = append(groups, o.AddGroup(graphsim.Group{SecurityEnabled: true, Members: []string{id}}))
		user.Licenses = append(user.Licenses, graphsim.License{SkuID: e3, AssignedByGroup: groups[len(groups)-1]})
	}
	o.Add(user)
	for _, group := range groups {
		assert.Equal(t, 204, o.graph("DELETE", "/groups/"+group+"/members/"+id+"/$ref", "").status)
	}
	assert.Equal(t, 204, o.graph("POST", "/groups/"+groups[1]+"/members/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/users/`+id+`"}`).status)
	assert.Len(t, o.Users()[lee].Licenses, 2)
	june.pass(time.Hour)
	require.Len(t, o.Users()[lee].Licenses, 1, "the user has come back to the other group")
	assert.Equal(t, groups[1], o.Users()[lee].Licenses[0].AssignedByGroup)
}
