package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const userFields = "?$select=id,userPrincipalName,userType,accountEnabled,onPremisesSyncEnabled,creationType,externalUserState,onPremisesLastSyncDateTime"

func TestAUserIsReadByIDOrName(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, adeleJSON(true)))
	for _, id := range []string{userID, adele, "Adele@Contoso.com"} {
		user, err := client.User(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, User{ID: userID, UserPrincipalName: adele, UserType: "Member", AccountEnabled: true}, user)
	}
	assert.Equal(t, "/graph/v1.0/users/"+userID+userFields, s.all()[0].target)
	assert.Equal(t, "GET", s.all()[0].method)
	assert.Equal(t, "/graph/v1.0/users/adele@contoso.com"+userFields, s.all()[1].target)
}

func TestUnusualNamesAreWrittenAsGraphWantsThem(t *testing.T) {
	t.Parallel()
	for id, path := range map[string]string{
		"alex_example.com#EXT#@contoso.onmicrosoft.com": "/users/alex_example.com%23EXT%23@contoso.onmicrosoft.com",
		"$service@contoso.com":                          "/users('$service@contoso.com')",
		"$o'brien@contoso.com":                          "/users('$o%27%27brien@contoso.com')",
		"o'brien@contoso.com":                           "/users/o%27brien@contoso.com",
		"a%2e%2e@contoso.com":                           "/users/a%252e%252e@contoso.com",
		"zoë@contoso.com":                               "/users/zo%C3%AB@contoso.com",
		"a;b&c=d+e@contoso.com":                         "/users/a%3Bb&c=d+e@contoso.com",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s, client := serve(t, reply(http.StatusNoContent, ""))
			require.NoError(t, failureOf(client.RemoveAllDevicesFromManagement(t.Context(), id, Approval{})))
			assert.Equal(t, "/graph/v1.0"+path+"/removeAllDevicesFromManagement", s.all()[0].target)
		})
	}
}

func TestAnotherUserThanTheOneAskedForIsRefused(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, adeleJSON(true)))
	for _, id := range []string{"megan@contoso.com", "00000000-0000-0000-0000-000000000001", "adele"} {
		_, err := client.User(t.Context(), id)
		require.ErrorIs(t, err, ErrOtherUser)
		assert.NotContains(t, err.Error(), "adele")
	}
	for _, body := range []string{
		`{"id":"` + userID + `","userPrincipalName":"Kim@contoso.com","accountEnabled":true}`, // the Kelvin sign is no k
		`{"id":"` + otherwise + `"}`,
		`{"id":"` + otherwise + `","displayName":"Sales","groupTypes":[]}`,
		`{"@odata.type":"#microsoft.graph.group","id":"` + otherwise + `"}`,
		`{"@odata.type":"#microsoft.graph.device","id":"` + userID + `","userPrincipalName":"kim@contoso.com","accountEnabled":true}`,
	} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.User(t.Context(), "kim@contoso.com")
		require.ErrorIs(t, err, ErrOtherUser, body)
	}
}

func TestAnAnswerThatLacksWhatMattersIsNoUser(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, `[]`, ``, `"x"`, `<html>`, `{"accountEnabled":false,"userPrincipalName":"` + adele + `"}`} {
		_, client := serve(t, reply(http.StatusOK, body))
		_, err := client.User(t.Context(), userID)
		noAnswer(t, "get user", err)
		require.ErrorAs(t, err, new(*AnswerError), body)
	}
	for _, hidden := range []string{``, `,"accountEnabled":null`, `,"accountEnabled":"false"`} {
		_, client := serve(t, reply(http.StatusOK, `{"id":"`+userID+`"`+hidden+`}`))
		_, err := client.User(t.Context(), userID)
		require.ErrorAs(t, err, new(*HiddenError), hidden)
	}
}

func TestADeletedUserIsFoundByItsObjectID(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"@odata.type":"#microsoft.graph.user","id":"` + userID + `","userPrincipalName":"x"}`: nil,
		`{"@odata.type":"#microsoft.graph.group","id":"` + userID + `"}`:                        ErrOtherUser,
		`{"id":"` + otherwise + `"}`: ErrOtherUser,
	} {
		s, client := serve(t, reply(http.StatusOK, body))
		_, err := client.DeletedUser(t.Context(), userID)
		require.ErrorIs(t, err, want)
		assert.Equal(t, "/graph/v1.0/directory/deletedItems/"+userID, s.all()[0].target)
	}
}

func TestAUserWhoSignsInElsewhereIsExternal(t *testing.T) {
	t.Parallel()
	for _, external := range []User{{UserType: "Guest"}, {UserType: "Member", UserPrincipalName: "mia_partner.com#ext#@contoso.onmicrosoft.com"},
		{CreationType: "Invitation"}, {ExternalUserState: "PendingAcceptance"}} {
		assert.True(t, external.IsExternal(), "%+v", external)
	}
	for _, internal := range []User{{}, {UserType: "Member", UserPrincipalName: adele}, {UserType: "Gueſt"}, {CreationType: "LocalAccount"}} {
		assert.False(t, internal.IsExternal(), "%+v", internal)
	}
}

func TestAnAccountIsDisabledByOneField(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.SetAccountEnabled(t.Context(), userID, false))
	require.NoError(t, client.SetAccountEnabled(t.Context(), userID, true))
	for i, body := range []string{`{"accountEnabled":false}`, `{"accountEnabled":true}`} {
		r := s.all()[i]
		assert.Equal(t, "PATCH", r.method)
		assert.Equal(t, "/graph/v1.0/users/"+userID, r.target)
		assert.JSONEq(t, body, r.body)
		assert.Equal(t, "application/json", r.header.Get("Content-Type"))
		assert.Empty(t, r.header.Get("Content-Encoding"))
	}
}

func TestSessionsAreRevokedByAnyAnswerThatSaysSo(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: `{"value":true}`, 202: "", 204: ""} {
		s, client := serve(t, reply(status, body))
		require.NoError(t, client.RevokeSignInSessions(t.Context(), userID))
		assert.Equal(t, "/graph/v1.0/users/"+userID+"/revokeSignInSessions", s.all()[0].target)
		assert.Equal(t, "POST", s.all()[0].method)
		assert.Empty(t, s.all()[0].body)
	}
}

func TestADeviceTagIsListedOnce(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{"deviceTag":"t2"},{"deviceTag":"t1"}]}`))
	tags, err := client.ManagedAppDeviceTags(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []string{"t1", "t2"}, tags)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{}]}`))
	tags, err = client.ManagedAppDeviceTags(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []string{"t1", ""}, tags)
}

func TestAppRegistrationsAreWipedByTheirDeviceTag(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.WipeManagedAppRegistrations(t.Context(), userID, "t1", Approval{}))
	wiped := s.all()[0]
	assert.Equal(t, "POST", wiped.method)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/wipeManagedAppRegistrationsByDeviceTag", wiped.target)
	assert.Equal(t, `{"deviceTag":"t1"}`, wiped.body)
}

func TestAUserIsDeletedByObjectIDAlone(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	for _, id := range []string{adele, "", "me", "{" + userID + "}", userID + "/manager"} {
		var unusable *UnusableIDError
		require.ErrorAs(t, client.DeleteUser(t.Context(), id), &unusable, id)
	}
	assert.Empty(t, s.all())
	require.NoError(t, client.DeleteUser(t.Context(), userID))
}
