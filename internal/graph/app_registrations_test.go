package graph

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADeviceTagIsListedOnce(t *testing.T) {
	t.Parallel()
	_, client := serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{"deviceTag":"t2"},{"deviceTag":"t1"}]}`))
	tags, err := client.ManagedAppDeviceTags(t.Context(), userID)
	require.NoError(t, err)
	assert.Equal(t, []string{"t1", "t2"}, tags)

	_, client = serve(t, reply(http.StatusOK, `{"value":[{"deviceTag":"t1"},{}]}`))
	_, err = client.ManagedAppDeviceTags(t.Context(), userID)
	require.ErrorContains(t, err, "lacks a deviceTag")
}

func TestAppRegistrationsAreWipedByTheirDeviceTag(t *testing.T) {
	t.Parallel()
	s, client := serve(t, reply(http.StatusNoContent, ""))
	require.NoError(t, client.WipeManagedAppRegistrations(t.Context(), userID, "t1"))
	wiped := s.all()[0]
	assert.Equal(t, "POST", wiped.method)
	assert.Equal(t, "/graph/v1.0/users/"+userID+"/wipeManagedAppRegistrationsByDeviceTag", wiped.target)
	assert.Equal(t, `{"deviceTag":"t1"}`, wiped.body)
}
