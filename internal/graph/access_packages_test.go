package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyTheUsersOwnAccessPackagesAreListed(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"as1","state":"delivered","target":{"objectId":"`+userID+`"},"accessPackage":{"id":"p1","displayName":"Sales"}}]}`))
	all, err := client.PackageAssignments(t.Context(), userID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, NamedPackage{"p1", "Sales"}, all[0].AccessPackage)
	assert.Equal(t, "target/objectId eq '"+userID+"'", filter(t, s))
	assert.Contains(t, s.all()[0].target, "&$expand=target,accessPackage,assignmentPolicy")

	for _, odd := range []string{
		`{"id":"as1","state":"delivered","target":{"objectId":"` + otherwise + `"}}`, `{"id":"as1","state":"delivered"}`,
		`{"id":"as1","target":{"objectId":"` + userID + `"}}`, `{"state":"delivered","target":{"objectId":"` + userID + `"}}`,
	} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+odd+`]}`))
		_, err := client.PackageAssignments(t.Context(), userID)
		require.ErrorAs(t, err, new(*AnswerError), odd)
	}
}

func TestTheRemovalOfAnAccessPackageIsARequest(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusCreated, `{"id":"r1","requestType":"adminRemove","state":"submitted"}`))
	require.NoError(t, client.RemovePackageAssignment(t.Context(), "as1"))
	assert.Equal(t, "/graph/v1.0/identityGovernance/entitlementManagement/assignmentRequests", s.all()[0].target)
	assert.JSONEq(t, `{"requestType":"adminRemove","assignment":{"id":"as1"}}`, s.all()[0].body)

	_, client = serve(t, reply(http.StatusOK, `{}`))
	require.ErrorAs(t, client.RemovePackageAssignment(t.Context(), "as1"), new(*AnswerError))
}

func TestWhatWasRequestedAboutOneAssignmentIsTold(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"r1","requestType":"adminRemove","state":"submitted","assignment":{"id":"as1"}},{"id":"r2","assignment":{"id":"as2"}},{"id":"r3"}]}`))
	about, err := client.PackageRequests(t.Context(), otherwise, "as1")
	require.NoError(t, err)
	require.Len(t, about, 1)
	assert.Equal(t, "r1", about[0].ID)
	assert.Equal(t, "accessPackage/id eq '"+otherwise+"'", filter(t, s))
}
