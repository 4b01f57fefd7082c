package activities

import (
	"context"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

const (
	// errStillSo waits for a change that Graph has accepted and does not show yet.
	errStillSo = errNotYet("the change is accepted and Microsoft does not show it yet; looking again")
	// errListLags waits for a list that still has what Graph does not find by its id.
	errListLags = errNotYet("Graph lists what is to be changed and does not find it; looking again")
)

// leftDevices returns the devices that were seen to leave Intune. The others are left
// alone; the result of the list begins with how many these are.
func leftDevices(ctx context.Context, step leaver.StepRequest) (left []*leaver.Device, result leaver.StepResult, err error) {
	removed, ok := step.Results[leaver.StepRemoveAllDevices]
	if !ok {
		return nil, result, invalid(ctx, "results."+leaver.StepRemoveAllDevices+": is missing, and only devices that were seen to leave Intune are touched")
	}
	for _, i := range removed.Items {
		if i.Device != nil && i.Device.Verdict == leaver.Gone {
			left = append(left, &leaver.Device{DeviceFacts: i.Device.DeviceFacts, ManagedDeviceID: i.ID, Verdict: leaver.Gone})
		}
	}
	switch alone := len(removed.Items) - len(left); {
	case len(left) == 0:
		result.Detail = "no device has left Intune here"
		if removed.Outcome != leaver.Done && removed.Outcome != leaver.AlreadyDone {
			result.Outcome = leaver.Skipped
		}
	case alone > 0:
		result.Detail = countDevices(alone) + " not seen to leave Intune and not touched"
	}
	return left, result, nil
}

// listed completes a list that has one item for each device. Where nothing is to be changed of a device, the
// items that the step has of it already keep their ids and how they ended.
func (a *Activities) listed(ctx context.Context, step leaver.StepRequest, result leaver.StepResult) (leaver.StepResult, error) {
	err := readEach(ctx, len(result.Items), func(ctx context.Context, i int) error { return a.skipEnrolledAnew(ctx, &result.Items[i]) })
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	var items []leaver.Item
	for _, item := range result.Items {
		known := false
		for _, k := range step.Items {
			if item.Outcome != "" && k.Device != nil && k.Device.ManagedDeviceID == item.Device.ManagedDeviceID {
				known, items = true, append(items, settled(k, item.Outcome, item.Detail))
			}
		}
		if !known {
			items = append(items, item)
		}
	}
	result.Items = items
	return result, nil
}

// settled says how an item of an earlier list ended of which nothing is left to be changed.
func settled(known leaver.Item, outcome leaver.Outcome, detail string) leaver.Item {
	switch {
	case slices.Contains([]leaver.Outcome{leaver.Done, leaver.AlreadyDone, leaver.Skipped}, known.Outcome):
		return known
	case outcome == leaver.AlreadyDone:
		outcome = leaver.Done // it was to be changed when the step began
	}
	known.Outcome, known.Detail, known.Failure, known.Choice, known.Approval = outcome, detail, "", "", nil
	return known
}

// skipEnrolledAnew leaves a device alone that Intune manages by another id than the
// one that has left: it may be somebody else's by now.
func (a *Activities) skipEnrolledAnew(ctx context.Context, item *leaver.Item) error {
	if item.Outcome != "" || !isID(item.Device.AzureADDeviceID) {
		return nil
	}
	managed, err := a.devices.ManagedDevicesInEntraAs(ctx, item.Device.AzureADDeviceID)
	if slices.ContainsFunc(managed, func(d graph.ManagedDevice) bool { return d.ID != item.Device.ManagedDeviceID }) {
		item.Outcome, item.Detail = leaver.Skipped, "it has been enrolled anew and is left as it is"
	}
	return err
}

// changeLeft changes what another service keeps of a device that has left Intune. It looks first whether the
// item is still what was decided about, and afterwards whether the change shows: look returns the item as it
// stands, without an outcome while it is to be changed.
func (a *Activities) changeLeft(ctx context.Context, request leaver.ItemRequest, look func() (leaver.Item, error), write func(context.Context, string, graph.Approval) error) (leaver.Item, error) {
	if d := request.Item.Device; d == nil || d.Verdict != leaver.Gone || d.ManagedDeviceID == "" || request.Item.ID == "" {
		return leaver.Item{}, invalid(ctx, "item: names no device that was seen to leave Intune, and only such devices are touched")
	}
	item, err := look()
	if err == nil {
		err = a.skipEnrolledAnew(ctx, &item)
	}
	switch {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case item.Outcome == leaver.Failed:
		return leaver.Item{}, named(ctx, leaver.Failure{Type: item.Failure, Message: item.Detail})
	case item.Outcome != "": // an earlier attempt may have changed it and lost the answer
		ended := settled(leaver.Item{ID: item.ID, Device: item.Device}, item.Outcome, item.Detail)
		ended.Approval = a.unused(ctx, request.Item.Approval)
		return ended, nil
	}
	notYet := errStillSo
	switch approval, err := a.writeItem(ctx, request, write); {
	case isMissing(err):
		notYet = errListLags
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case approval != nil:
		return leaver.Item{ID: item.ID, Device: item.Device, Approval: approval}, nil
	}
	switch item, err = look(); {
	case err != nil:
		return leaver.Item{}, failure(ctx, err)
	case item.Outcome != leaver.AlreadyDone:
		return leaver.Item{}, failure(ctx, notYet)
	}
	item.Outcome = leaver.Done
	return item, nil
}
