package graph

import (
	"context"
	"net/http"
)

var getDomain = call{http.MethodGet, "get domain", "Domain.Read.All"}

// IsFederated reports whether the users of a domain sign in at another identity provider than Entra.
//
// Microsoft: https://learn.microsoft.com/graph/api/domain-get
func (c *Client) IsFederated(ctx context.Context, domain string) (bool, error) {
	var read struct {
		AuthenticationType string `json:"authenticationType"`
	}
	err := c.do(ctx, getDomain, c.object("/domains", domain, ""), nil, &read)
	return read.AuthenticationType == "Federated", err
}
