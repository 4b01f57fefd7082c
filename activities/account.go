package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// DisableAccount blocks the leaver's sign-in and reads it back. Only the first attempt can tell that sign-in
// was blocked before: a later one may see what an attempt did whose answer was lost.
//
// Microsoft: PATCH /users/{id} with accountEnabled false.
func (a *Activities) DisableAccount(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	user, err := a.graph.User(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err):
		return alreadyDone(accountDeleted), nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case !user.AccountEnabled && activity.GetInfo(ctx).Attempt > 1:
		return done(blocked(user)), nil
	case !user.AccountEnabled:
		return alreadyDone("sign-in was blocked before"), nil
	}
	if err := a.graph.SetAccountEnabled(ctx, user.ID, false); user.OnPremisesSyncEnabled && isMastered(err) {
		return leaver.StepResult{Outcome: leaver.Skipped, Detail: "Entra leaves it to Active Directory to disable a synchronised account"}, nil
	} else if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch user, err = a.graph.User(ctx, user.ID); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case user.AccountEnabled:
		// Graph reads from replicas that may lag behind its own writes.
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	return done(blocked(user)), nil
}

// blocked says what it is worth that an account is disabled.
func blocked(user graph.User) string {
	if user.OnPremisesSyncEnabled {
		return "sign-in is blocked until the next directory synchronisation, which may allow it again"
	}
	return "sign-in is blocked"
}

// RevokeSessions makes the leaver's refresh tokens and session cookies invalid.
// Access tokens in use end by themselves, within about an hour.
//
// Microsoft: POST /users/{id}/revokeSignInSessions.
func (a *Activities) RevokeSessions(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	if err := a.graph.RevokeSignInSessions(ctx, step.UserID); a.isDeleted(ctx, step.UserID, err) {
		return alreadyDone(accountDeleted), nil
	} else if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	return done("Graph confirmed; it takes effect within minutes, access tokens in use end by themselves"), nil
}

const accountDeleted = "the account is deleted"

// isDeleted reports whether an error says that there is no such user, and the user is
// among the deleted.
func (a *Activities) isDeleted(ctx context.Context, userID string, err error) bool {
	if !notFound(err) {
		return false
	}
	_, err = a.graph.DeletedUser(ctx, userID)
	return err == nil
}
