package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRegisteredDevicesAreListedAndThoseThatAreHiddenSaySo(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"e1","deviceId":"`+inEntra+`","operatingSystem":"Windows","accountEnabled":false}]}`))
	devices, err := client.RegisteredDevices(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []EntraDevice{{ID: "e1", DeviceID: inEntra, OperatingSystem: "Windows"}}, devices)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/registeredDevices?$select=id,deviceId,operatingSystem,accountEnabled", s.all()[0].target)

	for _, hidden := range []string{`{"id":"e1"}`, `{"id":"e1","deviceId":null,"accountEnabled":null}`, `{"id":"e1","deviceId":"` + inEntra + `"}`} {
		_, client := serve(t, reply(http.StatusOK, `{"value":[`+hidden+`,{"id":"e2","deviceId":"`+otherwise+`","accountEnabled":true}]}`))
		devices, err := client.RegisteredDevices(t.Context(), userID)
		require.NoError(t, err)
		assert.Equal(t, []EntraDevice{{ID: "e1", Hidden: true}, {ID: "e2", DeviceID: otherwise, AccountEnabled: true}}, devices)
	}
}

func TestAnEntraDeviceIsDisabledAndDeletedByItsObjectID(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.DisableEntraDevice(t.Context(), "e1"))
	require.NoError(t, client.DeleteEntraDevice(t.Context(), "e1"))
	disabled, deleted := s.all()[0], s.all()[1]
	assert.Equal(t, "PATCH", disabled.method)
	assert.Equal(t, "/graph/v1.0/devices/e1", disabled.target)
	assert.Equal(t, `{"accountEnabled":false}`, disabled.body)
	assert.Equal(t, "DELETE", deleted.method)
	assert.Equal(t, "/graph/v1.0/devices/e1", deleted.target)
	assert.Empty(t, deleted.body)
}
