package graph

import (
	"context"
	"net/http"
)

// GroupSchedule is a membership or an ownership of a group that Privileged Identity Management keeps: one that a
// user has, or may activate. No list of members shows one that may be activated.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupeligibilityschedule
type GroupSchedule struct {
	ID string `json:"id"`
	// AccessID is member or owner.
	AccessID    string `json:"accessId"`
	PrincipalID string `json:"principalId"`
	GroupID     string `json:"groupId"`
	// MemberType is direct, or group where the user has it by another group.
	MemberType string `json:"memberType"`
	// AssignmentType is assigned or activated, and empty for what may be activated.
	AssignmentType string       `json:"assignmentType"`
	ScheduleInfo   ScheduleInfo `json:"scheduleInfo"`
}

var (
	listGroupEligibilities = call{http.MethodGet, "list eligibilitySchedules of groups", "PrivilegedEligibilitySchedule.Read.AzureADGroup"}
	listGroupAssignments   = call{http.MethodGet, "list assignmentSchedules of groups", "PrivilegedAssignmentSchedule.Read.AzureADGroup"}
	removeGroupEligibility = call{http.MethodPost, "remove an eligibility for a group", "PrivilegedEligibilitySchedule.Remove.AzureADGroup"}
	removeGroupAssignment  = call{http.MethodPost, "remove an assignment to a group", "PrivilegedAssignmentSchedule.Remove.AzureADGroup"}
)

const privilegedGroups = "/identityGovernance/privilegedAccess/group"

// GroupEligibilities lists which groups a user may become a member or an owner of.
//
// Microsoft: https://learn.microsoft.com/graph/api/privilegedaccessgroup-list-eligibilityschedules
func (c *Client) GroupEligibilities(ctx context.Context, userID string) ([]GroupSchedule, error) {
	return list[GroupSchedule](ctx, c, listGroupEligibilities, c.having(privilegedGroups+"/eligibilitySchedules", "principalId", userID, ""))
}

// GroupAssignments lists which groups Privileged Identity Management has made a user a member or an owner of.
//
// Microsoft: https://learn.microsoft.com/graph/api/privilegedaccessgroup-list-assignmentschedules
func (c *Client) GroupAssignments(ctx context.Context, userID string) ([]GroupSchedule, error) {
	return list[GroupSchedule](ctx, c, listGroupAssignments, c.having(privilegedGroups+"/assignmentSchedules", "principalId", userID, ""))
}

// RemoveGroupEligibility ends that a user may become a member or an owner of a group; reason is kept by Graph.
//
// Microsoft: https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-eligibilityschedulerequests
func (c *Client) RemoveGroupEligibility(ctx context.Context, groupID, userID, accessID, reason string) error {
	return c.endSchedule(ctx, removeGroupEligibility, "/eligibilityScheduleRequests", groupID, userID, accessID, reason)
}

// RemoveGroupAssignment ends that a user is a member or an owner of a group; reason is kept by Graph.
//
// Microsoft: https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests
func (c *Client) RemoveGroupAssignment(ctx context.Context, groupID, userID, accessID, reason string) error {
	return c.endSchedule(ctx, removeGroupAssignment, "/assignmentScheduleRequests", groupID, userID, accessID, reason)
}

func (c *Client) endSchedule(ctx context.Context, call call, requests, groupID, userID, accessID, reason string) error {
	switch {
	case objectID(groupID) == "":
		return &UnusableIDError{Call: call.name, Of: "groupId"}
	case objectID(userID) == "":
		return &UnusableIDError{Call: call.name, Of: "userId"}
	}
	body := map[string]string{"action": "adminRemove", "accessId": accessID, "principalId": userID, "groupId": groupID}
	if reason != "" {
		body["justification"] = reason
	}
	return c.do(ctx, call, c.root+privilegedGroups+requests, body, new([]byte))
}
