package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

// EntraDevice is a device object of Entra. It stays when the device leaves
// management.
type EntraDevice struct {
	ID              string `json:"id"`
	DeviceID        string `json:"deviceId"`
	OperatingSystem string `json:"operatingSystem"`
	AccountEnabled  bool   `json:"accountEnabled"`

	deleted bool
}

// register registers a managed device of the user in Entra. A device that Entra is
// not to know has a GUID of zeros for its azureADDeviceId.
func (u *User) register(d *Device) {
	if d.AzureADDeviceID != uuid.Nil.String() && !slices.ContainsFunc(u.EntraDevices, func(e EntraDevice) bool { return e.DeviceID == d.AzureADDeviceID }) {
		u.EntraDevices = append(u.EntraDevices, EntraDevice{ID: uuid.NewString(), DeviceID: d.AzureADDeviceID, OperatingSystem: d.OperatingSystem, AccountEnabled: true})
	}
}

func (t *Tenant) listRegisteredDevices(q query) answer {
	all := []any{}
	for _, d := range q.user.EntraDevices {
		if d.deleted && !t.settings.Lags {
			continue
		}
		body := selected(q, map[string]any{"id": d.ID, "deviceId": d.DeviceID, "operatingSystem": d.OperatingSystem, "accountEnabled": d.AccountEnabled})
		body["@odata.type"] = "#microsoft.graph.device"
		all = append(all, body)
	}
	return collection("directoryObjects", all)
}

// entraDevice is the user's device object with an id, or nil when there is none or
// it was deleted.
func (u *User) entraDevice(id string) *EntraDevice {
	for i := range u.EntraDevices {
		if d := &u.EntraDevices[i]; d.ID == id && !d.deleted {
			return d
		}
	}
	return nil
}

func (t *Tenant) patchEntraDevice(q query) answer {
	var patch struct {
		AccountEnabled *bool `json:"accountEnabled"`
	}
	device := q.user.entraDevice(q.id)
	switch err := json.Unmarshal(q.body, &patch); {
	case err != nil || patch.AccountEnabled == nil:
		return fault(http.StatusBadRequest, "Request_BadRequest", "A value is required for property 'accountEnabled' of resource 'Device'.")
	case !q.delegated && device.OperatingSystem != "Windows":
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	device.AccountEnabled = *patch.AccountEnabled
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) deleteEntraDevice(q query) answer {
	device := q.user.entraDevice(q.id)
	switch {
	case !q.delegated && device.OperatingSystem != "Windows":
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case slices.ContainsFunc(q.user.Autopilot, func(a AutopilotIdentity) bool { return !a.deleted && a.AzureADDeviceID == device.DeviceID }):
		return fault(http.StatusBadRequest, "Request_BadRequest", "The device is registered with Autopilot and cannot be deleted.")
	}
	device.deleted = true
	return answer{status: http.StatusNoContent}
}
