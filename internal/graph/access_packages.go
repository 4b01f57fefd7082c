package graph

import (
	"context"
	"net/http"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	listPackages   = call{http.MethodGet, "list assignments of access packages", "EntitlementManagement.Read.All"}
	listRequests   = call{http.MethodGet, "list assignmentRequests of an access package", "EntitlementManagement.Read.All"}
	requestRemoval = call{http.MethodPost, "request that an access package is removed", "EntitlementManagement.ReadWrite.All"}
)

const entitlementManagement = "/identityGovernance/entitlementManagement"

// PackageAssignment is an access package that a user was given.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/accesspackageassignment
type PackageAssignment struct {
	ID string `json:"id"`
	// State is delivering, partiallyDelivered, delivered, deliveryFailed, expired, or another word.
	State         string       `json:"state"`
	AccessPackage NamedPackage `json:"accessPackage"`
	Policy        NamedPackage `json:"assignmentPolicy"`
	Target        struct {
		ObjectID string `json:"objectId"`
	} `json:"target"`
}

// NamedPackage is an access package, or a policy by which one is given.
type NamedPackage struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

// PackageAssignments lists the access packages that a user was given, also those that have expired.
//
// Microsoft: https://learn.microsoft.com/graph/api/entitlementmanagement-list-assignments
func (c *Client) PackageAssignments(ctx context.Context, userID string) ([]PackageAssignment, error) {
	all, err := list[PackageAssignment](ctx, c, listPackages, c.having(entitlementManagement+"/assignments", "target/objectId", userID, "&$expand=target,accessPackage,assignmentPolicy"))
	if err != nil {
		return nil, err
	}
	for _, assignment := range all {
		switch {
		case assignment.ID == "" || assignment.State == "":
			return nil, listPackages.unusable("an assignment has no id or no state")
		case !ascii.EqualFold(assignment.Target.ObjectID, userID):
			return nil, listPackages.unusable("an assignment is not of the user who was asked for")
		}
	}
	return all, nil
}

// PackageRequest is a request that an access package is given or removed.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/accesspackageassignmentrequest
type PackageRequest struct {
	ID   string `json:"id"`
	Type string `json:"requestType"`
	// State is submitted, pendingApproval, delivering, delivered, deliveryFailed, denied, scheduled, canceled,
	// partiallyDelivered, or another word.
	State           string    `json:"state"`
	CreatedDateTime time.Time `json:"createdDateTime"`
	Assignment      struct {
		ID string `json:"id"`
	} `json:"assignment"`
}

// PackageRequests lists what was requested about one assignment of an access package. Microsoft documents a filter for
// the package, and none for the assignment.
//
// Microsoft: https://learn.microsoft.com/graph/api/entitlementmanagement-list-assignmentrequests
func (c *Client) PackageRequests(ctx context.Context, packageID, assignmentID string) ([]PackageRequest, error) {
	all, err := list[PackageRequest](ctx, c, listRequests, c.having(entitlementManagement+"/assignmentRequests", "accessPackage/id", packageID, "&$expand=accessPackage,assignment"))
	if err != nil {
		return nil, err
	}
	var about []PackageRequest
	for _, request := range all {
		if ascii.EqualFold(request.Assignment.ID, assignmentID) {
			about = append(about, request)
		}
	}
	return about, nil
}

// RemovePackageAssignment requests that an access package is taken from who was given it. Graph answers before anything
// is taken.
//
// Microsoft: https://learn.microsoft.com/graph/api/entitlementmanagement-post-assignmentrequests
func (c *Client) RemovePackageAssignment(ctx context.Context, assignmentID string) error {
	body := map[string]any{"requestType": "adminRemove", "assignment": map[string]string{"id": assignmentID}}
	var answer PackageRequest
	if err := c.do(ctx, requestRemoval, c.root+entitlementManagement+"/assignmentRequests", body, &answer); err != nil {
		return err
	}
	if answer.ID == "" {
		return requestRemoval.unusable("the answer is no request")
	}
	return nil
}
