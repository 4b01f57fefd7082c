package graphsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

const privilegedGroups = "/identityGovernance/privilegedAccess/group"

var groupScheduleRoutes = []route{
	{http.MethodGet, privilegedGroups + "/eligibilitySchedules", [][]string{{"PrivilegedEligibilitySchedule.Read.AzureADGroup"}, {"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"}}, (*Tenant).listGroupSchedules},
	{http.MethodGet, privilegedGroups + "/assignmentSchedules", [][]string{{"PrivilegedAssignmentSchedule.Read.AzureADGroup"}, {"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"}}, (*Tenant).listGroupSchedules},
	{http.MethodPost, privilegedGroups + "/eligibilityScheduleRequests", [][]string{{"PrivilegedEligibilitySchedule.Remove.AzureADGroup"}, {"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"}}, (*Tenant).requestGroupSchedule},
	{http.MethodPost, privilegedGroups + "/assignmentScheduleRequests", [][]string{{"PrivilegedAssignmentSchedule.Remove.AzureADGroup"}, {"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"}}, (*Tenant).requestGroupSchedule},
}

// GroupSchedule is a membership or an ownership of a group that Privileged Identity Management keeps for a user.
type GroupSchedule struct {
	ID         string `json:"id"`
	GroupID    string `json:"groupId"`
	AccessID   string `json:"accessId"`             // member or owner
	MemberType string `json:"memberType"`           // direct, or group where the user has it by another group
	Assigned   bool   `json:"assigned,omitempty"`   // it is in force, and not one that may be activated
	Activation bool   `json:"activation,omitempty"` // it is in force because the user has activated it
}

func (s *GroupSchedule) settle() {
	s.ID, s.GroupID = cmp.Or(s.ID, uuid.NewString()), cmp.Or(s.GroupID, uuid.NewString())
	s.AccessID, s.MemberType = cmp.Or(s.AccessID, "member"), cmp.Or(s.MemberType, "direct")
}

// assignments reports whether a path is of what is in force, and the collection that it names.
func assignments(q query) (inForce bool, collection string) {
	collection = q.route.path[strings.LastIndex(q.route.path, "/")+1:]
	return strings.HasPrefix(collection, "assignment"), "identityGovernance/privilegedAccess/group/" + collection
}

func (t *Tenant) listGroupSchedules(q query) answer {
	property, principal, ok := filtered(q)
	inForce, context := assignments(q)
	switch {
	case !ok || property != "principalId":
		return fault(http.StatusBadRequest, "BadRequest", "Invalid filter clause.")
	case t.settings.NoPremium:
		return fault(http.StatusBadRequest, "AadPremiumLicenseRequired", "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.")
	}
	all := []any{}
	user := t.find(principal)
	if user == nil {
		return collection(context, all)
	}
	for _, s := range user.seen.at(t.shown()).GroupSchedules {
		if s.Assigned != inForce {
			continue
		}
		row := map[string]any{"id": s.ID, "groupId": s.GroupID, "accessId": s.AccessID, "memberType": s.MemberType, "principalId": user.ID, "status": "Provisioned",
			"scheduleInfo": map[string]any{"startDateTime": "2026-01-05T08:00:00Z", "expiration": map[string]any{"type": "afterDateTime", "endDateTime": "2027-01-05T08:00:00Z"}}}
		if inForce {
			row["assignmentType"] = map[bool]string{true: "activated", false: "assigned"}[s.Activation]
		}
		all = append(all, row)
	}
	return collection(context, all)
}

func (t *Tenant) requestGroupSchedule(q query) answer {
	var body struct{ Action, AccessID, PrincipalID, GroupID, Justification string }
	inForce, context := assignments(q)
	if json.Unmarshal(q.body, &body) != nil || body.Action != "adminRemove" {
		return fault(http.StatusBadRequest, "BadRequest", "The action is not supported.")
	}
	user := t.find(body.PrincipalID)
	if user == nil {
		return noObject(body.PrincipalID)
	}
	is := func(s GroupSchedule) bool {
		return s.Assigned == inForce && s.MemberType == "direct" && s.AccessID == body.AccessID && ascii.EqualFold(s.GroupID, body.GroupID)
	}
	if !slices.ContainsFunc(user.GroupSchedules, is) {
		return fault(http.StatusBadRequest, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
	}
	user.hold(t.now(), func(h *Holdings) { h.GroupSchedules = without(h.GroupSchedules, is) })
	if group := t.group(body.GroupID); inForce && group != nil {
		t.leave(user.ID, map[string]*lagged[[]string]{"member": &group.members, "owner": &group.owners}[body.AccessID])
	}
	a := entity(context+"/$entity", map[string]any{"id": uuid.NewString(), "action": body.Action, "accessId": body.AccessID, "groupId": body.GroupID, "principalId": user.ID, "status": "Revoked"})
	a.status = http.StatusCreated
	return a
}
