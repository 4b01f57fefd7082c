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
	"go.temporal.io/sdk/activity"
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
	tracked.Device.Action, tracked.Device.ActionAt, tracked.Device.Verdict = "", nil, leaver.AwaitingApproval
}

// complete notes that what was approved has been done.
func complete(tracked *leaver.Item) {
	if tracked.Approval != nil {
		tracked.Approval.Status = leaver.ApprovalCompleted
	}
}

// resume goes on with the devices whose requests for approval are decided: what
// was approved is asked again with the code, what expired is filed again, and
// what was rejected is for a person.
func (f *fleet) resume(ctx context.Context) error {
	var all []*leaver.Item
	for i := range f.items {
		tracked := &f.items[i]
		requested := tracked.Approval
		if requested == nil || tracked.Outcome == leaver.Done || tracked.Outcome == leaver.Skipped {
			continue
		}
		device, listed := f.listing(tracked.ID)
		if !listed && requested.Status != leaver.ApprovalCompleted {
			tracked.Approval = nil
		}
		if !listed {
			continue
		}
		if !staysManaged(device) {
			requested.Status = leaver.ApprovalCompleted
		}
		switch requested.Status {
		case leaver.ApprovalNeeded:
			tracked.Device.Verdict = leaver.AwaitingApproval
		case leaver.ApprovalRejected, leaver.ApprovalCancelled:
			tracked.Outcome = leaver.Failed
			tracked.Detail = fmt.Sprintf("the request for approval %s was %s in Intune", requested.Code, requested.Status)
		case leaver.ApprovalCompleted:
			if tracked.Device.Action == "" {
				asked(tracked, requested.Action())
			}
		case leaver.ApprovalExpired:
			if requested.Operation == leaver.RemoveAll {
				tracked.Approval = nil // and triage finds it
			} else if err := f.ask(ctx, tracked, requested.Operation); err != nil {
				return err
			}
		case leaver.ApprovalApproved:
			if requested.Operation == leaver.RemoveAll {
				all = append(all, tracked)
			} else if err := f.ask(ctx, tracked, requested.Operation); err != nil {
				return err
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	if f.written {
		return errNextTurn
	}
	return f.retireAll(ctx, all, f.approval(all[0]))
}

// awaitsApproval is the failure that tells of requests nobody has decided
// about yet, or nil.
func (f *fleet) awaitsApproval(ctx context.Context) error {
	codes, n := []string{}, 0
	for _, i := range f.items {
		if i.AwaitsApproval() {
			n++
			codes = append(codes, i.Approval.Code)
		}
	}
	if n == 0 {
		return nil
	}
	codes = slices.Compact(codes)
	return leaver.Failure{
		Type: leaver.ApprovalRequired,
		Message: fmt.Sprintf("%s: %s wait for a second administrator's approval in Intune, under Tenant administration, Multi Admin Approval (%s)",
			activity.GetInfo(ctx).ActivityType.Name, count(n), enumerate(codes)),
		Details: []any{leaver.StepResult{Outcome: leaver.Failed, Items: f.items, Choices: []leaver.Choice{leaver.Approved, leaver.GiveUp}}},
	}.Err()
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
	decided, pending := 0, 0
	for _, i := range step.Items {
		if !i.AwaitsApproval() {
			continue
		}
		pending++
		at := slices.IndexFunc(requests, func(r graph.ApprovalRequest) bool { return r.ID == i.Approval.Code || r.RequestID == i.Approval.Code })
		switch {
		case at >= 0:
			i.Approval.Status = leaver.ApprovalStatus(requests[at].Status)
		case time.Since(i.Approval.RequestedAt) > approvalLife:
			i.Approval.Status = leaver.ApprovalExpired
		}
		if !i.AwaitsApproval() {
			decided++
		}
	}
	if decided > 0 || pending == 0 {
		return leaver.StepResult{Outcome: leaver.Done, Detail: fmt.Sprintf("%d of %d decided", decided, pending), Items: step.Items}, nil
	}
	rhythm := a.poll
	rhythm.Longest = min(rhythm.Longest, leaver.Duration(15*time.Minute))
	why := ""
	if err != nil {
		why = "; the worker may not read how that stands, so tell it with answer and approved: " + explain(err).Message
	}
	return leaver.StepResult{}, leaver.Failure{
		Type: leaver.ApprovalRequired, Waits: true, Expected: true, After: wait(ctx, rhythm),
		Message: fmt.Sprintf("AwaitApproval: %s wait for a second administrator in Intune", count(pending)) + why,
	}.Err()
}
