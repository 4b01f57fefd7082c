package activities

import (
	"context"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// accessPackages are the access packages that the leaver was given. Graph takes a request, and the package is gone some
// time later.
//
// Microsoft: GET /identityGovernance/entitlementManagement/assignments, POST …/assignmentRequests.
var accessPackages = things{
	none:    "the leaver has no access package",
	list:    (*Activities).listAccessPackages,
	changed: "the access package is taken away",
	change:  (*Activities).removeAccessPackage,
}

func (a *Activities) listAccessPackages(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	assignments, err := a.graph.PackageAssignments(ctx, id)
	var items []leaver.Item
	for _, assignment := range assignments {
		if assignment.State == "expired" {
			continue
		}
		items = append(items, leaver.Item{ID: assignment.ID, Name: assignment.AccessPackage.DisplayName, Kind: "accessPackage",
			Before: map[string]string{"accessPackageId": assignment.AccessPackage.ID, "assignmentPolicyId": assignment.Policy.ID, "state": assignment.State}})
	}
	return items, err
}

// removeAccessPackage requests the removal, unless a request is under way. A request that has failed is followed by
// another only where a person has the item tried again, by a first attempt.
func (a *Activities) removeAccessPackage(ctx context.Context, _ subject, item leaver.Item) error {
	requests, err := a.graph.PackageRequests(ctx, item.Before["accessPackageId"], item.ID)
	if err != nil {
		return err
	}
	requests = slices.DeleteFunc(requests, func(r graph.PackageRequest) bool { return !slices.Contains(removing, r.Type) })
	if len(requests) > 0 {
		newest := slices.MaxFunc(requests, func(a, b graph.PackageRequest) int { return a.CreatedDateTime.Compare(b.CreatedDateTime) })
		switch ended := slices.Contains(undone, newest.State); {
		case !ended: // also delivered, which the assignment is to show
			return nil
		case activity.GetInfo(ctx).Attempt > 1:
			return errUndone("the request to remove the access package ended as " + graph.CodeOf(newest.State) + ": see the requests of the access package in Entra, under Identity Governance, then retry, which makes a new request")
		}
	}
	return a.graph.RemovePackageAssignment(ctx, item.ID)
}

// removing are the types of request that take an access package away, and undone the states in which one has ended
// without that.
var (
	removing = []string{"adminRemove", "userRemove", "systemRemove", "approverRemove"}
	undone   = []string{"deliveryFailed", "partiallyDelivered", "denied", "canceled"}
)
