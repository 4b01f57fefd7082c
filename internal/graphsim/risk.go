package graphsim

import (
	"encoding/json"
	"net/http"
)

var riskRoutes = []route{
	{http.MethodGet, "/identityProtection/riskyUsers/{user}", [][]string{{"IdentityRiskyUser.Read.All"}, {"IdentityRiskyUser.ReadWrite.All"}}, protected((*Tenant).getRisk)},
	{http.MethodPost, "/identityProtection/riskyUsers/confirmCompromised", [][]string{{"IdentityRiskyUser.ReadWrite.All"}}, protected((*Tenant).confirmCompromised)},
}

// protected is what Identity Protection answers, which needs a licence.
func protected(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		if t.settings.NoPremium {
			return fault(http.StatusForbidden, "Forbidden", "Your tenant is not licensed for this feature.")
		}
		return do(t, q)
	}
}

// getRisk finds the users alone in whom a risk has been seen.
func (t *Tenant) getRisk(q query) answer {
	state := ""
	if q.user != nil {
		state = q.user.seen.at(t.shown()).RiskState
	}
	if state == "" {
		return fault(http.StatusNotFound, "ResourceNotFound", "Resource not found.")
	}
	level := "none"
	if state == "confirmedCompromised" || state == "atRisk" {
		level = "high"
	}
	return entity("identityProtection/riskyUsers/$entity", selected(q, map[string]any{"id": q.user.ID, "riskState": state, "riskLevel": level, "isDeleted": false}))
}

func (t *Tenant) confirmCompromised(q query) answer {
	var body struct{ UserIDs []string }
	if json.Unmarshal(q.body, &body) != nil || len(body.UserIDs) == 0 {
		return fault(http.StatusBadRequest, "BadRequest", "userIds is required.")
	}
	for _, id := range body.UserIDs {
		if t.find(id) == nil {
			return fault(http.StatusNotFound, "ResourceNotFound", "Resource not found.")
		}
	}
	for _, id := range body.UserIDs {
		t.find(id).hold(t.now(), func(h *Holdings) { h.RiskState = "confirmedCompromised" })
	}
	return noContent
}
