package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var peopleRoutes = []route{
	{http.MethodGet, "/users/{id}/manager", readsUsers, showsUsers((*Tenant).getManager)},
	{http.MethodPut, "/users/{id}/manager/$ref", writesUsers, (*Tenant).setManager},
	{http.MethodGet, "/users/{id}/directReports", readsUsers, showsUsers((*Tenant).listReports)},
}

// showsUsers reads $select for users who stand in an answer about another one.
func showsUsers(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return shows("user", (&User{}).properties(), userDefaults, do)
}

// asObject is a user as an object of the directory.
func (u *User) asObject(q query) map[string]any {
	all := selected(q, u.properties())
	all["@odata.type"] = "#microsoft.graph.user"
	return all
}

func (t *Tenant) getManager(q query) answer {
	manager := t.find(q.user.seen.at(t.shown()).ManagerID)
	if manager == nil {
		return noObject("manager")
	}
	return entity("directoryObjects/$entity", manager.asObject(q))
}

func (t *Tenant) listReports(q query) answer {
	all := []any{}
	for _, user := range t.others() {
		if ascii.EqualFold(user.seen.at(t.shown()).ManagerID, q.user.ID) {
			all = append(all, user.asObject(q))
		}
	}
	return collection("directoryObjects", all)
}

// others are all users who are not deleted, in one order.
func (t *Tenant) others() (all []*User) {
	for _, user := range t.users {
		if !user.Deleted {
			all = append(all, user)
		}
	}
	slices.SortFunc(all, func(a, b *User) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (t *Tenant) setManager(q query) answer {
	id, ok := referred(q)
	manager := t.find(id)
	switch {
	case !ok:
		return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid URL format specified in @odata.id.")
	case q.user.OnPremisesSyncEnabled:
		return masteredFault()
	case manager == nil:
		return noObject(id)
	}
	q.user.hold(t.now(), func(h *Holdings) { h.ManagerID = manager.ID })
	return noContent
}

// referred is the id of the object to which the body of a $ref leads.
func referred(q query) (id string, ok bool) {
	var body struct {
		ID string `json:"@odata.id"`
	}
	_ = json.Unmarshal(q.body, &body)
	return body.ID[strings.LastIndex(body.ID, "/")+1:], strings.Contains(body.ID, "://")
}
