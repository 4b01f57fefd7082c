package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// failure is the one place where an error becomes a retry decision: what waiting can
// mend waits as long as Graph said, or as the retry policy says; what may pass is tried
// some times; everything else is for a person.
func failure(ctx context.Context, err error) error {
	if halted(err) {
		return err
	}
	return named(ctx, attempted(ctx, err))
}

// named is a failure that says which activity failed.
func named(ctx context.Context, f leaver.Failure) error {
	f.Message = activity.GetInfo(ctx).ActivityType.Name + ": " + f.Message
	return f.Err()
}

// attempted is what the end of this attempt means, with the attempts before it.
func attempted(ctx context.Context, err error) leaver.Failure {
	f, again := explained(err)
	if again == passing {
		return tryAgain(ctx, f)
	}
	if _, taken := errors.AsType[errNotYet](err); taken {
		answered(ctx)
	}
	return f
}

// invalid refuses an input by the name of its field.
func invalid(ctx context.Context, message string) error {
	return named(ctx, leaver.Failure{Type: leaver.InvalidRequest, Message: message})
}

// explain says what an error means, whatever was tried before.
func explain(err error) leaver.Failure {
	f, _ := explained(err)
	return f
}

func explained(err error) (leaver.Failure, again) {
	if notYet, ok := errors.AsType[errNotYet](err); ok {
		return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Expected: true, Message: notYet.Error()}, outage
	}
	if undone, ok := errors.AsType[errUndone](err); ok {
		return leaver.Failure{Type: leaver.GraphBadRequest, Message: undone.Error()}, passing
	}
	if nobody, ok := errors.AsType[errNobody](err); ok {
		return leaver.Failure{Type: leaver.InvalidRequest, Message: nobody.Error()}, lasting
	}
	if errors.Is(err, graph.ErrDoorClosed) {
		return leaver.Failure{Type: leaver.InvalidRequest, Message: doorClosed + "; open it, restart the worker and retry, or skip the step"}, lasting
	}
	if unread, ok := errors.AsType[errApprovalsUnread](err); ok {
		return leaver.Failure{Type: leaver.ApprovalRequired, Message: unread.Error()}, lasting
	}
	if unknown, ok := errors.AsType[errNoContact](err); ok {
		return leaver.Failure{Type: leaver.UserNotFound, Message: unknown.Error()}, lasting
	}
	if protected, ok := errors.AsType[errProtected](err); ok {
		return leaver.Failure{Type: leaver.ProtectedUser, Message: protected.Error() + "; nothing was touched"}, lasting
	}
	if many, ok := errors.AsType[errTooManyDevices](err); ok {
		return leaver.Failure{Type: leaver.TooManyDevices, Message: many.Error()}, lasting
	}
	if answer, ok := errors.AsType[*graph.Error](err); ok {
		f, again := ruled(answer)
		f.Message += "; " + answer.Service() + " answered " + facts(answer)
		return f, again
	}
	if odd, ok := errors.AsType[*graph.AnswerError](err); ok && odd.Lasting {
		return leaver.Failure{Type: leaver.GraphBadResponse, Message: odd.Error() + ": this is no outage, and what Graph lists cannot be trusted; ask Microsoft's support, or raise LEAVER_LIST_PAGES or LEAVER_LIST_ROWS where the list is that long"}, lasting
	} else if ok {
		return leaver.Failure{Type: leaver.GraphBadResponse, Message: "something between the worker and Microsoft may answer in its place: " + odd.Error()}, passing
	}
	if hidden, ok := errors.AsType[*graph.HiddenError](err); ok {
		return leaver.Failure{Type: leaver.GraphForbidden, Message: hidden.Error() + ": grant the permission " +
			granted(&graph.Error{Call: hidden.Call, Permission: hidden.Permission, Token: hidden.Token}) + ", and check that the id is a user's; then retry"}, lasting
	}
	credential, noToken := errors.AsType[*graph.CredentialError](err)
	unusable, wrongID := errors.AsType[*graph.UnusableIDError](err)
	switch {
	case noToken && credential.Waits:
		return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Message: "sign-in did not answer"}, outage
	case noToken && credential.SignIn:
		return leaver.Failure{Type: leaver.GraphUnauthorized, Message: "nobody is signed in: run `worker sign-in` where the worker runs, restart it, then retry"}, lasting
	case noToken:
		return leaver.Failure{Type: leaver.GraphUnauthorized, Message: "the worker's credential was refused, correct it and restart the worker, then retry: " + credential.Error()}, lasting
	case wrongID:
		return leaver.Failure{Type: leaver.InvalidRequest, Message: unusable.Of + ": " + unusable.Error()}, lasting
	case errors.Is(err, graph.ErrOtherUser):
		return leaver.Failure{Type: leaver.UserNotFound, Message: err.Error() + "; nothing was done: use the object id"}, lasting
	}
	return leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Message: "Microsoft could not be reached: " + err.Error()}, outage
}

// dailyLimit finds the refusal of a tenant that has used up what Intune lets it
// retire, wipe or delete in a day. Microsoft does not say how it is worded.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/remote-actions/device-management
var dailyLimit = regexp.MustCompile(`(daily|per day|a day|24.?hours?)[^.]*(limit|quota|exceeded|maximum)|(limit|quota|exceeded|maximum)[^.]*(daily|per day|a day|24.?hours?)`)

func isDailyLimit(e *graph.Error) bool { return e.Status < 500 && e.Says(dailyLimit) }

// errNotYet is what Graph does not show yet, though it will; it says so.
type errNotYet string

func (e errNotYet) Error() string { return string(e) }

// errUndone is what Graph has accepted and then did not do, or refuses wrongly; it says so, and what a person can do.
type errUndone string

func (e errUndone) Error() string { return string(e) }

// errTooManyDevices is how many devices the leaver has, where an offboarding does not take
// that many on.
type errTooManyDevices int

func (e errTooManyDevices) Error() string {
	return fmt.Sprintf("the leaver has %d devices, and an offboarding takes on %d at most: an enrolment manager's devices belong to others; give them to their users in Intune first", int(e), leaver.MaxDevices)
}

// halted reports that an attempt was ended from outside.
func halted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// waits reports whether the same call may succeed later.
func waits(err error) bool {
	if err == nil || halted(err) {
		return err != nil
	}
	_, again := explained(err)
	return again != lasting
}

// isPassing reports whether a call is tried some times, and then no more.
func isPassing(err error) bool {
	if err == nil || halted(err) {
		return false
	}
	_, again := explained(err)
	return again == passing
}

// wantsApproval reports that the tenant has queued the action for a second administrator, or wants to be told
// why first. Statuses 400, 403 and 412 have all been seen.
func wantsApproval(e *graph.Error) bool {
	return e.ApprovalCode != "" || e.Says(demand) && !e.Says(unfitText)
}

// demand finds the demand for a justification, and unfitText that one was sent which Intune does not take.
var (
	demand = regexp.MustCompile(`x-msft-approval-justification\W+(header )?((is|was) (required|missing|needed|mandatory|not \w+)|must be (given|present|provided|set|specified|supplied|sent))|` +
		`(missing|require[sd]?|without|include|contain|provide|specify|supply|send|needs)( the| a)?( request)?( header)?\W+x-msft-approval-justification`)
	unfitText = regexp.MustCompile(`(?s)x-msft-approval-justification.*` + ofText + `|` + ofText + `.*x-msft-approval-justification`)
)

const ofText = `(too long|longer than|length|exceed|at most|maximum|characters|base64)`

// refusedAltogether reports that a tenant does not take a call at all, whoever
// it is about.
func refusedAltogether(err error) bool {
	answer, ok := errors.AsType[*graph.Error](err)
	if !ok || wantsApproval(answer) {
		return false
	}
	e := asRefused(answer)
	return e.Status == http.StatusForbidden && namesReason(&e) || e.Status == http.StatusMethodNotAllowed ||
		e.Status == http.StatusNotFound && !lagging(&e) || e.Status == http.StatusBadRequest && e.Says(noRoute)
}

// notFound reports that what was asked about is not there, in Graph's own words: a
// proxy's 404 says nothing about it.
func notFound(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status == http.StatusNotFound && !lagging(e) && (e.Code != "" || e.HasWords())
}

// isMissing reports that Graph knows the call, and not what it is about: this can
// be a replica that lags.
func isMissing(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status == http.StatusNotFound && strings.HasSuffix(e.Code, "NotFound")
}

// unlinked is how Entra and Exchange say that there is no such reference, with status 400: the removal is known, and
// some replica does not know of it yet.
var unlinked = regexp.MustCompile(`removed object references do not exist|isn.?t a member of`)

// linked is how Entra says, with status 400, that what was to be added to a list of references is in it.
var linked = regexp.MustCompile(`added object references already exist`)

// isLinked reports whether what was to be added to a list of references is in it.
func isLinked(err error) bool { return isBadRequest(err, linked) }

// isUnlinked reports whether what was to be removed from a list of references is not in it.
func isUnlinked(err error) bool { return isBadRequest(err, unlinked) }

// isBadRequest reports whether Graph refuses a request, with status 400, in these words.
func isBadRequest(err error, words *regexp.Regexp) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status == http.StatusBadRequest && e.Says(words)
}

// unlicensedTenant finds how Entra refuses what a tenant has no licence for: Privileged Identity Management, and Identity
// Protection.
var unlicensedTenant = regexp.MustCompile(`aadpremiumlicenserequired|pimlicenserequired|tenant is not licensed`)

// notLicensed reports that a tenant has no Entra ID P2 or Governance licence, which the call needs.
func notLicensed(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && (slices.Contains([]string{"AadPremiumLicenseRequired", "PimLicenseRequired", "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}, e.Code) || e.Says(unlicensedTenant))
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
	if e.OfMailbox() {
		text += "; if it is granted already, an access policy of Exchange (RBAC for Applications) leaves this mailbox out: an Exchange administrator adds it"
	}
	if e.Service() == "Exchange" {
		text += " and an Entra role such as Exchange Administrator to the worker's application; a role takes an hour to count"
	}
	if e.ChangesEntraDevice() && e.Token != graph.Delegated {
		text += "; an application may do this to Windows devices only: for others do it in Entra, or give the device steps a delegated credential (LEAVER_DEVICE_CREDENTIAL=device-code)"
	}
	if e.IsSensitive() {
		text += "; where the leaver is an administrator, or a member of a group that can hold directory roles, the worker needs a directory role too that outranks them, or a person does it in Entra"
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
