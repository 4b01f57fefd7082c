package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sku = "05e9a617-0261-4cee-bb44-138d3ef5d965"

func TestLicencesAreReadWithTheirSources(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","usageLocation":"DE","assignedLicenses":[{"skuId":"`+sku+`","disabledPlans":[]}],`+
		`"licenseAssignmentStates":[{"skuId":"`+sku+`","assignedByGroup":null,"state":"Active","error":"None","disabledPlans":["p1"]},{"skuId":"`+sku+`","assignedByGroup":"`+otherwise+`","state":"Error"}]}`))
	licenses, err := client.Licenses(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, Licenses{UsageLocation: "DE", Assigned: []AssignedLicense{{sku}}, States: []LicenseState{
		{SkuID: sku, State: "Active", DisabledPlans: []string{"p1"}}, {SkuID: sku, AssignedByGroup: otherwise, State: "Error"}}}, licenses)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates,usageLocation", s.all()[0].target)
}

func TestHiddenLicencesAreNotNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"id":"` + userID + `"}`, `{"id":"` + userID + `","assignedLicenses":[]}`, `{"id":"` + userID + `","licenseAssignmentStates":[]}`} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.Licenses(t.Context(), userID)
		require.ErrorAs(t, err, new(*HiddenError), body)
	}
	_, client := serve(t, reply(http.StatusOK, `{"id":"`+otherwise+`","assignedLicenses":[],"licenseAssignmentStates":[]}`))
	_, err := client.Licenses(t.Context(), userID)
	require.ErrorIs(t, err, ErrOtherUser)
	for _, body := range []string{`{"value":true}`, `{"id":"` + userID + `","assignedLicenses":[],"licenseAssignmentStates":[{"state":"Active"}]}`} {
		_, client = serve(t, reply(http.StatusOK, body))
		_, err = client.Licenses(t.Context(), userID)
		require.ErrorAs(t, err, new(*AnswerError), body)
	}
}

func TestOneLicenceIsRemovedAndNoneAdded(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`","userPrincipalName":"`+adele+`"}`))
	require.NoError(t, client.RemoveLicense(t.Context(), userID, sku))
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/assignLicense", s.all()[0].target)
	assert.JSONEq(t, `{"addLicenses":[],"removeLicenses":["`+sku+`"]}`, s.all()[0].body)
	_, client = serve(t, reply(http.StatusOK, `{}`))
	require.ErrorAs(t, client.RemoveLicense(t.Context(), userID, sku), new(*AnswerError))
}

func TestALicenceIsNamedByItsDetails(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"skuId":"`+sku+`","skuPartNumber":"SPE_E3","servicePlans":[{"servicePlanName":"EXCHANGE_S_ENTERPRISE"}]}]}`))
	details, err := client.LicenseDetails(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, details, 1)
	assert.Equal(t, []string{sku, "SPE_E3", "EXCHANGE_S_ENTERPRISE"}, []string{details[0].SkuID, details[0].SkuPartNumber, details[0].ServicePlans[0].ServicePlanName})
}
