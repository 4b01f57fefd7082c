package workflows

import (
	"slices"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/workflow"
)

// accountDisabled reports whether steps are to change nothing once somebody has enabled the account: the
// offboarding has disabled it, or it was deleted and can be restored, and nobody has decided to go on though it is
// enabled.
func (o *offboarding) accountDisabled() bool {
	goesOn := o.Report.EnabledAgain != nil && o.Report.EnabledAgain.Continued != nil
	return !goesOn && (o.Report.Leaver.Deleted || slices.ContainsFunc(o.Steps, func(s *step) bool {
		return s.DisablesAccount && (s.Outcome == leaver.Done || s.Outcome == leaver.AlreadyDone)
	}))
}

// held reports whether nothing is to be changed until a person has decided whether the offboarding goes on.
func (o *offboarding) held() bool {
	return o.Report.EndedAt.IsZero() && (o.Report.Approval.IsOpen() || o.enabledAgain())
}

// enabledAgain reports whether somebody has enabled the account, and nobody has decided about that.
func (o *offboarding) enabledAgain() bool {
	return o.Report.EnabledAgain != nil && o.Report.EnabledAgain.Continued == nil
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
		return approvalWait(approval)
	}
	at := o.Report.EnabledAgain.FoundAt
	return leaver.Wait{For: leaver.WaitForPerson, Since: at, Actions: []leaver.Action{leaver.ContinueOffboarding, leaver.Abort}, Why: "the account was found enabled again at " + clock(at) + ": has the person been hired again? Nothing is changed until a person decides"}
}
