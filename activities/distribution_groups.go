package activities

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// distributionGroups are those of which the leaver is a member, and those that the leaver manages.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/remove-distributiongroupmember and
// https://learn.microsoft.com/powershell/module/exchangepowershell/set-distributiongroup
var distributionGroups = things{
	none: "the leaver is in no distribution group, and manages none",
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		if a.exchange == nil {
			return nil, graph.ErrDoorClosed
		}
		userID, err := a.objectID(ctx, s.UserID)
		if err != nil {
			return nil, err
		}
		recipient, err := a.exchange.Recipient(ctx, userID)
		if isUnknown(err) {
			return nil, errNotApplicable("Exchange does not know the leaver")
		} else if err != nil {
			return nil, err
		}
		member, manages, err := a.exchange.DistributionGroups(ctx, recipient)
		var items []leaver.Item
		for _, group := range member {
			items = append(items, distributionItem(group, "distributionGroup", ""))
		}
		for _, group := range manages {
			item := distributionItem(group, "managed", managedEnd)
			item.Before["othersManage"] = strconv.FormatBool(len(group.ManagedBy) > 1)
			if len(group.ManagedBy) <= 1 && item.Outcome == "" {
				heir, note, err := a.heir(ctx, s)
				item.Detail, item.Before[successorID] = note, heir.ObjectID
				if isNobody(err) {
					item.Outcome, item.Failure, item.Detail = leaver.Failed, leaver.InvalidRequest, err.Error()
				} else if err != nil {
					return nil, err
				}
			}
			items = append(items, item)
		}
		return items, err
	},
	change: func(a *Activities, ctx context.Context, s subject, item leaver.Item) error {
		userID, err := a.objectID(ctx, s.UserID)
		if err != nil {
			return err
		}
		group := item.Before["exchangeGuid"]
		if !strings.HasSuffix(item.ID, managedEnd) {
			return a.exchange.RemoveFromDistributionGroup(ctx, group, userID)
		}
		if item.Before["othersManage"] == "true" {
			return a.exchange.HandOverDistributionGroup(ctx, group, userID, "")
		}
		heir, _, err := a.heir(ctx, s)
		if err != nil {
			return err
		}
		return a.exchange.HandOverDistributionGroup(ctx, group, userID, heir.ObjectID)
	},
	changed: "the leaver is not in it any more, or does not manage it",
}

// managedEnd ends the id of a group that the leaver manages.
const managedEnd = "/manager"

// distributionItem is a group under the id that Entra gives it; Exchange has another one.
func distributionItem(group graph.Recipient, kind, end string) leaver.Item {
	item := leaver.Item{ID: cmp.Or(group.ObjectID, group.GUID) + end, Name: cmp.Or(group.DisplayName, group.Name), Kind: kind, Before: map[string]string{"exchangeGuid": group.GUID}}
	if group.IsDirSynced {
		item.Outcome, item.Detail = leaver.Failed, "the group comes from Active Directory on the premises, and Exchange refuses to change it: an administrator changes it in Active Directory"
	} else if group.GUID == "" {
		item.Outcome, item.Detail = leaver.Failed, "Exchange lists it without an id, so that it cannot be changed here: an Exchange administrator does so"
	}
	return item
}
