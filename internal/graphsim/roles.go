package graphsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// GlobalAdministrator is the id of the directory role of that name.
const GlobalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// roleNames are the directory roles of the tenant.
var roleNames = map[string]string{
	GlobalAdministrator: "Global Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
}

// Role is a directory role that a user or a group holds, or may activate.
type Role struct {
	ID               string `json:"id"`
	RoleDefinitionID string `json:"roleDefinitionId"`           // Global Administrator unless given
	DirectoryScopeID string `json:"directoryScopeId,omitempty"` // the whole tenant unless given
	// Eligible is for a role that may be activated. Managed is for an active one that Privileged Identity Management
	// keeps, and Later for one of these that begins later.
	Eligible bool `json:"eligible,omitempty"`
	Managed  bool `json:"managed,omitempty"`
	Later    bool `json:"later,omitempty"`
	// MemberType is Direct unless given.
	MemberType string `json:"memberType,omitempty"`
	// Activated is when the user activated the role, and Pending has a request about it be open.
	Activated time.Time `json:"activated,omitzero"`
	Pending   bool      `json:"pending,omitempty"`
}

// settledRoles are roles with what was missing in them.
func settledRoles(roles []Role) []Role {
	roles = slices.Clone(roles)
	for i := range roles {
		r := &roles[i]
		r.ID, r.RoleDefinitionID, r.DirectoryScopeID, r.MemberType = cmp.Or(r.ID, uuid.NewString()), cmp.Or(r.RoleDefinitionID, GlobalAdministrator), cmp.Or(r.DirectoryScopeID, "/"), cmp.Or(r.MemberType, "Direct")
	}
	return roles
}

var (
	readsRoles  = [][]string{{"RoleManagement.Read.Directory"}, {"RoleManagement.ReadWrite.Directory"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	writesRoles = []string{"RoleManagement.ReadWrite.Directory"}
)

var roleRoutes = []route{
	{http.MethodGet, "/roleManagement/directory/roleDefinitions", readsRoles, (*Tenant).listRoleDefinitions},
	{http.MethodGet, "/roleManagement/directory/roleAssignments", readsRoles, listsRoles("roleAssignments", func(r Role) bool { return !r.Eligible && !r.Later })},
	{http.MethodDelete, "/roleManagement/directory/roleAssignments/{id}", [][]string{writesRoles}, (*Tenant).deleteRole},
	{http.MethodGet, "/roleManagement/directory/roleEligibilitySchedules", [][]string{{"RoleEligibilitySchedule.Read.Directory"}, {"RoleEligibilitySchedule.ReadWrite.Directory"}, {"RoleManagement.Read.Directory"}, writesRoles},
		premium(listsRoles("roleEligibilitySchedules", isEligible))},
	{http.MethodGet, "/roleManagement/directory/roleAssignmentSchedules", [][]string{{"RoleAssignmentSchedule.Read.Directory"}, {"RoleAssignmentSchedule.ReadWrite.Directory"}, {"RoleManagement.Read.Directory"}, writesRoles},
		premium(listsRoles("roleAssignmentSchedules", isManaged))},
	{http.MethodPost, "/roleManagement/directory/roleEligibilityScheduleRequests", [][]string{{"RoleEligibilitySchedule.ReadWrite.Directory"}, writesRoles},
		premium(removesRole("roleEligibilityScheduleRequests", isEligible))},
	{http.MethodPost, "/roleManagement/directory/roleAssignmentScheduleRequests", [][]string{{"RoleAssignmentSchedule.Remove.Directory"}, {"RoleAssignmentSchedule.ReadWrite.Directory"}, writesRoles},
		premium(removesRole("roleAssignmentScheduleRequests", isManaged))},
}

func isEligible(r Role) bool { return r.Eligible }
func isManaged(r Role) bool  { return r.Managed && !r.Eligible }

// premium is what Privileged Identity Management answers, which needs a licence.
func premium(do func(*Tenant, query) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		if t.settings.NoPremium {
			return fault(http.StatusBadRequest, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.")
		}
		return do(t, q)
	}
}

func (t *Tenant) listRoleDefinitions(q query) answer {
	all := []any{}
	for id, name := range roleNames {
		all = append(all, selected(q, map[string]any{"id": id, "displayName": name, "isBuiltIn": true}))
	}
	return collection("roleManagement/directory/roleDefinitions", all)
}

// listsRoles lists the roles that are of a kind, of the principal or with the definition that the filter names.
func listsRoles(name string, kind func(Role) bool) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		property, value, ok := filtered(q)
		if !ok || property != "principalId" && property != "roleDefinitionId" {
			return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
		}
		all := []any{}
		for principal, roles := range t.principals() {
			for _, r := range roles {
				if row := r.properties(principal, name); kind(r) && ascii.EqualFold(row[property].(string), value) {
					all = append(all, row)
				}
			}
		}
		return collection("roleManagement/directory/"+name, all)
	}
}

// principals are who holds roles, as reads show it.
func (t *Tenant) principals() map[string][]Role {
	all := map[string][]Role{}
	for _, user := range t.users {
		if !user.Deleted {
			all[user.ID] = user.seen.at(t.shown()).Roles
		}
		for _, m := range user.Memberships {
			all[m.ID] = m.Roles
		}
	}
	for _, group := range t.groups {
		all[group.ID] = group.Roles
	}
	return all
}

// properties is a role as Graph shows it in one of its lists.
func (r Role) properties(principal, list string) map[string]any {
	row := map[string]any{"id": r.ID, "principalId": principal, "directoryScopeId": r.DirectoryScopeID, "roleDefinitionId": r.RoleDefinitionID}
	if list == "roleAssignments" {
		return row
	}
	row["id"], row["status"], row["memberType"] = "schedule-"+r.ID, "Provisioned", r.MemberType
	row["scheduleInfo"] = map[string]any{"startDateTime": "2026-01-01T00:00:00Z", "recurrence": nil, "expiration": map[string]any{"type": "noExpiration", "endDateTime": nil, "duration": nil}}
	if list == "roleAssignmentSchedules" {
		row["assignmentType"] = "Assigned"
		if !r.Activated.IsZero() {
			row["assignmentType"] = "Activated"
		}
	}
	return row
}

// role is the user's active role with an id, or nil when there is none.
func (u *User) role(id string) *Role {
	return find(u.Roles, func(r Role) bool { return r.ID == id && !r.Eligible && !r.Later })
}

func (t *Tenant) deleteRole(q query) answer {
	role := *q.user.role(q.id)
	if refusal := t.keepsAdministrator(q, q.user, role); refusal != nil {
		return *refusal
	}
	q.user.hold(t.now(), func(h *Holdings) { h.Roles = without(h.Roles, func(r Role) bool { return r.ID == role.ID }) })
	return noContent
}

// keepsAdministrator refuses to take the role of Global Administrator from its last holder, and from who asks for it.
// How Microsoft words the first is not documented.
func (t *Tenant) keepsAdministrator(q query, user *User, role Role) *answer {
	isAdministrator := func(r Role) bool {
		return !r.Eligible && !r.Later && r.RoleDefinitionID == GlobalAdministrator && r.DirectoryScopeID == "/"
	}
	if !isAdministrator(role) {
		return nil
	}
	others := 0
	for _, other := range t.users {
		if other != user && !other.Deleted && slices.ContainsFunc(other.Roles, isAdministrator) {
			others++
		}
	}
	var refusal answer
	switch {
	case q.grant.delegated && user.ID == SignedIn:
		refusal = fault(http.StatusBadRequest, "Request_BadRequest", "Removing self from Global Administrator built-in role is not allowed.")
	case others == 0:
		refusal = fault(http.StatusBadRequest, "Request_BadRequest", "The last Global Administrator cannot be removed.")
	default:
		return nil
	}
	return &refusal
}

// removesRole takes a role from a user, on a request of Privileged Identity Management.
func removesRole(name string, kind func(Role) bool) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		var asked struct {
			Action, PrincipalID, RoleDefinitionID, DirectoryScopeID, Justification string
		}
		if json.Unmarshal(q.body, &asked) != nil || asked.Action != "adminRemove" || asked.DirectoryScopeID == "" {
			return fault(http.StatusBadRequest, "InvalidRoleAssignmentRequest", "The role assignment request is invalid.")
		}
		fits := func(r Role) bool {
			return kind(r) && strings.EqualFold(r.RoleDefinitionID, asked.RoleDefinitionID) && r.DirectoryScopeID == asked.DirectoryScopeID
		}
		missing := fault(http.StatusBadRequest, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
		user := t.find(asked.PrincipalID)
		if user == nil || !slices.ContainsFunc(user.Roles, fits) {
			return missing
		}
		role := *find(user.Roles, fits)
		switch refusal := t.keepsAdministrator(q, user, role); {
		case role.Pending:
			return fault(http.StatusBadRequest, "PendingRoleAssignmentRequest", "There is already an existing pending Role assignment request.")
		case !role.Activated.IsZero() && t.now().Sub(role.Activated) < 5*time.Minute:
			return fault(http.StatusBadRequest, "ActiveDurationTooShort", "The active duration is too short. Minimum is 5 minutes.")
		case refusal != nil:
			return *refusal
		}
		user.hold(t.now(), func(h *Holdings) { h.Roles = without(h.Roles, fits) })
		if t.settings.DeniesRemovals {
			return missing
		}
		a := entity("roleManagement/directory/"+name+"/$entity", map[string]any{
			"id": uuid.NewString(), "status": "Revoked", "completedDateTime": nil, "createdDateTime": stamp(t.now()), "action": asked.Action, "principalId": user.ID,
			"roleDefinitionId": asked.RoleDefinitionID, "directoryScopeId": asked.DirectoryScopeID, "justification": asked.Justification,
		})
		a.status = http.StatusCreated
		return a
	}
}
