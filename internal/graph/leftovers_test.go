package graph

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	inEntra   = "0f1e2d3c-1111-4222-8333-444455556666"
	otherwise = "0f1e2d3c-7777-4222-8333-444455556666"
)

// filter is what a request asked the list to be filtered by.
func filter(t *testing.T, s *graphServer) string {
	t.Helper()
	all := s.all()
	target, err := url.Parse(all[len(all)-1].target)
	require.NoError(t, err)
	return target.Query().Get("$filter")
}

func TestARecoveryKeyIsOnRecordForADeviceAndNotForAnother(t *testing.T) {
	t.Parallel()
	for deviceID, want := range map[string]bool{inEntra: true, "0F1E2D3C-1111-4222-8333-444455556666": true, otherwise: false} {
		s, client := serve(t, reply(http.StatusOK, fmt.Sprintf(`{"value":[{"id":"k1","deviceId":%q}]}`, deviceID)))
		found, err := client.HasRecoveryKey(t.Context(), inEntra)
		require.NoError(t, err)
		assert.Equal(t, want, found, deviceID)
		assert.Equal(t, "deviceId eq '"+inEntra+"'", filter(t, s))
		assert.NotContains(t, s.all()[0].target, "key=", "no key is read")
	}
}

// Graph ignores filters that it does not know, and lists everybody's devices.
func TestAFilterThatGraphIgnoresFindsNothingWrong(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, fmt.Sprintf(`{"value":[{"id":"d1","azureADDeviceId":%q},{"id":"d2","azureADDeviceId":%q},{"id":"d3"}]}`, otherwise, inEntra)))
	devices, err := client.ManagedDevicesInEntraAs(t.Context(), inEntra)
	require.NoError(t, err)
	require.Len(t, devices, 1)
	assert.Equal(t, "d2", devices[0].ID)
	assert.Equal(t, "azureADDeviceId eq '"+inEntra+"'", filter(t, s))
}

func TestWhatIsNoGUIDIsInNoFilter(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[]}`))
	for _, id := range []string{"", "x' or deviceId ne '", "adele@contoso.com"} {
		_, err := client.HasRecoveryKey(t.Context(), id)
		require.ErrorIs(t, err, ErrUnusableID)
		_, err = client.ManagedDevicesInEntraAs(t.Context(), id)
		require.ErrorIs(t, err, ErrUnusableID)
	}
	assert.Empty(t, s.all())
}

func TestRegisteredDevicesAreListedUnlessTheirPropertiesAreHidden(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"e1","deviceId":"`+inEntra+`","operatingSystem":"Windows","accountEnabled":false}]}`))
	devices, err := client.RegisteredDevices(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []EntraDevice{{ID: "e1", DeviceID: inEntra, OperatingSystem: "Windows"}}, devices)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/registeredDevices?$select=id,deviceId,operatingSystem,accountEnabled", s.all()[0].target)

	for _, hidden := range []string{`{"id":"e1"}`, `{"id":"e1","deviceId":null,"accountEnabled":null}`, `{"id":"e1","deviceId":"` + inEntra + `"}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+hidden+`]}`))
		_, err := client.RegisteredDevices(t.Context(), userID)
		var refusal *Error
		require.ErrorAs(t, err, &refusal, hidden)
		assert.Equal(t, http.StatusForbidden, refusal.Status)
		assert.Contains(t, refusal.Permission, "Device.Read.All")
	}
}

func TestAutopilotIdentitiesHaveTheWholeSerialNumber(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"a1","serialNumber":"IT'S 47"},{"id":"a2","serialNumber":"it's 4711"},{"id":"a3","serialNumber":"It's 47"}]}`))
	identities, err := client.AutopilotIdentities(t.Context(), "It's 47")
	require.NoError(t, err)
	require.Len(t, identities, 2, "the one that merely contains it is another device's")
	assert.Equal(t, "contains(serialNumber,'It''s 47')", filter(t, s))
}

func TestADeviceTagIsListedOnceAndWipedByName(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{"deviceTag":"t2"},{"deviceTag":"t1"}]}`))
	tags, err := client.ManagedAppDeviceTags(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []string{"t1", "t2"}, tags)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{}]}`))
	_, err = client.ManagedAppDeviceTags(t.Context(), userID)
	require.ErrorContains(t, err, "lacks a deviceTag")
}

func TestWhatIsLeftOfADeviceIsChangedByItsOwnID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call                 func(context.Context, *Client) error
		method, target, body string
	}{
		{func(ctx context.Context, c *Client) error { return c.DisableEntraDevice(ctx, "e1") }, "PATCH", "/devices/e1", `{"accountEnabled":false}`},
		{func(ctx context.Context, c *Client) error { return c.DeleteEntraDevice(ctx, "e1") }, "DELETE", "/devices/e1", ""},
		{func(ctx context.Context, c *Client) error { return c.DeleteAutopilotIdentity(ctx, "a1") }, "DELETE", "/deviceManagement/windowsAutopilotDeviceIdentities/a1", ""},
		{func(ctx context.Context, c *Client) error { return c.WipeManagedAppRegistrations(ctx, userID, "t1") }, "POST", "/users/" + userID + "/wipeManagedAppRegistrationsByDeviceTag", `{"deviceTag":"t1"}`},
	} {
		s, client := serve(t, reply(http.StatusNoContent, ""))
		require.NoError(t, c.call(t.Context(), client))
		assert.Equal(t, c.method, s.all()[0].method)
		assert.Equal(t, "/graph/v1.0"+c.target, s.all()[0].target)
		assert.Equal(t, c.body, s.all()[0].body)
	}
}
