package graphsim

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
)

// Device is a managed device.
type Device struct {
	ID              string    `json:"id"`
	Name            string    `json:"deviceName"`
	OperatingSystem string    `json:"operatingSystem"`
	OwnerType       string    `json:"managedDeviceOwnerType"`
	State           string    `json:"managementState"`
	LastSync        time.Time `json:"lastSyncDateTime"`
	AzureADDeviceID string    `json:"azureADDeviceId"`
	SerialNumber    string    `json:"serialNumber"`
	// RecoveryKey says that Entra holds a BitLocker recovery key for the device.
	RecoveryKey bool `json:"recoveryKey,omitempty"`
	// CheckIn is how long after a retirement or wipe the device leaves. A device with
	// a negative CheckIn never hears of either.
	CheckIn leaver.Duration `json:"checkIn"`
	// Failures is how often a retirement or wipe fails before one succeeds; a
	// negative number means that every one fails.
	Failures int `json:"failures"`

	// asked is when the device was asked to retire or to reset itself.
	asked        time.Time
	keepUserData bool
	gone         bool
}

// complete fills in what the test or the demo left out.
func (d *Device) complete(now time.Time) {
	if d.ID == "" {
		d.ID = uuid.NewString()
	}
	if d.OwnerType == "" {
		d.OwnerType = "company"
	}
	if d.State == "" {
		d.State = "managed"
	}
	if d.AzureADDeviceID == "" {
		d.AzureADDeviceID = uuid.NewString()
	}
	if d.SerialNumber == "" {
		d.SerialNumber = "SN-" + d.AzureADDeviceID[:8]
	}
	if d.LastSync.IsZero() {
		d.LastSync = now.Add(-time.Hour)
	}
}

// checkIn lets the devices of a user check in that are due, and takes those away
// that leave. The tenant is locked.
func (t *Tenant) checkIn(user *User) {
	now := t.now()
	some := false
	for i := range user.Devices {
		d := &user.Devices[i]
		d.checkIn(now)
		some = some || d.gone
		if d.gone && d.action() == "wipe" {
			t.wiped = append(t.wiped, d.ID)
			if d.keepUserData {
				t.kept = append(t.kept, d.ID)
			}
		}
	}
	if some {
		user.Devices = slices.DeleteFunc(user.Devices, func(d Device) bool { return d.gone })
	}
}

// checkIn is how a device follows what it was asked: half-way through its time
// Intune has issued the action, and in the end the device is gone or has failed.
func (d *Device) checkIn(now time.Time) {
	if d.asked.IsZero() || d.CheckIn < 0 {
		return
	}
	issued, done := d.asked.Add(time.Duration(d.CheckIn/2)), d.asked.Add(time.Duration(d.CheckIn))
	switch {
	case now.Before(issued):
	case now.Before(done):
		d.State, d.LastSync = d.action()+"Issued", issued
	case d.Failures != 0:
		d.State, d.LastSync, d.asked = d.action()+"Failed", done, time.Time{}
		d.Failures--
	default:
		d.gone = true
	}
}

// action is what the device was asked last.
func (d *Device) action() string {
	if strings.HasPrefix(d.State, "wipe") {
		return "wipe"
	}
	return "retire"
}

// retire asks a device to leave management. A device that waits for a wipe is
// still wiped.
func (d *Device) retire(now time.Time) {
	if d.asked.IsZero() {
		d.State, d.asked = "retirePending", now
	}
}

// wipe asks a device to reset itself, even when it waits for a retirement.
func (d *Device) wipe(now time.Time, keepUserData bool) {
	d.State, d.asked, d.keepUserData = "wipePending", now, keepUserData
}

// Wiped lists the ids of the devices that were reset to their factory settings.
func (t *Tenant) Wiped() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, user := range t.users {
		t.checkIn(user)
	}
	return slices.Clone(t.wiped)
}

// WipedButUserData lists the ids of the devices among Wiped on which the user's
// data was left.
func (t *Tenant) WipedButUserData() []string {
	t.Wiped()
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}
