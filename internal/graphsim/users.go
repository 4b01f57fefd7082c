package graphsim

import (
	"encoding/json"
	"net/http"
	"strings"
)

func (t *Tenant) getUser(q query) answer {
	u := q.user
	all := map[string]any{
		"id": u.ID, "userPrincipalName": u.UserPrincipalName, "displayName": u.DisplayName, "userType": u.UserType, "accountEnabled": u.AccountEnabled,
		"onPremisesSyncEnabled": nil, "creationType": known(u.CreationType), "externalUserState": known(u.ExternalUserState), "signInSessionsValidFromDateTime": stamp(u.SessionsValidFrom),
	}
	if u.OnPremisesSyncEnabled {
		all["onPremisesSyncEnabled"] = true
	}
	return entity("users/$entity", selected(q, all, "id", "userPrincipalName", "displayName"))
}

// known is a text that Graph knows, or null.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (t *Tenant) getDeletedUser(q query) answer {
	return entity("directoryObjects/$entity", map[string]any{
		"@odata.type": "#microsoft.graph.user", "id": q.user.ID, "deletedDateTime": stamp(t.now()), "displayName": q.user.DisplayName,
		"userPrincipalName": strings.ReplaceAll(q.user.ID, "-", "") + q.user.UserPrincipalName,
	})
}

func (t *Tenant) patchUser(q query) answer { return enable(q, "User", &q.user.AccountEnabled) }

// enable sets the property accountEnabled of a resource.
func enable(q query, resource string, enabled *bool) answer {
	var patch struct {
		AccountEnabled *bool `json:"accountEnabled"`
	}
	if err := json.Unmarshal(q.body, &patch); err != nil || patch.AccountEnabled == nil {
		return fault(http.StatusBadRequest, "Request_BadRequest", "A value is required for property 'accountEnabled' of resource '"+resource+"'.")
	}
	*enabled = *patch.AccountEnabled
	return noContent
}

func (t *Tenant) revokeSessions(q query) answer {
	q.user.SessionsValidFrom = t.now().UTC()
	return entity("Edm.Boolean", map[string]any{"value": true})
}
