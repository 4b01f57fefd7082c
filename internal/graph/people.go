package graph

import (
	"context"
	"net/http"
)

var (
	getManager  = call{http.MethodGet, "get manager", "User.Read.All"}
	listReports = call{http.MethodGet, "list directReports", "User.Read.All"}
	setManager  = call{http.MethodPut, "set manager", "User.ReadWrite.All"}
)

// Manager is who stands above a user.
type Manager struct {
	ID string
	// IsUser tells a user from a contact, who has no account here.
	IsUser         bool
	AccountEnabled bool
}

// Manager reads a user's manager. A user without one is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-manager
func (c *Client) Manager(ctx context.Context, userID string) (Manager, error) {
	// An answer without accountEnabled must not be taken for a disabled account: somebody else would take over then.
	var read row[struct {
		ID             string `json:"id"`
		Type           string `json:"@odata.type"`
		AccountEnabled *bool  `json:"accountEnabled"`
	}]
	if err := c.do(ctx, getManager, c.user(userID, "/manager?$select=id,accountEnabled"), nil, &read); err != nil {
		return Manager{}, err
	}
	answer := read.value
	switch {
	case answer.ID == "":
		return Manager{}, getManager.unusable("the answer lacks an id")
	case !isUser(answer.Type):
		return Manager{ID: answer.ID}, nil
	case answer.AccountEnabled == nil:
		return Manager{}, &HiddenError{Call: getManager.name, Property: "accountEnabled", Permission: getManager.permission, Token: c.token.Kind()}
	}
	return Manager{ID: answer.ID, IsUser: true, AccountEnabled: *answer.AccountEnabled}, nil
}

// Report is a user, or a contact, whose manager somebody is.
type Report struct {
	ID string `json:"id"`
	// Type is how Graph names the kind of the object.
	Type                  string `json:"@odata.type"`
	OnPremisesSyncEnabled bool   `json:"onPremisesSyncEnabled"`
}

// IsUser tells a user from a contact.
func (r Report) IsUser() bool { return isUser(r.Type) }

// DirectReports lists those whose manager a user is.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-directreports
func (c *Client) DirectReports(ctx context.Context, userID string) ([]Report, error) {
	reports, err := list[Report](ctx, c, listReports, c.user(userID, "/directReports?$select=id,onPremisesSyncEnabled"))
	for _, r := range reports {
		if r.ID == "" {
			return nil, listReports.unusable("a report has no id")
		}
	}
	return reports, err
}

// SetManager makes somebody the manager of a user, in place of the one before.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-post-manager
func (c *Client) SetManager(ctx context.Context, userID, managerID string) error {
	if !usableID(managerID) {
		return &UnusableIDError{Call: setManager.name, Of: "id"}
	}
	return c.do(ctx, setManager, c.user(userID, "/manager/$ref"), map[string]string{"@odata.id": c.reference(managerID)}, nil)
}
