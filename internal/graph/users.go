package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// User is what an offboarding needs to know of a user.
type User struct {
	ID                    string `json:"id"`
	UserPrincipalName     string `json:"userPrincipalName"`
	UserType              string `json:"userType"`
	AccountEnabled        bool   `json:"accountEnabled"`
	OnPremisesSyncEnabled bool   `json:"onPremisesSyncEnabled"`
}

var (
	getUser           = call{http.MethodGet, CallGetUser, "User.Read.All"}
	setAccountEnabled = call{http.MethodPatch, "set accountEnabled", "User.EnableDisableAccount.All and User.Read.All"}
	revokeSessions    = call{http.MethodPost, "revokeSignInSessions", "User.RevokeSessions.All"}
)

// ErrOtherUser means that Graph answered with another user than the one asked for.
var ErrOtherUser = errors.New("graph answered with another user than the one asked for")

// User reads a user by object id or user principal name.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) User(ctx context.Context, id string) (User, error) {
	// accountEnabled is a pointer here: an answer without it must not be
	// taken for a disabled account.
	var answer struct {
		User
		AccountEnabled *bool `json:"accountEnabled"`
	}
	if err := c.do(ctx, getUser, c.user(id, "?$select=id,userPrincipalName,userType,accountEnabled,onPremisesSyncEnabled"), nil, &answer); err != nil {
		return User{}, err
	}
	if answer.ID == "" || answer.AccountEnabled == nil {
		return User{}, getUser.unusable("the answer lacks id or accountEnabled")
	}
	if !strings.EqualFold(answer.ID, id) && !strings.EqualFold(answer.UserPrincipalName, id) {
		return User{}, ErrOtherUser
	}
	answer.User.AccountEnabled = *answer.AccountEnabled
	return answer.User, nil
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
