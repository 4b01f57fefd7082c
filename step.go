package leaver

import "time"

// StepRequest is what a step's activity takes. UserID alone is enough to call one
// from another workflow.
type StepRequest struct {
	// UserID is the leaver's object id; a user principal name works too.
	UserID string `json:"userId"`
	// Reason says why, for a second administrator whose approval the tenant demands.
	Reason string `json:"reason,omitempty"`
	// Results holds how the steps ended that this one comes after, by name.
	Results map[string]StepResult `json:"results,omitempty"`
	// Items is what a step of shape Each has done until now, when its list is read
	// once more.
	Items []Item `json:"items,omitempty"`
	// AccountDisabled says that the offboarding has disabled the account. Where somebody
	// has enabled it since, nothing is changed.
	AccountDisabled bool `json:"accountDisabled,omitzero"`
	// Settings are the step's own.
	Settings Settings `json:"settings,omitzero"`
}

// StepResult is what a step's activity returns.
type StepResult struct {
	// Outcome is Done, AlreadyDone or Skipped; what failed returns an error. The
	// list of a step of shape Each needs none: its items say what is to be done.
	Outcome Outcome `json:"outcome,omitempty"`
	// Detail says in words what was seen. It holds no names.
	Detail string `json:"detail,omitempty"`
	// Items is what the step touched, or is to touch.
	Items []Item `json:"items,omitempty"`
}

// ItemRequest is what the activity takes that changes one item of a step of shape
// Each.
type ItemRequest struct {
	UserID string `json:"userId"`
	Item   Item   `json:"item"`
	// Reason says why, for a second administrator whose approval the tenant demands.
	Reason string `json:"reason,omitempty"`
	// AccountDisabled and Settings are as in StepRequest.
	AccountDisabled bool     `json:"accountDisabled,omitzero"`
	Settings        Settings `json:"settings,omitzero"`
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
	// NotStarted means that the offboarding ended before.
	NotStarted Outcome = "notStarted"
)

// Item is one of the things that a step touches.
type Item struct {
	ID string `json:"id"`
	// Name is what people call the item, where it is no device: that of a group or a licence, and never a person's.
	Name string `json:"name,omitempty"`
	// Kind is one word for what it is, such as group or team.
	Kind string `json:"kind,omitempty"`
	// Before are the facts that undoing the change would need, by Graph's names. They are in the report before
	// anything is changed.
	Before map[string]string `json:"before,omitempty"`
	// Outcome is set once it is known how the item ended, or that a person is to
	// decide about it (Failed).
	Outcome Outcome `json:"outcome,omitempty"`
	Detail  string  `json:"detail,omitempty"`
	// Failure is set where Graph has refused what was asked about the item.
	Failure FailureType `json:"failure,omitempty"`
	// Choice is what a person has decided and could not be carried out yet.
	Choice Choice `json:"choice,omitempty"`
	// Approval is set where the tenant wants a second administrator to approve
	// what is asked of the item.
	Approval *Approval `json:"approval,omitempty"`
	// Device is set where the item is a device, or something that another service
	// keeps of a device.
	Device *Device `json:"device,omitempty"`
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
	// Operation is what is to be approved: RemoveAll, an action on the device alone, or
	// ChangeItem.
	Operation   DeviceAction `json:"operation"`
	RequestedAt time.Time    `json:"requestedAt"`
	// Told says that a person has told that it is approved.
	Told bool `json:"told,omitempty"`
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

// IsKnown tells the statuses above from those by which Graph says nothing: unknown, and
// those that Microsoft is still to define.
func (s ApprovalStatus) IsKnown() bool {
	switch s {
	case ApprovalNeeded, ApprovalApproved, ApprovalRejected, ApprovalCancelled, ApprovalCompleted, ApprovalExpired:
		return true
	}
	return false
}

// DeviceFacts is a managed device as Intune last described it, by the names that
// Graph uses.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice
type DeviceFacts struct {
	Name             string    `json:"deviceName,omitempty"`
	OperatingSystem  string    `json:"operatingSystem,omitempty"`
	OwnerType        string    `json:"managedDeviceOwnerType,omitempty"`
	ManagementState  string    `json:"managementState,omitempty"`
	LastSyncDateTime time.Time `json:"lastSyncDateTime,omitzero"`
	// AzureADDeviceID is how Entra knows the device.
	AzureADDeviceID string `json:"azureADDeviceId,omitempty"`
	SerialNumber    string `json:"serialNumber,omitempty"`
	// RecoveryKey says, for Windows, whether a BitLocker recovery key is on record.
	RecoveryKey RecoveryKey `json:"recoveryKey,omitempty"`
	// Special says why the device is not simply the leaver's and Intune's, or is empty.
	Special Special `json:"special,omitempty"`
}

// Special is why a device is not simply the leaver's and Intune's. Graph's
// managementAgent, model, userId and userPrincipalName tell.
type Special string

const (
	// CloudPC is a Windows 365 Cloud PC, which ends with its licence.
	CloudPC Special = "cloudPC"
	// ConfigurationManaged is a device that Configuration Manager alone manages.
	ConfigurationManaged Special = "configurationManager"
	// DefenderManaged is a device that only Microsoft Defender for Endpoint knows.
	DefenderManaged Special = "defender"
	// ExchangeManaged is a phone that only Exchange ActiveSync knows.
	ExchangeManaged Special = "exchange"
	// OtherUser is a device that is listed for the leaver, and whose user is somebody
	// else: the leaver has enrolled it, perhaps.
	OtherUser Special = "otherUser"
	// SharedDevice is a device that was enrolled for many users, or for none.
	SharedDevice Special = "shared"
	// EnrolmentManager is a device that an enrolment manager has enrolled, for others.
	EnrolmentManager Special = "enrolmentManager"
)

// Enrolment is what the plan shows of how a device came to be managed, and for whom, by
// the names that Graph uses.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice
type Enrolment struct {
	ManagementAgent      string    `json:"managementAgent,omitempty"`
	DeviceEnrollmentType string    `json:"deviceEnrollmentType,omitempty"`
	Model                string    `json:"model,omitempty"`
	EnrolledDateTime     time.Time `json:"enrolledDateTime,omitzero"`
	UserID               string    `json:"userId,omitempty"`
	UserPrincipalName    string    `json:"userPrincipalName,omitempty"`
}

// Device is a managed device, what was asked of it, and what has become of it.
type Device struct {
	DeviceFacts
	// ManagedDeviceID is the id by which Intune knew the device, where the item's own
	// id is another service's.
	ManagedDeviceID string `json:"managedDeviceId,omitempty"`
	// Enrolment is told by the plan alone.
	Enrolment *Enrolment `json:"enrolment,omitempty"`
	// Planned is what the policy says is to be done with the device.
	Planned DeviceAction `json:"planned,omitempty"`
	// Calls are the writes that were made for the device, in order.
	Calls   []Call  `json:"calls,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"`
}

// Asked returns the last call that Intune has heard, or may have heard; nil when
// there was none.
func (d Device) Asked() *Call {
	for i := len(d.Calls) - 1; i >= 0; i-- {
		switch d.Calls[i].Answer {
		case CallPending, CallAccepted, CallUnknown:
			return &d.Calls[i]
		}
	}
	return nil
}

// Call is one write that was made for a device. It is noted before it is made, so
// that it is in the report whatever becomes of it.
type Call struct {
	Action DeviceAction `json:"action"`
	// At is when it was noted, and so a moment before it was made.
	At time.Time `json:"at"`
	// All says that it was removeAllDevicesFromManagement, for all devices at once.
	All bool `json:"all,omitzero"`
	// Again says that it repeats a call after which the device failed to leave.
	Again bool `json:"again,omitzero"`
	// Chosen says that a person chose it, and not the policy.
	Chosen bool `json:"chosen,omitzero"`
	// CheckIns is how often the device was seen to check in since; two are counted.
	CheckIns uint8 `json:"checkIns,omitzero"`
	// ApprovalCode is that of the request for approval that it carried or filed.
	ApprovalCode string     `json:"approvalCode,omitempty"`
	Answer       CallAnswer `json:"answer,omitempty"`
	// HeardAfter is how long after At Intune accepted it, by Intune's own clock, where Intune
	// told that. It may be negative.
	HeardAfter Duration `json:"heardAfter,omitzero"`
	// Failure and Why say why it was refused, or is not known.
	Failure FailureType `json:"failure,omitempty"`
	Why     string      `json:"why,omitempty"`
}

// CallAnswer is what came of a call.
type CallAnswer string

const (
	// CallPending means that the call is being made.
	CallPending CallAnswer = ""
	// CallAccepted means that Intune will do it.
	CallAccepted CallAnswer = "accepted"
	// CallQueued means that a second administrator is to approve it first.
	CallQueued CallAnswer = "queued"
	// CallRefused means that Intune did not take it, and will not later.
	CallRefused CallAnswer = "refused"
	// CallUnknown means that Intune may have heard the call: its answer was lost,
	// or the call was stopped before there was one.
	CallUnknown CallAnswer = "unknown"
)

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
	// ChangeItem is what a step of shape Each does with the item that waits for it.
	ChangeItem DeviceAction = "changeItem"
)

// Verdict is what has become of a device.
type Verdict string

const (
	// Gone means that Intune knows it no more.
	Gone Verdict = "gone"
	// AwaitingApproval means that a second administrator is to approve it first.
	AwaitingApproval Verdict = "awaitingApproval"
	// Leaving means that it has been asked and has not left yet.
	Leaving Verdict = "leaving"
	// Unknown means that it may have been asked: the answer to the call was lost.
	Unknown Verdict = "unknown"
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
	// NotIntunes means that another service manages it, which takes it out: see the
	// item's detail.
	NotIntunes Verdict = "notIntunes"
	// GivenUp means that a person decided to leave it.
	GivenUp Verdict = "givenUp"
)
