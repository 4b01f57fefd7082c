package graph

import (
	"context"
	"net/http"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	listNumbers    = call{http.MethodGet, "list numberAssignments", "TeamsTelephoneNumber.Read.All"}
	unassignNumber = call{http.MethodPost, "unassignNumber", "TeamsTelephoneNumber.ReadWrite.All"}
	getOperation   = call{http.MethodGet, "get the operation of a telephone number", "TeamsTelephoneNumber.Read.All"}
)

const numberAssignments = "/admin/teams/telephoneNumberManagement/numberAssignments"

// PhoneNumber is a telephone number that a user has in Teams.
//
// Microsoft: https://learn.microsoft.com/graph/api/resources/teamsadministration-numberassignment
type PhoneNumber struct {
	ID     string `json:"id"`
	Number string `json:"telephoneNumber"`
	// Type is directRouting, callingPlan or operatorConnect.
	Type               string `json:"numberType"`
	AssignmentTargetID string `json:"assignmentTargetId"`
	AssignmentCategory string `json:"assignmentCategory"`
	LocationID         string `json:"locationId"`
}

// PhoneNumbers lists the telephone numbers that a user has in Teams.
//
// Microsoft: https://learn.microsoft.com/graph/api/teamsadministration-telephonenumbermanagementroot-list-numberassignments
func (c *Client) PhoneNumbers(ctx context.Context, userID string) ([]PhoneNumber, error) {
	all, err := list[PhoneNumber](ctx, c, listNumbers, c.having(numberAssignments, "assignmentTargetId", userID, ""))
	if err != nil {
		return nil, err
	}
	var theirs []PhoneNumber
	for _, number := range all {
		switch {
		case number.AssignmentTargetID == "" || number.Number == "":
			return nil, listNumbers.unusable("a number has no assignmentTargetId or no telephoneNumber")
		case !ascii.EqualFold(number.AssignmentTargetID, userID):
			continue // it is somebody else's, whatever was asked for
		}
		if number.Type != "" { // some answers begin it with a capital letter, which the write refuses
			number.Type = strings.ToLower(number.Type[:1]) + number.Type[1:]
		}
		theirs = append(theirs, number)
	}
	return theirs, nil
}

// UnassignPhoneNumber takes a telephone number from whoever has it. Graph answers before it is done; the operation is
// found by the id, which is empty where Graph did not tell one.
//
// Microsoft: https://learn.microsoft.com/graph/api/teamsadministration-numberassignment-unassignnumber
func (c *Client) UnassignPhoneNumber(ctx context.Context, number, numberType string) (operationID string, err error) {
	var later accepted
	body := map[string]string{"telephoneNumber": number, "numberType": numberType}
	err = c.do(ctx, unassignNumber, c.root+numberAssignments+"/unassignNumber", body, &later)
	return later.operation, err
}

// OperationStatus is how far Graph is with what it carries out later.
type OperationStatus string

const (
	OperationSucceeded OperationStatus = "succeeded"
	OperationFailed    OperationStatus = "failed"
)

// PhoneNumberOperation reads how far an operation on telephone numbers is. It has failed where one of its numbers has.
//
// Microsoft: https://learn.microsoft.com/graph/api/teamsadministration-telephonenumberlongrunningoperation-get
func (c *Client) PhoneNumberOperation(ctx context.Context, id string) (OperationStatus, error) {
	var operation struct {
		Status  OperationStatus `json:"status"`
		Numbers []struct {
			Status OperationStatus `json:"status"`
		} `json:"numbers"`
	}
	if err := c.do(ctx, getOperation, c.object("/admin/teams/telephoneNumberManagement/operations", id, ""), nil, &operation); err != nil {
		return "", err
	}
	if operation.Status == "" {
		return "", getOperation.unusable("the operation has no status")
	}
	for _, number := range operation.Numbers {
		if number.Status == OperationFailed {
			return OperationFailed, nil
		}
	}
	return operation.Status, nil
}
