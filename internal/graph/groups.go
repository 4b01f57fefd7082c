package graph

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// Group is what decides how a member or an owner can be taken out of a group, and by whom.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/group
type Group struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// GroupTypes holds Unified for a Microsoft 365 group, and DynamicMembership where a rule decides who is a member.
	GroupTypes            []string `json:"groupTypes"`
	MembershipRule        string   `json:"membershipRule"`
	IsAssignableToRole    bool     `json:"isAssignableToRole"`
	OnPremisesSyncEnabled bool     `json:"onPremisesSyncEnabled"`
	MailEnabled           bool     `json:"mailEnabled"`
	SecurityEnabled       bool     `json:"securityEnabled"`
	AssignedLicenses      []struct {
		SKUID string `json:"skuId"`
	} `json:"assignedLicenses"`
	ResourceProvisioningOptions []string `json:"resourceProvisioningOptions"`
	// Hidden says that the caller may not read the group's properties: it could be any group.
	Hidden bool `json:"-"`
}

// IsDynamic reports whether a rule decides who is a member.
func (g Group) IsDynamic() bool { return slices.Contains(g.GroupTypes, "DynamicMembership") }

// IsTeam reports whether Teams keeps the members of a group.
func (g Group) IsTeam() bool { return slices.Contains(g.ResourceProvisioningOptions, "Team") }

// IsExchanges reports whether a group is a distribution list or a mail-enabled security group, whose members
// Exchange alone can change.
func (g Group) IsExchanges() bool { return g.MailEnabled && !slices.Contains(g.GroupTypes, "Unified") }

// Owner is a user or a service principal that owns a group.
type Owner struct {
	ID   string `json:"id"`
	Type string `json:"@odata.type"`
}

// IsUser reports whether an owner is a person. Graph does not count service principals as the last owner.
func (o Owner) IsUser() bool { return o.Type == "#microsoft.graph.user" }

var (
	listGroups        = call{http.MethodGet, "list memberOf", "Directory.Read.All (groups with hidden members: and Member.Read.Hidden)"}
	listAllGroups     = call{http.MethodGet, "list transitiveMemberOf", listGroups.permission}
	getGroup          = call{http.MethodGet, "get group", "GroupMember.Read.All"}
	checkGroups       = call{http.MethodPost, "checkMemberGroups", "User.Read.All and GroupMember.Read.All"}
	listGroupOwners   = call{http.MethodGet, "list owners of a group", "GroupMember.Read.All and User.Read.All"}
	addGroupMember    = call{http.MethodPost, "add a member to a group", changesMembers}
	removeGroupMember = call{http.MethodDelete, "remove a member of a group", changesMembers}
)

const (
	changesMembers = "GroupMember.ReadWrite.All (for a group that can hold directory roles: and RoleManagement.ReadWrite.Directory)"
	groupFields    = "?$select=id,displayName,groupTypes,membershipRule,isAssignableToRole,onPremisesSyncEnabled,mailEnabled,securityEnabled,assignedLicenses,resourceProvisioningOptions"
)

// groupRow is a group as a list of directory objects has it. What the caller may not read is null there.
type groupRow struct {
	Group
	Type        string `json:"@odata.type"`
	MailEnabled *bool  `json:"mailEnabled"`
}

// group is the row's group. Graph gives every group that may be read its types, its provisioning options and whether
// it has mail, so that a row without one must not be taken for a group that anybody can change.
func (r groupRow) group() Group {
	if r.Hidden = r.MailEnabled == nil || r.GroupTypes == nil || r.ResourceProvisioningOptions == nil; !r.Hidden {
		r.Group.MailEnabled = *r.MailEnabled
	}
	return r.Group
}

// groups lists the groups among directory objects. An object whose type Graph does not tell is kept: it could be one.
func (c *Client) groups(ctx context.Context, call call, endpoint string) ([]Group, error) {
	rows, err := list[groupRow](ctx, c, call, endpoint)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, 0, len(rows))
	for _, r := range rows {
		if r.Type == "" || r.Type == "#microsoft.graph.group" {
			groups = append(groups, r.group())
		}
	}
	return groups, nil
}

// Groups lists the groups that a user is a member of directly, and not by another group.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-memberof
func (c *Client) Groups(ctx context.Context, userID string) ([]Group, error) {
	return c.groups(ctx, listGroups, c.user(userID, "/memberOf"+groupFields))
}

// Group reads a group by its object id.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-get
func (c *Client) Group(ctx context.Context, id string) (Group, error) {
	var read row[groupRow]
	if err := c.do(ctx, getGroup, c.object("/groups", id, groupFields), nil, &read); err != nil {
		return Group{}, err
	}
	switch group := read.value.group(); {
	case !ascii.EqualFold(group.ID, id):
		return Group{}, getGroup.unusable("the answer is of another group than the one asked for")
	case group.Hidden:
		return Group{}, &HiddenError{Call: getGroup.name, Property: "groupTypes, mailEnabled or resourceProvisioningOptions", Permission: getGroup.permission, Token: c.token.Kind()}
	default:
		return group, nil
	}
}

// AllGroups lists the groups that a user is a member of, also by another group.
//
// Microsoft: https://learn.microsoft.com/graph/api/user-list-transitivememberof
func (c *Client) AllGroups(ctx context.Context, userID string) ([]Group, error) {
	return c.groups(ctx, listAllGroups, c.user(userID, "/transitiveMemberOf"+groupFields))
}

// IsInGroup reports whether a user is a member of a group, also by another group.
//
// Microsoft: https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups
func (c *Client) IsInGroup(ctx context.Context, userID, groupID string) (bool, error) {
	var answer struct {
		Value *[]string `json:"value"`
	}
	if err := c.do(ctx, checkGroups, c.user(userID, "/checkMemberGroups"), map[string][]string{"groupIds": {groupID}}, &answer); err != nil {
		return false, err
	}
	if answer.Value == nil {
		return false, checkGroups.unusable("the answer holds no list")
	}
	return slices.ContainsFunc(*answer.Value, func(id string) bool { return ascii.EqualFold(id, groupID) }), nil
}

// GroupOwners lists who owns a group.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-list-owners
func (c *Client) GroupOwners(ctx context.Context, groupID string) ([]Owner, error) {
	return list[Owner](ctx, c, listGroupOwners, c.object("/groups", groupID, "/owners?$select=id"))
}

// AddGroupMember makes a user a member of a group.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-post-members
func (c *Client) AddGroupMember(ctx context.Context, groupID, userID string) error {
	return c.link(ctx, addGroupMember, groupID, "members", userID)
}

// RemoveGroupMember takes a direct member out of a group. Graph answers 404 for a member by another group.
//
// Microsoft: https://learn.microsoft.com/graph/api/group-delete-members
func (c *Client) RemoveGroupMember(ctx context.Context, groupID, userID string) error {
	return c.do(ctx, removeGroupMember, c.linkOf(groupID, "members", userID), nil, nil)
}

// link adds a user to the members or owners of a group.
func (c *Client) link(ctx context.Context, call call, groupID, relation, userID string) error {
	group, user := objectID(groupID), objectID(userID)
	switch {
	case group == "":
		return &UnusableIDError{Call: call.name, Of: "groupId"}
	case user == "":
		return &UnusableIDError{Call: call.name, Of: "userId"}
	}
	return c.do(ctx, call, c.root+"/groups/"+group+"/"+relation+"/$ref", map[string]string{"@odata.id": c.reference(user)}, nil)
}

// linkOf is the address of what links a member or an owner to a group; it is the name of the id for an unusable
// one. The same address without /$ref, or without the user, is that of the user or the group itself, which a DELETE
// would delete: nothing else makes such an address.
func (c *Client) linkOf(groupID, relation, userID string) string {
	group, user := objectID(groupID), objectID(userID)
	switch {
	case group == "":
		return "groupId"
	case user == "":
		return "userId"
	}
	return c.root + "/groups/" + group + "/" + relation + "/" + user + "/$ref"
}

// objectID is an object id as Graph writes it, or empty for any other text.
func objectID(id string) string {
	if len(id) != len(uuid.Nil.String()) || uuid.Validate(id) != nil {
		return ""
	}
	return strings.ToLower(id)
}
