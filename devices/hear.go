package devices

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// Whatever is told here runs again each time a stored history is replayed, also by
// later releases. These functions only note; what follows from what they noted is
// decided by stand and Next.

// Begin notes calls that are about to be made.
func (f *Fleet) Begin(writes []Write, now time.Time) {
	for _, w := range writes {
		for _, id := range w.IDs {
			d := f.find(id)
			last, call := d.lastCall(), leaver.Call{Action: w.Action, At: now, All: w.Action == leaver.RemoveAll, Again: w.Again, ApprovalCode: w.Code}
			if call.All {
				call.Action = leaver.Retire
			}
			call.Chosen = d.chosenAction() == call.Action || last != nil && last.Chosen && last.Action == call.Action
			d.Calls = append(d.Calls, call)
		}
		f.Stale = true
	}
}

// Outcome is what came of a write.
type Outcome struct {
	Answer  Answer             `json:"answer"`
	Code    string             `json:"code,omitempty"`    // that of the request for approval that the call has filed
	Failure leaver.FailureType `json:"failure,omitempty"` // with Why, why the call was refused
	Why     string             `json:"why,omitempty"`
	After   leaver.Duration    `json:"after,omitzero"`   // how long it is until the tenant's day begins anew
	HeardAt time.Time          `json:"heardAt,omitzero"` // when Intune accepted it, by Intune's own clock
	// AccountEnabled says that no call was made in this attempt, because somebody has enabled the account.
	AccountEnabled bool `json:"accountEnabled,omitzero"`
}

// Answer is what came of a write: one of a call's answers, or one of those below, after
// which nothing was asked of any device.
type Answer string

const (
	Accepted = Answer(leaver.CallAccepted)
	Queued   = Answer(leaver.CallQueued)
	Refused  = Answer(leaver.CallRefused)
	Unknown  = Answer(leaver.CallUnknown)

	NoRoute Answer = "noRoute" // the tenant does not take the one action for all devices
	Spent   Answer = "spent"   // the tenant's daily limit is used up
	Unfit   Answer = "unfit"   // the call was not made, because a device is not as it was decided about
	Held    Answer = "held"    // the call was not made, because somebody has enabled the account
)

// leastPause keeps a daily limit that is over at once from being tried without end.
const leastPause = time.Minute

// unsaid stands where Graph refuses something and gives no reason.
const unsaid = "Graph refuses it and does not say why"

// Heard takes what came of a write.
func (f *Fleet) Heard(w Write, o Outcome, now time.Time) {
	switch o.Answer {
	case Spent:
		if f.SpentUntil == nil {
			f.SpentUntil = map[leaver.DeviceAction]time.Time{}
		}
		f.SpentUntil[dailyLimit(w.Action)] = now.Add(max(time.Duration(o.After), leastPause))
		if w.Action == leaver.RemoveAll && len(w.IDs) > 1 {
			f.RefusesAll = SpentToday // one call for more devices than a day's limit would never be taken
		}
	case NoRoute:
		f.RefusesAll = cmp.Or(o.Why, unsaid)
	case Unknown:
		if w.Action == leaver.RemoveAll && o.Failure != "" {
			f.RefusesAll = cmp.Or(o.Why, unsaid) // other calls of Intune's may work
		}
	case Refused:
		o.Why = cmp.Or(o.Why, unsaid)
		if o.Failure == leaver.GraphUnauthorized || o.Failure == leaver.IntuneNotLicensed {
			f.Blocked = &Block{Failure: o.Failure, Why: o.Why}
		}
	case Accepted:
		if request := f.Approval(w.Code); request != nil {
			request.Status = leaver.ApprovalCompleted
		}
	}
	for _, id := range w.IDs {
		f.find(id).heard(o)
	}
	if o.Answer == Queued {
		f.file(w, o.Code, now)
	}
}

// heard notes an answer with the device's last call. A call that asked nothing is taken
// back.
func (d *Device) heard(o Outcome) {
	last, before := d.lastCall(), d.Calls[:len(d.Calls)-1]
	if n := len(before); o.Answer == Queued && n > 0 && before[n-1].ApprovalCode == o.Code && before[n-1].Answer == leaver.CallQueued {
		d.Calls = before // the call before waits on
		if d.Choice != nil {
			d.Choice.Choice = ""
		}
		return
	}
	switch o.Answer {
	case Spent, NoRoute, Unfit, Held:
		d.Calls = before
		if d.Choice != nil {
			d.Choice.Calls = min(d.Choice.Calls, len(d.Calls))
		}
		if o.Answer == Unfit {
			d.Unfit++
		}
		return
	case Queued:
		last.ApprovalCode = o.Code
	}
	last.Answer, last.Failure, last.Why = leaver.CallAnswer(o.Answer), o.Failure, o.Why
	if !o.HeardAt.IsZero() {
		last.HeardAfter = leaver.Duration(o.HeardAt.Sub(last.At.Truncate(time.Second))) // Intune tells the second
	}
	d.Unfit, d.Lost = 0, o.Answer == Unknown
}

// file notes a request for approval, and forgets those that no device waits for any
// more. A request that was told to be approved too early waits again, as does one that
// was thought to have expired and that Intune still keeps.
func (f *Fleet) file(w Write, code string, now time.Time) {
	if request := f.Approval(code); request != nil {
		request.Status, request.Told, request.RequestedAt = leaver.ApprovalNeeded, false, now
		return
	}
	f.Approvals = slices.DeleteFunc(f.Approvals, func(a *leaver.Approval) bool {
		return !slices.ContainsFunc(f.Devices, func(d *Device) bool { return d.lastCall() != nil && d.lastCall().ApprovalCode == a.Code })
	})
	f.Approvals = append(f.Approvals, &leaver.Approval{Code: code, Status: leaver.ApprovalNeeded, Operation: w.Action, RequestedAt: now})
}

// Sight is what a look at all devices has seen: what differs from what was known.
type Sight struct {
	Listed   []Seen   `json:"listed,omitempty"`   // what Intune lists for the leaver
	Unlisted []Seen   `json:"unlisted,omitempty"` // what it does not list and knows by the id
	Gone     []string `json:"gone,omitempty"`     // the ids of those that it does not know
	// Approvals says what has become of requests for approval, by code; ApprovalsUnread
	// why they cannot be read.
	Approvals       map[string]leaver.ApprovalStatus `json:"approvals,omitempty"`
	ApprovalsUnread string                           `json:"approvalsUnread,omitempty"`
	Unreached       []string                         `json:"unreached,omitempty"` // the ids of devices that could not be read just now
	Outdated        bool                             `json:"outdated,omitzero"`   // an answer to a call has come since the look began
}

// Seen is a device as a look has seen it. Name and the like are missing where the
// device was known before.
type Seen struct {
	ID string `json:"id"`
	leaver.DeviceFacts
	KeyUnread string            `json:"keyUnread,omitempty"` // why the recovery key could not be looked for
	Enrolment *leaver.Enrolment `json:"enrolment,omitempty"` // where the look was to tell it
	Unread    string            `json:"unread,omitempty"`    // why Intune does not tell of the device
}

// Saw takes what a look has seen. A device of which the sight says nothing is as it
// was.
func (f *Fleet) Saw(s Sight, now time.Time) {
	f.LookedAt, f.Looks, f.Stale = now, f.Looks+1, s.Outdated
	for _, d := range f.Devices {
		d.Lost = d.Lost && s.Outdated
		d.Unreached = slices.Contains(s.Unreached, d.ID)
	}
	for _, seen := range s.Listed {
		f.note(seen, now).UnlistedAt = 0
	}
	for _, seen := range s.Unlisted {
		if d := f.note(seen, now); d.UnlistedAt == 0 {
			d.UnlistedAt = at(now)
		}
	}
	for _, id := range s.Gone {
		if d := f.find(id); d != nil {
			d.Gone = true
		}
	}
	f.ApprovalsUnread = s.ApprovalsUnread
	for _, request := range f.Approvals {
		f.learn(request, s.Approvals[request.Code], now)
	}
}

// note brings a device up to date, or adds one.
func (f *Fleet) note(seen Seen, now time.Time) *Device {
	d := f.find(seen.ID)
	if d == nil {
		d = &Device{ID: seen.ID, FoundAt: at(now)}
		f.Devices = append(f.Devices, d)
	}
	if d.KeyUnread, d.Unread, d.Gone = seen.KeyUnread, seen.Unread, false; seen.Unread != "" {
		if d.StateAt == 0 {
			d.DeviceFacts = seen.DeviceFacts
		}
		return d // it is as it was, as far as that is known
	}
	if d.ManagementState != seen.ManagementState || d.StateAt == 0 {
		d.StateAt = at(now)
	}
	switch {
	case !IsLeaving(seen.ManagementState):
		d.LeavingAt = 0
	case d.LeavingAt == 0:
		d.LeavingAt = at(now)
	}
	known := d.DeviceFacts
	d.DeviceFacts = seen.DeviceFacts
	if asked := d.asked(); asked != nil && asked.CheckIns < manyCheckIns && d.LastSyncDateTime.After(known.LastSyncDateTime) && d.checkedIn(asked.At) {
		asked.CheckIns++
	}
	d.Name, d.AzureADDeviceID = cmp.Or(seen.Name, known.Name), cmp.Or(seen.AzureADDeviceID, known.AzureADDeviceID)
	d.OperatingSystem, d.OwnerType, d.ManagementState = once(d.OperatingSystem), once(d.OwnerType), once(d.ManagementState)
	d.SerialNumber, d.RecoveryKey = cmp.Or(seen.SerialNumber, known.SerialNumber), cmp.Or(seen.RecoveryKey, known.RecoveryKey)
	return d
}

// once has a text that Graph uses for many devices stand in memory once.
func once(text string) string {
	if at := slices.Index(usual, text); at >= 0 {
		return usual[at]
	}
	return text
}

var usual = strings.Fields("Windows macOS iOS iPadOS Android company personal unknown managed " +
	"retirePending retireIssued retireFailed retireCanceled wipePending wipeIssued wipeFailed wipeCanceled")

// learn notes what has become of a request. A call that carried its code and whose
// answer is not known was heard when the request is completed. So was one that waits
// for it still, unless the device was not the leaver's to ask any more.
func (f *Fleet) learn(request *leaver.Approval, status leaver.ApprovalStatus, now time.Time) {
	if status == request.Status || status == leaver.ApprovalNeeded && !request.Told || !status.IsKnown() {
		return
	}
	request.Status, request.Told = status, false
	if status != leaver.ApprovalCompleted {
		return
	}
	for _, d := range f.Devices {
		last, listed := d.lastCall(), !d.Gone && d.UnlistedAt == 0
		if last != nil && last.ApprovalCode == request.Code && (last.Answer == leaver.CallUnknown || last.Answer == leaver.CallQueued && listed) {
			last.Answer, last.At = leaver.CallAccepted, now
		}
	}
}

// Choose notes what a person decided about devices. Takes says before whether that
// fits.
func (f *Fleet) Choose(choice leaver.Choice, ids []string, now time.Time) {
	for _, id := range ids {
		d := f.find(id)
		if choice != leaver.GiveUp && choice != leaver.WaitLonger {
			f.Blocked = nil
		}
		if choice == leaver.Approved {
			if request := f.requestOf(d, now); request != nil {
				request.Status, request.Told = leaver.ApprovalApproved, true
			}
			continue
		}
		since := d.since(time.Time{})
		if choice == leaver.WaitLonger || choice == leaver.Retry {
			since = now
		}
		d.Choice, d.Unfit = &Choice{Choice: choice, Calls: len(d.Calls), Looks: f.Looks, WaitsSince: since}, 0
		if choice == leaver.Retry {
			d.RecoveryKey, d.KeyUnread, d.Unread = "", "", ""
		}
		f.Stale = true
	}
}
