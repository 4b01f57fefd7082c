package graph

import (
	"context"
	"net/http"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var getContact = call{http.MethodGet, "get user's name and mail", "User.Read.All"}

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
	var contact Contact
	if err := c.do(ctx, getContact, c.user(id, "?$select=id,displayName,mail"), nil, &contact); err != nil {
		return Contact{}, err
	}
	if contact.ID == "" {
		return Contact{}, getContact.unusable("the answer lacks an id")
	}
	return contact, nil
}

// DeletedContact reads how people named a user, by object id, who was deleted within the last 30 days.
//
// Microsoft: https://learn.microsoft.com/graph/api/directory-deleteditems-get
func (c *Client) DeletedContact(ctx context.Context, id string) (Contact, error) {
	var contact Contact
	if err := c.do(ctx, getDeletedItem, c.object("/directory/deletedItems", id, ""), nil, &contact); err != nil {
		return Contact{}, err
	}
	if !ascii.EqualFold(contact.ID, id) {
		return Contact{}, ErrOtherUser
	}
	return contact, nil
}
