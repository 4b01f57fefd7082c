package activities

import (
	"context"
	"fmt"

	"github.com/leaver-dev/leaver"
)

// WipeManagedAppRegistrations has the apps under an app protection policy wipe
// the leaver's company data, on phones that Intune does not manage and on those
// that it does. An app does so when it is next opened: nothing tells when.
//
// Microsoft: POST /users/{id}/wipeManagedAppRegistrationsByDeviceTag, one call
// for each device.
func (a *Activities) WipeManagedAppRegistrations(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	tags, err := a.devices.ManagedAppDeviceTags(ctx, step.UserID)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	items := make([]leaver.Item, len(tags))
	for i, tag := range tags {
		items[i].ID = tag
	}
	if items, err = recallItems(ctx, items); err != nil {
		return leaver.StepResult{}, err
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
		case written:
			return leaver.StepResult{}, failure(ctx, errNextTurn)
		}
		if err := ask(ctx, items, tagged, func() error { return a.devices.WipeManagedAppRegistrations(ctx, step.UserID, tagged.ID) }); err != nil {
			return leaver.StepResult{}, failure(ctx, err)
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
