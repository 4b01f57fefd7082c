package graphsim

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

func (t *Tenant) listDevices(q query) answer {
	return t.page(q, "users('"+q.user.ID+"')/managedDevices", q.user.managed())
}

func (t *Tenant) getUsersDevice(q query) answer {
	device := q.user.device(q.named["device"])
	if device == nil {
		return noDevice()
	}
	return entity("users('"+q.user.ID+"')/managedDevices"+q.context+"/$entity", selected(q, device.properties(q.user)))
}

func (t *Tenant) getDevice(q query) answer {
	return entity("deviceManagement/managedDevices"+q.context+"/$entity", selected(q, q.user.device(q.id).properties(q.user)))
}

// listManagedDevices lists the managed devices of all users.
func (t *Tenant) listManagedDevices(q query) answer {
	var all []map[string]any
	for _, id := range slices.Sorted(maps.Keys(t.users)) {
		all = append(all, t.users[id].managed()...)
	}
	return t.page(q, "deviceManagement/managedDevices", all)
}

func (t *Tenant) removeAllDevices(q query) answer {
	if t.settings.DelegatedRemoval && !q.grant.delegated {
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

// managed is the user's managed devices as Graph shows them.
func (u *User) managed() (all []map[string]any) {
	for i := range u.Devices {
		all = append(all, u.Devices[i].properties(u))
	}
	return all
}

// properties is a managed device as Graph shows it.
func (d *Device) properties(owner *User) map[string]any {
	return map[string]any{
		"id": d.ID, "deviceName": d.Name, "operatingSystem": d.OperatingSystem, "managedDeviceOwnerType": d.OwnerType,
		"managementState": d.State, "lastSyncDateTime": stamp(d.LastSync), "userId": cmp.Or(d.UserID, owner.ID),
		"azureADDeviceId": d.AzureADDeviceID, "serialNumber": d.SerialNumber, "model": d.Model,
		"userPrincipalName": cmp.Or(d.UserPrincipalName, owner.UserPrincipalName), "managementAgent": cmp.Or(d.ManagementAgent, "mdm"),
		"deviceEnrollmentType": cmp.Or(d.EnrollmentType, "userEnrollment"), "enrolledDateTime": stamp(cmp.Or(d.EnrolledAt, d.LastSync.AddDate(0, -1, 0))),
	}
}

func noDevice() answer {
	return intuneFault(http.StatusNotFound, "ResourceNotFound", "The device was not found.")
}

func (t *Tenant) listRecoveryKeys(q query) answer {
	property, id, _ := filtered(q)
	if property != "deviceId" || q.options.Has("$top") {
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
