package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"go.temporal.io/sdk/workflow"
)

// accountDisabled reports whether steps are to change nothing once somebody has enabled the account: the
// offboarding has disabled it, and nobody has decided to go on though it is enabled.
func (o *offboarding) accountDisabled() bool {
	return o.Report.EnabledAgain == nil && slices.ContainsFunc(o.Steps, func(s *step) bool {
		return s.DisablesAccount && (s.Outcome == leaver.Done || s.Outcome == leaver.AlreadyDone)
	})
}

// held reports whether nothing is to be changed until a person has decided whether the offboarding goes on.
func (o *offboarding) held() bool { return o.Report.Approval.IsOpen() || o.enabledAgain() }

// enabledAgain reports whether somebody has enabled the account, and nobody has decided about that.
func (o *offboarding) enabledAgain() bool {
	return o.Report.EnabledAgain != nil && o.Report.EnabledAgain.Continued == nil
}

// askForApproval has the plan approved before anything is touched, where it says so.
func (o *offboarding) askForApproval(ctx workflow.Context, plan leaver.Plan) {
	if plan.Approvals == 0 || o.request.DryRun {
		return
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
}

// judgePlan carries out an approval, or a rejection.
func (o *offboarding) judgePlan(decided leaver.Decided) {
	if decided.Action == leaver.Reject {
		o.Report.Approval.Rejected = &decided
		o.stop()
		return
	}
	o.Report.Approval.Given = append(o.Report.Approval.Given, decided)
}

// mayJudge says why a person cannot approve or reject the plan now, or is nil.
func (o *offboarding) mayJudge(action leaver.Action, by string) error {
	switch approval := o.Report.Approval; {
	case !approval.IsOpen():
		return errors.New("no plan waits for this")
	case action == leaver.Approve && by == "":
		return errors.New("by: is missing, want the name of the person who approves")
	case action == leaver.Approve && slices.ContainsFunc(approval.Given, func(d leaver.Decided) bool { return ascii.EqualFold(d.By, by) }):
		return errors.New("by: has approved already, and another person is needed")
	}
	return nil
}

// hold notes that a step has found the account enabled. Where the step is not to ask a person, the offboarding
// ends.
func (o *offboarding) hold(ctx workflow.Context, s *step) {
	if o.Report.EnabledAgain == nil {
		o.Report.EnabledAgain = &leaver.EnabledAgain{FoundAt: workflow.Now(ctx)}
	}
	if s.OnFailure != leaver.Ask && o.enabledAgain() {
		o.stop()
	}
}

// goOn carries out the decision to go on.
func (o *offboarding) goOn(decided leaver.Decided) {
	o.Report.EnabledAgain.Continued = &decided
	for _, s := range o.Steps {
		if s.runner != nil {
			s.runner.wake()
		}
	}
}

// heldFor is what the whole offboarding waits for, while it is held.
func (o *offboarding) heldFor() leaver.Wait {
	if approval := o.Report.Approval; approval.IsOpen() {
		return leaver.Wait{For: leaver.WaitForPerson, Since: approval.Since, Actions: []leaver.Action{leaver.Approve, leaver.Reject, leaver.Abort},
			Why: fmt.Sprintf("the plan must be approved before anything is touched (%d of %d): %s", len(approval.Given), approval.Needed, approval.Why)}
	}
	at := o.Report.EnabledAgain.FoundAt
	return leaver.Wait{For: leaver.WaitForPerson, Since: at, Actions: []leaver.Action{leaver.ContinueOffboarding, leaver.Abort}, Why: "the account was found enabled again at " + clock(at) + ": has the person been hired again? Nothing is changed until a person decides"}
}
