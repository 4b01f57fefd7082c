package graph

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
