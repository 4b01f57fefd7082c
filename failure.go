package leaver

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
)

// FailureType is the type of a Temporal ApplicationError.
type FailureType string

// The failure types. Those marked "waits" are retried by Temporal; the others
// cannot succeed by waiting, and what happens then is the step's OnFailure.
const (
	InvalidRequest        FailureType = "InvalidRequest"        // the input is wrong; the message names the field
	UserNotFound          FailureType = "UserNotFound"          // Graph knows no such user
	GraphForbidden        FailureType = "GraphForbidden"        // 403, or Intune's 401 that means the same
	GraphUnauthorized     FailureType = "GraphUnauthorized"     // no token, or one that Graph refuses
	GraphBadRequest       FailureType = "GraphBadRequest"       // any other refusal
	GraphBadResponse      FailureType = "GraphBadResponse"      // an answer that Graph does not document, or a list without end
	ApprovalRequired      FailureType = "ApprovalRequired"      // the tenant demands a second administrator's approval
	IntuneNotLicensed     FailureType = "IntuneNotLicensed"     // the tenant has no active Intune licence
	GraphThrottled        FailureType = "GraphThrottled"        // 429; waits
	GraphUnavailable      FailureType = "GraphUnavailable"      // 5xx, network, read-after-write lag; waits
	TooManyDevices        FailureType = "TooManyDevices"        // the leaver has more than MaxDevices, and nothing was touched
	ProtectedUser         FailureType = "ProtectedUser"         // the leaver is not to be offboarded: a guard of the worker's configuration
	AlreadyOffboarding    FailureType = "AlreadyOffboarding"    // another offboarding of the same leaver runs; the message names it
	AccountEnabled        FailureType = "AccountEnabled"        // somebody has enabled the account again, which the offboarding had disabled
	DevicesRemain         FailureType = "DevicesRemain"         // devices are still managed, and a person is to decide about them
	NotDelivered          FailureType = "NotDelivered"          // a webhook or a mail did not reach its receiver, or may not have; no step fails for it
	OffboardingIncomplete FailureType = "OffboardingIncomplete" // the workflow ended without having done it all; the Report is in its details
)

// Failure says how one attempt failed and what Temporal makes of it.
type Failure struct {
	Type FailureType
	// Message is for people and is stored in clear: no names, tokens or bodies.
	Message string
	// Waits says that the same call may succeed later.
	Waits bool
	// After is how long to wait at least; zero leaves it to the retry policy.
	After time.Duration
	// Expected keeps the failure out of error logs: "not yet" is no error.
	Expected bool
	// Details go to whoever handles the failure.
	Details []any
}

// Err makes the Temporal ApplicationError for f.
func (f Failure) Err() error {
	options := temporal.ApplicationErrorOptions{NonRetryable: !f.Waits, NextRetryDelay: f.After, Details: f.Details}
	if f.Expected {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	return temporal.NewApplicationErrorWithOptions(f.Message, string(f.Type), options)
}

// IsFailure reports whether err is, or wraps, a failure of one of the types.
func IsFailure(err error, types ...FailureType) bool {
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && slices.Contains(types, FailureType(failure.Type()))
}
