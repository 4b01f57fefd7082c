package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

var (
	listSponsored      = call{http.MethodGet, "list sponsorOf", "User.Read.All"}
	listSponsors       = call{http.MethodGet, "list the sponsors of a user", "User.Read.All"}
	addSponsor         = call{http.MethodPost, "add a sponsor to a user", "User.ReadWrite.All"}
	removeSponsor      = call{http.MethodDelete, "remove a sponsor from a user", "User.ReadWrite.All"}
	listAgentSponsors  = call{http.MethodGet, "list the sponsors of an agent identity", "Application.Read.All"}
	addAgentSponsor    = call{http.MethodPost, "add a sponsor to an agent identity", "AgentIdentity.UpdateSponsors.All"}
	removeAgentSponsor = call{http.MethodDelete, "remove a sponsor from an agent identity", "AgentIdentity.UpdateSponsors.All"}
)

// SponsoredKind is a kind of objects whose sponsors v1.0 of Graph changes.
type SponsoredKind int

const (
	// SponsoredUser is a guest, or the user of an agent.
	SponsoredUser SponsoredKind = iota
	AgentIdentity
)

// Sponsored is an object that a user answers for.
type Sponsored struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// Type is how Graph names the kind of the object.
	Type string `json:"@odata.type"`
}

// Kind is the kind of the object, and whether its sponsors can be changed.
func (s Sponsored) Kind() (kind SponsoredKind, changeable bool) {
	switch strings.TrimPrefix(s.Type, "#microsoft.graph.") {
	case "user", "agentUser":
		return SponsoredUser, true
	case "agentIdentity":
		return AgentIdentity, true
	}
	return 0, false
}

// IsGuest tells a guest from an agent, and from the user of an agent.
func (s Sponsored) IsGuest() bool { return strings.TrimPrefix(s.Type, "#microsoft.graph.") == "user" }

// SponsorOf lists the guests and agents that a user answers for.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-sponsorof
func (c *Client) SponsorOf(ctx context.Context, userID string) ([]Sponsored, error) {
	sponsored, err := list[Sponsored](ctx, c, listSponsored, c.user(userID, "/sponsorOf"))
	switch {
	case err != nil:
		return nil, err
	case slices.ContainsFunc(sponsored, func(s Sponsored) bool { return s.ID == "" }):
		return nil, listSponsored.unusable("an object has no id")
	case slices.ContainsFunc(sponsored, func(s Sponsored) bool { return s.Type == "" }):
		return nil, &HiddenError{Call: listSponsored.name, Property: "@odata.type", Permission: listSponsored.permission, Token: c.token.Kind()}
	}
	return sponsored, nil
}

// Sponsors lists the object ids of those who answer for an object: users, and groups.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-sponsors, https://learn.microsoft.com/graph/api/agentidentity-list-sponsors
func (c *Client) Sponsors(ctx context.Context, kind SponsoredKind, id string) ([]string, error) {
	call := listSponsors
	if kind == AgentIdentity {
		call = listAgentSponsors
	}
	sponsors, err := list[struct {
		ID string `json:"id"`
	}](ctx, c, call, c.object(kind.collection(), id, kind.sponsors()+"?$select=id"))
	var ids []string
	for _, sponsor := range sponsors {
		if sponsor.ID == "" {
			return nil, call.unusable("a sponsor has no id")
		}
		ids = append(ids, sponsor.ID)
	}
	return ids, err
}

// AddSponsor makes a user answer for an object.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-post-sponsors, https://learn.microsoft.com/graph/api/agentidentity-post-sponsors
func (c *Client) AddSponsor(ctx context.Context, kind SponsoredKind, id, sponsorID string) error {
	call := addSponsor
	if kind == AgentIdentity {
		call = addAgentSponsor
	}
	if !usableID(sponsorID) {
		return &UnusableIDError{Call: call.name, Of: "id"}
	}
	return c.do(ctx, call, c.object(kind.collection(), id, kind.sponsors()+"/$ref"), map[string]string{"@odata.id": c.reference(sponsorID)}, nil)
}

// RemoveSponsor has a user answer for an object no more. An agent identity keeps its last sponsor.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-delete-sponsors, https://learn.microsoft.com/graph/api/agentidentity-delete-sponsors
func (c *Client) RemoveSponsor(ctx context.Context, kind SponsoredKind, id, sponsorID string) error {
	call := removeSponsor
	if kind == AgentIdentity {
		call = removeAgentSponsor
	}
	return c.do(ctx, call, c.below(kind.collection(), id, kind.sponsors(), sponsorID, "/$ref"), nil, nil)
}

func (k SponsoredKind) collection() string {
	if k == AgentIdentity {
		return "/servicePrincipals"
	}
	return "/users"
}

func (k SponsoredKind) sponsors() string {
	if k == AgentIdentity {
		return "/microsoft.graph.agentIdentity/sponsors"
	}
	return "/sponsors"
}
