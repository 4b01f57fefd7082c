package graphsim

// Membership is a group, or a directory role, that a user is a member of.
type Membership struct {
	ID                 string `json:"id"`
	Name               string `json:"name,omitempty"`
	Role               bool   `json:"role,omitempty"` // a directory role, and no group
	IsAssignableToRole bool   `json:"isAssignableToRole,omitempty"`
	Roles              []Role `json:"roles,omitempty"` // those that the group holds
}

// memberships are those of the user that are no objects of the tenant.
func (u *User) memberships() []any {
	all := []any{}
	for _, m := range u.Memberships {
		row := map[string]any{"@odata.type": "#microsoft.graph.group", "id": m.ID, "displayName": known(m.Name), "isAssignableToRole": m.IsAssignableToRole}
		if m.Role {
			row = map[string]any{"@odata.type": "#microsoft.graph.directoryRole", "id": m.ID}
		}
		all = append(all, row)
	}
	return all
}

func (t *Tenant) listMemberships(q query) answer {
	all := q.user.memberships()
	for _, group := range t.groups {
		if t.isMember(group.ID, q.user.ID, t.shown()) {
			all = append(all, group.row(q))
		}
	}
	return collection("directoryObjects", all)
}
