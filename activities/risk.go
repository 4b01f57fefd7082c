package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// ConfirmCompromised confirms to Identity Protection that the leaver is compromised, and reads that back.
//
// Microsoft: POST /identityProtection/riskyUsers/confirmCompromised, GET /identityProtection/riskyUsers/{id}.
func (a *Activities) ConfirmCompromised(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	const confirmed = "the account is confirmed compromised; the tenant's policies act upon the risk"
	id, err := a.objectID(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	state, err := a.graph.RiskState(ctx, id)
	switch {
	case notLicensed(err):
		return leaver.StepResult{Outcome: leaver.Skipped, Detail: "not licensed: the tenant has no Entra ID P2, and so no Identity Protection"}, nil
	case err != nil && !notFound(err): // of most users no risk was ever seen
		return leaver.StepResult{}, failure(ctx, err)
	case state == graph.ConfirmedCompromised && activity.GetInfo(ctx).Attempt > 1:
		return done(confirmed), nil
	case state == graph.ConfirmedCompromised:
		return alreadyDone("the account was confirmed compromised before"), nil
	}
	if err := a.graph.ConfirmCompromised(ctx, id); a.isDeleted(ctx, id, err) {
		return leaver.StepResult{Outcome: leaver.Skipped, Detail: accountDeleted}, nil
	} else if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch state, err = a.graph.RiskState(ctx, id); {
	case err != nil && !notFound(err):
		return leaver.StepResult{}, failure(ctx, err)
	case state != graph.ConfirmedCompromised:
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	return done(confirmed), nil
}
