package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getAttributes   = call{http.MethodGet, "get attributes", "User.Read.All"}
	clearAttributes = call{http.MethodPatch, "clear attributes", "User.ReadWrite.All"}
	// clearTelephone is the same call where it is about mobilePhone, by which passwords are reset.
	clearTelephone = call{http.MethodPatch, "clear mobilePhone", clearAttributes.permission}
)

// AttributesSet names those of some properties of a user, by object id, that have a value. The values are not kept.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
func (c *Client) AttributesSet(ctx context.Context, userID string, names []string) ([]string, error) {
	for _, name := range names {
		if name == "" || CodeOf(name) != name || strings.Contains(name, ".") {
			return nil, &UnusableIDError{Call: getAttributes.name, Of: "attributes"}
		}
	}
	var read map[string]json.RawMessage
	if err := c.do(ctx, getAttributes, c.user(userID, "?$select="+strings.Join(append([]string{"id"}, names...), ",")), nil, &read); err != nil {
		return nil, err
	}
	var id string
	if _ = json.Unmarshal(read["id"], &id); !ascii.EqualFold(id, userID) {
		return nil, ErrOtherUser
	}
	var set []string
	for _, name := range names {
		value, told := read[name]
		if !told { // it must not be taken for one that is empty
			return nil, &HiddenError{Call: getAttributes.name, Property: name, Permission: getAttributes.permission, Token: c.token.Kind()}
		}
		if text := string(bytes.TrimSpace(value)); text != "null" && text != `""` {
			set = append(set, name)
		}
	}
	return set, nil
}

// ClearAttributes empties some properties of a user.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-update
func (c *Client) ClearAttributes(ctx context.Context, userID string, names []string) error {
	body := map[string]any{}
	for _, name := range names {
		body[name] = nil
	}
	call := clearAttributes
	if slices.Contains(names, "mobilePhone") {
		call = clearTelephone
	}
	return c.do(ctx, call, c.user(userID, ""), body, nil)
}
