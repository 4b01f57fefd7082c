package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graph"
)

const (
	// errAwaitsApproval waits for a second administrator.
	errAwaitsApproval = errNotYet("a second administrator is to approve this in Intune first; looking again")
	// errApprovalLags is Intune asking for an approval that it lists as given.
	errApprovalLags = errNotYet("Intune has approved this and does not take the approval yet, trying again")
)

// errApprovalsUnread says why the requests for approval cannot be read.
type errApprovalsUnread string

func (e errApprovalsUnread) Error() string { return string(e) }

// justified is what a call carries where the tenant may demand a second administrator's approval; one without
// a code files a request.
func justified(reason, code string) graph.Approval {
	return graph.Approval{Justification: cmp.Or(reason, leaver.Request{}.Justification()), Code: code}
}

// writeItem changes an item, once a second administrator has approved that where the tenant demands it. It
// returns nil where the change was made, or else the request for approval: one that was filed now, or one that
// was refused.
func (a *Activities) writeItem(ctx context.Context, request leaver.ItemRequest, write func(context.Context, string, graph.Approval) error) (*leaver.Approval, error) {
	code, told := "", false
	if filed := request.Item.Approval; filed != nil {
		code, told = filed.Code, filed.Told
		request := *filed
		var err error
		request.Status, err = a.decidedAbout(ctx, filed)
		switch {
		case err != nil:
			return nil, err
		case request.Status == leaver.ApprovalCompleted: // by an attempt whose answer was lost
			return nil, nil
		case request.Status != leaver.ApprovalApproved:
			return &request, nil
		}
	}
	err := write(ctx, request.Item.ID, justified(request.Reason, code))
	refusal, answered := errors.AsType[*graph.Error](err)
	switch {
	case !answered || refusal.ApprovalCode == "":
		return nil, err
	case refusal.ApprovalCode == code && !told:
		return nil, errApprovalLags
	}
	return &leaver.Approval{Code: refusal.ApprovalCode, Status: leaver.ApprovalNeeded, Operation: leaver.ChangeItem, RequestedAt: time.Now().UTC()}, nil
}

// unused is the request for approval of an item that is found to need no change any more, as the request stands: an
// earlier attempt may have used it.
func (a *Activities) unused(ctx context.Context, filed *leaver.Approval) *leaver.Approval {
	if filed == nil {
		return nil
	}
	request := *filed
	if status, err := a.decidedAbout(ctx, filed); err == nil {
		request.Status = status
	}
	return &request
}

// decidedAbout returns what was decided about a request for approval. That nothing was decided yet is an error.
func (a *Activities) decidedAbout(ctx context.Context, filed *leaver.Approval) (leaver.ApprovalStatus, error) {
	if filed.Told {
		return leaver.ApprovalApproved, nil
	}
	decided, unread, err := a.readApprovals(ctx, devices.LookRequest{Approvals: map[string]leaver.ApprovalStatus{filed.Code: leaver.ApprovalNeeded}})
	switch status := decided[filed.Code]; {
	case err != nil:
		return "", err
	case unread != "":
		return "", errApprovalsUnread(unread)
	case status == "":
		return "", errAwaitsApproval
	default:
		return status, nil
	}
}
