package graphsim

import (
	"net/http"
	"strings"
)

// Membership is a group, or a directory role, that a user is a member of.
type Membership struct {
	ID                 string `json:"id"`
	Role               bool   `json:"role,omitempty"` // a directory role, and no group
	IsAssignableToRole bool   `json:"isAssignableToRole,omitempty"`
}

func (t *Tenant) listMemberships(q query) answer {
	all := []any{}
	for _, m := range q.user.Memberships {
		row := map[string]any{"@odata.type": "#microsoft.graph.group", "id": m.ID, "isAssignableToRole": m.IsAssignableToRole}
		if m.Role {
			row = map[string]any{"@odata.type": "#microsoft.graph.directoryRole", "id": m.ID}
		}
		all = append(all, row)
	}
	return collection("directoryObjects", all)
}

// listRoles lists the roles of the principal whom the filter names.
func (t *Tenant) listRoles(q query) answer {
	property, principal, ok := filtered(q)
	if !ok || property != "principalId" {
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	}
	name, n := "roleManagement/directory/roleAssignments", 0
	user := t.find(principal)
	if user != nil {
		n = user.Roles
	}
	if strings.HasSuffix(q.route.path, "roleEligibilitySchedules") {
		if name = "roleManagement/directory/roleEligibilitySchedules"; user != nil {
			n = user.EligibleRoles
		}
	}
	all := []any{}
	for range n {
		all = append(all, map[string]any{"id": "role-" + string(rune('a'+len(all))), "principalId": user.ID, "directoryScopeId": "/", "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"})
	}
	return collection(name, all)
}
