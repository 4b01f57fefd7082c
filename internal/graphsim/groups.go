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

var (
	readsGroups  = [][]string{{"GroupMember.Read.All"}, {"GroupMember.ReadWrite.All"}, {"Group.Read.All"}, {"Group.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"}}
	writesGroups = [][]string{{"GroupMember.ReadWrite.All"}, {"Group.ReadWrite.All"}, {"Directory.ReadWrite.All"}}
	groupRoutes  = []route{
		{http.MethodPost, "/users/{id}/checkMemberGroups", append([][]string{{"User.Read.All", "GroupMember.Read.All"}}, readsDirectory...), (*Tenant).checkGroups},
		{http.MethodGet, "/groups/{group}", readsGroups, ofGroup((*Tenant).getGroup)},
		{http.MethodGet, "/groups/{group}/owners", readsGroups, ofGroup((*Tenant).listGroupOwners)},
		{http.MethodPost, "/groups/{group}/members/$ref", writesGroups, ofGroup((*Tenant).addMember)},
		{http.MethodDelete, "/groups/{group}/members/{user}/$ref", writesGroups, ofGroup((*Tenant).removeMember)},
		{http.MethodPost, "/groups/{group}/owners/$ref", writesGroups[1:], ofGroup((*Tenant).addOwner)},
		{http.MethodDelete, "/groups/{group}/owners/{user}/$ref", writesGroups[1:], ofGroup((*Tenant).removeOwner)},
		{http.MethodDelete, "/groups/{group}/members/{user}", writesUsers, (*Tenant).deleteMember},
		{http.MethodDelete, "/groups/{group}/owners/{user}", writesUsers, (*Tenant).deleteMember},
	}
)

// Group is a group of the tenant.
type Group struct {
	ID                    string   `json:"id"`
	DisplayName           string   `json:"displayName,omitempty"`
	GroupTypes            []string `json:"groupTypes,omitempty"`
	MembershipRule        string   `json:"membershipRule,omitempty"`
	IsAssignableToRole    bool     `json:"isAssignableToRole,omitempty"`
	OnPremisesSyncEnabled bool     `json:"onPremisesSyncEnabled,omitempty"`
	MailEnabled           bool     `json:"mailEnabled,omitempty"`
	SecurityEnabled       bool     `json:"securityEnabled,omitempty"`
	AssignedLicenses      []string `json:"assignedLicenses,omitempty"` // the ids of the products
	Team                  bool     `json:"team,omitempty"`
	Roles                 []Role   `json:"roles,omitempty"` // the directory roles that the group holds
	// Members are the object ids of the users and groups that are members, and Owners of those who own the group.
	// An owner who is no user of the tenant is a service principal.
	Members []string `json:"members,omitempty"`
	Owners  []string `json:"owners,omitempty"`
	// Channels are those of a team that have members of their own.
	Channels []Channel `json:"channels,omitempty"`

	members, owners lagged[[]string]
}

// AddGroup puts a group into the tenant, or replaces the one of the same id; what is missing is filled in. It returns
// the object id.
func (t *Tenant) AddGroup(group Group) (id string) {
	defer t.lock()()
	group.ID, group.DisplayName = cmp.Or(group.ID, uuid.NewString()), cmp.Or(group.DisplayName, "Group")
	group.members, group.owners = lagged[[]string]{now: slices.Clone(group.Members)}, lagged[[]string]{now: slices.Clone(group.Owners)}
	group.Channels, group.Roles = slices.Clone(group.Channels), settledRoles(group.Roles)
	for i := range group.Channels {
		group.Channels[i].settle()
	}
	t.groups = append(without(t.groups, func(g *Group) bool { return g.ID == group.ID }), &group)
	return group.ID
}

// Groups returns the groups as they are now, by object id.
func (t *Tenant) Groups() map[string]Group {
	defer t.lock()()
	all := map[string]Group{}
	for _, group := range t.groups {
		snapshot := *group
		snapshot.Members, snapshot.Owners, snapshot.Channels = slices.Clone(group.members.now), slices.Clone(group.owners.now), slices.Clone(group.Channels)
		for i, channel := range group.Channels {
			snapshot.Channels[i].Members, snapshot.Channels[i].Owners = slices.Clone(channel.members.now), slices.Clone(channel.owners.now)
		}
		all[group.ID] = snapshot
	}
	return all
}

func (t *Tenant) group(id string) *Group {
	for _, group := range t.groups {
		if ascii.EqualFold(group.ID, id) {
			return group
		}
	}
	return nil
}

// isMember reports whether a user or a group was a member of a group at a time, also by another group.
func (t *Tenant) isMember(groupID, id string, at time.Time) bool {
	return t.reaches(groupID, id, at, nil)
}

// reaches looks through the groups that are members, but those that were seen: groups may be members of each other.
func (t *Tenant) reaches(groupID, id string, at time.Time, seen []string) bool {
	group := t.group(groupID)
	if group == nil || slices.Contains(seen, group.ID) {
		return false
	}
	seen = append(seen, group.ID)
	return slices.ContainsFunc(group.members.at(at), func(m string) bool {
		return ascii.EqualFold(m, id) || t.reaches(m, id, at, seen)
	})
}

// ofGroup finds the group that a path names.
func ofGroup(do func(*Tenant, query, *Group) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		group := t.group(q.named["group"])
		if group == nil {
			return noObject(q.named["group"])
		}
		return do(t, q, group)
	}
}

// properties is a group as Graph shows one.
func (g *Group) properties() map[string]any {
	licences, options := []any{}, []string{}
	for _, sku := range g.AssignedLicenses {
		licences = append(licences, map[string]any{"skuId": sku, "disabledPlans": []string{}})
	}
	if g.Team {
		options = append(options, "Team")
	}
	all := map[string]any{
		"id": g.ID, "displayName": g.DisplayName, "groupTypes": append([]string{}, g.GroupTypes...), "membershipRule": known(g.MembershipRule),
		"isAssignableToRole": nil, "onPremisesSyncEnabled": nil, "mailEnabled": g.MailEnabled, "securityEnabled": g.SecurityEnabled,
		"assignedLicenses": licences, "resourceProvisioningOptions": options,
	}
	if g.IsAssignableToRole {
		all["isAssignableToRole"] = true
	}
	if g.OnPremisesSyncEnabled {
		all["onPremisesSyncEnabled"] = true
	}
	return all
}

// row is a group in a list of directory objects.
func (g *Group) row(q query) map[string]any {
	row := selected(q, g.properties())
	row["@odata.type"] = "#microsoft.graph.group"
	return row
}

func (t *Tenant) checkGroups(q query) answer {
	var body struct {
		GroupIDs []string `json:"groupIds"`
	}
	if json.Unmarshal(q.body, &body) != nil || len(body.GroupIDs) == 0 || len(body.GroupIDs) > 20 {
		return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid value specified for property 'groupIds'.")
	}
	all := []any{}
	for _, id := range body.GroupIDs {
		if t.isMember(id, q.user.ID, t.shown()) {
			all = append(all, id)
		}
	}
	return collection("Collection(Edm.String)", all)
}

func (t *Tenant) getGroup(q query, group *Group) answer {
	return entity("groups/$entity", selected(q, group.properties()))
}

func (t *Tenant) listGroupOwners(_ query, group *Group) answer {
	all := []any{}
	for _, owner := range group.owners.at(t.shown()) {
		kind := "servicePrincipal"
		if t.users[owner] != nil {
			kind = "user"
		}
		all = append(all, map[string]any{"@odata.type": "#microsoft.graph." + kind, "id": owner})
	}
	return collection("directoryObjects", all)
}

func (t *Tenant) addMember(q query, group *Group) answer {
	return t.link(q, group, "members", &group.members)
}

func (t *Tenant) removeMember(q query, group *Group) answer {
	if refusal := group.refuses(q, "members"); refusal != nil {
		return *refusal
	}
	a := t.unlink(q, "members", &group.members)
	t.endLicenses(group, q.named["user"])
	return a
}

func (t *Tenant) addOwner(q query, group *Group) answer {
	return t.link(q, group, "owners", &group.owners)
}

// removeOwner keeps the last owner who is a user. A replica that does not know the newest owner refuses too.
func (t *Tenant) removeOwner(q query, group *Group) answer {
	if refusal := group.refuses(q, "owners"); refusal != nil {
		return *refusal
	}
	isUser := func(id string) bool { return t.users[id] != nil && !ascii.EqualFold(id, q.named["user"]) }
	if slices.Contains(group.owners.now, q.named["user"]) && !group.IsAssignableToRole && !slices.ContainsFunc(group.owners.at(t.shown()), isUser) {
		return fault(http.StatusBadRequest, "Request_BadRequest", "The group must have at least one owner, hence this owner cannot be removed.")
	}
	return t.unlink(q, "owners", &group.owners)
}

// deleteMember is what Graph does without /$ref: it deletes the member itself.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-delete-members
func (t *Tenant) deleteMember(q query) answer {
	if q.user == nil {
		return noObject(q.named["user"])
	}
	q.user.Deleted = true
	return noContent
}

// refuses says why Graph changes the members, or the owners, of a group not at all, or not for this token.
func (g *Group) refuses(q query, relation string) *answer {
	var refusal answer
	switch {
	case g.OnPremisesSyncEnabled:
		refusal = fault(http.StatusBadRequest, "Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
	case g.MailEnabled && !slices.Contains(g.GroupTypes, "Unified"):
		refusal = fault(http.StatusBadRequest, "Request_BadRequest", "Cannot Update a mail-enabled security groups and or distribution list.")
	case relation == "members" && slices.Contains(g.GroupTypes, "DynamicMembership"),
		g.IsAssignableToRole && !q.grant.allows([][]string{{"RoleManagement.ReadWrite.Directory"}}):
		refusal = fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	default:
		return nil
	}
	return &refusal
}

// link adds the object that the body names to the members or the owners.
func (t *Tenant) link(q query, group *Group, relation string, list *lagged[[]string]) answer {
	var body struct {
		ID string `json:"@odata.id"`
	}
	_ = json.Unmarshal(q.body, &body)
	id := body.ID[strings.LastIndex(body.ID, "/")+1:]
	user := t.find(id)
	switch refusal := group.refuses(q, relation); {
	case refusal != nil:
		return *refusal
	case !strings.Contains(body.ID, "://"):
		return fault(http.StatusBadRequest, "Request_BadRequest", "Invalid URL format specified in @odata.id.")
	case user == nil:
		return noObject(id)
	case slices.Contains(list.now, user.ID):
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more added object references already exist for the following modified properties: '"+relation+"'.")
	}
	list.set(append(slices.Clone(list.now), user.ID), t.now())
	return noContent
}

// unlink removes whom the path names, who may be a group or somebody who is deleted. Graph answers otherwise while a
// replica has the reference still.
func (t *Tenant) unlink(q query, relation string, list *lagged[[]string]) answer {
	is := func(id string) bool { return ascii.EqualFold(id, q.named["user"]) }
	switch {
	case slices.ContainsFunc(list.now, is):
		list.set(without(list.now, is), t.now())
		return noContent
	case slices.ContainsFunc(list.at(t.shown()), is):
		return fault(http.StatusBadRequest, "Request_BadRequest", "One or more removed object references do not exist for the following modified properties: '"+relation+"'.")
	}
	return noObject(q.named["user"])
}
