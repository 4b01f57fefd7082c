package activities

import (
	"context"
	"errors"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

const (
	// lastSync and tenantSync are when the synchronisation had last written to the account, and had last run, after
	// sign-in was blocked.
	lastSync   = "onPremisesLastSyncDateTime"
	tenantSync = "organization.onPremisesLastSyncDateTime"

	disableThere = "disable the account in Active Directory; this is seen after its next synchronisation"
	errNotThere  = errNotYet("no synchronisation has shown yet that Active Directory has disabled the account: disable it there; looking again")
)

// ListOnPremisesAccount has the account itself as the one item, which is done when a synchronisation has left it
// disabled: Entra may take the change, and the next synchronisation undo it. The synchronisation need not write to an
// account that was disabled before the offboarding, so that one of the whole tenant is the proof then.
//
// Microsoft: GET /users/{id}, GET /organization, https://learn.microsoft.com/entra/identity/users/users-revoke-access
func (a *Activities) ListOnPremisesAccount(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	user, err := a.graph.User(ctx, step.UserID)
	switch {
	case a.isDeleted(ctx, step.UserID, err):
		return alreadyDone(accountDeleted), nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	item := leaver.Item{ID: user.ID, Name: "Active Directory", Kind: "account", Detail: disableThere, Before: map[string]string{lastSync: stamped(user.OnPremisesLastSyncDateTime)}}
	if len(step.Items) > 0 {
		item.Before = step.Items[0].Before
	} else if step.Results[leaver.StepDisableAccount].Outcome == leaver.AlreadyDone {
		all, err := a.graph.LastSync(ctx)
		if err != nil {
			return leaver.StepResult{}, failure(ctx, err)
		}
		item.Before[tenantSync] = stamped(all)
	}
	if item, err = a.synchronised(ctx, user, item); err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	return leaver.StepResult{Items: []leaver.Item{item}}, nil
}

// AwaitOnPremisesAccount waits until a synchronisation has left the account disabled. Where a synchronisation has
// enabled it, sign-in is blocked again, as long as Entra allows it.
//
// Microsoft: PATCH /users/{id}.
func (a *Activities) AwaitOnPremisesAccount(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	item := request.Item
	user, err := a.graph.User(ctx, request.UserID)
	if a.isDeleted(ctx, request.UserID, err) {
		return settled(item, leaver.Skipped, accountDeleted), nil
	}
	if err == nil {
		item, err = a.synchronised(ctx, user, item)
	}
	switch {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case item.Outcome != "":
		return settled(request.Item, item.Outcome, item.Detail), nil
	case !user.AccountEnabled:
		return leaver.Item{}, failure(ctx, errNotThere)
	}
	if err = a.graph.SetAccountEnabled(ctx, user.ID, false); isMastered(err) {
		return leaver.Item{}, failure(ctx, errNotThere)
	} else if err == nil {
		user, err = a.graph.User(ctx, user.ID) // a synchronisation that wrote to it before is no proof
	}
	switch {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case user.AccountEnabled:
		return leaver.Item{}, failure(ctx, errStillSo)
	}
	item.Before = map[string]string{lastSync: stamped(user.OnPremisesLastSyncDateTime)}
	item.Outcome, item.Detail = leaver.Done, "a synchronisation had enabled the account, and sign-in is blocked again: "+disableThere
	return item, nil
}

// synchronised says how the item stands: AlreadyDone where a synchronisation has left the account disabled.
func (a *Activities) synchronised(ctx context.Context, user graph.User, item leaver.Item) (leaver.Item, error) {
	item.Outcome, item.Detail = "", disableThere
	if user.AccountEnabled {
		return item, nil
	}
	at := user.OnPremisesLastSyncDateTime
	proven := stamped(at) != item.Before[lastSync]
	if before := item.Before[tenantSync]; before != "" && !proven {
		var err error
		if at, err = a.graph.LastSync(ctx); err != nil {
			return item, err
		}
		proven = stamped(at) != before
	}
	switch {
	case !user.OnPremisesSyncEnabled:
		item.Outcome, item.Detail = leaver.AlreadyDone, "the account is not synchronised any more, and is disabled"
	case proven:
		item.Outcome, item.Detail = leaver.AlreadyDone, "the synchronisation of "+stamped(at)+" has left the account disabled"
	}
	return item, nil
}

// isMastered reports whether Entra refuses a change because Active Directory owns what is to be changed.
func isMastered(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Status/100 == 4 && e.Says(mastered)
}

// leftToActiveDirectory is the failure of a step whose change only Active Directory can make, which owns the account; it
// says what has to be done there.
func leftToActiveDirectory(ctx context.Context, toDo string) error {
	return named(ctx, leaver.Failure{Type: leaver.GraphBadRequest, Message: "the account is synchronised from Active Directory, which " + toDo + "; when an administrator has done so, skip this step"})
}

// noteLeft tells of the same while the offboarding is planned.
func noteLeft(l leaver.Leaver) string {
	if !l.OnPremisesSyncEnabled {
		return ""
	}
	return "the account is synchronised from Active Directory, where this has to be done: a person will be asked"
}

func stamped(t time.Time) string { return t.UTC().Format(time.RFC3339) }
