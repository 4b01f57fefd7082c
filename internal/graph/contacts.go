package graph

import (
	"context"
	"net/http"
)

var (
	getContact = call{http.MethodGet, "get user's name and mail", "User.Read.All"}
	getManager = call{http.MethodGet, "get manager", "User.Read.All"}
)

// Contact is how people name a user, and write to one.
type Contact struct {
	ID   string `json:"id"`
	Name string `json:"displayName"`
	Mail string `json:"mail"`
}

// Contact reads how people name a user, by object id or user principal name.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) Contact(ctx context.Context, id string) (Contact, error) {
	return c.contact(ctx, getContact, c.user(id, "?$select=id,displayName,mail"))
}

// ManagerOf reads how people name a user's manager. A user without one is an Error with status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-manager
func (c *Client) ManagerOf(ctx context.Context, userID string) (Contact, error) {
	return c.contact(ctx, getManager, c.user(userID, "/manager?$select=id,displayName,mail"))
}

func (c *Client) contact(ctx context.Context, call call, endpoint string) (Contact, error) {
	var contact Contact
	if err := c.do(ctx, call, endpoint, nil, &contact); err != nil {
		return Contact{}, err
	}
	if contact.ID == "" {
		return Contact{}, call.unusable("the answer lacks an id")
	}
	return contact, nil
}
