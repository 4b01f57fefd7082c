package graphsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// userDefaults is what Graph shows of a user without $select.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-get
var userDefaults = []string{"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id"}

// texts are the properties of a user that are plain texts, and of which the tenant makes nothing.
var texts = []string{"city", "companyName", "country", "department", "employeeId", "employeeType", "faxNumber", "givenName", "jobTitle", "mail", "mailNickname",
	"mobilePhone", "officeLocation", "postalCode", "preferredLanguage", "state", "streetAddress", "surname", "usageLocation"}

func (t *Tenant) getUser(q query) answer {
	shown := *q.user
	shown.Holdings, shown.Texts = q.user.seen.at(t.shown()), q.user.seenTexts.at(t.shown())
	return entity("users"+q.context+"/$entity", selected(q, shown.properties()))
}

// properties is a user as Graph shows one.
func (u *User) properties() map[string]any {
	all := map[string]any{
		"id": u.ID, "userPrincipalName": u.UserPrincipalName, "displayName": known(u.DisplayName), "userType": u.UserType, "accountEnabled": u.AccountEnabled,
		"onPremisesSyncEnabled": nil, "creationType": known(u.CreationType), "externalUserState": known(u.ExternalUserState), "signInSessionsValidFromDateTime": stamp(u.SessionsValidFrom),
		"businessPhones": []string{}, "onPremisesLastSyncDateTime": known(stampOrNone(u.LastSync)),
		"lastPasswordChangeDateTime": stamp(u.PasswordChanged), "passwordProfile": nil,
	}
	maps.Copy(all, licenseProperties(u.Licenses, u.SessionsValidFrom))
	for _, name := range texts {
		all[name] = known(u.Texts[name])
	}
	if u.OnPremisesSyncEnabled {
		all["onPremisesSyncEnabled"] = true
	}
	return all
}

// known is a text that Graph knows, or null.
func known(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (t *Tenant) getDeletedUser(q query) answer {
	if !t.showsDeleted(q.user) {
		return noObject(q.id)
	}
	return entity("directoryObjects/$entity", map[string]any{
		"@odata.type": "#microsoft.graph.user", "id": q.user.ID, "deletedDateTime": stamp(t.now()), "displayName": q.user.DisplayName,
		"userPrincipalName": strings.ReplaceAll(q.user.ID, "-", "") + q.user.UserPrincipalName,
	})
}

// patchUser changes what the body names, or nothing when it refuses a part of it.
func (t *Tenant) patchUser(q query) answer {
	var patch map[string]any
	if json.Unmarshal(q.body, &patch) != nil || len(patch) == 0 {
		return fault(http.StatusBadRequest, "Request_BadRequest", "The request needs a body with the properties to change.")
	}
	changed := *q.user
	changed.Texts = maps.Clone(q.user.Texts)
	for _, property := range slices.Sorted(maps.Keys(patch)) {
		_, exists := changed.properties()[property]
		switch {
		case !exists:
			return noProperty("", property, "user")
		case t.mastered(q.user), property != "accountEnabled" && q.user.OnPremisesSyncEnabled:
			return masteredFault()
		case !q.grant.allows(permits(property)), property == "mobilePhone" && q.user.privileged():
			return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		case property == "passwordProfile":
			if refusal := t.acceptsPassword(q, patch[property]); refusal != nil {
				return *refusal
			}
		case !changed.set(property, patch[property]):
			return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for property '"+property+"' of resource 'User'.")
		}
	}
	*q.user = changed
	q.user.seenTexts.set(changed.Texts, t.now())
	if _, ok := patch["passwordProfile"]; ok {
		q.user.hold(t.now(), func(h *Holdings) { h.PasswordChanged = t.now().UTC() })
	}
	return noContent
}

// permits are the permissions to change a property of a user.
func permits(property string) [][]string {
	switch property {
	case "accountEnabled":
		return enablesUsers
	case "passwordProfile":
		return setsPasswords
	}
	return writesUsers
}

// set changes a property, and reports whether it can have the value.
func (u *User) set(property string, value any) (ok bool) {
	text, _ := value.(string)
	switch {
	case property == "accountEnabled":
		u.AccountEnabled, ok = value.(bool)
		return ok
	case property == "displayName" && text != "":
		u.DisplayName = text
	case slices.Contains(texts, property) && text != "":
		if u.Texts == nil {
			u.Texts = map[string]string{}
		}
		u.Texts[property] = text
	case slices.Contains(texts, property) && value == nil:
		delete(u.Texts, property)
	default:
		return false
	}
	return true
}

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
