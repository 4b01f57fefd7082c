package graph

import (
	"context"
	"net/http"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var listRecoveryKeys = call{http.MethodGet, "list recoveryKeys", "BitlockerKey.ReadBasic.All"}

// HasRecoveryKey reports whether Entra holds a BitLocker recovery key for a
// device, by its azureADDeviceId. The call does not read the key itself.
//
// Microsoft: https://learn.microsoft.com/graph/api/bitlocker-list-recoverykeys
func (c *Client) HasRecoveryKey(ctx context.Context, azureADDeviceID string) (bool, error) {
	keys, err := list[struct {
		DeviceID string `json:"deviceId"`
	}](ctx, c, listRecoveryKeys, c.having("/informationProtection/bitlocker/recoveryKeys", "deviceId", azureADDeviceID, ""))
	for _, key := range keys {
		if ascii.EqualFold(key.DeviceID, azureADDeviceID) {
			return true, nil
		}
	}
	return false, err
}
