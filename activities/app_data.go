package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/leaver-dev/leaver"
)

// WipeManagedAppRegistrations has the apps under an app protection policy wipe
// the leaver's company data, on phones that Intune does not manage and on those
// that it does. An app does so when it is next opened: nothing tells when.
//
// Microsoft: POST /users/{id}/wipeManagedAppRegistrationsByDeviceTag, one call
// for each device.
func (a *Activities) WipeManagedAppRegistrations(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	if err := tooEarly(ctx, step); err != nil {
		return leaver.StepResult{}, err
	}
	tags, unread := a.devices.ManagedAppDeviceTags(ctx, step.UserID)
	items := make([]leaver.Item, len(tags))
	for i, tag := range tags {
		items[i].ID = tag
	}
	items, err := recallItems(ctx, step, items)
	if err != nil {
		return leaver.StepResult{}, err
	}
	if unread != nil {
		return pause(ctx, step, items, unread)
	}
	if len(items) == 0 {
		return alreadyDone("no app holds company data of the leaver"), nil
	}
	written := false
	for i := range items {
		tagged := &items[i]
		switch {
		case tagged.Outcome != "" || tagged.Detail == changeAccepted:
			continue
		case tagged.Detail == changeAsked && !slices.Contains(tags, tagged.ID):
			tagged.Outcome, tagged.Detail = leaver.Done, ""
			continue
		case written:
			return pause(ctx, step, items, errNextTurn)
		}
		if err := ask(ctx, items, tagged, func() error { return a.devices.WipeManagedAppRegistrations(ctx, step.UserID, tagged.ID) }); err != nil {
			return pause(ctx, step, items, err)
		}
		written = true
	}
	for i := range items {
		if items[i].Outcome == "" {
			items[i].Outcome, items[i].Detail = leaver.Done, ""
		}
	}
	result := settled(items)
	result.Detail = fmt.Sprintf("Intune accepted the wipe of the apps on %s; each app does it when it is next opened", count(len(items)))
	return result, refusals(ctx, result)
}
