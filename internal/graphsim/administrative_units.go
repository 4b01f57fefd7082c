package graphsim

import (
	"net/http"
	"slices"
	"strings"
)

// AdministrativeUnit is a part of the directory that a user is in.
type AdministrativeUnit struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Dynamic    bool   `json:"dynamic,omitempty"`
	Restricted bool   `json:"restricted,omitempty"` // only its own administrators change its members
}

var unitRoutes = []route{
	{http.MethodGet, "/users/{id}/memberOf", readsDirectory, (*Tenant).listMemberOf},
	{http.MethodDelete, "/directory/administrativeUnits/{unit}/members/{user}/$ref", [][]string{{"AdministrativeUnit.ReadWrite.All"}}, (*Tenant).leaveUnit},
}

// listMemberOf lists what the user is a member of directly. The memberships of the tenant's users are taken for such.
func (t *Tenant) listMemberOf(q query) answer {
	all := q.user.memberships()
	for _, row := range all {
		row := row.(map[string]any)
		kind := row["@odata.type"]
		selected(q, row)["@odata.type"] = kind
	}
	for _, group := range t.groups {
		if slices.Contains(group.members.at(t.shown()), q.user.ID) {
			all = append(all, group.row(q))
		}
	}
	for _, unit := range q.user.seen.at(t.shown()).Units {
		row := map[string]any{"id": unit.ID, "displayName": unit.Name, "membershipType": nil, "isMemberManagementRestricted": unit.Restricted}
		if unit.Dynamic {
			row["membershipType"] = "Dynamic"
		}
		selected(q, row)["@odata.type"] = "#microsoft.graph.administrativeUnit"
		all = append(all, row)
	}
	return collection("directoryObjects", all)
}

func (t *Tenant) leaveUnit(q query) answer {
	is := func(u AdministrativeUnit) bool { return strings.EqualFold(u.ID, q.named["unit"]) }
	if q.user == nil || !slices.ContainsFunc(q.user.Units, is) {
		return fault(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+q.named["user"]+"' does not exist or one of its queried reference-property objects are not present.")
	}
	switch unit := *find(q.user.Units, is); {
	case unit.Dynamic:
		return fault(http.StatusBadRequest, "Request_BadRequest", "Insufficient privileges to remove a member from an administrative unit with dynamic membership.")
	case unit.Restricted && !q.grant.delegated:
		return fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation. Target object is a member of a restricted management administrative unit.")
	}
	q.user.hold(t.now(), func(h *Holdings) { h.Units = without(h.Units, is) })
	return noContent
}
