package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// User is what an offboarding needs to know of a user.
type User struct {
	ID                    string `json:"id"`
	UserPrincipalName     string `json:"userPrincipalName"`
	UserType              string `json:"userType"`
	AccountEnabled        bool   `json:"accountEnabled"`
	OnPremisesSyncEnabled bool   `json:"onPremisesSyncEnabled"`
	// OnPremisesLastSyncDateTime is when the directory synchronisation last wrote to the user.
	OnPremisesLastSyncDateTime time.Time `json:"onPremisesLastSyncDateTime"`
	// CreationType is "Invitation" for a user who was invited from outside.
	CreationType string `json:"creationType"`
	// ExternalUserState is PendingAcceptance or Accepted for an invited user.
	ExternalUserState string `json:"externalUserState"`
}

// IsExternal reports whether a user signs in to another organisation, whatever the
// userType says: a synchronised user of a partner may be a Member here.
//
// Microsoft: https://learn.microsoft.com/entra/external-id/user-properties
func (u User) IsExternal() bool {
	return ascii.EqualFold(u.UserType, "Guest") || strings.Contains(ascii.ToLower(u.UserPrincipalName), "#ext#") ||
		u.CreationType == "Invitation" || u.ExternalUserState != ""
}

var (
	getUser           = call{http.MethodGet, "get user", "User.Read.All"}
	setAccountEnabled = call{http.MethodPatch, "set accountEnabled", "User.EnableDisableAccount.All and User.Read.All"}
	getDeletedItem    = call{http.MethodGet, "get deleted user", "User.Read.All"}
	deleteUser        = call{http.MethodDelete, "delete user", "User.DeleteRestore.All"}
	revokeSessions    = call{http.MethodPost, "revokeSignInSessions", "User.RevokeSessions.All"}
)

// ErrOtherUser means that Graph answered with another user than the one asked for, or
// with what is no user.
var ErrOtherUser = errors.New("graph answered with another user than the one asked for")

// isUser takes an answer that does not tell its type for what was asked for.
func isUser(odataType string) bool { return odataType == "" || odataType == "#microsoft.graph.user" }

// User reads a user by object id or user principal name.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) User(ctx context.Context, id string) (User, error) {
	// accountEnabled is a pointer here: an answer without it must not be
	// taken for a disabled account.
	var read row[struct {
		User
		Type           string `json:"@odata.type"`
		AccountEnabled *bool  `json:"accountEnabled"`
	}]
	if err := c.do(ctx, getUser, c.user(id, "?$select=id,userPrincipalName,userType,accountEnabled,onPremisesSyncEnabled,creationType,externalUserState,onPremisesLastSyncDateTime"), nil, &read); err != nil {
		return User{}, err
	}
	answer := read.value
	switch {
	case answer.ID == "":
		return User{}, getUser.unusable("the answer lacks an id")
	case !isUser(answer.Type), !ascii.EqualFold(answer.ID, id) && !ascii.EqualFold(answer.UserPrincipalName, id):
		return User{}, ErrOtherUser
	case answer.AccountEnabled == nil:
		return User{}, &HiddenError{Call: getUser.name, Property: "accountEnabled", Permission: getUser.permission, Token: c.token.Kind()}
	}
	answer.User.AccountEnabled = *answer.AccountEnabled
	return answer.User, nil
}

// DeletedUser reads a user, by object id, who was deleted within the last 30 days. A
// user who is not among the deleted is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/directory-deleteditems-get
func (c *Client) DeletedUser(ctx context.Context, id string) (User, error) {
	var read row[struct {
		User
		Type string `json:"@odata.type"`
	}]
	if err := c.do(ctx, getDeletedItem, c.object("/directory/deletedItems", id, ""), nil, &read); err != nil {
		return User{}, err
	}
	if !ascii.EqualFold(read.value.ID, id) || !isUser(read.value.Type) {
		return User{}, ErrOtherUser
	}
	// Entra puts the id before the name, so that the name can be used again.
	read.value.UserPrincipalName = strings.TrimPrefix(read.value.UserPrincipalName, strings.ReplaceAll(read.value.ID, "-", ""))
	return read.value.User, nil
}

// DeleteUser puts a user, by object id alone, among the deleted, where the user can be restored for 30 days: a name may be
// somebody else's by now.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-delete
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	if objectID(id) == "" {
		return &UnusableIDError{Call: deleteUser.name, Of: "userId"}
	}
	return c.do(ctx, deleteUser, c.user(id, ""), nil, nil)
}

// SetAccountEnabled lets a user sign in, or not.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-update
func (c *Client) SetAccountEnabled(ctx context.Context, id string, enabled bool) error {
	return c.do(ctx, setAccountEnabled, c.user(id, ""), map[string]bool{"accountEnabled": enabled}, nil)
}

// RevokeSignInSessions makes a user's refresh tokens and session cookies
// invalid. Access tokens in use end by themselves.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-revokesigninsessions
func (c *Client) RevokeSignInSessions(ctx context.Context, id string) error {
	return c.do(ctx, revokeSessions, c.user(id, "/revokeSignInSessions"), nil, nil)
}
