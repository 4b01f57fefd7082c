package devices

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
)

// LookRequest is what a look at all devices takes.
type LookRequest struct {
	UserID            string `json:"userId"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	// Known is what is known of each device; the caller leaves out those that are gone.
	Known AllKnown `json:"known,omitempty"`
	// Approvals are the requests for approval that may change, as they are known;
	// ApprovalsUnread is why they could not be read before.
	Approvals       map[string]leaver.ApprovalStatus `json:"approvals,omitempty"`
	ApprovalsUnread string                           `json:"approvalsUnread,omitempty"`
	Keys            bool                             `json:"keys,omitzero"`      // to look for the recovery keys of devices that are new
	Enrolment       bool                             `json:"enrolment,omitzero"` // to tell how devices came to be managed
	// Wait says to look until something differs from what is known: after First, and
	// then after twice as long each time, up to Longest.
	Wait    bool            `json:"wait,omitzero"`
	First   leaver.Duration `json:"first,omitzero"`
	Longest leaver.Duration `json:"longest,omitzero"`
}

// Known is what a look compares with what it sees.
type Known struct {
	ID        string         `json:"id,omitempty"`
	State     string         `json:"state,omitempty"`
	OwnerType string         `json:"owner,omitempty"`
	Unlisted  bool           `json:"unlisted,omitzero"`
	Gone      bool           `json:"gone,omitzero"`
	Unread    string         `json:"unread,omitempty"`
	AskedAt   time.Time      `json:"askedAt,omitzero"` // while the device has not been seen to check in since: that it has is news
	Special   leaver.Special `json:"special,omitempty"`
	NeedsKey  bool           `json:"needsKey,omitzero"` // the recovery key is to be looked for
}

// AllKnown stands in a history once for each look that tells news. What is known alike
// of many devices is written once, with all their ids.
type AllKnown []Known

type alike struct {
	IDs []string `json:"ids"`
	Known
}

// MarshalJSON puts devices together of which the same is known.
func (k AllKnown) MarshalJSON() ([]byte, error) {
	var all []alike
	for _, one := range k {
		id := one.ID
		one.ID = ""
		at := slices.IndexFunc(all, func(a alike) bool { return a.Known == one })
		if at < 0 {
			at, all = len(all), append(all, alike{Known: one})
		}
		all[at].IDs = append(all[at].IDs, id)
	}
	return json.Marshal(all)
}

// UnmarshalJSON takes the devices apart again.
func (k *AllKnown) UnmarshalJSON(text []byte) error {
	var all []alike
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*k = nil
	for _, a := range all {
		for _, id := range a.IDs {
			a.Known.ID = id
			*k = append(*k, a.Known)
		}
	}
	return nil
}

// Known returns what is known of each device.
func (f *Fleet) Known() AllKnown {
	known := make(AllKnown, len(f.Devices))
	for i, d := range f.Devices {
		known[i] = Known{ID: d.ID, State: d.ManagementState, OwnerType: d.OwnerType, Unlisted: d.UnlistedAt != 0, Gone: d.Gone, Unread: d.Unread, Special: d.Special,
			AskedAt: d.nextCheckIn(), NeedsKey: f.Policy.RequireRecoveryKey && IsWindows(d.OperatingSystem) && d.RecoveryKey == ""}
	}
	return known
}

// nextCheckIn is from when on a check-in of the device is news, by Intune's clock; the zero
// time where none is. Intune tells the second.
func (d *Device) nextCheckIn() time.Time {
	asked := d.asked()
	switch {
	case asked == nil:
		return time.Time{}
	case !d.checkedIn(asked.At):
		return asked.At.Add(time.Duration(asked.HeardAfter)).Truncate(time.Second)
	case asked.Answer == leaver.CallAccepted && asked.CheckIns < manyCheckIns && !d.isLeaving() && !d.hasFailed() && d.LastSyncDateTime.Year() < 9999: // no later year can be written
		return d.LastSyncDateTime.Truncate(time.Second).Add(time.Second)
	}
	return time.Time{}
}

// WriteRequest is what an activity takes that makes a Write.
type WriteRequest struct {
	UserID            string `json:"userId"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	Reason            string `json:"reason,omitempty"` // says why, for a second administrator
	Write
	Judged []Judged           `json:"judged,omitempty"` // each device as it was when the write was decided about, in the order of IDs
	Wipe   leaver.WipeOptions `json:"wipe,omitzero"`    // what a wipe is made with
	Told   bool               `json:"told,omitzero"`    // a person told that the request with Code is approved
	// AccountDisabled says that the offboarding has disabled the account: no call is made once somebody has
	// enabled it again.
	AccountDisabled bool `json:"accountDisabled,omitzero"`
}

// Judged is what a decision about a device depends on.
type Judged struct {
	OperatingSystem string         `json:"operatingSystem,omitempty"`
	OwnerType       string         `json:"owner,omitempty"`
	State           string         `json:"state,omitempty"`
	Special         leaver.Special `json:"special,omitempty"`
}

// Judged returns what a decision about a device depends on.
func (f *Fleet) Judged(id string) Judged {
	d := f.find(id)
	return Judged{OperatingSystem: d.OperatingSystem, OwnerType: d.OwnerType, State: d.ManagementState, Special: d.Special}
}

// Left is what is known of a device that has left Intune, or nil.
func (f *Fleet) Left(id string) *leaver.DeviceFacts {
	if d := f.find(id); d != nil && d.Gone {
		return &d.DeviceFacts
	}
	return nil
}

// Summary says what a write is about, without a name: "Retire: Windows, company, 2 of 5".
func (f *Fleet) Summary(w Write) string {
	if w.Action == leaver.RemoveAll {
		return fmt.Sprintf("Retire all: %d", len(w.IDs))
	}
	what := map[leaver.DeviceAction]string{leaver.Retire: "Retire", leaver.Wipe: "Wipe",
		leaver.WipeKeepUserData: "Wipe, keep user data", leaver.DeleteRecord: "Delete record"}[w.Action]
	if w.Again {
		what += " again"
	}
	d := f.find(w.IDs[0])
	system, owner := cmp.Or(leaver.Platform(d.OperatingSystem), "other system"), d.OwnerType
	if owner != "company" && owner != "personal" {
		owner = "owner unknown"
	}
	return fmt.Sprintf("%s: %s, %s, %d of %d", what, system, owner, slices.Index(f.Devices, d)+1, len(f.Devices))
}

// Awaits returns the requests for approval that may still change, by code.
func (f *Fleet) Awaits() map[string]leaver.ApprovalStatus {
	awaits := map[string]leaver.ApprovalStatus{}
	for _, a := range f.Approvals {
		if f.awaited(a.Code) && (a.Status == leaver.ApprovalNeeded || a.Status == leaver.ApprovalApproved) {
			awaits[a.Code] = a.Status
		}
	}
	return awaits
}
