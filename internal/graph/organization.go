package graph

import (
	"context"
	"net/http"
	"time"
)

var getOrganization = call{http.MethodGet, "get organization", "Organization.Read.All"}

// LastSync is when the directory synchronisation of the tenant last ran; the zero time where it never did.
//
// Microsoft: https://learn.microsoft.com/graph/api/organization-list
func (c *Client) LastSync(ctx context.Context) (time.Time, error) {
	organizations, err := list[struct {
		OnPremisesLastSyncDateTime time.Time `json:"onPremisesLastSyncDateTime"`
	}](ctx, c, getOrganization, c.root+"/organization?$select=id,onPremisesLastSyncDateTime")
	if err != nil || len(organizations) == 0 {
		return time.Time{}, err
	}
	return organizations[0].OnPremisesLastSyncDateTime, nil
}
