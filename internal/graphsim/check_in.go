package graphsim

import (
	"cmp"
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
	RecoveryKey     bool      `json:"recoveryKey,omitempty"` // Entra holds a BitLocker recovery key for the device
	// CheckIn is how long after a retirement or wipe the device leaves. A device with
	// a negative CheckIn never hears of either.
	CheckIn leaver.Duration `json:"checkIn"`
	// Failures is how often a retirement or wipe fails before one succeeds; a
	// negative number means that every one fails.
	Failures int `json:"failures"`
	// Ignores is how many retirements or wipes Intune accepts of which the device never
	// hears: it checks in each CheckIn and stays managed.
	Ignores int `json:"ignores,omitempty"`
	// Model, ManagementAgent (mdm unless given), EnrollmentType and EnrolledAt are as Graph
	// shows them; UserPrincipalName is the owner's unless given.
	Model             string    `json:"model,omitempty"`
	ManagementAgent   string    `json:"managementAgent,omitempty"`
	EnrollmentType    string    `json:"deviceEnrollmentType,omitempty"`
	EnrolledAt        time.Time `json:"enrolledDateTime,omitzero"`
	UserPrincipalName string    `json:"userPrincipalName,omitempty"`
	// UserID is the user whose device Graph says that it is: the one who lists it unless given. A list that
	// holds somebody else's device has one with another user's id.
	UserID string `json:"userId,omitempty"`

	asked        time.Time // to retire or to reset itself
	ignored      time.Time // when a call was accepted of which the device never hears
	keepUserData bool
}

// enroll gives a user a managed device. It fills in what the test or the demo left out, and registers the
// device in Entra. A device that Entra is not to know has a GUID of zeros for its azureADDeviceId.
func (u *User) enroll(d Device, now time.Time) {
	d.ID = cmp.Or(d.ID, uuid.NewString())
	d.OwnerType = cmp.Or(d.OwnerType, "company")
	d.State = cmp.Or(d.State, "managed")
	d.AzureADDeviceID = cmp.Or(d.AzureADDeviceID, uuid.NewString())
	d.SerialNumber = cmp.Or(d.SerialNumber, "SN-"+d.AzureADDeviceID[:8])
	d.LastSync = cmp.Or(d.LastSync, now.Add(-time.Hour))
	u.Devices = append(u.Devices, d)
	if d.AzureADDeviceID != uuid.Nil.String() && !slices.ContainsFunc(u.EntraDevices, func(e EntraDevice) bool { return e.DeviceID == d.AzureADDeviceID }) {
		u.EntraDevices = append(u.EntraDevices, EntraDevice{ID: uuid.NewString(), DeviceID: d.AzureADDeviceID, OperatingSystem: d.OperatingSystem, AccountEnabled: true})
	}
}

// checkIn lets the devices check in that are due, takes those away that leave, has the directory synchronised and
// takes the licences away that are due. The tenant is locked.
func (t *Tenant) checkIn() {
	t.synchronise()
	t.loseLicenses()
	now := t.now()
	for _, user := range t.users {
		stay := user.Devices[:0]
		for _, d := range user.Devices {
			if !d.leaves(now) {
				stay = append(stay, d)
			} else if d.action() == "wipe" {
				t.wiped = append(t.wiped, d.ID)
				if d.keepUserData {
					t.kept = append(t.kept, d.ID)
				}
			}
		}
		user.Devices = stay
	}
}

// leaves is how a device follows what it was asked: half-way through its time Intune
// has issued the action, and in the end the device leaves or has failed.
func (d *Device) leaves(now time.Time) bool {
	every := time.Duration(d.CheckIn)
	if since := now.Sub(d.ignored); d.asked.IsZero() && !d.ignored.IsZero() && every > 0 && since >= every {
		d.LastSync = d.ignored.Add(since.Truncate(every))
	}
	if d.asked.IsZero() || d.CheckIn < 0 {
		return false
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
		return true
	}
	return false
}

// action is what the device was asked last.
func (d *Device) action() string {
	if strings.HasPrefix(d.State, "wipe") {
		return "wipe"
	}
	return "retire"
}

// retire asks a device to leave management. A device that waits for a wipe is still wiped.
func (d *Device) retire(now time.Time) {
	if d.asked.IsZero() && !d.ignores(now) {
		d.State, d.asked = "retirePending", now
	}
}

// ignores reports whether Intune accepts a call of which the device never hears.
func (d *Device) ignores(now time.Time) bool {
	if d.Ignores == 0 {
		return false
	}
	d.Ignores, d.ignored = d.Ignores-1, now
	return true
}

// Wiped lists the ids of the devices that were reset to their factory settings.
func (t *Tenant) Wiped() []string {
	defer t.lock()()
	t.checkIn()
	return slices.Clone(t.wiped)
}

// WipedButUserData lists the ids of the devices among Wiped on which the user's data was left.
func (t *Tenant) WipedButUserData() []string {
	defer t.lock()()
	t.checkIn()
	return slices.Clone(t.kept)
}
