package activities

import (
	"context"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// ListManagedAppRegistrations lists the devices, by their tags, on which apps under an app protection policy
// hold the leaver's company data: phones that Intune does not manage and those that it does. A device stays
// listed after the wipe was accepted, until its apps are next opened.
//
// Microsoft: GET /users/{id}/managedAppRegistrations,
// https://learn.microsoft.com/graph/api/intune-mam-managedappregistration-list
func (a *Activities) ListManagedAppRegistrations(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	tags, err := a.devices.ManagedAppDeviceTags(ctx, step.UserID)
	if a.isDeleted(ctx, step.UserID, err) {
		return appDataOfDeleted(step), nil
	} else if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	var result leaver.StepResult
	for _, known := range step.Items {
		at := slices.Index(tags, known.ID)
		switch {
		case at < 0:
			result.Items = append(result.Items, settled(known, leaver.AlreadyDone, noAppData))
		case known.Outcome == leaver.Done:
			result.Items = append(result.Items, known)
			tags = slices.Delete(tags, at, at+1)
		}
	}
	for _, tag := range tags {
		item := leaver.Item{ID: tag}
		if tag == "" {
			item = leaver.Item{ID: noTag, Outcome: leaver.Failed, Failure: leaver.GraphBadResponse, Detail: "Intune lists an app without a device tag, and its data cannot be wiped from here: see there"}
		}
		result.Items = append(result.Items, item)
	}
	if len(result.Items) == 0 {
		result.Detail = "no app holds company data of the leaver"
	}
	return result, nil
}

// appDataOfDeleted is the list where Intune knows the account no more: whether apps hold its data still, nobody tells.
func appDataOfDeleted(step leaver.StepRequest) leaver.StepResult {
	result := leaver.StepResult{Detail: accountDeleted + ", and Intune does not tell which apps hold its data"}
	for _, known := range step.Items {
		if known.Outcome != leaver.Done {
			known.Outcome, known.Failure, known.Detail = leaver.Failed, "", accountDeleted+", and Intune does not take the wipe: see there"
		}
		result.Items = append(result.Items, known)
	}
	return result
}

// noTag stands for the id of what Intune lists without a tag.
const noTag = "without a device tag"

// noAppData says that a device is no longer listed.
const noAppData = "no app there holds company data of the leaver"

// WipeManagedAppRegistration has the apps on one device wipe the leaver's company data. Each app does so when
// it is next opened, and nothing tells when: Done means that Intune has accepted it.
//
// Microsoft: POST /users/{id}/wipeManagedAppRegistrationsByDeviceTag,
// https://learn.microsoft.com/graph/api/intune-mam-user-wipemanagedappregistrationsbydevicetag
func (a *Activities) WipeManagedAppRegistration(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	item := leaver.Item{ID: request.Item.ID, Device: request.Item.Device, Outcome: leaver.Done, Detail: noAppData}
	if item.ID == "" {
		return leaver.Item{}, invalid(ctx, "item.id: is missing, want a device tag")
	}
	tags, err := a.devices.ManagedAppDeviceTags(ctx, request.UserID)
	switch {
	case a.isDeleted(ctx, request.UserID, err):
		return leaver.Item{}, named(ctx, leaver.Failure{Type: leaver.UserNotFound, Message: accountDeleted + ", and Intune does not take the wipe: see there"})
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case !slices.Contains(tags, item.ID):
		item.Approval = a.unused(ctx, request.Item.Approval)
		return item, nil
	}
	approval, err := a.writeItem(ctx, request, func(ctx context.Context, tag string, approval graph.Approval) error {
		return a.devices.WipeManagedAppRegistrations(ctx, request.UserID, tag, approval)
	})
	switch {
	case approval != nil:
		return leaver.Item{ID: item.ID, Approval: approval}, nil
	case isMissing(err):
		return leaver.Item{}, failure(ctx, errListLags)
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	}
	item.Detail = "Intune has accepted the wipe; each app does it when it is next opened"
	return item, nil
}
