package graphsim

import (
	"net/http"

	"github.com/google/uuid"
)

func (t *Tenant) listRecoveryKeys(q query) answer {
	id, ok := filtered(q, "deviceId")
	if !ok || q.options.Has("$top") {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	keys := []any{}
	for _, user := range t.users {
		for i := range user.Devices {
			if d := &user.Devices[i]; d.AzureADDeviceID == id && d.RecoveryKey {
				keys = append(keys, map[string]any{"id": uuid.NewString(), "createdDateTime": stamp(d.LastSync), "deviceId": id, "volumeType": "operatingSystemVolume"})
			}
		}
	}
	return collection("informationProtection/bitlocker/recoveryKeys", keys)
}
