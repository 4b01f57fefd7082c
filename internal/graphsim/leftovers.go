package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// EntraDevice is a device object of Entra. It stays when the device leaves Intune.
type EntraDevice struct {
	ID              string `json:"id"`
	DeviceID        string `json:"deviceId"`
	OperatingSystem string `json:"operatingSystem"`
	AccountEnabled  bool   `json:"accountEnabled"`

	deleted bool
}

// AutopilotIdentity is a device that Windows Autopilot knows.
type AutopilotIdentity struct {
	ID              string `json:"id"`
	SerialNumber    string `json:"serialNumber"`
	ManagedDeviceID string `json:"managedDeviceId"`
	AzureADDeviceID string `json:"azureActiveDirectoryDeviceId"`

	deleted bool
}

// AppRegistration is an app that holds a user's company data. A wipe ends it
// when the app is next opened, which here is at once.
type AppRegistration struct {
	ID        string `json:"id"`
	DeviceTag string `json:"deviceTag"`
}

// completeLeftovers registers a user's devices in Entra. One that Entra does not
// know has zeros for its id.
func (u *User) completeLeftovers() {
	for _, d := range u.Devices {
		if d.AzureADDeviceID != uuid.Nil.String() && !slices.ContainsFunc(u.EntraDevices, func(e EntraDevice) bool { return e.DeviceID == d.AzureADDeviceID }) {
			u.EntraDevices = append(u.EntraDevices, EntraDevice{ID: uuid.NewString(), DeviceID: d.AzureADDeviceID, OperatingSystem: d.OperatingSystem, AccountEnabled: true})
		}
	}
}

// filtered is the value that a request asks a property to be equal to.
func filtered(q query, property string) (value string, ok bool) {
	value, found := strings.CutPrefix(q.request.URL.Query().Get("$filter"), property+" eq '")
	value, closed := strings.CutSuffix(value, "'")
	return value, found && closed
}

// listManagedDevices lists those that have an Entra id, whoever's they are.
func (t *Tenant) listManagedDevices(q query) answer {
	id, ok := filtered(q, "azureADDeviceId")
	if !ok {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, user := range t.users {
		t.checkIn(user)
		for _, d := range user.Devices {
			if d.AzureADDeviceID == id {
				all = append(all, describe(query{request: q.request, user: user}, d))
			}
		}
	}
	return collection("deviceManagement/managedDevices", all)
}

func (t *Tenant) listRecoveryKeys(q query) answer {
	id, ok := filtered(q, "deviceId")
	if !ok || q.request.URL.Query().Has("$top") {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	keys := []any{}
	for _, user := range t.users {
		for _, d := range user.Devices {
			if d.AzureADDeviceID == id && d.RecoveryKey {
				keys = append(keys, map[string]any{"id": uuid.NewString(), "createdDateTime": stamp(d.LastSync), "deviceId": id, "volumeType": "operatingSystemVolume"})
			}
		}
	}
	return collection("informationProtection/bitlocker/recoveryKeys", keys)
}

func collection(context string, all []any) answer {
	return answer{status: http.StatusOK, body: map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#" + context, "value": all}}
}

func (t *Tenant) listRegisteredDevices(q query) answer {
	all := []any{}
	for _, d := range q.user.EntraDevices {
		if d.deleted && !t.settings.Lags {
			continue
		}
		body := selected(q.request, map[string]any{"id": d.ID, "deviceId": d.DeviceID, "operatingSystem": d.OperatingSystem, "accountEnabled": d.AccountEnabled})
		body["@odata.type"] = "#microsoft.graph.device"
		all = append(all, body)
	}
	return collection("directoryObjects", all)
}

func (q query) entraDevice() *EntraDevice {
	at := slices.IndexFunc(q.user.EntraDevices, func(d EntraDevice) bool { return d.ID == q.id })
	if at < 0 {
		return nil
	}
	return &q.user.EntraDevices[at]
}

func (t *Tenant) patchEntraDevice(q query) answer {
	var patch struct {
		AccountEnabled *bool `json:"accountEnabled"`
	}
	device := q.entraDevice()
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
	device := *q.entraDevice()
	switch {
	case !q.delegated && device.OperatingSystem != "Windows":
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case slices.ContainsFunc(q.user.Autopilot, func(a AutopilotIdentity) bool { return !a.deleted && a.AzureADDeviceID == device.DeviceID }):
		return fault(http.StatusBadRequest, "Request_BadRequest", "The device is registered with Autopilot and cannot be deleted.")
	}
	q.entraDevice().deleted = true
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) listAutopilot(q query) answer {
	serial, _ := strings.CutPrefix(q.request.URL.Query().Get("$filter"), "contains(serialNumber,'")
	serial, found := strings.CutSuffix(serial, "')")
	if !found {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, user := range t.users {
		for _, a := range user.Autopilot {
			if (!a.deleted || t.settings.Lags) && strings.Contains(a.SerialNumber, strings.ReplaceAll(serial, "''", "'")) {
				all = append(all, map[string]any{"id": a.ID, "serialNumber": a.SerialNumber, "managedDeviceId": a.ManagedDeviceID, "azureActiveDirectoryDeviceId": a.AzureADDeviceID,
					"enrollmentState": "enrolled", "lastContactedDateTime": stamp(time.Now())})
			}
		}
	}
	return collection("deviceManagement/windowsAutopilotDeviceIdentities", all)
}

func (t *Tenant) deleteAutopilot(q query) answer {
	for i := range q.user.Autopilot {
		if q.user.Autopilot[i].ID == q.id {
			q.user.Autopilot[i].deleted = true
		}
	}
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) listAppRegistrations(q query) answer {
	all := []any{}
	for _, r := range q.user.AppRegistrations {
		all = append(all, map[string]any{
			"@odata.type": "#microsoft.graph.iosManagedAppRegistration", "id": r.ID, "deviceTag": r.DeviceTag, "deviceType": "iPhone",
			"userId": q.user.ID, "createdDateTime": stamp(time.Now()), "lastSyncDateTime": stamp(time.Now()),
		})
	}
	return collection("managedAppRegistrations", all)
}

func (t *Tenant) wipeAppRegistrations(q query) answer {
	var body struct {
		DeviceTag string `json:"deviceTag"`
	}
	if json.Unmarshal(q.body, &body) != nil || body.DeviceTag == "" {
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "A deviceTag is required."))
	}
	q.user.AppRegistrations = slices.DeleteFunc(q.user.AppRegistrations, func(r AppRegistration) bool { return r.DeviceTag == body.DeviceTag })
	return answer{status: http.StatusNoContent}
}
