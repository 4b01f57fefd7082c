package graphsim

import (
	"encoding/json"
	"net/http"
)

func (t *Tenant) getUser(q query) answer {
	u := q.user
	var synced any
	if u.OnPremisesSyncEnabled {
		synced = true
	}
	all := map[string]any{
		"id": u.ID, "userPrincipalName": u.UserPrincipalName, "displayName": u.DisplayName, "userType": u.UserType,
		"accountEnabled": u.AccountEnabled, "onPremisesSyncEnabled": synced,
		"signInSessionsValidFromDateTime": stamp(u.SessionsValidFrom),
	}
	return entity("users/$entity", selected(q, all, "id", "userPrincipalName", "displayName"))
}

func (t *Tenant) patchUser(q query) answer {
	var patch struct {
		AccountEnabled *bool `json:"accountEnabled"`
	}
	if err := json.Unmarshal(q.body, &patch); err != nil || patch.AccountEnabled == nil {
		return fault(http.StatusBadRequest, "Request_BadRequest", "A value is required for property 'accountEnabled' of resource 'User'.")
	}
	q.user.AccountEnabled = *patch.AccountEnabled
	return noContent
}

func (t *Tenant) revokeSessions(q query) answer {
	q.user.SessionsValidFrom = t.now().UTC()
	return entity("Edm.Boolean", map[string]any{"value": true})
}
