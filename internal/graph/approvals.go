package graph

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// approvalCodeHeader names a request for approval, in the answer that files it and
// in the call that it allows.
const approvalCodeHeader = "x-msft-approval-code"

// Approval is what a call carries where the tenant may demand a second
// administrator's approval (Intune's Multi Admin Approval); elsewhere it is not
// heeded. Without a code the call files a request for approval, whose code is in
// Error.ApprovalCode; once that is approved, the same call with the code is done.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
type Approval struct {
	// Justification is for the other administrator, at most 1024 characters.
	Justification string
	Code          string
}

// with adds the headers to the calls made with the context.
func (a Approval) with(ctx context.Context) context.Context {
	header := http.Header{}
	if a.Justification != "" {
		header.Set("x-msft-approval-justification", base64.StdEncoding.EncodeToString([]byte(a.Justification)))
	}
	if a.Code != "" {
		header.Set(approvalCodeHeader, a.Code)
	}
	return policy.WithHTTPHeader(ctx, header)
}

// ApprovalRequest is a request for approval and what has become of it.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/intune-rbac-operationapprovalrequest?view=graph-rest-beta
type ApprovalRequest struct {
	ID string `json:"id"`
	// RequestID is what Microsoft's page of Multi Admin Approval calls the code;
	// others have found the code in ID.
	RequestID string `json:"requestId"`
	// Status is needsApproval, approved, rejected, cancelled, completed or expired.
	Status string `json:"status"`
}

var listApprovalRequests = call{http.MethodGet, "list operationApprovalRequests", "DeviceManagementConfiguration.Read.All"}

// ApprovalRequests lists the tenant's requests for approval, all pages. The
// call is one of Graph's beta.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-rbac-operationapprovalrequest-list?view=graph-rest-beta
func (c *Client) ApprovalRequests(ctx context.Context) ([]ApprovalRequest, error) {
	return list[ApprovalRequest](ctx, c, listApprovalRequests, c.beta+"/deviceManagement/operationApprovalRequests")
}
