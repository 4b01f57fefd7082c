package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// failure is the one place where Graph's answers become retry decisions: what waiting can mend waits as long
// as Graph said, or as the retry policy says; everything else is for a person.
func failure(ctx context.Context, err error) error {
	if halted(err) {
		return err
	}
	f := explain(err)
	f.Message = activity.GetInfo(ctx).ActivityType.Name + ": " + f.Message
	return f.Err()
}

// invalid refuses an input by the name of its field.
func invalid(ctx context.Context, message string) error {
	return leaver.Failure{Type: leaver.InvalidRequest, Message: activity.GetInfo(ctx).ActivityType.Name + ": " + message}.Err()
}

func explain(err error) leaver.Failure {
	if notYet, ok := errors.AsType[errNotYet](err); ok {
		return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Expected: true, Message: notYet.Error()}
	}
	if answer, ok := errors.AsType[*graph.Error](err); ok {
		f := decide(answer)
		f.Message += "; Graph answered " + facts(answer)
		return f
	}
	credential, noToken := errors.AsType[*graph.CredentialError](err)
	switch {
	case noToken && credential.Waits:
		return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Message: "sign-in did not answer"}
	case noToken && credential.SignIn:
		return leaver.Failure{Type: leaver.GraphUnauthorized, Message: "nobody is signed in: run `worker sign-in` where the worker runs, restart it, then retry"}
	case noToken:
		return leaver.Failure{Type: leaver.GraphUnauthorized, Message: "the worker's credential was refused, correct it and restart the worker, then retry: " + credential.Error()}
	case errors.Is(err, graph.ErrUnusableID):
		return leaver.Failure{Type: leaver.InvalidRequest, Message: "userId: " + err.Error()}
	case errors.Is(err, graph.ErrOtherUser):
		return leaver.Failure{Type: leaver.UserNotFound, Message: err.Error() + "; nothing was done: use the object id"}
	}
	return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Message: "Graph could not be reached: " + err.Error()}
}

// decide says what an answer means; Message is what a person should do.
func decide(e *graph.Error) leaver.Failure {
	switch {
	case e.Status == http.StatusConflict && e.ChangesDevice():
		return leaver.Failure{Type: leaver.ApprovalRequired, Message: "a request for approval of the same is pending in Intune already (Tenant administration, Multi Admin Approval), whose code is not known here: cancel it there, then retry"}
	case e.ApprovalCode != "" && e.ChangesDevice():
		return leaver.Failure{Type: leaver.ApprovalRequired, Message: "a second administrator is asked in Intune to approve this first (Tenant administration, Multi Admin Approval); " + leaver.WorkflowType + " waits for that and carries it out, an activity alone does not"}
	case wantsApproval(e):
		return leaver.Failure{Type: leaver.ApprovalRequired, Message: "the tenant demands a second administrator's approval for this (Intune's Multi Admin Approval) and does not take the request for it: see there, then retry, or skip the step"}
	case isDailyLimit(e):
		// A little after midnight UTC, which is taken for when Intune's day begins.
		tomorrow := time.Now().Truncate(24 * time.Hour).Add(24*time.Hour + 5*time.Minute)
		return leaver.Failure{Type: leaver.GraphThrottled, Waits: true, After: cmp.Or(e.RetryAfter, time.Until(tomorrow)), Message: devices.SpentToday}
	case e.Status == http.StatusTooManyRequests:
		return leaver.Failure{Type: leaver.GraphThrottled, Waits: true, After: e.RetryAfter, Message: "too many requests, waiting"}
	case e.Status >= 500, e.Status == http.StatusRequestTimeout, lagging(e):
		return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, After: e.RetryAfter, Message: "Graph is not available, trying again"}
	case e.Status == http.StatusUnauthorized && e.Code == "Forbidden":
		// Intune words a refusal of the tenant or the role as 401; another token would change nothing.
		return leaver.Failure{Type: leaver.GraphForbidden, Message: "Intune refuses this caller: check the tenant's Intune licence, and the Intune role or permission " + granted(e)}
	case e.Status == http.StatusUnauthorized:
		return leaver.Failure{Type: leaver.GraphUnauthorized, Message: "Graph refuses the token: check the worker's tenant, application and cloud, then retry"}
	case e.Status == http.StatusForbidden:
		return leaver.Failure{Type: leaver.GraphForbidden, Message: "grant the permission " + granted(e) + ", then retry"}
	case e.Status == http.StatusNotFound && e.Code == "Request_ResourceNotFound", e.Status == http.StatusNotFound && e.Call == graph.CallGetUser:
		return leaver.Failure{Type: leaver.UserNotFound, Message: "no such user in this tenant: check the name, and that the worker signs in to the right tenant"}
	case e.Status == http.StatusBadRequest && strings.Contains(e.Message, "not applicable to target tenant"):
		return leaver.Failure{Type: leaver.IntuneNotLicensed, Message: "the tenant has no active Intune licence: activate one and retry, or skip the device steps"}
	}
	return leaver.Failure{Type: leaver.GraphBadRequest, Message: "Graph refuses the request: " + e.Safe()}
}

// dailyLimit finds the refusal of a tenant that has used up what Intune lets it
// retire, wipe or delete in a day. Microsoft does not say how it is worded.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/remote-actions/device-management
var dailyLimit = regexp.MustCompile(`(?i)(daily|per day|a day|24.?hours?)[^.]*(limit|quota|exceeded|maximum)|(limit|quota|exceeded|maximum)[^.]*(daily|per day|a day|24.?hours?)`)

func isDailyLimit(e *graph.Error) bool { return e.Status < 500 && dailyLimit.MatchString(e.Message) }

// errNotYet is what Graph does not show yet, though it will; it says so.
type errNotYet string

func (e errNotYet) Error() string { return string(e) }

// errApprovalLags is Intune asking for an approval that it lists as given.
const errApprovalLags = errNotYet("Intune has approved this and does not take the approval yet, trying again")

// halted reports that an attempt was ended from outside.
func halted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// waits reports whether the same call may succeed later.
func waits(err error) bool { return err != nil && (halted(err) || explain(err).Waits) }

// wantsApproval reports that the tenant has queued the action for a second administrator, or wants to be told
// why first. Statuses 400, 403 and 412 have all been seen.
func wantsApproval(e *graph.Error) bool {
	return e.ApprovalCode != "" || strings.Contains(e.Message, "x-msft-approval-justification")
}

// refusedAltogether reports that a tenant does not take a call at all, whoever it is about.
func refusedAltogether(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	if !ok || wantsApproval(e) {
		return false
	}
	return e.Status == http.StatusForbidden || e.Status == http.StatusMethodNotAllowed ||
		e.Status == http.StatusNotFound && e.Code != "Request_ResourceNotFound" && !lagging(e)
}

// notFound reports that what was asked about is not there.
func notFound(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status == http.StatusNotFound && !lagging(e)
}

// isMissing reports that Graph knows the call, and not what it is about: this can be a replica that lags.
func isMissing(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status == http.StatusNotFound && strings.HasSuffix(e.Code, "NotFound")
}

// granted names the permission and the kind of token that was sent. Microsoft
// once documented removeAllDevicesFromManagement for delegated tokens only.
func granted(e *graph.Error) string {
	kind := "an " + string(e.Token)
	if e.Token == graph.Delegated {
		kind = "a delegated"
	}
	text := fmt.Sprintf("%s (the worker sent %s token)", e.Permission, kind)
	if e.Call == graph.CallRemoveAllDevices && e.Token != graph.Delegated {
		text += "; if it is granted already, give the device steps a delegated credential of their own (LEAVER_DEVICE_CREDENTIAL=device-code)"
	}
	if e.ChangesEntraDevice() && e.Token != graph.Delegated {
		text += "; an application may do this to Windows devices only: for others do it in Entra, or give the device steps a delegated credential (LEAVER_DEVICE_CREDENTIAL=device-code)"
	}
	return text
}

// lagging is Graph's answer while a change has not reached all of its replicas.
func lagging(e *graph.Error) bool { return e.Code == "Directory_ObjectNotFound" }

// facts is what Microsoft's support asks for.
func facts(e *graph.Error) string {
	text := fmt.Sprintf("%d %s", e.Status, e.Code)
	if e.RequestID != "" {
		text += " (request-id " + e.RequestID + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}
