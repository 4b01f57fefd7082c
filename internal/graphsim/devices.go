package graphsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func (t *Tenant) listDevices(q query) answer {
	size := t.settings.PageSize
	if size <= 0 {
		size = 1000
	}
	from := 0
	if token := q.options.Get("$skiptoken"); token != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(token)
		if from, _ = strconv.Atoi(string(decoded)); err != nil || from <= 0 {
			return fault(http.StatusBadRequest, "BadRequest", "Skip token is invalid.")
		}
	}
	from = min(from, len(q.user.Devices))
	to := min(from+size, len(q.user.Devices))
	page := []any{}
	for i := range q.user.Devices[from:to] {
		page = append(page, describe(q, q.user, &q.user.Devices[from+i]))
	}
	body := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users('" + q.user.ID + "')/managedDevices", "value": page}
	if to < len(q.user.Devices) {
		next := url.URL{Scheme: "http", Host: q.request.Host, Path: q.request.URL.Path, RawPath: q.request.URL.RawPath}
		values := q.request.URL.Query()
		values.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to))))
		next.RawQuery = values.Encode()
		body["@odata.nextLink"] = next.String()
	}
	return answer{status: http.StatusOK, body: body}
}

func (t *Tenant) getDevice(q query) answer {
	device := q.user.device(q.id)
	if device == nil {
		return deviceNotFound()
	}
	body := describe(q, q.user, device)
	body["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#deviceManagement/managedDevices/$entity"
	return answer{status: http.StatusOK, body: body}
}

// listManagedDevices lists the managed devices, of any user, that have an
// azureADDeviceId.
func (t *Tenant) listManagedDevices(q query) answer {
	id, ok := filtered(q, "azureADDeviceId")
	if !ok {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, user := range t.users {
		t.checkIn(user)
		for i := range user.Devices {
			if d := &user.Devices[i]; d.AzureADDeviceID == id {
				all = append(all, describe(q, user, d))
			}
		}
	}
	return collection("deviceManagement/managedDevices", all)
}

func (t *Tenant) removeAllDevices(q query) answer {
	if t.settings.DelegatedRemoval && !q.delegated {
		return fault(http.StatusForbidden, "Forbidden", intuneMessage("Forbidden", "Application tokens are not supported by this operation."))
	}
	if refusal, refused := t.spend("retire", len(q.user.Devices), t.settings.DailyRetires); refused {
		return refusal
	}
	for i := range q.user.Devices {
		q.user.Devices[i].retire(t.now())
	}
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) retireDevice(q query) answer {
	device := q.user.device(q.id)
	switch {
	case device == nil:
		return deviceNotFound()
	case device.OperatingSystem == "Android" && device.OwnerType == "company":
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Retire is not supported for a corporate device."))
	}
	if refusal, refused := t.spend("retire", 1, t.settings.DailyRetires); refused {
		return refusal
	}
	device.retire(t.now())
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) wipeDevice(q query) answer {
	device := q.user.device(q.id)
	switch {
	case device == nil:
		return deviceNotFound()
	case device.OperatingSystem == "Android" && device.OwnerType == "personal":
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Wipe is not supported for a personal work profile."))
	}
	if refusal, refused := t.spend("wipe", 1, t.settings.DailyWipes); refused {
		return refusal
	}
	var body struct {
		KeepUserData bool `json:"keepUserData"`
	}
	if len(q.body) > 0 && json.Unmarshal(q.body, &body) != nil {
		return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "The wipe's parameters cannot be read."))
	}
	device.wipe(t.now(), body.KeepUserData)
	return answer{status: http.StatusNoContent}
}

func (t *Tenant) deleteDevice(q query) answer {
	device := q.user.device(q.id)
	if device == nil {
		return deviceNotFound()
	}
	if refusal, refused := t.spend("delete", 1, t.settings.DailyDeletes); refused {
		return refusal
	}
	if device.OperatingSystem == "Android" && device.OwnerType == "company" {
		t.wiped = append(t.wiped, device.ID)
	}
	q.user.Devices = slices.DeleteFunc(q.user.Devices, func(d Device) bool { return d.ID == q.id })
	return answer{status: http.StatusNoContent}
}

// device is the user's managed device with an id, or nil when there is none or it
// has left.
func (u *User) device(id string) *Device {
	for i := range u.Devices {
		if d := &u.Devices[i]; d.ID == id {
			return d
		}
	}
	return nil
}

// describe is a managed device as Graph shows it.
func describe(q query, owner *User, d *Device) map[string]any {
	return selected(q, map[string]any{
		"id": d.ID, "deviceName": d.Name, "operatingSystem": d.OperatingSystem, "managedDeviceOwnerType": d.OwnerType,
		"managementState": d.State, "lastSyncDateTime": stamp(d.LastSync), "userId": owner.ID,
		"azureADDeviceId": d.AzureADDeviceID, "serialNumber": d.SerialNumber,
	})
}

func deviceNotFound() answer {
	return fault(http.StatusNotFound, "ResourceNotFound", intuneMessage("ResourceNotFound", "The device was not found."))
}
