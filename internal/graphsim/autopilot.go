package graphsim

import (
	"net/http"
	"strings"
)

// AutopilotIdentity is a device that is registered with Windows Autopilot.
type AutopilotIdentity struct {
	ID              string `json:"id"`
	SerialNumber    string `json:"serialNumber"`
	ManagedDeviceID string `json:"managedDeviceId"`
	AzureADDeviceID string `json:"azureActiveDirectoryDeviceId"`

	deleted bool
}

func (t *Tenant) listAutopilot(q query) answer {
	serial, _ := strings.CutPrefix(q.options.Get("$filter"), "contains(serialNumber,'")
	serial, found := strings.CutSuffix(serial, "')")
	if !found {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, user := range t.users {
		for _, a := range user.Autopilot {
			if (!a.deleted || t.settings.Lags) && strings.Contains(a.SerialNumber, strings.ReplaceAll(serial, "''", "'")) {
				all = append(all, map[string]any{"id": a.ID, "serialNumber": a.SerialNumber, "managedDeviceId": a.ManagedDeviceID, "azureActiveDirectoryDeviceId": a.AzureADDeviceID,
					"enrollmentState": "enrolled", "lastContactedDateTime": stamp(t.now())})
			}
		}
	}
	return collection("deviceManagement/windowsAutopilotDeviceIdentities", all)
}

func (t *Tenant) deleteAutopilot(q query) answer {
	q.user.autopilotIdentity(q.id).deleted = true
	return answer{status: http.StatusNoContent}
}

// autopilotIdentity is the user's Autopilot identity with an id, or nil when there
// is none or it was deleted.
func (u *User) autopilotIdentity(id string) *AutopilotIdentity {
	for i := range u.Autopilot {
		if a := &u.Autopilot[i]; a.ID == id && !a.deleted {
			return a
		}
	}
	return nil
}
