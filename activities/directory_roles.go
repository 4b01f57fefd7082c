package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
	"golang.org/x/sync/errgroup"
)

// directoryRoles are the roles that the leaver holds or may activate.
var directoryRoles = things{
	none:    "the leaver holds no directory role, and may activate none",
	changed: roleGone,
	list:    (*Activities).listDirectoryRoles,
	look:    (*Activities).lookAtDirectoryRole,
	change:  (*Activities).removeDirectoryRole,
}

const roleGone = "the role is taken away"

// The kinds of items say where a role stands, and so how it is taken away: among the assignments alone, among the
// schedules of Privileged Identity Management too, or among its eligibilities.
const (
	activeRole, scheduledRole, eligibleRole, groupRole = "role", "scheduledRole", "eligibleRole", "groupRole"
	noPIM                                              = "privilegedIdentityManagement" // the id of the item that says that there is none
)

// listDirectoryRoles lists the roles that the leaver holds or may activate, and those of the leaver's groups.
//
// Microsoft: GET /roleManagement/directory/roleAssignments, roleAssignmentSchedules and roleEligibilitySchedules.
func (a *Activities) listDirectoryRoles(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	var (
		group       errgroup.Group
		definitions []graph.RoleDefinition
		memberships []graph.Membership
		items       []leaver.Item
	)
	group.Go(func() (err error) { definitions, err = a.graph.RoleDefinitions(ctx); return err })
	group.Go(func() (err error) { memberships, err = a.graph.Memberships(ctx, id); return err })
	group.Go(func() (err error) { items, err = a.ownRoles(ctx, id); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	memberships = slices.DeleteFunc(memberships, func(m graph.Membership) bool { return !m.MayHoldRoles() })
	ofGroup := make([][]leaver.Item, len(memberships))
	err = readEach(ctx, len(memberships), func(ctx context.Context, i int) (err error) {
		ofGroup[i], err = a.rolesOf(ctx, memberships[i].ID)
		return err
	})
	for i, roles := range ofGroup {
		for _, r := range roles {
			if r.ID != noPIM {
				items = append(items, byGroup(r, cmp.Or(memberships[i].DisplayName, memberships[i].ID)))
			}
		}
	}
	for i := range items {
		nameRole(&items[i], definitions)
	}
	return items, err
}

// ownRoles lists the roles of the leaver, and keeps those that the last Global Administrator holds as such.
func (a *Activities) ownRoles(ctx context.Context, id string) ([]leaver.Item, error) {
	items, err := a.rolesOf(ctx, id)
	at := slices.IndexFunc(items, isGlobalAdministrator)
	if err != nil || at < 0 {
		return items, err
	}
	other, err := a.hasOtherAdministrator(ctx, id)
	if err == nil && !other {
		items[at].Outcome, items[at].Failure, items[at].Detail = leaver.Failed, leaver.GraphBadRequest, "no other Global Administrator with an enabled account is seen who holds the role directly, and a tenant without one is locked: give the role to somebody first, then retry"
	}
	return items, err
}

// lookAtDirectoryRole looks for one of the leaver's own roles, and reads nothing of groups.
func (a *Activities) lookAtDirectoryRole(ctx context.Context, s subject, item leaver.Item) (leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return leaver.Item{}, err
	}
	items, err := a.ownRoles(ctx, id)
	if err != nil {
		return leaver.Item{}, err
	}
	if at := slices.IndexFunc(items, func(i leaver.Item) bool { return i.ID == item.ID }); at >= 0 {
		return items[at], nil
	}
	return leaver.Item{Outcome: leaver.AlreadyDone, Detail: roleGone}, nil
}

// byGroup is a role that a group holds.
func byGroup(role leaver.Item, group string) leaver.Item {
	role.Kind, role.Name = groupRole, "by the group "+group
	role.Outcome, role.Failure, role.Detail = leaver.Failed, "", "a group holds the role, and it ends with the leaver's membership: the step removeGroupMemberships does that, or an owner of the group"
	return role
}

// rolesOf lists the roles of a user or a group. One that stands in two lists is one item.
func (a *Activities) rolesOf(ctx context.Context, principalID string) ([]leaver.Item, error) {
	var (
		group                         errgroup.Group
		assigned, scheduled, eligible []graph.RoleAssignment
		unscheduled, ineligible       error
	)
	group.Go(func() (err error) { assigned, err = a.graph.RoleAssignments(ctx, principalID); return err })
	group.Go(func() error {
		scheduled, unscheduled = a.graph.RoleSchedules(ctx, principalID)
		return unlessUnlicensed(unscheduled)
	})
	group.Go(func() error {
		eligible, ineligible = a.graph.RoleEligibilities(ctx, principalID)
		return unlessUnlicensed(ineligible)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var items []leaver.Item
	add := func(kind string, r graph.RoleAssignment) { items = append(items, roleItem(kind, r)) }
	for _, r := range assigned {
		at := slices.IndexFunc(scheduled, func(other graph.RoleAssignment) bool { return sameRole(r, other) })
		if at < 0 {
			add(activeRole, r)
			continue
		}
		schedule := scheduled[at]
		schedule.ID = r.ID
		add(scheduledRole, schedule)
	}
	for _, r := range scheduled { // one that begins later is not among the assignments
		if !slices.ContainsFunc(assigned, func(other graph.RoleAssignment) bool { return sameRole(r, other) }) {
			add(scheduledRole, r)
		}
	}
	for _, r := range eligible {
		add(eligibleRole, r)
	}
	if unscheduled != nil || ineligible != nil {
		items = append(items, leaver.Item{ID: noPIM, Kind: eligibleRole, Outcome: leaver.Skipped, Detail: "not licensed: the tenant has no Privileged Identity Management, and so nobody may activate a role"})
	}
	return items, nil
}

// unlessUnlicensed is an error that is not of a tenant without Privileged Identity Management.
func unlessUnlicensed(err error) error {
	if notLicensed(err) {
		return nil
	}
	return err
}

func sameRole(r, other graph.RoleAssignment) bool {
	return ascii.EqualFold(r.RoleDefinitionID, other.RoleDefinitionID) && r.DirectoryScopeID == other.DirectoryScopeID
}

// roleItem is a role as an item, with what assigning it anew would need.
func roleItem(kind string, r graph.RoleAssignment) leaver.Item {
	item := leaver.Item{ID: r.ID, Kind: kind, Before: map[string]string{"roleDefinitionId": r.RoleDefinitionID, "directoryScopeId": r.DirectoryScopeID}}
	for name, value := range map[string]string{"memberType": r.MemberType, "assignmentType": r.AssignmentType} {
		if value != "" {
			item.Before[name] = value
		}
	}
	addTimes(item.Before, r.ScheduleInfo)
	if r.MemberType != "" && r.MemberType != "Direct" {
		return byGroup(item, "that Entra does not name")
	}
	return item
}

// nameRole names a role, in front of the group that holds it.
func nameRole(role *leaver.Item, definitions []graph.RoleDefinition) {
	for _, d := range definitions {
		if ascii.EqualFold(d.ID, role.Before["roleDefinitionId"]) {
			role.Name = strings.TrimSpace(d.DisplayName + " " + role.Name)
		}
	}
}

// addTimes adds when a schedule begins and ends, where it does, to what assigning it anew would need.
func addTimes(before map[string]string, schedule graph.ScheduleInfo) {
	for name, at := range map[string]time.Time{"startDateTime": schedule.StartDateTime, "endDateTime": schedule.Expiration.EndDateTime} {
		if !at.IsZero() {
			before[name] = stamped(at)
		}
	}
}

func isGlobalAdministrator(i leaver.Item) bool {
	return (i.Kind == activeRole || i.Kind == scheduledRole) && i.Before["directoryScopeId"] == graph.WholeTenant && ascii.EqualFold(i.Before["roleDefinitionId"], graph.GlobalAdministrator)
}

// hasOtherAdministrator reports whether another user with an enabled account is a Global Administrator, and holds the
// role directly.
func (a *Activities) hasOtherAdministrator(ctx context.Context, userID string) (bool, error) {
	holders, err := a.graph.RoleHolders(ctx, graph.GlobalAdministrator)
	if err != nil {
		return false, err
	}
	for _, h := range holders {
		if h.DirectoryScopeID != graph.WholeTenant || ascii.EqualFold(h.PrincipalID, userID) {
			continue
		}
		switch user, err := a.graph.User(ctx, h.PrincipalID); {
		case notFound(err): // a group, or a service principal
		case err != nil:
			return false, err
		case user.AccountEnabled:
			return true, nil
		}
	}
	return false, nil
}

// removeDirectoryRole takes one role away.
//
// Microsoft: DELETE /roleManagement/directory/roleAssignments/{id}, and POST of adminRemove to
// roleAssignmentScheduleRequests and roleEligibilityScheduleRequests.
func (a *Activities) removeDirectoryRole(ctx context.Context, s subject, item leaver.Item) error {
	const why = "the user leaves: offboarding"
	role, scope := item.Before["roleDefinitionId"], item.Before["directoryScopeId"]
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	switch item.Kind {
	case activeRole:
		err = a.graph.DeleteRoleAssignment(ctx, item.ID)
	case scheduledRole:
		err = a.graph.RemoveRoleSchedule(ctx, id, role, scope, why)
	default:
		err = a.graph.RemoveRoleEligibility(ctx, id, role, scope, why)
	}
	answer, ok := errors.AsType[*graph.Error](err)
	switch {
	case !ok:
		return err
	case answer.Code == "RoleAssignmentDoesNotExist": // also said of removals that were made: the lists tell
		return nil
	case answer.Code == "ActiveDurationTooShort":
		return errNotYet("the role was activated less than five minutes ago, and Entra does not take it away before; trying again")
	case answer.Code == "PendingRoleAssignmentRequest":
		return errNotYet("a request about this role is open in Privileged Identity Management: cancel it there, or it ends by itself; trying again")
	}
	return err
}
