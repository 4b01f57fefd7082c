package graphsim

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	readsTeams          = [][]string{{"Team.ReadBasic.All"}, {"TeamSettings.Read.All"}, {"TeamSettings.ReadWrite.All"}}
	readsTeamMembers    = [][]string{{"TeamMember.Read.All"}, {"TeamMember.ReadWrite.All"}}
	writesTeamMembers   = [][]string{{"TeamMember.ReadWrite.All"}, {"TeamMember.ReadWriteNonOwnerRole.All"}}
	readsChannels       = [][]string{{"Channel.ReadBasic.All"}, {"ChannelSettings.Read.All"}, {"Directory.Read.All"}}
	readsChannelMembers = [][]string{{"ChannelMember.Read.All"}, {"ChannelMember.ReadWrite.All"}}
	teamRoutes          = []route{
		{http.MethodGet, "/users/{id}/teamwork/associatedTeams", readsTeams, (*Tenant).listTeams},
		{http.MethodGet, "/teams/{team}/members", readsTeamMembers, ofTeam((*Tenant).listTeamMembers)},
		{http.MethodPost, "/teams/{team}/members", writesTeamMembers, ofTeam((*Tenant).addTeamMember)},
		{http.MethodDelete, "/teams/{team}/members/{membership}", writesTeamMembers, ofTeam((*Tenant).removeTeamMember)},
		{http.MethodGet, "/teams/{team}/channels", readsChannels, ofTeam((*Tenant).listChannels)},
		{http.MethodGet, "/teams/{team}/channels/{channel}/members", readsChannelMembers, ofChannel((*Tenant).listChannelMembers)},
		{http.MethodDelete, "/teams/{team}/channels/{channel}/members/{membership}", readsChannelMembers[1:], ofChannel((*Tenant).removeChannelMember)},
	}
)

// Channel is a channel of a team; private and shared ones have members of their own.
type Channel struct {
	ID             string   `json:"id"`
	DisplayName    string   `json:"displayName,omitempty"`
	MembershipType string   `json:"membershipType"`    // standard, private or shared
	Members        []string `json:"members,omitempty"` // their object ids, also those of the owners
	Owners         []string `json:"owners,omitempty"`

	members, owners lagged[[]string]
}

func (c *Channel) settle() {
	c.ID, c.DisplayName = cmp.Or(c.ID, "19:"+strings.ReplaceAll(uuid.NewString(), "-", "")+"@thread.tacv2"), cmp.Or(c.DisplayName, "Channel")
	c.members, c.owners = lagged[[]string]{now: slices.Clone(c.Members)}, lagged[[]string]{now: slices.Clone(c.Owners)}
}

func ofTeam(do func(*Tenant, query, *Group) answer) func(*Tenant, query) answer {
	return func(t *Tenant, q query) answer {
		if team := t.group(q.named["team"]); team != nil && team.Team {
			return do(t, q, team)
		}
		return fault(http.StatusNotFound, "NotFound", "No team found with Group Id "+q.named["team"])
	}
}

func ofChannel(do func(*Tenant, query, *Group, *Channel) answer) func(*Tenant, query) answer {
	return ofTeam(func(t *Tenant, q query, team *Group) answer {
		if channel := find(team.Channels, func(c Channel) bool { return c.ID == q.named["channel"] }); channel != nil {
			return do(t, q, team, channel)
		}
		return fault(http.StatusNotFound, "NotFound", "Channel not found.")
	})
}

// listTeams lists the teams of a user, and those that host a shared channel of which the user is a member.
func (t *Tenant) listTeams(q query) answer {
	all := []any{}
	for _, team := range t.groups {
		inChannel := slices.ContainsFunc(team.Channels, func(c Channel) bool {
			return c.MembershipType == "shared" && slices.Contains(c.members.at(t.shown()), q.user.ID)
		})
		if team.Team && (inChannel || slices.Contains(team.members.at(t.shown()), q.user.ID)) {
			all = append(all, map[string]any{"id": team.ID, "displayName": team.DisplayName, "tenantId": uuid.Nil.String()})
		}
	}
	return collection("Collection(microsoft.graph.associatedTeamInfo)", all)
}

var ofUserID = regexp.MustCompile(`^\(microsoft\.graph\.aadUserConversationMember/userId eq '([^']*)'\)$`)

func (t *Tenant) listTeamMembers(q query, team *Group) answer {
	members := team.members.at(t.shown())
	if q.options.Has("$filter") {
		wanted := ofUserID.FindStringSubmatch(q.options.Get("$filter"))
		if wanted == nil {
			return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
		}
		members = without(members, func(id string) bool { return !ascii.EqualFold(id, wanted[1]) })
	}
	return t.conversationMembers("teams('"+team.ID+"')/members", team.ID, members, team.owners.at(t.shown()))
}

// conversationMembers are the users among members as Teams shows them.
func (t *Tenant) conversationMembers(context, of string, members, owners []string) answer {
	all := []any{}
	for _, id := range members {
		if user := t.users[id]; user != nil {
			all = append(all, conversationMember(of, user, slices.Contains(owners, id)))
		}
	}
	return collection(context, all)
}

func conversationMember(of string, user *User, owner bool) map[string]any {
	roles := []string{}
	if owner {
		roles = append(roles, "owner")
	}
	return map[string]any{"@odata.type": "#microsoft.graph.aadUserConversationMember", "id": membershipID(of, user.ID), "roles": roles,
		"displayName": user.DisplayName, "userId": user.ID, "email": user.UserPrincipalName, "tenantId": uuid.Nil.String()}
}

// membershipID is what Teams calls a membership, which does not tell whose it is.
func membershipID(of, user string) string {
	return base64.StdEncoding.EncodeToString([]byte("MCMjMSMj##" + of + "##" + user))
}

func (t *Tenant) addTeamMember(q query, team *Group) answer {
	var body struct {
		Roles []string `json:"roles"`
		User  string   `json:"user@odata.bind"`
	}
	_ = json.Unmarshal(q.body, &body)
	_, id, _ := strings.Cut(body.User, "('")
	user := t.find(strings.TrimSuffix(id, "')"))
	owner := slices.Contains(body.Roles, "owner")
	switch {
	case user == nil:
		return fault(http.StatusNotFound, "NotFound", "Failed to find user.")
	case owner && !q.grant.allows(writesTeamMembers[:1]):
		return fault(http.StatusForbidden, "Forbidden", "Missing permissions to change owners.")
	}
	for _, list := range []*lagged[[]string]{&team.members, &team.owners} {
		if !slices.Contains(list.now, user.ID) && (owner || list == &team.members) {
			list.set(append(slices.Clone(list.now), user.ID), t.now())
		}
	}
	a := entity("teams('"+team.ID+"')/members/$entity", conversationMember(team.ID, user, owner))
	a.status = http.StatusCreated
	return a
}

// removeTeamMember takes the membership, the ownership and the private channels of a team from a user, and leaves the
// shared channels.
func (t *Tenant) removeTeamMember(q query, team *Group) answer {
	id := memberWith(team.ID, q.named["membership"], team.members.now)
	switch owner := slices.Contains(team.owners.now, id); {
	case id == "":
		return fault(http.StatusNotFound, "NotFound", "Member not found.")
	case owner && !q.grant.allows(writesTeamMembers[:1]):
		return fault(http.StatusForbidden, "Forbidden", "Missing permissions to change owners.")
	case owner && len(team.owners.now) == 1:
		return fault(http.StatusBadRequest, "BadRequest", "The last owner of a team cannot be removed.")
	}
	t.leave(id, &team.members, &team.owners)
	t.endLicenses(team, id)
	for i := range team.Channels {
		if channel := &team.Channels[i]; channel.MembershipType == "private" {
			t.leave(id, &channel.members, &channel.owners)
		}
	}
	return noContent
}

// memberWith is the member whose membership has an id, or empty.
func memberWith(of, membership string, members []string) string {
	for _, id := range members {
		if membershipID(of, id) == membership {
			return id
		}
	}
	return ""
}

func (t *Tenant) leave(id string, lists ...*lagged[[]string]) {
	for _, list := range lists {
		if slices.Contains(list.now, id) {
			list.set(without(list.now, func(m string) bool { return m == id }), t.now())
		}
	}
}

func (t *Tenant) listChannels(q query, team *Group) answer {
	all := []any{selected(q, map[string]any{"id": "19:general@thread.tacv2", "displayName": "General", "membershipType": "standard"})}
	for _, c := range team.Channels {
		all = append(all, selected(q, map[string]any{"id": c.ID, "displayName": c.DisplayName, "membershipType": c.MembershipType}))
	}
	return collection("teams('"+team.ID+"')/channels", all)
}

func (t *Tenant) listChannelMembers(_ query, team *Group, channel *Channel) answer {
	return t.conversationMembers("teams('"+team.ID+"')/channels('"+channel.ID+"')/members", channel.ID, channel.members.at(t.shown()), channel.owners.at(t.shown()))
}

func (t *Tenant) removeChannelMember(q query, _ *Group, channel *Channel) answer {
	id := memberWith(channel.ID, q.named["membership"], channel.members.now)
	switch {
	case id == "":
		return fault(http.StatusNotFound, "NotFound", "Member not found.")
	case channel.MembershipType == "standard":
		return fault(http.StatusBadRequest, "BadRequest", "Members of a standard channel cannot be changed.")
	case slices.Contains(channel.owners.now, id) && len(channel.owners.now) == 1:
		return fault(http.StatusBadRequest, "BadRequest", "The last owner of a channel cannot be removed.")
	}
	t.leave(id, &channel.members, &channel.owners)
	return noContent
}
