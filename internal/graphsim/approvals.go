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
	// Call is the method, path and body, which the call that carries the code
	// must repeat, and its justification too.
	Call string `json:"call"`
}

// Approvals lists the requests for approval so far, in order.
func (t *Tenant) Approvals() []ApprovalRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []ApprovalRequest
	for _, request := range t.approvals {
		all = append(all, *request)
	}
	return all
}

// Decide is what a second administrator does about a request: approved,
// rejected, cancelled; or nobody for three days: expired; or one of the other
// statuses that Microsoft documents. It returns false when there is no such
// request or status.
func (t *Tenant) Decide(code, status string) bool {
	if !slices.Contains([]string{"approved", "rejected", "cancelled", "expired", "completed", "needsApproval", "unknown", "unknownFutureValue"}, status) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, request := range t.approvals {
		if request.Code == code {
			request.Status = status
			return true
		}
	}
	return false
}

// approved queues a call until it is approved, or lets it do what it is for.
func approved(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		all := strings.HasSuffix(q.request.URL.Path, "/removeAllDevicesFromManagement")
		if !t.settings.MultiAdminApproval || all && !t.settings.ApprovalForAll {
			return do(t, q)
		}
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
		request := &ApprovalRequest{Code: uuid.NewString(), Status: "needsApproval", Justification: string(justification), At: time.Now(), Call: call}
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
	all := []any{}
	for _, request := range t.approvals {
		all = append(all, map[string]any{
			"id": request.Code, "requestDateTime": stamp(request.At), "expirationDateTime": stamp(request.At.Add(3 * 24 * time.Hour)),
			"requestJustification": request.Justification, "status": request.Status,
		})
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"@odata.context": "https://graph.microsoft.com/beta/$metadata#deviceManagement/operationApprovalRequests", "value": all,
	}}
}

// spend takes from what Intune lets through in a day, or refuses. Microsoft
// does not say how that reads.
func (t *Tenant) spend(what string, n, limit int) (refusal answer, refused bool) {
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

// NextDay begins a new day for Intune's daily limits.
func (t *Tenant) NextDay() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent = map[string]int{}
}
