package graphsim

import (
	"cmp"
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
	Code, Status, Justification string
	At                          time.Time
	// Call is the method, path and body. The call that carries the code must repeat
	// them, and the justification too.
	Call string
}

// approvalLasts is how long a request waits for a second administrator before it expires.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
const approvalLasts = 3 * 24 * time.Hour

// expire ends the requests that nobody has decided about in time. The tenant is locked.
func (t *Tenant) expire() {
	for i := range t.approvals {
		if r := &t.approvals[i]; r.Status == "needsApproval" && t.now().Sub(r.At) >= approvalLasts {
			r.Status = "expired"
		}
	}
}

// Approvals lists the requests for approval so far, in order.
func (t *Tenant) Approvals() []ApprovalRequest {
	defer t.lock()()
	t.expire()
	return slices.Clone(t.approvals)
}

// Decide gives a request another status of those that Microsoft documents, such as approved or rejected by a
// second administrator. A request also expires by itself; Decide makes it expire at once. It returns false
// when there is no such status, or no such request that has not expired.
func (t *Tenant) Decide(code, status string) bool {
	if !slices.Contains([]string{"approved", "rejected", "cancelled", "expired", "completed", "needsApproval", "unknown", "unknownFutureValue"}, status) {
		return false
	}
	defer t.lock()()
	t.expire()
	request := find(t.approvals, func(r ApprovalRequest) bool { return r.Code == code && r.Status != "expired" })
	if request != nil {
		request.Status = status
	}
	return request != nil
}

// approved files a request for a call that needs approval, and does the call once the request is approved.
func approved(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		path := q.route.path
		all, single := strings.HasSuffix(path, "/removeAllDevicesFromManagement"), strings.Contains(path, "/managedDevices/")
		if !t.settings.MultiAdminApproval || all && !t.settings.ApprovalForAll || !all && !single && !t.settings.ApprovalForRest {
			return do(t, q)
		}
		t.expire()
		call := q.request.Method + " " + strings.Replace(q.route.path, "{id}", q.id, 1) + " " + string(q.body)
		justification, err := base64.StdEncoding.DecodeString(q.request.Header.Get("x-msft-approval-justification"))
		if code := q.request.Header.Get("x-msft-approval-code"); code != "" {
			request := find(t.approvals, func(r ApprovalRequest) bool {
				return r.Code == code && r.Call == call && r.Justification == string(justification) && r.Status == "approved"
			})
			if request == nil {
				return intuneFault(http.StatusBadRequest, "BadRequest", "The approval code is not valid for this request.")
			}
			a := do(t, q)
			if a.status < 300 {
				request.Status = "completed"
			}
			return a
		}
		switch {
		case len(justification) == 0:
			return intuneFault(http.StatusBadRequest, "BadRequest", "Header 'x-msft-approval-justification' is required to request approval.")
		case err != nil || utf8.RuneCount(justification) > 1024:
			return intuneFault(http.StatusBadRequest, "BadRequest", "Header 'x-msft-approval-justification' must be base64 of at most 1024 characters.")
		case find(t.approvals, func(r ApprovalRequest) bool { return r.Call == call && r.Status == "needsApproval" }) != nil:
			return intuneFault(http.StatusConflict, "Conflict", "An approval request for this operation is pending.")
		}
		request := ApprovalRequest{Code: uuid.NewString(), Status: "needsApproval", Justification: string(justification), At: t.now(), Call: call}
		t.approvals = append(t.approvals, request)
		return intuneFault(cmp.Or(t.settings.ApprovalStatus, http.StatusForbidden), "ApprovalRequired", "The operation waits for approval.").
			with("x-msft-approval-code", request.Code)
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
	a := collection("", all)
	a.body["@odata.context"] = "https://graph.microsoft.com/beta/$metadata#deviceManagement/operationApprovalRequests"
	return a
}

// spend takes n actions from what Intune lets through in a day and does them, or refuses. Microsoft documents
// neither the refusal nor when the day begins; here it begins at midnight UTC.
func (t *Tenant) spend(what string, n, limit int, do func()) answer {
	if day := t.now().UTC().Truncate(24 * time.Hour); !day.Equal(t.day) {
		t.day, t.spent = day, map[string]int{}
	}
	if limit > 0 && t.spent[what]+n > limit {
		return intuneFault(http.StatusTooManyRequests, "TooManyRequests", "The daily limit for "+what+" actions has been exceeded for this tenant.").
			with("Retry-After", t.settings.NextDay)
	}
	t.spent[what] += n
	do()
	return noContent
}

// NextDay gives the tenant all of its daily limits back, as a new day does.
func (t *Tenant) NextDay() {
	defer t.lock()()
	t.spent = map[string]int{}
}
