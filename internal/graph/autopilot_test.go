package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAutopilotIdentitiesHaveTheWholeSerialNumber(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusOK, `{"value":[{"id":"a1","serialNumber":"IT'S 47"},{"id":"a2","serialNumber":"it's 4711"},{"id":"a3","serialNumber":"It's 47"}]}`))
	identities, err := client.AutopilotIdentities(t.Context(), "It's 47")
	require.NoError(t, err)
	require.Len(t, identities, 2, "the one that merely contains it is another device's")
	assert.Equal(t, "contains(serialNumber,'It''s 47')", filter(t, s))
}

func TestAnAutopilotIdentityIsDeletedByItsID(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.DeleteAutopilotIdentity(t.Context(), "a1", Approval{}))
	deleted := s.all()[0]
	assert.Equal(t, "DELETE", deleted.method)
	assert.Equal(t, "/graph/v1.0/deviceManagement/windowsAutopilotDeviceIdentities/a1", deleted.target)
	assert.Empty(t, deleted.body)
}
