// Package devices decides what is done with a leaver's devices. It is pure: it knows
// no network, no clock and no Temporal. A caller tells it what happens (Begin, Saw,
// Heard, Choose), and asks it what is to be done (Next).
//
// A device holds facts only: what Intune said of it last, the calls that were made
// for it, and what a person chose. How it stands follows from these whenever that is
// asked, and is stored nowhere: begin reading at stand, in stand.go. Devices are asked
// (by calls to Intune), and people are asked questions.
package devices

import (
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
)

// Fleet is what is known of one leaver's devices.
type Fleet struct {
	Policy   leaver.DevicePolicy `json:"policy,omitzero"`
	Deadline leaver.Duration     `json:"deadline"`          // how long a device may take to leave, after it was asked
	NoPerson bool                `json:"noPerson,omitzero"` // nobody answers questions: what would be a question has failed
	Devices  []*Device           `json:"devices,omitempty"`
	// Approvals are the requests for a second administrator's approval, ApprovalsUnread
	// says why they cannot be read, or is empty.
	Approvals       []*leaver.Approval `json:"approvals,omitempty"`
	ApprovalsUnread string             `json:"approvalsUnread,omitempty"`
	// SpentUntil says until when the tenant's daily limit is used up, by action.
	SpentUntil map[leaver.DeviceAction]time.Time `json:"spentUntil,omitempty"`
	RefusesAll string                            `json:"refusesAll,omitempty"` // why the tenant does not take the one action for all devices
	Blocked    *Block                            `json:"blocked,omitempty"`    // why it takes no call at all, whichever device it is about
	LookedAt   time.Time                         `json:"lookedAt,omitzero"`    // when all devices were looked at last
	Looks      int                               `json:"looks,omitzero"`       // how often they were
	Stale      bool                              `json:"stale,omitzero"`       // a call was made, or a device decided about, since
}

// Device is what is known of one device.
type Device struct {
	ID string `json:"id"`
	leaver.DeviceFacts
	KeyUnread string `json:"keyUnread,omitempty"` // why the recovery key could not be looked for
	Unread    string `json:"unread,omitempty"`    // why Intune does not tell of the device
	FoundAt   moment `json:"foundAt"`             // when it was first seen
	StateAt   moment `json:"stateAt"`             // when its managementState was first seen as it is
	LeavingAt moment `json:"leavingAt,omitzero"`  // when it was first seen on its way
	// UnlistedAt is when Intune was first seen not to list the device for the leaver
	// while it knew the device by its id; zero while it lists the device.
	UnlistedAt moment `json:"unlistedAt,omitzero"`
	Gone       bool   `json:"gone,omitzero"`      // Intune neither lists the device nor knows it by its id
	Unreached  bool   `json:"unreached,omitzero"` // the last look could not read it
	Lost       bool   `json:"lost,omitzero"`      // the answer to its last call was lost, and no look came since
	// Unfit counts how often in a row an activity asked nothing, because of Unfit.
	Unfit  uint8         `json:"unfit,omitzero"`
	Calls  []leaver.Call `json:"calls,omitempty"`
	Choice *Choice       `json:"choice,omitempty"`
}

// Choice is the last that a person decided about a device.
type Choice struct {
	leaver.Choice `json:"choice"`
	Calls         int `json:"calls,omitzero"` // how many calls there had been: a later one has carried the choice out
	Looks         int `json:"looks,omitzero"` // how many looks there had been
	// WaitsSince is when a person gave it its time to leave again, by waiting longer or a retry.
	WaitsSince time.Time `json:"waitsSince,omitzero"`
}

// Block is a refusal that concerns every device alike.
type Block struct {
	Failure leaver.FailureType `json:"failure"`
	Why     string             `json:"why"`
}

// lastCall is the last call that was made for the device, or nil.
func (d *Device) lastCall() *leaver.Call {
	if len(d.Calls) == 0 {
		return nil
	}
	return &d.Calls[len(d.Calls)-1]
}

// choice is what a person decided and no call has carried out yet, or "".
func (d *Device) choice() leaver.Choice {
	if d.Choice == nil || d.Choice.Calls < len(d.Calls) {
		return ""
	}
	return d.Choice.Choice
}

// chosenAction is the action that a person wants, or "".
func (d *Device) chosenAction() leaver.DeviceAction { return actionOf(d.choice()) }

// actionOf is the action that a choice asks for, or "".
func actionOf(choice leaver.Choice) leaver.DeviceAction {
	switch action := leaver.DeviceAction(choice); action {
	case leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord:
		return action
	}
	return ""
}

// asked is the last call for the device of which Intune has heard, or may have, or nil.
func (d *Device) asked() *leaver.Call { return leaver.Device{Calls: d.Calls}.Asked() }

// isLeaving reports whether Intune says that the device is on its way, whoever asked it.
func (d *Device) isLeaving() bool { return IsLeaving(d.ManagementState) }

// leavesAnyway reports whether the device is on its way though Intune has heard no call
// for it. The one action for all takes such a device along: that it was refused, or waits,
// changes nothing for the device. A call of its own was made because a person chose so.
func (d *Device) leavesAnyway() bool {
	last := d.lastCall()
	return d.isLeaving() && (last == nil || last.All && (last.Answer == leaver.CallQueued || last.Answer == leaver.CallRefused))
}

// hasFailed reports whether Intune says that the device did not do what it was asked.
func (d *Device) hasFailed() bool {
	return slices.Contains([]string{"retireFailed", "retireCanceled", "wipeFailed", "wipeCanceled"}, d.ManagementState)
}

// IsLeaving reports whether a managementState means that a device is on its way.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-managementstate
func IsLeaving(state string) bool {
	return slices.Contains([]string{"retirePending", "retireIssued", "wipePending", "wipeIssued", "deletePending"}, state)
}

// since is from when on a device that was asked at a moment takes its time to leave: from
// a person's later word on, if there is one.
func (d *Device) since(at time.Time) time.Time {
	if d.Choice == nil {
		return at
	}
	return later(at, d.Choice.WaitsSince)
}

// checkedIn reports whether the device was heard of since a moment. Intune tells the
// second.
func (d *Device) checkedIn(since time.Time) bool {
	if call := d.asked(); call != nil && !since.Before(call.At) {
		since = since.Add(time.Duration(call.HeardAfter)) // Intune's clock is compared with Intune's
	}
	return !d.LastSyncDateTime.Before(since.Truncate(time.Second))
}

// isNews reports whether the managementState tells something about what was asked at
// a moment. A state that the device showed before does not, unless a later look has
// shown that the device has checked in since: the check-in that told of a failure may
// have been in the same second as the call that followed.
func (f *Fleet) isNews(d *Device, since time.Time) bool {
	return d.StateAt.time().After(since) || f.LookedAt.After(since) && d.checkedIn(since)
}

func (f *Fleet) find(id string) *Device {
	return first(f.Devices, func(d *Device) bool { return d.ID == id })
}

// first is the first of all that is such, or nil.
func first[T any](all []*T, such func(*T) bool) *T {
	if at := slices.IndexFunc(all, such); at >= 0 {
		return all[at]
	}
	return nil
}

// pending reports whether a call is being made for the device.
func (d *Device) pending() bool {
	last := d.lastCall()
	return last != nil && last.Answer == leaver.CallPending
}

// Approval is the request with a code, or nil.
func (f *Fleet) Approval(code string) *leaver.Approval {
	return first(f.Approvals, func(a *leaver.Approval) bool { return code != "" && a.Code == code })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
