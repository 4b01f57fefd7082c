package activities

import (
	"context"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// mostLevels is how many managers above the leaver are looked at.
const mostLevels = 5

// successor is the object id of who takes over what the leaver has: an object id, a user principal name, or the word
// leaver.Manager for the leaver's manager, which is also what "" means. In place of a manager who cannot sign in, the
// next one above takes over; nobody takes the place of somebody who was named. The id is empty where there is nobody,
// and the note says why and what to do. With an id, the note says why it is not the leaver's own manager, or nothing.
//
// Microsoft: GET /users/{id}, GET /users/{id}/manager.
func (a *Activities) successor(ctx context.Context, userID, handOverTo string) (id, note string, err error) {
	leaverID, err := a.objectID(ctx, userID)
	if err != nil {
		return "", "", err
	}
	if handOverTo == "" || handOverTo == leaver.Manager {
		id, note, err = a.managerAbove(ctx, leaverID)
		if err == nil && id == "" {
			note += ": set a manager who can sign in and retry, or start anew with handOverTo"
		}
		return id, note, err
	}
	switch user, err := a.graph.User(ctx, handOverTo); {
	case notFound(err):
		return "", "the user named in handOverTo is not in this tenant: start anew with another one", nil
	case err != nil:
		return "", "", err
	case ascii.EqualFold(user.ID, leaverID):
		return "", "the user named in handOverTo is the leaver: start anew with another one", nil
	case !user.AccountEnabled:
		return "", "the user named in handOverTo cannot sign in: enable that account and retry, or start anew with another one", nil
	default:
		return user.ID, "", nil
	}
}

// managerAbove is the nearest manager above the leaver who can sign in. The id is empty where there is nobody, and the
// note says why; an account that is deleted is an error.
func (a *Activities) managerAbove(ctx context.Context, leaverID string) (string, string, error) {
	below, note := leaverID, ""
	for range mostLevels {
		manager, err := a.graph.Manager(ctx, below)
		switch {
		case notFound(err) && below == leaverID && a.isDeleted(ctx, leaverID, err):
			return "", "", err
		case notFound(err) && below == leaverID:
			return "", "the leaver has no manager in Entra", nil
		case notFound(err):
			return "", "the leaver's manager cannot sign in, and there is nobody above who can", nil
		case err != nil:
			return "", "", err
		case ascii.EqualFold(manager.ID, leaverID):
			return "", "the managers above the leaver lead back to the leaver", nil
		case manager.AccountEnabled:
			return manager.ID, note, nil
		case !manager.IsUser:
			return "", "the manager is a contact without an account", nil
		}
		below, note = manager.ID, "the leaver's manager cannot sign in, and the next one above who can takes over"
	}
	return "", "the leaver's manager cannot sign in, nor can the others above", nil
}
