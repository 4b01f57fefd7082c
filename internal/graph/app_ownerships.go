package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	listOwned      = call{http.MethodGet, "list ownedObjects", "User.Read.All and Application.Read.All"}
	getAppSecrets  = call{http.MethodGet, "get the secrets of an application", "Application.Read.All"}
	listAppOwners  = call{http.MethodGet, "list the owners of an application", "Application.Read.All"}
	addAppOwner    = call{http.MethodPost, "add an owner to an application", "Application.ReadWrite.All and Directory.Read.All"}
	removeAppOwner = call{http.MethodDelete, "remove an owner from an application", "Application.ReadWrite.All"}
)

// AppKind is how the directory names one of the two shapes of an application.
type AppKind string

const (
	AppRegistration AppKind = "application"
	EnterpriseApp   AppKind = "servicePrincipal"
)

// OwnedApp is an application that a user owns, in one of its two shapes.
type OwnedApp struct {
	ID          string  `json:"id"`
	DisplayName string  `json:"displayName"`
	Kind        AppKind `json:"-"`
	// Type is how Graph names the kind of an object that is one of neither.
	Type string `json:"@odata.type"`
}

// OwnedApps lists the app registrations and the enterprise applications that a user owns, and those kinds derived from
// them, such as agent identities, that have no Kind here. What else a user owns, such as groups and devices, is left out.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-ownedobjects
func (c *Client) OwnedApps(ctx context.Context, userID string) ([]OwnedApp, error) {
	owned, err := list[OwnedApp](ctx, c, listOwned, c.user(userID, "/ownedObjects"))
	if err != nil {
		return nil, err
	}
	var apps []OwnedApp
	for _, object := range owned {
		switch kind := strings.TrimPrefix(object.Type, "#microsoft.graph."); {
		case object.Type == "":
			return nil, &HiddenError{Call: listOwned.name, Property: "@odata.type", Permission: listOwned.permission, Token: c.token.Kind()}
		case kind == "application":
			object.Kind = AppRegistration
		case kind == "servicePrincipal":
			object.Kind = EnterpriseApp
		case !strings.HasPrefix(kind, "agentIdentity"):
			continue
		}
		apps = append(apps, object)
	}
	return apps, nil
}

// AppSecret is a secret or a certificate by which an application signs in. Whoever knows it can go on using it.
type AppSecret struct {
	KeyID       string `json:"keyId"`
	EndDateTime string `json:"endDateTime"`
}

// AppSecrets lists the secrets and certificates of an application. Graph does not tell the secrets themselves.
//
// Microsoft: https://learn.microsoft.com/graph/api/application-get
func (c *Client) AppSecrets(ctx context.Context, kind AppKind, id string) ([]AppSecret, error) {
	var read struct {
		ID        string       `json:"id"`
		Passwords *[]AppSecret `json:"passwordCredentials"`
		Keys      *[]AppSecret `json:"keyCredentials"`
	}
	if err := c.do(ctx, getAppSecrets, c.app(kind, id, "?$select=id,passwordCredentials,keyCredentials"), nil, &read); err != nil {
		return nil, err
	}
	switch {
	case !ascii.EqualFold(read.ID, id):
		return nil, getAppSecrets.unusable("the answer is of another application than the one asked for")
	case read.Passwords == nil || read.Keys == nil:
		return nil, &HiddenError{Call: getAppSecrets.name, Property: "passwordCredentials and keyCredentials", Permission: getAppSecrets.permission, Token: c.token.Kind()}
	}
	return slices.Concat(*read.Passwords, *read.Keys), nil
}

// AppOwners lists the object ids of an application's owners.
//
// Microsoft: https://learn.microsoft.com/graph/api/application-list-owners
func (c *Client) AppOwners(ctx context.Context, kind AppKind, id string) ([]string, error) {
	owners, err := list[struct {
		ID string `json:"id"`
	}](ctx, c, listAppOwners, c.app(kind, id, "/owners?$select=id"))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, owner := range owners {
		if owner.ID == "" {
			return nil, listAppOwners.unusable("an owner has no id")
		}
		ids = append(ids, owner.ID)
	}
	return ids, nil
}

// AddAppOwner makes a user an owner of an application.
//
// Microsoft: https://learn.microsoft.com/graph/api/application-post-owners
func (c *Client) AddAppOwner(ctx context.Context, kind AppKind, id, ownerID string) error {
	if !usableID(ownerID) {
		return &UnusableIDError{Call: addAppOwner.name, Of: "id"}
	}
	return c.do(ctx, addAppOwner, c.app(kind, id, "/owners/$ref"), map[string]string{"@odata.id": c.reference(ownerID)}, nil)
}

// RemoveAppOwner takes the ownership of an application from a user.
//
// Microsoft: https://learn.microsoft.com/graph/api/application-delete-owners
func (c *Client) RemoveAppOwner(ctx context.Context, kind AppKind, id, ownerID string) error {
	return c.do(ctx, removeAppOwner, c.below(kind.collection(), id, "/owners", ownerID, "/$ref"), nil, nil)
}

// app is the address of an application and what lies below it.
func (c *Client) app(kind AppKind, id, below string) string {
	return c.object(kind.collection(), id, below)
}

// collection never is what an item of a report says: that could be any text.
func (k AppKind) collection() string {
	if k == EnterpriseApp {
		return "/servicePrincipals"
	}
	return "/applications"
}
