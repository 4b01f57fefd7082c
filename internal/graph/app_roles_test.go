package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAppRoleIsTakenFromTheUserWhoHoldsIt(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"a-1_b","principalId":"`+userID+`","resourceId":"r1","resourceDisplayName":"Expenses","appRoleId":"x1"}]}`))
	roles, err := client.AppRoleAssignments(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []AppRoleAssignment{{"a-1_b", userID, "r1", "Expenses", "x1"}}, roles)

	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.RemoveAppRoleAssignment(t.Context(), userID, "a-1_b"))
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/appRoleAssignments/a-1_b", s.all()[0].target)
	assert.Equal(t, "DELETE", s.all()[0].method)
}

func TestAConsentIsTakenAwayByItsOwnID(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"g1","clientId":"c1","resourceId":"r1","consentType":"Principal","principalId":"`+userID+`","scope":"Mail.Read"},
		{"id":"g2","consentType":"AllPrincipals","principalId":null}]}`))
	grants, err := client.PermissionGrants(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []PermissionGrant{{"g1", "c1", "r1", "Principal", userID, "Mail.Read"}, {ID: "g2", ConsentType: "AllPrincipals"}}, grants)

	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.RemovePermissionGrant(t.Context(), "g1"))
	assert.Equal(t, "/graph/v1.0/oauth2PermissionGrants/g1", s.all()[0].target)
}

// Whose a role or a consent is decides whether it is removed.
func TestARoleOrAConsentThatDoesNotTellWhoseItIsIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`{"id":"a1"}`, `{"principalId":"` + userID + `","consentType":"Principal"}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+odd+`]}`))
		_, err := client.AppRoleAssignments(t.Context(), userID)
		require.ErrorAs(t, err, new(*AnswerError), odd)
		_, err = client.PermissionGrants(t.Context(), userID)
		require.ErrorAs(t, err, new(*AnswerError), odd)
	}
}

// An id that could lead elsewhere is refused wherever it stands in an address.
func TestBothIDsOfAnAddressAreChecked(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	for _, bad := range []string{"", "..", "a/b", "a?b"} {
		require.ErrorAs(t, client.RemoveAppRoleAssignment(t.Context(), bad, "a1"), new(*UnusableIDError))
		require.ErrorAs(t, client.RemoveAppRoleAssignment(t.Context(), userID, bad), new(*UnusableIDError))
		require.ErrorAs(t, client.RemoveAppOwner(t.Context(), AppRegistration, bad, userID), new(*UnusableIDError))
		require.ErrorAs(t, client.RemoveAppOwner(t.Context(), AppRegistration, "a1", bad), new(*UnusableIDError))
		require.ErrorAs(t, client.AddAppOwner(t.Context(), AppRegistration, "a1", bad), new(*UnusableIDError))
		_, err := client.DrivePermissions(t.Context(), "d1", bad)
		require.ErrorAs(t, err, new(*UnusableIDError))
	}
	assert.Empty(t, s.all())
}
