package workflows

import (
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// onlyPatience is how long Temporal is asked whether there is another offboarding.
const onlyPatience = 2 * time.Minute

// beOnly fails where another offboarding of the leaver runs. It tells in a memo whom this one is about, so that
// others find it.
func (o *offboarding) beOnly(ctx workflow.Context, plan leaver.Plan) error {
	if !plan.Only || o.request.DryRun {
		return nil
	}
	// Who began first may be planned last, and nobody finds it before.
	offboards := leaver.Offboards{Since: workflow.Now(ctx), IDs: []string{leaver.WorkflowID(plan.Leaver.ID), leaver.WorkflowID(plan.Leaver.UserPrincipalName)}}
	if err := workflow.UpsertMemo(ctx, map[string]any{leaver.MemoOffboards: offboards}); err != nil {
		return err
	}
	options := readOptions("Look for another offboarding of the leaver")
	options.ScheduleToCloseTimeout = onlyPatience
	ctx, release := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	defer release()
	finding := workflow.ExecuteActivity(ctx, leaver.ActivityFindOther, leaver.OnlyRequest{WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Offboards: offboards})
	o.attendTo(ctx, finding)
	var found leaver.OnlyResult
	err := finding.Get(ctx, &found)
	switch {
	case temporal.IsCanceledError(err) || ctx.Err() != nil:
		return ctx.Err()
	case err != nil && plan.Strict:
		return leaver.Failure{Type: leaver.ProtectedUser, Message: string(leaver.GuardOnly) + " could not be checked: the running offboardings could not be read from Temporal; nothing was touched"}.Err()
	case err != nil:
		o.Report.Guards = append(o.Report.Guards, leaver.Guard{Name: leaver.GuardOnly, Result: leaver.GuardNotChecked, Detail: "the running offboardings could not be read from Temporal"})
	case found.Other != "":
		return leaver.Failure{Type: leaver.AlreadyOffboarding, Message: "the offboarding " + found.Other + " of the same user runs already; nothing was touched by this one"}.Err()
	}
	return nil
}
