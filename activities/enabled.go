package activities

import (
	"context"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/activity"
)

// isEnabledAgain reports whether somebody has enabled an account that the offboarding had disabled. Where it has
// not, nothing is read. An account that is gone is enabled for nobody.
//
// Microsoft: GET /users/{id}.
func (a *Activities) isEnabledAgain(ctx context.Context, disabled bool, userID string) (bool, error) {
	if !disabled {
		return false, nil
	}
	for twice := false; ; twice = true {
		user, err := a.graph.User(ctx, userID)
		if !notFound(err) {
			return user.AccountEnabled, err
		}
		switch _, missing := a.graph.DeletedUser(ctx, userID); {
		case missing == nil:
			return false, nil
		case !notFound(missing):
			return false, missing
		case twice: // deleted for good, or more than 30 days ago
			return false, nil
		}
		select {
		case <-time.After(a.secondLook):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// heldBack fails where somebody has enabled the account.
func (a *Activities) heldBack(ctx context.Context, disabled bool, userID string) error {
	switch enabled, err := a.isEnabledAgain(ctx, disabled, userID); {
	case err != nil:
		return failure(ctx, err)
	case enabled:
		return accountEnabled(ctx)
	}
	return nil
}

func accountEnabled(ctx context.Context) error {
	return named(ctx, leaver.Failure{Type: leaver.AccountEnabled, Message: "somebody has enabled the account again, so nothing was changed: " + leaver.WorkflowType + " asks a person whether it goes on"})
}

// held is the outcome of a call that is not made because somebody has enabled the account. An earlier attempt may
// have made it.
func held(ctx context.Context) devices.Outcome {
	if activity.GetInfo(ctx).Attempt > 1 {
		return devices.Outcome{Answer: devices.Unknown, Why: answerLost, AccountEnabled: true}
	}
	return devices.Outcome{Answer: devices.Held, AccountEnabled: true}
}
