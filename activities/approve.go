package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
)

// VerifyApproval says who signed an approval of a plan, by the allowed signers of the worker's configuration. It
// fails with InvalidRequest where the signature does not count, which says why.
//
// OpenSSH: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
func (a *Activities) VerifyApproval(ctx context.Context, request leaver.VerifyRequest) (leaver.Signer, error) {
	statement := leaver.Statement{Decision: leaver.Approve, WorkflowID: request.WorkflowID, FirstRunID: request.FirstRunID, Plan: request.Plan}
	approver, err := a.signers.Verify(statement, request.Signature, request.At)
	if err != nil {
		return leaver.Signer{}, invalid(ctx, "signature: "+err.Error())
	}
	return leaver.Signer{Principal: approver.Principal, Key: approver.Fingerprint}, nil
}
