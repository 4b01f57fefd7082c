package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/ascii"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// verification is an approval whose signature is looked at.
type verification struct {
	*call
	decided leaver.Decided
	done    bool
	refused error
}

// askForApproval has the plan approved before anything is touched, where it says so.
func (o *offboarding) askForApproval(ctx workflow.Context, plan leaver.Plan) error {
	if plan.Approvals == 0 || o.request.DryRun {
		return nil
	}
	var why []string
	for _, g := range plan.Guards {
		if g.Result == leaver.GuardApproval {
			why = append(why, g.Detail)
		}
	}
	if len(why) == 0 {
		why = []string{"the worker's configuration has such plans approved"}
	}
	o.Report.Approval = &leaver.PlanApproval{Since: workflow.Now(ctx), Why: strings.Join(why, "; "), Needed: plan.Approvals}
	if !plan.Signed {
		return nil
	}
	// What people sign is recorded: a release may write a plan otherwise.
	err := workflow.SideEffect(ctx, func(workflow.Context) any {
		text, err := o.snapshot().PlanText()
		if err != nil {
			return ""
		}
		return leaver.Digest(text)
	}).Get(&o.Report.Approval.Plan)
	if err == nil {
		o.Report.Approval.Statement, err = o.statement(ctx).Text()
	}
	if err != nil {
		return leaver.Failure{Type: leaver.InvalidRequest, Message: "the plan cannot be approved: " + err.Error()}.Err()
	}
	return nil
}

// statement is what people sign about the plan.
func (o *offboarding) statement(ctx workflow.Context) leaver.Statement {
	info := workflow.GetInfo(ctx)
	return leaver.Statement{Decision: leaver.Approve, WorkflowID: info.WorkflowExecution.ID, FirstRunID: info.FirstRunID, Plan: o.Report.Approval.Plan}
}

// judgePlan carries out an approval, or a rejection. A signature is looked at first.
func (o *offboarding) judgePlan(ctx workflow.Context, decided leaver.Decided) {
	signature := decided.Signature
	decided.Signature = ""
	switch {
	case decided.Action == leaver.Reject:
		o.Report.Approval.Rejected = &decided
		o.stop()
	case o.Report.Approval.Statement == "":
		o.Report.Approval.Given = append(o.Report.Approval.Given, leaver.PlanApproved{Decided: decided})
	default:
		statement := o.statement(ctx)
		request := leaver.VerifyRequest{WorkflowID: statement.WorkflowID, FirstRunID: statement.FirstRunID, Plan: statement.Plan, Signature: signature, At: decided.At}
		v := &verification{decided: decided, call: begin(ctx, devices.Write{}, readOptions("Look who signed the approval"), leaver.ActivityVerifyApproval, request)}
		o.verifying = append(o.verifying, v)
	}
}

// verified reports whether it is known of an approval who signed it.
func (o *offboarding) verified() bool {
	return slices.ContainsFunc(o.verifying, func(v *verification) bool { return v.ended() })
}

// takeVerified counts the approvals that people who may approve have signed.
func (o *offboarding) takeVerified(ctx workflow.Context) {
	for _, v := range o.verifying {
		if !v.ended() {
			continue
		}
		var signer leaver.Signer
		err := v.take(ctx, &signer)
		failure, failed := errors.AsType[*temporal.ApplicationError](err)
		switch {
		case failed:
			v.refused = errors.New(failure.Message())
		case err != nil:
			v.refused = errors.New("signature: it could not be looked at in time, send it again")
		default:
			v.refused = o.counts(signer)
		}
		if v.done = true; v.refused == nil {
			o.Report.Approval.Given = append(o.Report.Approval.Given, leaver.PlanApproved{Decided: v.decided, Signer: signer})
		} else {
			o.refuse(ctx, leaver.Approve, v.refused)
		}
	}
	o.verifying = slices.DeleteFunc(o.verifying, func(v *verification) bool { return v.done })
	o.show(ctx)
}

// counts says why the approval of a signer does not count, or is nil.
func (o *offboarding) counts(signer leaver.Signer) error {
	switch approval := o.Report.Approval; {
	case !approval.IsOpen():
		return errNoPlanWaits
	case o.isLeaver(signer.Principal):
		return errors.New("signature: it is the leaver's own")
	case slices.ContainsFunc(approval.Given, func(g leaver.PlanApproved) bool {
		return ascii.EqualFold(g.Principal, signer.Principal) || g.Key == signer.Key
	}):
		return errors.New("signature: this person has approved already, and another one is needed")
	}
	return nil
}

var errNoPlanWaits = errors.New("no plan waits for this")

// mayJudge says why a person cannot approve or reject the plan now, or is nil.
func (o *offboarding) mayJudge(action leaver.Action, decision leaver.Decision) error {
	approval := o.Report.Approval
	signed := approval != nil && approval.Statement != ""
	switch {
	case !approval.IsOpen():
		return errNoPlanWaits
	case action == leaver.Reject:
		return nil
	case signed && decision.Signature == "":
		return errors.New("signature: is missing: sign with starter approve, or sign the statement that progress shows with ssh-keygen -Y sign -n leaver-approval@leaver.dev")
	case signed:
		return nil
	case decision.Signature != "":
		return errors.New("signature: this worker knows no allowed signers (LEAVER_ALLOWED_SIGNERS), and takes approvals without a signature")
	case decision.By == "":
		return errors.New("by: is missing, want the name of the person who approves")
	case slices.ContainsFunc(approval.Given, func(g leaver.PlanApproved) bool { return ascii.EqualFold(g.By, decision.By) }):
		return errors.New("by: has approved already, and another person is needed")
	}
	return nil
}

// approvalWait is what an offboarding waits for whose plan must be approved.
func approvalWait(approval *leaver.PlanApproval) leaver.Wait {
	return leaver.Wait{For: leaver.WaitForPerson, Since: approval.Since, Actions: []leaver.Action{leaver.Approve, leaver.Reject, leaver.Abort},
		Why: fmt.Sprintf("the plan must be approved before anything is touched (%d of %d): %s", len(approval.Given), approval.Needed, approval.Why)}
}
