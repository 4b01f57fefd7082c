package activities

import (
	"context"
	"errors"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
)

// groupEligibilities are the memberships and ownerships of groups that Privileged Identity Management keeps: those that
// the leaver may activate, which no list of members shows, and those that are in force.
//
// Microsoft: GET /identityGovernance/privilegedAccess/group/eligibilitySchedules and /assignmentSchedules,
// POST …/eligibilityScheduleRequests and …/assignmentScheduleRequests.
var groupEligibilities = things{
	none:    "Privileged Identity Management keeps no membership and no ownership of a group for the leaver",
	list:    (*Activities).listGroupEligibilities,
	changed: "Privileged Identity Management keeps it no more",
	change:  (*Activities).removeGroupEligibility,
}

// The kinds of items say where a schedule stands.
const groupEligibility, groupAssignment = "groupEligibility", "groupAssignment"

func (a *Activities) listGroupEligibilities(ctx context.Context, s subject) ([]leaver.Item, error) {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	eligible, err := a.graph.GroupEligibilities(ctx, userID)
	if notLicensed(err) {
		return []leaver.Item{{ID: noPIM, Kind: groupEligibility, Outcome: leaver.Skipped, Detail: "not licensed: the tenant has no Privileged Identity Management, and so nobody may activate a membership"}}, nil
	}
	if err != nil {
		return nil, err
	}
	assigned, err := a.graph.GroupAssignments(ctx, userID)
	if err != nil {
		return nil, err
	}
	var items []leaver.Item
	for _, schedule := range eligible {
		items = append(items, a.scheduleItem(ctx, groupEligibility, schedule))
	}
	for _, schedule := range assigned {
		items = append(items, a.scheduleItem(ctx, groupAssignment, schedule))
	}
	return items, nil
}

// scheduleItem is a schedule as an item, with what assigning it anew would need. The group's name may stay unknown.
func (a *Activities) scheduleItem(ctx context.Context, kind string, schedule graph.GroupSchedule) leaver.Item {
	group, _ := a.graph.Group(ctx, schedule.GroupID)
	item := leaver.Item{ID: schedule.ID, Name: group.DisplayName, Kind: kind, Before: map[string]string{"groupId": schedule.GroupID, "accessId": schedule.AccessID}}
	addTimes(item.Before, schedule.ScheduleInfo)
	if ascii.EqualFold(schedule.MemberType, "group") {
		item.Outcome, item.Detail = leaver.Failed, "it comes by another group, and ends with the membership there: an administrator ends that in Entra, under Privileged Identity Management"
	}
	return item
}

// removeGroupEligibility ends one schedule. Graph also says of one that it has just ended that there is none: the
// lists tell.
func (a *Activities) removeGroupEligibility(ctx context.Context, s subject, item leaver.Item) error {
	userID, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return err
	}
	end := a.graph.RemoveGroupEligibility
	if item.Kind == groupAssignment {
		end = a.graph.RemoveGroupAssignment
	}
	err = end(ctx, item.Before["groupId"], userID, item.Before["accessId"], leaver.Request{}.Justification())
	if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Code == "RoleAssignmentDoesNotExist" {
		return nil
	}
	return err
}
