package activities

import (
	"context"
	"maps"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// deletionSteps end the account itself, after all that needs it.
var deletionSteps = []row{
	{
		Step: leaver.Step{Name: leaver.StepDeleteUser, Shape: leaver.Single, Activity: leaver.ActivityDeleteUser, After: []string{leaver.StepRemoveLicenses}, Summary: "Delete the account, for 30 days restorable", Destroys: true},
		doc: doc{
			does:        "deletes the user, who can be restored for 30 days; nothing is deleted for good",
			permissions: "`User.DeleteRestore.All`, `User.Read.All`; for an administrator, or a member of a group that can hold directory roles, a directory role that outranks them too",
			proof:       "the user is among the deleted items",
			undo:        "restore the user within 30 days, in Entra under deleted users; groups and licences come back where there are licences left, directory roles may not",
			traps:       "mailbox and OneDrive end with the account, so keep or hand over what is in them before; a `delay` such as `720h` leaves time for that; a synchronised account is deleted in Active Directory",
		},
		do: (*Activities).DeleteUser, skip: skipDeleted, note: noteLeft, last: true,
	},
}

// DeleteUser deletes the leaver, and looks for the leaver among the deleted: that a user is not found proves nothing.
//
// Microsoft: DELETE /users/{id}, GET /directory/deletedItems/{id}.
func (a *Activities) DeleteUser(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	for _, name := range slices.Sorted(maps.Keys(step.Results)) {
		if before := step.Results[name].Outcome; before == leaver.Failed || before == leaver.Canceled {
			return leaver.StepResult{}, named(ctx, leaver.Failure{Type: leaver.GraphBadRequest, Message: name + " has not been done, and could not be done any more without the account: nothing was deleted; see to that step, and delete the account by hand or by a new offboarding"})
		}
	}
	user, err := a.graph.User(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err) && activity.GetInfo(ctx).Attempt > 1: // an earlier attempt may have lost the answer
		return done(restorable), nil
	case a.isDeleted(ctx, step.UserID, err):
		return alreadyDone(accountDeleted), nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case user.OnPremisesSyncEnabled:
		return leaver.StepResult{}, leftToActiveDirectory(ctx, "owns it: delete it there, or move it out of the synchronisation's scope")
	}
	if err := a.refusesDeletion(ctx, user); err != nil {
		return leaver.StepResult{}, err
	}
	if err := a.graph.DeleteUser(ctx, user.ID); err != nil && !isMissing(err) {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch _, err := a.graph.DeletedUser(ctx, user.ID); {
	case notFound(err):
		return leaver.StepResult{}, failure(ctx, errStillSo)
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	return done(restorable), nil
}

// refusesDeletion looks once more whether the user may be deleted: the plan may be a month old.
func (a *Activities) refusesDeletion(ctx context.Context, user graph.User) error {
	l := leaver.Leaver{ID: user.ID, UserPrincipalName: user.UserPrincipalName}
	result, detail, err := a.protected(l, func() ([]graph.Membership, error) { return a.graph.Memberships(ctx, user.ID) })
	if own := a.guardOwnAccount(l); own.Result == leaver.GuardRefused {
		result, detail = own.Result, own.Detail
	}
	switch {
	case err != nil:
		return failure(ctx, err)
	case result == leaver.GuardRefused:
		return named(ctx, leaver.Failure{Type: leaver.ProtectedUser, Message: detail + ", since the plan was made: nothing was deleted"})
	}
	return nil
}

const restorable = "the account is among the deleted ones, where it can be restored for 30 days"
