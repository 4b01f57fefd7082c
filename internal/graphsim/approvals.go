package graphsim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// ApprovalRequest is a call that waits for a second administrator.
type ApprovalRequest struct {
	Code          string    `json:"id"`
	Status        string    `json:"status"`
	Justification string    `json:"requestJustification"`
	At            time.Time `json:"requestDateTime"`
	// Call is the method, path and body. The call that carries the code must repeat
	// them, and the justification too.
	Call string `json:"call"`
}

// approvalLasts is how long a request waits for a second administrator before it
// expires.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
const approvalLasts = 3 * 24 * time.Hour

// expire ends the requests that nobody has decided about in time. The tenant is
// locked.
func (t *Tenant) expire() {
	now := t.now()
	for _, request := range t.approvals {
		if request.Status == "needsApproval" && now.Sub(request.At) >= approvalLasts {
			request.Status = "expired"
		}
	}
}

// Approvals lists the requests for approval so far, in order.
func (t *Tenant) Approvals() []ApprovalRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire()
	var all []ApprovalRequest
	for _, request := range t.approvals {
		all = append(all, *request)
	}
	return all
}

// Decide gives a request another status of those that Microsoft documents, such as
// approved or rejected by a second administrator. A request also expires by
// itself; Decide makes it expire at once. It returns false when there is no such
// status, or no such request that has not expired.
func (t *Tenant) Decide(code, status string) bool {
	if !slices.Contains([]string{"approved", "rejected", "cancelled", "expired", "completed", "needsApproval", "unknown", "unknownFutureValue"}, status) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire()
	for _, request := range t.approvals {
		if request.Code == code && request.Status != "expired" {
			request.Status = status
			return true
		}
	}
	return false
}

// approved files a request for a call that needs approval, and does the call once
// the request is approved.
func approved(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		all := strings.HasSuffix(q.request.URL.Path, "/removeAllDevicesFromManagement")
		if !t.settings.MultiAdminApproval || all && !t.settings.ApprovalForAll {
			return do(t, q)
		}
		t.expire()
		call := q.request.Method + " " + q.request.URL.Path + " " + string(q.body)
		justification, err := base64.StdEncoding.DecodeString(q.request.Header.Get("x-msft-approval-justification"))
		if code := q.request.Header.Get("x-msft-approval-code"); code != "" {
			for _, request := range t.approvals {
				if request.Code != code || request.Call != call || request.Justification != string(justification) || request.Status != "approved" {
					continue
				}
				a := do(t, q)
				if a.status < 300 {
					request.Status = "completed"
				}
				return a
			}
			return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "The approval code is not valid for this request."))
		}
		switch {
		case len(justification) == 0:
			return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Header 'x-msft-approval-justification' is required to request approval."))
		case err != nil || utf8.RuneCount(justification) > 1024:
			return fault(http.StatusBadRequest, "BadRequest", intuneMessage("BadRequest", "Header 'x-msft-approval-justification' must be base64 of at most 1024 characters."))
		}
		for _, request := range t.approvals {
			if request.Call == call && request.Status == "needsApproval" {
				return fault(http.StatusConflict, "Conflict", intuneMessage("Conflict", "An approval request for this operation is pending."))
			}
		}
		request := &ApprovalRequest{Code: uuid.NewString(), Status: "needsApproval", Justification: string(justification), At: t.now(), Call: call}
		t.approvals = append(t.approvals, request)
		status := t.settings.ApprovalStatus
		if status == 0 {
			status = http.StatusForbidden
		}
		a := fault(status, "ApprovalRequired", intuneMessage("ApprovalRequired", "The operation waits for approval."))
		a.header = map[string]string{"x-msft-approval-code": request.Code}
		return a
	}
}

func (t *Tenant) listApprovals(query) answer {
	t.expire()
	all := []any{}
	for _, request := range t.approvals {
		all = append(all, map[string]any{
			"id": request.Code, "requestDateTime": stamp(request.At), "expirationDateTime": stamp(request.At.Add(approvalLasts)),
			"requestJustification": request.Justification, "status": request.Status,
		})
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"@odata.context": "https://graph.microsoft.com/beta/$metadata#deviceManagement/operationApprovalRequests", "value": all,
	}}
}

// spend takes n actions from what Intune lets through in a day, or refuses.
// Microsoft documents neither the refusal nor when the day begins; here it begins
// at midnight UTC.
func (t *Tenant) spend(what string, n, limit int) (refusal answer, refused bool) {
	if day := t.now().UTC().Truncate(24 * time.Hour); !day.Equal(t.day) {
		t.day, t.spent = day, map[string]int{}
	}
	if limit > 0 && t.spent[what]+n > limit {
		a := fault(http.StatusTooManyRequests, "TooManyRequests", intuneMessage("TooManyRequests", "The daily limit for "+what+" actions has been exceeded for this tenant."))
		if t.settings.NextDay != "" {
			a.header = map[string]string{"Retry-After": t.settings.NextDay}
		}
		return a, true
	}
	t.spent[what] += n
	return answer{}, false
}

// NextDay gives the tenant all of its daily limits back, as a new day does.
func (t *Tenant) NextDay() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent = map[string]int{}
}
