package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// approval is short for what a call carries for Intune's Multi Admin Approval.
type approval = graph.Approval

// approvalLife is how long a second administrator has to decide.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
const approvalLife = 3 * 24 * time.Hour

// approval is what the call about a device carries; one without a code files a
// request.
func (f *fleet) approval(tracked *leaver.Item) approval {
	carried := approval{Justification: f.step.Justification}
	if carried.Justification == "" {
		carried.Justification = leaver.Request{}.Justification()
	}
	if tracked != nil && tracked.Approval != nil && tracked.Approval.Status == leaver.ApprovalApproved {
		carried.Code = tracked.Approval.Code
	}
	return carried
}

// approvalCode is that of the request that a call has filed, or "".
func approvalCode(err error) string {
	if answer, ok := errors.AsType[*graph.Error](err); ok {
		return answer.ApprovalCode
	}
	return ""
}

// queue notes that a device waits for a second administrator.
func queue(tracked *leaver.Item, operation leaver.DeviceAction, code string) {
	tracked.Approval = &leaver.Approval{Operation: operation, Code: code, Status: leaver.ApprovalNeeded, RequestedAt: time.Now().UTC()}
	tracked.Device.Verdict = leaver.AwaitingApproval
}

// approve notes that somebody has told that a request is approved, with every
// device that it is for.
func (f *fleet) approve(code string) {
	for _, i := range f.items {
		if i.AwaitsApproval() && i.Approval.Code == code {
			i.Approval.Status, i.Approval.Told = leaver.ApprovalApproved, true
		}
	}
}

// toldTooEarly has a request that Intune does not know as approved wait again, where it
// was a person who told so, and reports that.
func (f *fleet) toldTooEarly(code string) bool {
	told := false
	for i := range f.items {
		if a := f.items[i].Approval; a != nil && a.Code == code && a.Told {
			a.Status, a.Told, told = leaver.ApprovalNeeded, false, true
			f.items[i].Device.Verdict = leaver.AwaitingApproval
		}
	}
	return told
}

// complete notes that what was approved has been done.
func complete(tracked *leaver.Item) {
	if tracked.Approval != nil {
		tracked.Approval.Status = leaver.ApprovalCompleted
	}
}

// resume goes on with the devices whose requests for approval are decided: what
// was approved is asked again with the code, what expired is filed again, and
// what was rejected is for a person. The newcomers are to be retired as well; a
// request for all devices is for them too.
func (f *fleet) resume(ctx context.Context, newcomers []*leaver.Item) error {
	var all []*leaver.Item
	for i := range f.items {
		tracked := &f.items[i]
		requested := tracked.Approval
		if requested == nil || tracked.Outcome != "" {
			continue
		}
		device, listed := f.listing(tracked.ID)
		if !listed {
			// It may be another user's by now, be missing on a page, or be gone: then
			// nothing waits any more.
			if requested.Status != leaver.ApprovalCompleted && f.isGone(ctx, tracked.ID) {
				tracked.Approval = nil
			}
			continue
		}
		// The answer to the approved call may have been lost.
		if requested.Status == leaver.ApprovalApproved && shows(device.ManagementState, requested.Action()) && !shows(device.ManagementState, tracked.Device.Action) {
			requested.Status = leaver.ApprovalCompleted
		}
		switch requested.Status {
		case leaver.ApprovalNeeded:
			tracked.Device.Verdict = leaver.AwaitingApproval
		case leaver.ApprovalRejected, leaver.ApprovalCancelled:
			fail(tracked, fmt.Sprintf("the request for approval %s was %s in Intune", requested.Code, requested.Status))
		case leaver.ApprovalCompleted:
			if tracked.Device.Action != requested.Action() {
				asked(tracked, requested.Action())
			}
		case leaver.ApprovalExpired, leaver.ApprovalApproved:
			switch {
			case requested.Operation != leaver.RemoveAll:
				still, err := f.stillWanted(ctx, tracked)
				if err == nil && still {
					err = f.refused(ctx, tracked, f.ask(ctx, tracked, requested.Operation))
				}
				if err := f.hold(ctx, tracked, err); err != nil {
					return err
				}
			case requested.Status == leaver.ApprovalApproved:
				all = append(all, tracked)
			default:
				tracked.Approval = nil // and triage finds it
			}
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case f.anyApart():
		// One was given up since, say: each of the others files its own request.
		for _, tracked := range all {
			tracked.Approval = nil
		}
		return nil
	case f.written:
		return errNextTurn
	}
	return f.retireAll(ctx, append(all, newcomers...), f.approval(all[0]))
}

// stillWanted looks, before a request is carried out or filed again, whether that
// is right for the device as it is by now: its owner may have changed. What the
// policy wants otherwise begins anew, and what would do harm is for a person.
func (f *fleet) stillWanted(ctx context.Context, tracked *leaver.Item) (bool, error) {
	d, operation := tracked.Device, tracked.Approval.Operation
	if d.DecidedAt != nil || d.Because == failedBefore {
		if why := harm(operation, d, f.wipes(d)); why != "" {
			fail(tracked, why)
		}
		return tracked.Outcome == "", nil
	}
	if err := f.judge(ctx, tracked); err != nil {
		return false, err
	}
	if tracked.Outcome == "" && d.Planned != operation {
		tracked.Approval = nil
	}
	return tracked.Outcome == "" && tracked.Approval != nil, nil
}

// awaitsApproval tells of requests that nobody has decided about yet, or "".
func (f *fleet) awaitsApproval() string {
	codes, n := []string{}, 0
	for _, i := range f.items {
		if i.AwaitsApproval() {
			n++
			codes = append(codes, i.Approval.Code)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("a second administrator's approval is awaited for %s in Intune, under Tenant administration, Multi Admin Approval (%s)",
		count(n), enumerate(slices.Compact(codes)))
}

// enumerate lists some codes; all of them are with the items.
func enumerate(codes []string) string {
	const most = 3
	text := "code " + strings.Join(codes[:min(len(codes), most)], ", ")
	if len(codes) > most {
		text += fmt.Sprintf(" and %d more", len(codes)-most)
	}
	return text
}

// AwaitApproval looks what a second administrator has decided about the items
// that wait for it, until there is a decision about one at least, or its request
// has expired. It returns the items with what became of their requests. A worker
// that may not read them learns of the end of a request by its age alone, or from
// whoever answers the step.
//
// Microsoft: GET /beta/deviceManagement/operationApprovalRequests.
func (a *Activities) AwaitApproval(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	requests, err := a.devices.ApprovalRequests(ctx)
	if waits(err) {
		return leaver.StepResult{}, failure(ctx, err)
	}
	decided, pending := decisions(step.Items, requests)
	if decided == 0 {
		gone, err := a.anyGone(ctx, step)
		if err != nil {
			return leaver.StepResult{}, failure(ctx, err)
		}
		if gone {
			decided++ // nobody needs to approve anything about a device that is gone
		}
	}
	if decided > 0 || pending == 0 {
		return leaver.StepResult{Outcome: leaver.Done, Detail: fmt.Sprintf("%d of %d decided", decided, pending), Items: step.Items}, nil
	}
	why := ""
	if err != nil {
		why = "; the worker may not read how that stands, so tell it with answer and approved: " + explain(err).Message
	}
	return leaver.StepResult{}, leaver.Failure{
		Type: leaver.ApprovalRequired, Waits: true, Expected: true, After: wait(ctx, forApproval(a.poll)),
		Message: fmt.Sprintf("AwaitApproval: a second administrator is awaited for %s in Intune", count(pending)) + why,
	}.Err()
}

// anyGone reports whether a device has left that awaits approval. It may neither be
// listed nor known by its id: the step that asks looks the same way, and the two
// would call each other for ever if they disagreed.
func (a *Activities) anyGone(ctx context.Context, step leaver.StepRequest) (bool, error) {
	awaiting := func(i leaver.Item) bool { return i.AwaitsApproval() && i.Device != nil }
	if !slices.ContainsFunc(step.Items, awaiting) {
		return false, nil
	}
	listed, err := a.devices.ManagedDevices(ctx, step.UserID)
	return err == nil && slices.ContainsFunc(step.Items, func(i leaver.Item) bool {
		return awaiting(i) && !slices.ContainsFunc(listed, func(d graph.ManagedDevice) bool { return d.ID == i.ID }) && a.isGone(ctx, i.ID)
	}), err
}

// isGone reports whether Intune knows a device no more.
func (a *Activities) isGone(ctx context.Context, id string) bool {
	_, err := a.devices.ManagedDevice(ctx, id)
	return notFound(err)
}

// approvalRhythm is how long a decision may go unheard of.
const approvalRhythm = 15 * time.Minute

// forApproval is a rhythm at which a decision is heard of soon.
func forApproval(poll leaver.Poll) leaver.Poll {
	poll.Longest = min(poll.Longest, leaver.Duration(approvalRhythm))
	poll.First = min(poll.First, poll.Longest)
	return poll
}

// decisions notes with the items what has become of their requests, and counts
// those that are decided or too old, of all that waited.
func decisions(items []leaver.Item, requests []graph.ApprovalRequest) (decided, pending int) {
	for n := range items {
		i := &items[n]
		if !i.AwaitsApproval() {
			continue
		}
		pending++
		at := slices.IndexFunc(requests, func(r graph.ApprovalRequest) bool { return r.ID == i.Approval.Code || r.RequestID == i.Approval.Code })
		switch {
		case at >= 0 && isDecision(requests[at].Status):
			i.Approval.Status = leaver.ApprovalStatus(requests[at].Status)
		case at >= 0 && requests[at].Status == string(leaver.ApprovalNeeded):
			if i.Choice == leaver.Approved {
				i.Choice = "" // somebody was too early; it is heard of here
			}
		case i.Choice == leaver.Approved:
		case time.Since(i.Approval.RequestedAt) > approvalLife:
			i.Approval.Status = leaver.ApprovalExpired
		}
		if !i.AwaitsApproval() {
			decided++
		}
	}
	return decided, pending
}

// isDecision tells the ends of a request from what Microsoft has not defined: the
// status may be unknown, or one that is to come.
func isDecision(status string) bool {
	switch leaver.ApprovalStatus(status) {
	case leaver.ApprovalApproved, leaver.ApprovalRejected, leaver.ApprovalCancelled, leaver.ApprovalCompleted, leaver.ApprovalExpired:
		return true
	}
	return false
}
