package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
)

// visibilityLag is how long Temporal may take to list a workflow with its memo.
const visibilityLag = 3 * time.Second

// FindOtherOffboarding looks for another running offboarding of the same leaver that was planned before, by the memos of
// those that Temporal lists. The first attempt waits until Temporal lists what began at the same moment.
//
// Temporal: https://docs.temporal.io/visibility
func (a *Activities) FindOtherOffboarding(ctx context.Context, request leaver.OnlyRequest) (leaver.OnlyResult, error) {
	if activity.GetInfo(ctx).Attempt == 1 {
		return leaver.OnlyResult{}, leaver.Failure{Type: leaver.GraphUnavailable, Waits: true, Expected: true, After: visibilityLag,
			Message: leaver.ActivityFindOther + ": waits until Temporal lists what began at the same moment"}.Err()
	}
	result, unread, err := findOther(ctx, activity.GetClient(ctx).ListWorkflow, request)
	if err == nil && unread != "" {
		err = named(ctx, leaver.Failure{Type: leaver.GraphBadResponse, Message: unread})
	}
	return result, err
}

// mostPages bounds what each offboarding reads of the others, a thousand a page.
const mostPages = 20

// findOther looks through the running offboardings. Without another one, unread says why there may be one nevertheless,
// or is empty.
func findOther(ctx context.Context, list func(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error), request leaver.OnlyRequest) (result leaver.OnlyResult, unread string, err error) {
	query := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000, Query: leaver.RunningOffboardings}
	for range mostPages {
		page, err := list(ctx, query)
		if err != nil {
			return leaver.OnlyResult{}, "", err
		}
		for _, execution := range page.GetExecutions() {
			id := execution.GetExecution().GetWorkflowId()
			since, same, err := offboards(execution, request.Offboards.IDs)
			if err != nil {
				unread = "a memo cannot be read, as a data converter encrypts it"
			}
			first := since.Before(request.Offboards.Since) || since.Equal(request.Offboards.Since) && id < request.WorkflowID
			if same && first && id != request.WorkflowID {
				return leaver.OnlyResult{Other: id}, "", nil
			}
		}
		if query.NextPageToken = page.GetNextPageToken(); len(query.NextPageToken) == 0 {
			return leaver.OnlyResult{}, unread, nil
		}
	}
	return leaver.OnlyResult{}, "more offboardings run than are looked through", nil
}

// offboards reports whether an offboarding is of a leaver with one of the ids, and since when. A dry run is nobody's.
// It fails where a memo cannot be read.
func offboards(execution *workflowpb.WorkflowExecutionInfo, ids []string) (since time.Time, same bool, err error) {
	of, err := leaver.OffboardsIn(execution.GetMemo())
	return of.Since, slices.ContainsFunc(of.IDs, func(id string) bool { return slices.Contains(ids, id) }), err
}

// offboardedBefore finds an offboarding of the leaver that has ended, however, by the workflow ids that the starter makes
// and by this workflow's own.
func (a *Activities) offboardedBefore(ctx context.Context, l leaver.Leaver) (leaver.GuardResult, string, error) {
	if a.guards.AllowOthers || !l.AccountEnabled {
		return leaver.GuardClear, "", nil
	}
	ids := []string{leaver.WorkflowID(l.ID), leaver.WorkflowID(l.UserPrincipalName)}
	own := activity.GetInfo(ctx).WorkflowExecution.ID
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus IN ('Completed', 'Failed', 'Canceled', 'Terminated', 'TimedOut') AND WorkflowId IN ('%s', '%s', '%s')", leaver.WorkflowType, ids[0], ids[1], strings.ReplaceAll(own, "'", "''"))
	page, err := activity.GetClient(ctx).ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 100, Query: query})
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case err != nil:
		return leaver.GuardNotChecked, "Temporal does not list the offboardings that have ended", nil
	}
	for _, execution := range page.GetExecutions() {
		switch _, same, err := offboards(execution, ids); {
		case err != nil: // the workflow's id is the leaver's, or this one's
			return leaver.GuardNotChecked, "whom an offboarding that has ended was about cannot be read: a data converter encrypts it", nil
		case same:
			return leaver.GuardApproval, fmt.Sprintf("an offboarding of this user ended on %s, and the account is enabled: has the person been hired again?", execution.GetCloseTime().AsTime().Format(time.DateOnly)), nil
		}
	}
	return leaver.GuardClear, "", nil
}
