package activities

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// objectID is a user's object id: what a user holds names the user so, and some filters take nothing else.
func (a *Activities) objectID(ctx context.Context, userID string) (string, error) {
	if uuid.Validate(userID) == nil {
		return userID, nil
	}
	user, err := a.graph.User(ctx, userID)
	return user.ID, err
}

// holds reports whether an id is among others, in any case.
func holds(ids []string, id string) bool {
	return slices.ContainsFunc(ids, func(other string) bool { return ascii.EqualFold(other, id) })
}
