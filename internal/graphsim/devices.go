package graphsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

func (t *Tenant) listDevices(q query) answer {
	from, err := strconv.Atoi(cmp.Or(q.options.Get("$skiptoken"), "0"))
	if err != nil || from < 0 {
		return fault(http.StatusBadRequest, "BadRequest", "Skip token is invalid.")
	}
	rest := q.user.Devices[min(from, len(q.user.Devices)):]
	to := from + cmp.Or(t.settings.PageSize, 1000)
	page := []any{}
	for i := range rest[:min(to-from, len(rest))] {
		page = append(page, describe(q, q.user, &rest[i]))
	}
	a := collection("users('"+q.user.ID+"')/managedDevices", page)
	if to < len(q.user.Devices) {
		next := url.URL{Scheme: "http", Host: q.request.Host, Path: q.request.URL.Path, RawPath: q.request.URL.RawPath}
		q.options.Set("$skiptoken", strconv.Itoa(to))
		next.RawQuery = q.options.Encode()
		a.body["@odata.nextLink"] = next.String()
	}
	return a
}

func (t *Tenant) getDevice(q query) answer {
	return entity("deviceManagement/managedDevices/$entity", describe(q, q.user, q.user.device(q.id)))
}

// listManagedDevices lists the managed devices, of any user, that have an
// azureADDeviceId or belong to a user.
func (t *Tenant) listManagedDevices(q query) answer {
	inEntra, byEntra := filtered(q, "azureADDeviceId")
	owner, byOwner := filtered(q, "userId")
	if !byEntra && !byOwner {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	all := []any{}
	for _, user := range t.users {
		for i := range user.Devices {
			if d := &user.Devices[i]; byEntra && d.AzureADDeviceID == inEntra || byOwner && user.ID == owner {
				all = append(all, describe(q, user, d))
			}
		}
	}
	return collection("deviceManagement/managedDevices", all)
}

func (t *Tenant) removeAllDevices(q query) answer {
	if t.settings.DelegatedRemoval && !q.delegated {
		return intuneFault(http.StatusForbidden, "Forbidden", "Application tokens are not supported by this operation.")
	}
	return t.spend("retire", len(q.user.Devices), t.settings.DailyRetires, func() {
		for i := range q.user.Devices {
			q.user.Devices[i].retire(t.now())
		}
	})
}

func (t *Tenant) retireDevice(q query) answer {
	device := q.user.device(q.id)
	if device.OperatingSystem == "Android" && device.OwnerType == "company" {
		return intuneFault(http.StatusBadRequest, "BadRequest", "Retire is not supported for a corporate device.")
	}
	return t.spend("retire", 1, t.settings.DailyRetires, func() { device.retire(t.now()) })
}

func (t *Tenant) wipeDevice(q query) answer {
	var body struct {
		KeepUserData    bool   `json:"keepUserData"`
		MacOSUnlockCode string `json:"macOsUnlockCode"`
	}
	device := q.user.device(q.id)
	switch {
	case device.OperatingSystem == "Android" && device.OwnerType == "personal":
		return intuneFault(http.StatusBadRequest, "BadRequest", "Wipe is not supported for a personal work profile.")
	case len(q.body) > 0 && json.Unmarshal(q.body, &body) != nil:
		return intuneFault(http.StatusBadRequest, "BadRequest", "The wipe's parameters cannot be read.")
	case device.OperatingSystem == "macOS" && t.settings.MacsNeedCode && len(body.MacOSUnlockCode) != 6:
		return intuneFault(http.StatusBadRequest, "BadRequest", "A macOS unlock code of six digits is required.")
	}
	return t.spend("wipe", 1, t.settings.DailyWipes, func() {
		if device.ignores(t.now()) {
			return
		}
		// A device that waits for a retirement is wiped all the same.
		device.State, device.asked, device.keepUserData = "wipePending", t.now(), body.KeepUserData
	})
}

func (t *Tenant) deleteDevice(q query) answer {
	return t.spend("delete", 1, t.settings.DailyDeletes, func() {
		device := *q.user.device(q.id)
		if device.OperatingSystem == "Android" && device.OwnerType == "company" {
			t.wiped = append(t.wiped, device.ID)
		}
		q.user.Devices = slices.DeleteFunc(q.user.Devices, func(d Device) bool { return d.ID == device.ID })
	})
}

// device is the user's managed device with an id, or nil when there is none or it has left.
func (u *User) device(id string) *Device {
	return find(u.Devices, func(d Device) bool { return strings.EqualFold(d.ID, id) })
}

// find is the first that fits, or nil.
func find[T any](all []T, fits func(T) bool) *T {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return &all[i]
	}
	return nil
}

// describe is a managed device as Graph shows it.
func describe(q query, owner *User, d *Device) map[string]any {
	return selected(q, map[string]any{
		"id": d.ID, "deviceName": d.Name, "operatingSystem": d.OperatingSystem, "managedDeviceOwnerType": d.OwnerType,
		"managementState": d.State, "lastSyncDateTime": stamp(d.LastSync), "userId": owner.ID,
		"azureADDeviceId": d.AzureADDeviceID, "serialNumber": d.SerialNumber, "model": d.Model,
		"userPrincipalName": cmp.Or(d.UserPrincipalName, owner.UserPrincipalName), "managementAgent": cmp.Or(d.ManagementAgent, "mdm"),
		"deviceEnrollmentType": cmp.Or(d.EnrollmentType, "userEnrollment"), "enrolledDateTime": stamp(cmp.Or(d.EnrolledAt, d.LastSync.AddDate(0, -1, 0))),
	})
}

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
