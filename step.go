package leaver

import "time"

// StepRequest is what every step's activity takes. UserID alone is enough to
// call one from another workflow.
type StepRequest struct {
	// UserID is the leaver's object id; a user principal name works too.
	UserID string `json:"userId"`
	// Poll is the rhythm of an activity that polls.
	Poll *Poll `json:"poll,omitempty"`
	// Devices says what to do with devices; nil means retire all.
	Devices *DevicePolicy `json:"devices,omitempty"`
	// Justification is what a second administrator is told, where the tenant
	// demands one's approval.
	Justification string `json:"justification,omitempty"`
	// Items is what the activity last said of each item, with the choices that
	// were made since, when the step goes on after an Answer.
	Items []Item `json:"items,omitempty"`
	// NotBefore is when the activity may call Graph again, as an Ongoing result of
	// before has said.
	NotBefore *time.Time `json:"notBefore,omitempty"`
	// HandsOver lets the activity end while items are for a person still, or await
	// approval, once others are on their way.
	HandsOver bool `json:"handsOver,omitempty"`
	// Changes lets the activity end with Ongoing when there is news, as Poll.Changes
	// does for one that polls.
	Changes bool `json:"changes,omitempty"`
	// Results holds how the steps ended that this one comes after, by name.
	Results map[string]StepResult `json:"results,omitempty"`
}

// StepResult is what every step's activity returns.
type StepResult struct {
	// Outcome is Done, AlreadyDone or Skipped, or Ongoing where that was asked
	// for; what failed returns an error.
	Outcome Outcome `json:"outcome"`
	// Detail says in words what was seen. It holds no names.
	Detail string `json:"detail,omitempty"`
	// Items is what the step touched, where it touches many.
	Items []Item `json:"items,omitempty"`
	// Choices are offered for the items that failed, in the details of a failure and
	// with Ongoing.
	Choices []Choice `json:"choices,omitempty"`
	// NotBefore is set with Ongoing where Graph has asked to wait.
	NotBefore *time.Time `json:"notBefore,omitempty"`
}

// Outcome is how a step, or one item of it, ended.
type Outcome string

const (
	// Done means that the effect was seen, or that Graph confirmed it.
	Done Outcome = "done"
	// AlreadyDone means that it was so before.
	AlreadyDone Outcome = "alreadyDone"
	// Skipped means left out, by the plan or by a person.
	Skipped Outcome = "skipped"
	// Failed means that the effect was not seen.
	Failed Outcome = "failed"
	// Canceled means begun, and stopped before its end was seen.
	Canceled Outcome = "canceled"
	// Ongoing means that there is something new and the activity is to go on; it is
	// returned only where Changes, Poll.Changes or HandsOver asks for it.
	Ongoing Outcome = "ongoing"
	// NotStarted means that the offboarding ended before.
	NotStarted Outcome = "notStarted"
)

// Item is one of the things that a step touched.
type Item struct {
	ID string `json:"id"`
	// Outcome is set once it is known how the item ended.
	Outcome Outcome `json:"outcome,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	// Failure is set where Graph has refused what was asked about the item.
	Failure FailureType `json:"failure,omitempty"`
	// Choice is what a person has decided and the step has not yet acted upon.
	Choice Choice `json:"choice,omitempty"`
	// Held is set where Graph does not do for now what is to be done about the item;
	// Detail says why.
	Held *Held `json:"held,omitempty"`
	// Approval is set where the tenant wants a second administrator to approve
	// what is asked of the item.
	Approval *Approval `json:"approval,omitempty"`
	// Device is set where the item is a device that Intune manages.
	Device *Device `json:"device,omitempty"`
}

// Held is what Graph does not do for now.
type Held struct {
	// Tries is how often it did not, since a moment.
	Tries int       `json:"tries"`
	Since time.Time `json:"since"`
	// NotBefore is when it is asked again, where the day's limit is used up.
	NotBefore *time.Time `json:"notBefore,omitempty"`
}

// Asked reports whether something was asked of the item that may still go on, or
// may have been: where the answer to a call was lost.
func (i Item) Asked() bool {
	return i.Device != nil && (i.Device.Action != "" || i.Device.Asking != "")
}

// Anew is the item as it is when the activity is to begin with it once more:
// described, and with what was asked of it, but nothing decided.
func (i Item) Anew() Item {
	anew := Item{ID: i.ID}
	if i.Device != nil {
		device := *i.Device
		device.Because, device.DecidedAt, device.Verdict = "", nil, ""
		anew.Device = &device
	}
	return anew
}

// AwaitsApproval reports whether a second administrator is to decide still.
func (i Item) AwaitsApproval() bool {
	return i.Outcome == "" && i.Approval != nil && i.Approval.Status == ApprovalNeeded
}

// Approval is a request that a second administrator decides about, in Intune.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
type Approval struct {
	// Code is Intune's, by which the administrator finds the request.
	Code   string         `json:"code"`
	Status ApprovalStatus `json:"status"`
	// Operation is what is to be approved: RemoveAll, or an action on the device
	// alone.
	Operation   DeviceAction `json:"operation"`
	RequestedAt time.Time    `json:"requestedAt"`
	// Told says that it was a person who told that it is approved.
	Told bool `json:"told,omitempty"`
}

// Action is what is asked of the device when the request is approved.
func (a Approval) Action() DeviceAction {
	if a.Operation == RemoveAll {
		return Retire
	}
	return a.Operation
}

// ApprovalStatus is where a request for approval stands, as Graph names it.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-rbac-operationapprovalrequeststatus?view=graph-rest-beta
type ApprovalStatus string

const (
	ApprovalNeeded    ApprovalStatus = "needsApproval"
	ApprovalApproved  ApprovalStatus = "approved"
	ApprovalRejected  ApprovalStatus = "rejected"
	ApprovalCancelled ApprovalStatus = "cancelled"
	// ApprovalCompleted means that what was approved has been done.
	ApprovalCompleted ApprovalStatus = "completed"
	// ApprovalExpired means that nobody decided for three days.
	ApprovalExpired ApprovalStatus = "expired"
)

// Device is a managed device as Intune last described it, by the names that
// Graph uses.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice
type Device struct {
	Name             string     `json:"deviceName,omitempty"`
	OperatingSystem  string     `json:"operatingSystem,omitempty"`
	OwnerType        string     `json:"managedDeviceOwnerType,omitempty"`
	ManagementState  string     `json:"managementState,omitempty"`
	LastSyncDateTime *time.Time `json:"lastSyncDateTime,omitempty"`
	// AzureADDeviceID is how Entra knows the device.
	AzureADDeviceID string `json:"azureADDeviceId,omitempty"`
	SerialNumber    string `json:"serialNumber,omitempty"`
	// RecoveryKey says, for Windows, whether a BitLocker recovery key is on record.
	RecoveryKey RecoveryKey `json:"recoveryKey,omitempty"`
	// Planned is what the policy says is to be done with the device.
	Planned DeviceAction `json:"planned,omitempty"`
	// Action is what was asked of the device, and ActionAt when; both are
	// missing where it was leaving already.
	Action   DeviceAction `json:"action,omitempty"`
	ActionAt *time.Time   `json:"actionAt,omitempty"`
	// Asking is what a call asked whose answer was lost, and AskingAt when: the
	// device may hear of it, and what is seen of it next tells.
	Asking   DeviceAction `json:"asking,omitempty"`
	AskingAt *time.Time   `json:"askingAt,omitempty"`
	// OwnCalls is how often it was asked by a call of its own, and not by the
	// one for all devices. Because says why, where neither the policy nor a
	// person wanted it so.
	OwnCalls int    `json:"ownCalls,omitempty"`
	Because  string `json:"because,omitempty"`
	// DecidedAt is when what a person decided about it was carried out last.
	DecidedAt *time.Time `json:"decidedAt,omitempty"`
	Verdict   Verdict    `json:"verdict,omitempty"`
}

// RecoveryKey is what is known of a device's BitLocker recovery key.
type RecoveryKey string

const (
	RecoveryKeyOnRecord RecoveryKey = "onRecord"
	RecoveryKeyMissing  RecoveryKey = "missing"
	// RecoveryKeyUnknown means that it could not be read.
	RecoveryKeyUnknown RecoveryKey = "unknown"
)

// DeviceAction is what is asked of a device.
type DeviceAction string

const (
	// Retire takes the device out of management, and company data off it.
	//
	// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-retire
	Retire DeviceAction = "retire"
	// Wipe resets the device to its factory settings.
	//
	// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-wipe
	Wipe DeviceAction = "wipe"
	// WipeKeepUserData is Wipe, but keeps the user's data, on Windows.
	WipeKeepUserData DeviceAction = "wipeKeepUserData"
	// DeleteRecord removes the device from Intune at once, whether it hears of it
	// or not.
	//
	// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-delete
	DeleteRecord DeviceAction = "deleteRecord"
	// Keep leaves the device alone.
	Keep DeviceAction = "keep"
	// RemoveAll is the one action for all of a user's devices.
	//
	// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-user-removealldevicesfrommanagement
	RemoveAll DeviceAction = "removeAllDevicesFromManagement"
)

// Verdict is what has become of a device.
type Verdict string

const (
	// Gone means that Intune knows it no more.
	Gone Verdict = "gone"
	// AwaitingApproval means that a second administrator is to approve it first.
	AwaitingApproval Verdict = "awaitingApproval"
	// Leaving means that it has been asked and has not answered yet.
	Leaving Verdict = "leaving"
	// Silent means that it has not checked in since it was asked, until the deadline.
	Silent Verdict = "silent"
	// RemovalFailed means that the device, or Intune, reported a failure again
	// after it had been asked by a call of its own.
	RemovalFailed Verdict = "failed"
	// RemovalCanceled means that somebody cancelled it in Intune, again.
	RemovalCanceled Verdict = "canceled"
	// NotAsked means that Graph refused to ask it, that a second administrator did,
	// or that asking it would have done harm; nobody has decided about it yet.
	NotAsked Verdict = "notAsked"
	// Kept means that the policy says to leave it.
	Kept Verdict = "kept"
	// GivenUp means that a person decided to leave it.
	GivenUp Verdict = "givenUp"
)
