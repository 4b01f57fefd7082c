package activities

import (
	"context"
	"errors"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// errNoSuccessor says why nobody can take over what the leaver has.
type errNoSuccessor string

func (e errNoSuccessor) Error() string { return string(e) }

func isNoSuccessor(err error) bool {
	_, ok := errors.AsType[errNoSuccessor](err)
	return ok
}

// successor is who takes over what the leaver has: the user whom the step was told, or the leaver's manager. Somebody
// who cannot sign in takes nothing over.
//
// Microsoft: GET /users/{id}/manager, https://learn.microsoft.com/graph/api/user-list-manager
func (a *Activities) successor(ctx context.Context, s subject) (graph.User, error) {
	id, who := s.Settings.HandOverTo, "who was named with handOverTo"
	if id == "" || id == leaver.Manager {
		who = "the leaver's manager"
		manager, err := a.graph.ManagerOf(ctx, s.UserID)
		switch {
		case a.isDeleted(ctx, s.UserID, err):
			return graph.User{}, err
		case notFound(err):
			return graph.User{}, errNoSuccessor("the leaver has no manager in Entra who could take over: set one there and retry, or start anew with handOverTo")
		case err != nil:
			return graph.User{}, err
		}
		id = manager.ID
	}
	user, err := a.graph.User(ctx, id)
	switch {
	case notFound(err):
		return graph.User{}, errNoSuccessor(who + " is not a user of this tenant: start anew with another handOverTo")
	case err != nil:
		return graph.User{}, err
	case !user.AccountEnabled:
		return graph.User{}, errNoSuccessor(who + " cannot sign in: enable the account and retry, or start anew with another handOverTo")
	case ascii.EqualFold(user.ID, s.UserID) || ascii.EqualFold(user.UserPrincipalName, s.UserID):
		return graph.User{}, errNoSuccessor(who + " is the leaver: start anew with another handOverTo")
	}
	return user, nil
}
