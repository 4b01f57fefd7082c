package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	listAssignments      = call{http.MethodGet, "list roleAssignments", "RoleManagement.Read.Directory"}
	listRoleDefinitions  = call{http.MethodGet, "list roleDefinitions", "RoleManagement.Read.Directory"}
	listEligibilities    = call{http.MethodGet, "list roleEligibilitySchedules", "RoleEligibilitySchedule.Read.Directory"}
	listRoleSchedules    = call{http.MethodGet, "list roleAssignmentSchedules", "RoleAssignmentSchedule.Read.Directory"}
	deleteRoleAssignment = call{http.MethodDelete, "delete roleAssignment", "RoleManagement.ReadWrite.Directory"}
	removeEligibility    = call{http.MethodPost, "adminRemove roleEligibilitySchedule", "RoleEligibilitySchedule.ReadWrite.Directory"}
	removeRoleSchedule   = call{http.MethodPost, "adminRemove roleAssignmentSchedule", "RoleAssignmentSchedule.Remove.Directory"}
)

// GlobalAdministrator is the id of the role of that name, the same in every tenant.
//
// Microsoft: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
const GlobalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// WholeTenant is the scope of a role that counts everywhere in the directory.
const WholeTenant = "/"

// RoleAssignment is a directory role that a principal holds, or may activate.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/unifiedroleassignment and, for what Privileged Identity
// Management keeps, https://learn.microsoft.com/graph/api/resources/unifiedroleeligibilityschedule
type RoleAssignment struct {
	ID               string `json:"id"`
	PrincipalID      string `json:"principalId"`
	RoleDefinitionID string `json:"roleDefinitionId"`
	// DirectoryScopeID is WholeTenant, or the path of an administrative unit or an application.
	DirectoryScopeID string `json:"directoryScopeId"`
	// MemberType is Direct, Group or Inherited; AssignmentType is Assigned or Activated. Privileged Identity
	// Management alone tells them, and for how long.
	MemberType     string       `json:"memberType"`
	AssignmentType string       `json:"assignmentType"`
	ScheduleInfo   ScheduleInfo `json:"scheduleInfo"`
}

// ScheduleInfo is when a role, or what Privileged Identity Management keeps of a group, counts.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/requestschedule
type ScheduleInfo struct {
	StartDateTime time.Time `json:"startDateTime"`
	Expiration    struct {
		Type        string    `json:"type"`
		EndDateTime time.Time `json:"endDateTime"`
	} `json:"expiration"`
}

// RoleAssignments lists the directory roles that a user or a group holds directly, also those of an administrative
// unit alone.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleAssignments(ctx context.Context, principalID string) ([]RoleAssignment, error) {
	return c.rolesOf(ctx, listAssignments, "/roleManagement/directory/roleAssignments", principalID)
}

// RoleEligibilities lists the directory roles that a user or a group may activate, by Privileged Identity Management.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleeligibilityschedules
func (c *Client) RoleEligibilities(ctx context.Context, principalID string) ([]RoleAssignment, error) {
	return c.rolesOf(ctx, listEligibilities, "/roleManagement/directory/roleEligibilitySchedules", principalID)
}

// RoleSchedules lists the directory roles that Privileged Identity Management lets a user or a group hold, also
// those that begin later.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignmentschedules
func (c *Client) RoleSchedules(ctx context.Context, principalID string) ([]RoleAssignment, error) {
	return c.rolesOf(ctx, listRoleSchedules, "/roleManagement/directory/roleAssignmentSchedules", principalID)
}

// rolesOf lists the roles of one principal. A role of somebody else among them means that the filter was not heard.
func (c *Client) rolesOf(ctx context.Context, call call, collection, principalID string) ([]RoleAssignment, error) {
	all, err := list[RoleAssignment](ctx, c, call, c.having(collection, "principalId", principalID, ""))
	for _, r := range all {
		if !ascii.EqualFold(r.PrincipalID, principalID) {
			return nil, call.unusable("the list has a role of another principal than the one asked for")
		}
	}
	return all, err
}

// RoleHolders lists who holds a directory role: users, groups and service principals.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
func (c *Client) RoleHolders(ctx context.Context, roleDefinitionID string) ([]RoleAssignment, error) {
	all, err := list[RoleAssignment](ctx, c, listAssignments, c.having("/roleManagement/directory/roleAssignments", "roleDefinitionId", roleDefinitionID, ""))
	for _, r := range all {
		if !ascii.EqualFold(r.RoleDefinitionID, roleDefinitionID) {
			return nil, listAssignments.unusable("the list has another role than the one asked for")
		}
	}
	return all, err
}

// RoleDefinition is what a directory role is called.
type RoleDefinition struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

// RoleDefinitions lists the directory roles of the tenant, Microsoft's and its own.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions
func (c *Client) RoleDefinitions(ctx context.Context) ([]RoleDefinition, error) {
	return list[RoleDefinition](ctx, c, listRoleDefinitions, c.root+"/roleManagement/directory/roleDefinitions?$select=id,displayName")
}

// DeleteRoleAssignment takes an active directory role away, by the id of the assignment.
//
// Microsoft: https://learn.microsoft.com/graph/api/unifiedroleassignment-delete
func (c *Client) DeleteRoleAssignment(ctx context.Context, id string) error {
	return c.do(ctx, deleteRoleAssignment, c.object("/roleManagement/directory/roleAssignments", id, ""), nil, nil)
}

// RemoveRoleEligibility takes away the right to activate a directory role. Graph has been seen to refuse a removal
// that it has carried out.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests
func (c *Client) RemoveRoleEligibility(ctx context.Context, principalID, roleDefinitionID, directoryScopeID, justification string) error {
	return c.adminRemove(ctx, removeEligibility, "/roleManagement/directory/roleEligibilityScheduleRequests", principalID, roleDefinitionID, directoryScopeID, justification)
}

// RemoveRoleSchedule takes away an active directory role that Privileged Identity Management keeps.
//
// Microsoft: https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignmentschedulerequests
func (c *Client) RemoveRoleSchedule(ctx context.Context, principalID, roleDefinitionID, directoryScopeID, justification string) error {
	return c.adminRemove(ctx, removeRoleSchedule, "/roleManagement/directory/roleAssignmentScheduleRequests", principalID, roleDefinitionID, directoryScopeID, justification)
}

func (c *Client) adminRemove(ctx context.Context, call call, collection, principalID, roleDefinitionID, directoryScopeID, justification string) error {
	body := map[string]string{
		"action": "adminRemove", "principalId": principalID, "roleDefinitionId": roleDefinitionID, "directoryScopeId": directoryScopeID, "justification": justification,
	}
	var accepted struct {
		Status string `json:"status"`
	}
	if err := c.do(ctx, call, c.root+collection, body, &accepted); err != nil {
		return err
	}
	if accepted.Status == "" {
		return call.unusable("the answer lacks a status")
	}
	return nil
}
