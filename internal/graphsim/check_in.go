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
	// RecoveryKey says that Entra holds a BitLocker recovery key for it.
	RecoveryKey bool `json:"recoveryKey,omitempty"`
	// CheckIn is how long after a retirement or wipe the device hears of it and leaves;
	// a negative one means never.
	CheckIn leaver.Duration `json:"checkIn"`
	// Failures is how often a retirement fails when the device checks in.
	Failures int `json:"failures"`

	asked        time.Time
	keepUserData bool
}

func (d *Device) complete() {
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
		d.LastSync = time.Now().Add(-time.Hour)
	}
}

// checkIn lets devices hear of what they were asked: half-way it is issued, in
// the end the device is gone, or fails to go.
func (t *Tenant) checkIn(user *User) {
	now := time.Now()
	due := func(d Device, wait leaver.Duration) bool {
		return !d.asked.IsZero() && d.CheckIn >= 0 && now.Sub(d.asked) >= time.Duration(wait)
	}
	user.Devices = slices.DeleteFunc(user.Devices, func(d Device) bool {
		gone := due(d, d.CheckIn) && d.Failures == 0
		if gone && strings.HasPrefix(d.State, "wipe") {
			t.wiped = append(t.wiped, d.ID)
			if d.keepUserData {
				t.kept = append(t.kept, d.ID)
			}
		}
		return gone
	})
	for i := range user.Devices {
		d := &user.Devices[i]
		action := "retire"
		if strings.HasPrefix(d.State, "wipe") {
			action = "wipe"
		}
		switch {
		case due(*d, d.CheckIn):
			d.State, d.LastSync, d.asked = action+"Failed", now, time.Time{}
			d.Failures--
		case due(*d, d.CheckIn/2):
			d.State, d.LastSync = action+"Issued", now
		}
	}
}

// retire is what both ways of retiring a device do. One that is to be wiped
// stays so.
func (d *Device) retire() {
	if d.asked.IsZero() {
		d.State, d.asked = "retirePending", time.Now()
	}
}

func (d *Device) wipe(keepUserData bool) {
	d.State, d.asked, d.keepUserData = "wipePending", time.Now(), keepUserData
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
