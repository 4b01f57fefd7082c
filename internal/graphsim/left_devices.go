package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// EntraDevice is a device object of Entra. It stays when the device leaves management.
type EntraDevice struct {
	ID              string `json:"id"`
	DeviceID        string `json:"deviceId"`
	OperatingSystem string `json:"operatingSystem"`
	AccountEnabled  bool   `json:"accountEnabled"`

	deleted bool
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

// entraDevice is the user's device object with an id, or nil when there is none or it was deleted.
func (u *User) entraDevice(id string) *EntraDevice {
	return find(u.EntraDevices, func(d EntraDevice) bool { return strings.EqualFold(d.ID, id) && !d.deleted })
}

func (t *Tenant) patchEntraDevice(q query) answer {
	device := q.user.entraDevice(q.id)
	if !q.grant.delegated && device.OperatingSystem != "Windows" {
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	}
	return enable(q, "Device", &device.AccountEnabled)
}

func (t *Tenant) deleteEntraDevice(q query) answer {
	device := q.user.entraDevice(q.id)
	switch {
	case !q.grant.delegated && device.OperatingSystem != "Windows":
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case slices.ContainsFunc(q.user.Autopilot, func(a AutopilotIdentity) bool { return !a.deleted && a.AzureADDeviceID == device.DeviceID }):
		return fault(http.StatusBadRequest, "Request_BadRequest", "The device is registered with Autopilot and cannot be deleted.")
	}
	device.deleted = true
	return noContent
}

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
	return noContent
}

// autopilotIdentity is the user's Autopilot identity with an id, or nil when there is none or it was deleted.
func (u *User) autopilotIdentity(id string) *AutopilotIdentity {
	return find(u.Autopilot, func(a AutopilotIdentity) bool { return strings.EqualFold(a.ID, id) && !a.deleted })
}

// AppRegistration is an app that holds company data of a user. An app wipes its
// data when it is next opened, which in this tenant happens at once.
type AppRegistration struct {
	ID        string `json:"id"`
	DeviceTag string `json:"deviceTag"`
}

func (t *Tenant) listAppRegistrations(q query) answer {
	all := []any{}
	for _, r := range q.user.AppRegistrations {
		all = append(all, map[string]any{
			"@odata.type": "#microsoft.graph.iosManagedAppRegistration", "id": r.ID, "deviceTag": r.DeviceTag, "deviceType": "iPhone",
			"userId": q.user.ID, "createdDateTime": stamp(t.now()), "lastSyncDateTime": stamp(t.now()),
		})
	}
	return collection("managedAppRegistrations", all)
}

func (t *Tenant) wipeAppRegistrations(q query) answer {
	var body struct {
		DeviceTag string `json:"deviceTag"`
	}
	if json.Unmarshal(q.body, &body) != nil || body.DeviceTag == "" {
		return intuneFault(http.StatusBadRequest, "BadRequest", "A deviceTag is required.")
	}
	q.user.AppRegistrations = slices.DeleteFunc(q.user.AppRegistrations, func(r AppRegistration) bool { return r.DeviceTag == body.DeviceTag })
	return noContent
}
