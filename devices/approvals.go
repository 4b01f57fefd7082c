package devices

import (
	"fmt"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
)

const (
	// approvalLife is how long a second administrator has to decide.
	//
	// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
	approvalLife = 3 * 24 * time.Hour
	// approvalGrace is how much longer a request is waited for that Intune lists.
	approvalGrace = 24 * time.Hour
)

// queued is a device whose request waits for a second administrator, or is decided.
func (f *Fleet) queued(d *Device, last *leaver.Call, now time.Time) Stand {
	request, action := f.Approval(last.ApprovalCode), f.wanted(d, last)
	expired, end := request == nil || f.hasExpired(request, now), f.deadline(d.FoundAt.time())
	switch {
	case expired && f.NoPerson && !end.After(now):
		// Nobody could end the filing otherwise.
		return f.question(d, "nobody has decided about the request for approval "+last.ApprovalCode, leaver.ApprovalRequired, now)
	case d.choice() == leaver.Retry, expired:
		s := f.ask(d, action, "", last.Again, now)
		if f.NoPerson && s.Until.After(end) {
			s.Until = end // what holds the filing back lasts longer
		}
		return s
	case request.Status == leaver.ApprovalNeeded:
		return f.awaits(d, request)
	case request.Status == leaver.ApprovalApproved && action != last.Action:
		// The request was for what the policy wanted before the device's owner changed.
		return f.ask(d, action, "", last.Again, now)
	case request.Status == leaver.ApprovalApproved:
		return f.ask(d, action, last.ApprovalCode, last.Again, now)
	}
	return f.question(d, fmt.Sprintf("the request for approval %s was %s in Intune", request.Code, request.Status), "", now)
}

// expires is when a request expires that nobody decides about. Where the requests can be
// read, Intune itself says so, by its own clock.
func (f *Fleet) expires(request *leaver.Approval) time.Time {
	if f.ApprovalsUnread == "" {
		return request.RequestedAt.Add(approvalLife + approvalGrace)
	}
	return request.RequestedAt.Add(approvalLife)
}

func (f *Fleet) hasExpired(request *leaver.Approval, now time.Time) bool {
	return request.Status == leaver.ApprovalExpired || request.Status == leaver.ApprovalNeeded && !f.expires(request).After(now)
}

func (f *Fleet) awaits(d *Device, request *leaver.Approval) Stand {
	return Stand{Verdict: leaver.AwaitingApproval, Until: f.expires(request), Detail: d.listing()}
}

// sharedRequest is a request for approval of the one action for all, while it waits,
// or nil: it is for whatever devices there are.
func (f *Fleet) sharedRequest(now time.Time) *leaver.Approval {
	return first(f.Approvals, func(a *leaver.Approval) bool {
		return a.Operation == leaver.RemoveAll && a.Status == leaver.ApprovalNeeded && !f.hasExpired(a, now) && f.awaited(a.Code)
	})
}

// requestOf is the request for approval of a device's last call, or before there is a
// call the shared request; nil where there is none.
func (f *Fleet) requestOf(d *Device, now time.Time) *leaver.Approval {
	if last := d.lastCall(); last != nil {
		return f.Approval(last.ApprovalCode)
	}
	return f.sharedRequest(now)
}

// awaited reports whether a device waits for the request with a code.
func (f *Fleet) awaited(code string) bool {
	return slices.ContainsFunc(f.Devices, func(d *Device) bool {
		last := d.lastCall()
		return !d.Gone && last != nil && last.ApprovalCode == code && d.choice() == ""
	})
}
