package activities

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// again is how long a call is tried again that Graph refuses.
type again string

const (
	// lasting is for what no waiting mends: a permission, a licence, a rule.
	lasting again = "not tried again"
	// passing is for what Graph answers now and then to calls that are right.
	passing again = "5 tries over 4 minutes"
	// outage is for what ends by itself.
	outage again = "as long as the step is patient"
)

// callFindLeaver is what the call for the leaver is named in an error of planning: who is not found then is in no
// tenant that the worker knows. Later on it is a replica that lags, or the account is gone.
const callFindLeaver = "find the leaver"

const (
	passingTries = 5
	// passingPause is the pause after the first try; it doubles.
	passingPause = 15 * time.Second
	// longestPause is how long Graph may ask to wait: a pause beyond a step's patience would end the step at once.
	longestPause = time.Hour
)

// rule says what one kind of answer means.
type rule struct {
	// answer is the answer in the words of docs/refusals.md.
	answer string
	fits   func(e *graph.Error) bool
	is     leaver.FailureType
	again  again
	// advice is what a person should do.
	advice func(e *graph.Error) string
}

// rules are read from top to bottom; the first that fits decides. docs/refusals.md
// shows them, and a test holds it against them.
var rules = []rule{
	{"a status below 500 that does not take the text of x-msft-approval-justification", func(e *graph.Error) bool {
		return e.Status < 500 && e.ApprovalCode == "" && e.Says(unfitText)
	}, leaver.GraphBadRequest, lasting, refused},
	{"409 that speaks of an approval, to a call that changes a device", func(e *graph.Error) bool {
		return e.Status == http.StatusConflict && e.ChangesDevice() && e.ApprovalCode == "" && e.Says(approvals)
	}, leaver.ApprovalRequired, lasting, says("a request for approval of the same is pending in Intune already (Tenant administration, Multi Admin Approval), whose code is not known here: cancel it there, then retry")},
	{"any status with the header x-msft-approval-code, to a call that changes a device", func(e *graph.Error) bool {
		return e.ApprovalCode != "" && e.ChangesDevice()
	}, leaver.ApprovalRequired, lasting, says("a second administrator is asked in Intune to approve this first (Tenant administration, Multi Admin Approval); " + leaver.WorkflowType + " waits for that and carries it out, an activity alone does not")},
	{"any status that demands x-msft-approval-justification", wantsApproval, leaver.ApprovalRequired, lasting,
		says("the tenant demands a second administrator's approval for this (Intune's Multi Admin Approval) and does not take the request for it: see there, then retry, or skip the step")},
	{"a status below 500 that speaks of a day's limit", isDailyLimit, leaver.GraphThrottled, outage, says(devices.SpentToday)},
	{"429", status(http.StatusTooManyRequests), leaver.GraphThrottled, outage, says("too many requests, waiting")},
	{"408 and 5xx, and `Directory_ObjectNotFound` with any status", func(e *graph.Error) bool {
		return e.Status >= 500 || e.Status == http.StatusRequestTimeout || lagging(e)
	}, leaver.GraphUnavailable, outage, func(e *graph.Error) string { return e.Service() + " is not available, trying again" }},
	// Intune words a refusal of the tenant or the role as 401; another token would
	// change nothing.
	{"401 with Intune's own code `Forbidden`", func(e *graph.Error) bool {
		return e.Status == http.StatusUnauthorized && e.Code == "Forbidden"
	}, leaver.GraphForbidden, lasting, func(e *graph.Error) string {
		return "Intune refuses this caller: check the tenant's Intune licence, and the Intune role or permission " + granted(e)
	}},
	// Exchange knows the token, and its owner has no role there.
	{"401 of Exchange that says \"not allowed to call\", or that a role isn't supported in this scenario", func(e *graph.Error) bool {
		return e.Status == http.StatusUnauthorized && e.Says(notAllowed)
	}, leaver.GraphForbidden, lasting, grant},
	{"401, each time with a new token", status(http.StatusUnauthorized), leaver.GraphUnauthorized, passing,
		func(e *graph.Error) string {
			return e.Service() + " refuses the token: check the worker's tenant, application and cloud, then retry"
		}},
	{"405", status(http.StatusMethodNotAllowed), leaver.GraphBadRequest, lasting, refused},
	{"403 that speaks of restricted management", func(e *graph.Error) bool {
		return e.Status == http.StatusForbidden && e.Says(restricted)
	}, leaver.GraphForbidden, lasting, says("the leaver, or what was to be changed, is in an administrative unit with restricted management, which no application may change: an administrator of that unit does this, then skip the step")},
	{"403 that names a permission, a role, a licence or a rule", func(e *graph.Error) bool {
		return e.Status == http.StatusForbidden && namesReason(e)
	}, leaver.GraphForbidden, lasting, grant},
	{"403 without a known reason", status(http.StatusForbidden), leaver.GraphForbidden, passing, grant},
	{"404 of the leaver, while the offboarding is planned", func(e *graph.Error) bool {
		return e.Status == http.StatusNotFound && e.Call == callFindLeaver
	}, leaver.UserNotFound, lasting, noUser},
	{"404 `Request_ResourceNotFound`", func(e *graph.Error) bool {
		return e.Status == http.StatusNotFound && e.Code == "Request_ResourceNotFound"
	}, leaver.UserNotFound, passing, noUser},
	{"400 that says \"not applicable to target tenant\"", func(e *graph.Error) bool {
		return e.Status == http.StatusBadRequest && e.Says(unlicensed)
	}, leaver.IntuneNotLicensed, lasting, says("the tenant has no active Intune licence: activate one and retry, or skip the device steps")},
	{"400 that names a rule", func(e *graph.Error) bool {
		return e.Status == http.StatusBadRequest && namesReason(e)
	}, leaver.GraphBadRequest, lasting, refused},
	{"400 without a known reason, 404, 409, 412, 423 and any other status", func(*graph.Error) bool { return true },
		leaver.GraphBadRequest, passing, refused},
}

func says(text string) func(*graph.Error) string { return func(*graph.Error) string { return text } }

func status(status int) func(*graph.Error) bool {
	return func(e *graph.Error) bool { return e.Status == status }
}

func grant(e *graph.Error) string {
	return "grant the permission " + granted(e) + ", then retry"
}

func noUser(*graph.Error) string {
	return "no such user in this tenant: check the name, and that the worker signs in to the right tenant"
}

func refused(e *graph.Error) string {
	switch ours := reasonOf(e).ours; {
	case ours != "":
		return e.Service() + " refuses the request: " + ours
	case e.HasWords():
		return e.Service() + " refuses the request in words that are not kept, as they may name people: Microsoft's support finds them by the request id"
	}
	return e.Service() + " refuses the request without a reason"
}

var (
	approvals  = regexp.MustCompile(`approval`)
	unlicensed = regexp.MustCompile(`not applicable to target tenant`)
	restricted = regexp.MustCompile(`restricted (management|administrative unit)`)
	notAllowed = regexp.MustCompile(`not allowed to call|isn.?t supported in this scenario`)
	noRoute    = regexp.MustCompile(`for the segment`)
)

// mastered finds that Active Directory owns what is to be changed.
var mastered = regexp.MustCompile(`on-?premises|mastered`)

// reason is how Graph words a refusal, in lower case, and how it is told: Graph's words may
// name people, and are repeated nowhere.
type reason struct {
	words *regexp.Regexp
	ours  string
	// passes says that the same call may be taken later.
	passes bool
}

// reasons are read from top to bottom; the first that fits decides.
var reasons = []reason{
	{words: unfitText, ours: "reason and ticket are too long for Intune's Multi Admin Approval: start anew with shorter ones, or skip the step"},
	{words: defaultMethod, ours: "it is the user's default sign-in method, and another one is left: remove that one in the Entra admin center, then retry", passes: true},
	{words: regexp.MustCompile(`removing self|last (active )?(global|privileged)`), ours: "Entra keeps the last administrator of a kind, and nobody takes the own role away: give the role to somebody else first, and have another administrator do it"},
	{words: regexp.MustCompile(`need to be an organizer`), ours: "only who organises a meeting can cancel it"},
	{words: noRoute, ours: "Graph has no such call here"},
	{words: regexp.MustCompile(`inherited`), ours: "it comes from a group, and can be changed there only"},
	{words: mastered, ours: "it comes from Active Directory on the premises, and can be changed there only"},
	{words: regexp.MustCompile(`licen[cs]e`), ours: "a licence is missing or does not fit"},
	{words: regexp.MustCompile(`privilege|permission|scope|\brole|authorized to|access (is )?denied`), ours: "the worker lacks a permission or a role"},
	{words: regexp.MustCompile(`restricted|polic(y|ies)`), ours: "a policy or a restricted administrative unit forbids it"},
	{words: regexp.MustCompile(`read[- ]?only|unknown (field|property)|could not find a property`), ours: "a property does not exist or can only be read"},
	{words: regexp.MustCompile(`(not|un)[ -]?(supported|allowed|applicable|available)|only`), ours: "this is not supported for what it was asked of, such as this kind of device"},
	{words: regexp.MustCompile(`approv`), ours: "an approval is missing or does not fit"},
	{words: regexp.MustCompile(`invalid|required|missing|must`), ours: "a value is missing or not valid"},
	{words: regexp.MustCompile(`cannot|can't|can not`), ours: "this cannot be done as things stand"},
	{words: regexp.MustCompile(`conflict|in progress|retry|try again|busy`), ours: "another change is under way", passes: true},
}

// reasonOf is the reason that Graph gives, or none that is known.
func reasonOf(e *graph.Error) reason {
	at := slices.IndexFunc(reasons, func(r reason) bool { return e.Says(r.words) })
	if at < 0 {
		return reason{passes: true}
	}
	return reasons[at]
}

// forbidding are the codes by which Graph, Intune and Exchange refuse a caller.
var forbidding = []string{"Authorization_RequestDenied", "Forbidden", "accessDenied", "ErrorAccessDenied"}

// namesReason reports whether Graph says why the same call would be refused again.
func namesReason(e *graph.Error) bool {
	return slices.Contains(forbidding, e.Code) || !reasonOf(e).passes
}

// ruled is what an answer means. Where Graph has put an error into an answer of success,
// its code says of which kind it is.
func ruled(e *graph.Error) (leaver.Failure, again) {
	read := asRefused(e)
	at := slices.IndexFunc(rules, func(r rule) bool { return r.fits(&read) })
	r := rules[at]
	f := leaver.Failure{Type: r.is, Waits: r.again == outage, Message: r.advice(&read)}
	if r.again != lasting {
		f.After = e.RetryAfter
	}
	if !isDailyLimit(&read) {
		f.After = min(f.After, longestPause) // a day's limit is known to last
	}
	if f.Waits && f.After == 0 && isDailyLimit(&read) {
		// A little after midnight UTC, which is taken for when Intune's day begins.
		f.After = read.At.Truncate(24 * time.Hour).Add(24*time.Hour + 5*time.Minute).Sub(read.At)
	}
	return f, r.again
}

// asRefused is an error with the status that it has elsewhere, where Graph has put it into an
// answer of success.
func asRefused(e *graph.Error) graph.Error {
	read := *e
	if e.Status < http.StatusMultipleChoices {
		read.Status = statusOf(e.Code)
	}
	return read
}

// statusOf is the status that Graph sends with a code elsewhere.
func statusOf(code string) int {
	switch {
	case slices.Contains(forbidding, code):
		return http.StatusForbidden
	case code == "InvalidAuthenticationToken" || code == "Unauthorized":
		return http.StatusUnauthorized
	case strings.HasSuffix(code, "NotFound"):
		return http.StatusNotFound
	case code == "TooManyRequests":
		return http.StatusTooManyRequests
	case code == "ServiceUnavailable" || code == "InternalServerError" || code == "generalException":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// refusals is what an attempt tells the next: how often in a row Graph has refused so
// that it may pass. No report needs it.
type refusals struct {
	Times int `json:"times"`
}

// tryAgain makes a refusal that may pass wait, until it has been tried often enough.
func tryAgain(ctx context.Context, f leaver.Failure) leaver.Failure {
	before := refusedBefore(ctx)
	if before.Times++; before.Times >= passingTries {
		f.After = 0
		return f
	}
	activity.RecordHeartbeat(ctx, before)
	f.Waits, f.After = true, max(f.After, passingPause<<(before.Times-1))
	return f
}

// lastTry reports whether a refusal that may pass counts now.
func lastTry(ctx context.Context) bool { return refusedBefore(ctx).Times+1 >= passingTries }

// refusedBefore is what the attempt before has told.
func refusedBefore(ctx context.Context) (before refusals) {
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &before)
	}
	return before
}

// answered forgets refusals that have passed.
func answered(ctx context.Context) {
	if activity.HasHeartbeatDetails(ctx) {
		activity.RecordHeartbeat(ctx, refusals{})
	}
}
