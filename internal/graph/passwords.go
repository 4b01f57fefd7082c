package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getPasswordChange = call{http.MethodGet, "get lastPasswordChangeDateTime", "User.Read.All"}
	setPassword       = call{http.MethodPatch, "set password", "User-PasswordProfile.ReadWrite.All"}
)

// PasswordChangedAt is when a user's password was last changed, to the second.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) PasswordChangedAt(ctx context.Context, userID string) (time.Time, error) {
	var read struct {
		ID        string     `json:"id"`
		ChangedAt *time.Time `json:"lastPasswordChangeDateTime"`
	}
	if err := c.do(ctx, getPasswordChange, c.user(userID, "?$select=id,lastPasswordChangeDateTime"), nil, &read); err != nil {
		return time.Time{}, err
	}
	switch {
	case !ascii.EqualFold(read.ID, userID):
		return time.Time{}, ErrOtherUser
	case read.ChangedAt == nil:
		return time.Time{}, &HiddenError{Call: getPasswordChange.name, Property: "lastPasswordChangeDateTime", Permission: getPasswordChange.permission, Token: c.token.Kind()}
	}
	return *read.ChangedAt, nil
}

// SetPassword gives a user, by object id, another password, which is to be changed at the next sign-in. Nothing that it
// returns holds the password.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-update
func (c *Client) SetPassword(ctx context.Context, userID, password string) error {
	body := map[string]any{"passwordProfile": map[string]any{"password": password, "forceChangePasswordNextSignIn": true}}
	return c.do(ctx, setPassword, c.user(userID, ""), body, nil)
}
