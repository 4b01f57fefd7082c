package graph

import (
	"context"
	"net/http"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getRisk            = call{http.MethodGet, "get riskyUser", "IdentityRiskyUser.Read.All"}
	confirmCompromised = call{http.MethodPost, "confirmCompromised", "IdentityRiskyUser.ReadWrite.All"}
)

// ConfirmedCompromised is the risk state of a user whom somebody has confirmed to be compromised.
const ConfirmedCompromised = "confirmedCompromised"

// RiskState is how Identity Protection judges a user, by object id. A user of whom it knows nothing is an Error with
// status 404.
//
// Microsoft: https://learn.microsoft.com/graph/api/riskyuser-get
func (c *Client) RiskState(ctx context.Context, userID string) (string, error) {
	var read struct {
		ID        string `json:"id"`
		RiskState string `json:"riskState"`
	}
	err := c.do(ctx, getRisk, c.object("/identityProtection/riskyUsers", userID, "?$select=id,riskState"), nil, &read)
	switch {
	case err != nil:
		return "", err
	case !ascii.EqualFold(read.ID, userID):
		return "", ErrOtherUser
	case read.RiskState == "":
		return "", &HiddenError{Call: getRisk.name, Property: "riskState", Permission: getRisk.permission, Token: c.token.Kind()}
	}
	return read.RiskState, nil
}

// ConfirmCompromised gives a user, by object id, a high risk, which the tenant's policies act upon.
//
// Microsoft: https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised
func (c *Client) ConfirmCompromised(ctx context.Context, userID string) error {
	if !usableID(userID) {
		return &UnusableIDError{Call: confirmCompromised.name, Of: "userId"}
	}
	return c.do(ctx, confirmCompromised, c.root+"/identityProtection/riskyUsers/confirmCompromised", map[string][]string{"userIds": {userID}}, nil)
}
