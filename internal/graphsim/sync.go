package graphsim

import (
	"net/http"
	"time"
)

// DisableOnPremises disables the account of a synchronised user in Active Directory, by user principal name or object
// id. The next synchronisation brings that into the tenant. It returns false when there is no such user.
func (t *Tenant) DisableOnPremises(userID string) bool {
	defer t.lock()()
	user := t.find(userID)
	if user != nil {
		user.DisabledOnPremises, user.changedOnPremises = true, true
	}
	return user != nil
}

// synchronise brings what Active Directory says of accounts into the tenant, when a synchronisation is due. A user whom
// nothing has changed is not written to. The tenant is locked.
func (t *Tenant) synchronise() {
	every := time.Duration(t.settings.SyncEvery)
	if every <= 0 {
		return
	}
	at := t.now().Truncate(every)
	if t.synced.IsZero() {
		t.synced = at
	}
	if !at.After(t.synced) {
		return
	}
	t.synced = at
	for _, user := range t.users {
		if user.OnPremisesSyncEnabled && (user.changedOnPremises || user.AccountEnabled == user.DisabledOnPremises) {
			user.AccountEnabled, user.LastSync, user.changedOnPremises = !user.DisabledOnPremises, at, false
		}
	}
}

// mastered refuses to change what Active Directory owns, in a tenant that does.
func (t *Tenant) mastered(u *User) bool { return u.OnPremisesSyncEnabled && t.settings.RefusesMastered }

func masteredFault() answer {
	return fault(http.StatusBadRequest, "Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
}

func (t *Tenant) getOrganization(query) answer {
	return collection("organization", []any{map[string]any{"id": "8f3c6a52-0c1e-4f0e-9b7e-0d7f5c3a0000", "onPremisesLastSyncDateTime": known(stampOrNone(t.synced))}})
}

func stampOrNone(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return stamp(at)
}
