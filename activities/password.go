package activities

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/activity"
)

// ResetPassword gives the leaver a password that nobody knows. An attempt whose answer was lost is repeated with another
// password: whether a change that shows was this step's or the leaver's own cannot be told.
//
// Microsoft: PATCH /users/{id} with passwordProfile, GET /domains/{id}.
func (a *Activities) ResetPassword(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	user, err := a.graph.User(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err):
		return alreadyDone(accountDeleted), nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case user.OnPremisesSyncEnabled:
		return leaver.StepResult{}, leftToActiveDirectory(ctx, "owns the password: reset it there, twice")
	}
	_, domain, _ := strings.Cut(user.UserPrincipalName, "@")
	federated, unread := a.graph.IsFederated(ctx, domain)
	note := ""
	switch {
	case federated:
		return leaver.StepResult{}, named(ctx, leaver.Failure{Type: leaver.GraphBadRequest,
			Message: "the user's domain is federated: the password is kept by another identity provider, and one in Entra would keep nobody out; when an administrator has disabled the account there, skip this step"})
	case refusedAltogether(unread): // the permission is optional, and most domains are managed
		note = "; whether the domain is federated could not be read: grant the permission Domain.Read.All"
	case unread != nil:
		return leaver.StepResult{}, failure(ctx, unread)
	}
	before, err := a.graph.PasswordChangedAt(ctx, user.ID)
	if err == nil {
		err = a.graph.SetPassword(ctx, user.ID, randomPassword())
	}
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch after, err := a.graph.PasswordChangedAt(ctx, user.ID); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case !after.After(before) && after.Before(activity.GetInfo(ctx).ScheduledTime.Truncate(time.Second)):
		return leaver.StepResult{}, failure(ctx, errStillSo)
	default:
		return done("Entra has changed the password at " + stamped(after) + ", to a random one that was kept nowhere; sessions go on until they are revoked" + note), nil
	}
}

// randomPassword has 260 bits, and characters of every kind that a policy may demand. It must be kept nowhere.
func randomPassword() string { return rand.Text() + "-" + strings.ToLower(rand.Text()) + "-7" }
