package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// phoneNumbers are the telephone numbers that the leaver has in Teams. A number is refused once the leaver's Teams
// licence is gone.
//
// Microsoft: GET /admin/teams/telephoneNumberManagement/numberAssignments, POST …/unassignNumber.
var phoneNumbers = things{
	none:    "the leaver has no telephone number in Teams",
	list:    (*Activities).listPhoneNumbers,
	changed: "the number is no longer the leaver's, and can be given to somebody else",
	change:  (*Activities).unassignPhoneNumber,
}

func (a *Activities) listPhoneNumbers(ctx context.Context, s subject) ([]leaver.Item, error) {
	id, err := a.objectID(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	numbers, err := a.graph.PhoneNumbers(ctx, id)
	var items []leaver.Item
	for _, n := range numbers {
		// The number itself is needed to give it back, and stands nowhere else.
		items = append(items, leaver.Item{ID: numberID(id, n.Number), Name: "…" + n.Number[max(0, len(n.Number)-2):], Kind: "number",
			Before: map[string]string{"telephoneNumber": n.Number, "numberType": n.Type, "assignmentCategory": n.AssignmentCategory, "locationId": n.LocationID}})
	}
	return items, err
}

// numberID stands for a number, which is somebody's and not for logs. Graph's own id holds it.
func numberID(userID, number string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(userID) + " " + number))
	return hex.EncodeToString(sum[:8])
}

// unassignPhoneNumber has the number taken away, and waits some time for that. An operation that fails may do so because
// one before has succeeded: the list decides.
func (a *Activities) unassignPhoneNumber(ctx context.Context, _ subject, item leaver.Item) error {
	operation, err := a.graph.UnassignPhoneNumber(ctx, item.Before["telephoneNumber"], item.Before["numberType"])
	if err != nil || operation == "" {
		return err
	}
	for range operationLooks {
		switch status, err := a.graph.PhoneNumberOperation(ctx, operation); {
		case err != nil:
			return err
		case status == graph.OperationSucceeded:
			return nil
		case status == graph.OperationFailed:
			return errUndone("Teams accepted to take the number away and failed: see the user's number in the Teams admin center, then retry")
		}
		select {
		case <-time.After(a.secondLook):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// operationLooks is how often an attempt looks how far an operation is, which takes some seconds.
const operationLooks = 5
