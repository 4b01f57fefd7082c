package activities

import (
	"context"

	"github.com/google/uuid"
)

// objectID is a user's object id: what a user holds names the user so, and some filters take nothing else.
func (a *Activities) objectID(ctx context.Context, userID string) (string, error) {
	if uuid.Validate(userID) == nil {
		return userID, nil
	}
	user, err := a.graph.User(ctx, userID)
	return user.ID, err
}
