package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// leftover is what another service than Intune keeps of the devices.
type leftover struct {
	// look reads the service, and returns how to find in it what is still to be
	// changed of a device: its id there, or "" and why there is nothing.
	look func(context.Context) (find finder, err error)
	// change makes the change, by the id.
	change func(context.Context, string) error
	// onceAnAttempt keeps to Intune's limit on writes, see errNextTurn.
	onceAnAttempt bool
}

type finder func(context.Context, *leaver.Device, string) (id, why string, err error)

// The details of an item whose change was asked for and is not seen yet.
const (
	changeAsked    = "asked for"
	changeAccepted = "accepted, and not seen yet"
)

// errStillSo waits for a change that Graph has accepted and does not show yet.
const errStillSo = errNotYet("the change is accepted and Graph does not show it yet; looking again")

// leftovers changes what is left of each device that was seen to leave Intune,
// and looks until that is so. All other devices are left alone, and so is one
// that has been enrolled anew: it may be somebody else's by now.
func (a *Activities) leftovers(ctx context.Context, step leaver.StepRequest, l leftover) (leaver.StepResult, error) {
	awaited, ok := step.Results[leaver.StepAwaitDevicesRemoved]
	if !ok {
		return leaver.StepResult{}, leaver.Failure{Type: leaver.InvalidRequest, Message: fmt.Sprintf(
			"%s: results.%s: is missing, and only devices that were seen to leave Intune are touched", activity.GetInfo(ctx).ActivityType.Name, leaver.StepAwaitDevicesRemoved)}.Err()
	}
	var items []leaver.Item
	for _, i := range awaited.Items {
		if i.Device != nil && i.Device.Verdict == leaver.Gone {
			items = append(items, leaver.Item{ID: i.ID, Device: i.Device})
		}
	}
	alone := len(awaited.Items) - len(items)
	if len(items) == 0 {
		result := alreadyDone("no device has left Intune here")
		if awaited.Outcome != leaver.Done && awaited.Outcome != leaver.AlreadyDone {
			result.Outcome = leaver.Skipped
		}
		return result, nil
	}
	if err := tooEarly(ctx, step); err != nil {
		return leaver.StepResult{}, err
	}
	items, err := recallItems(ctx, step, items)
	if err != nil {
		return leaver.StepResult{}, err
	}
	if err := a.findEnrolledAnew(ctx, items); err != nil {
		return pause(ctx, step, items, err)
	}
	if err := l.changeAll(ctx, items); err != nil {
		return pause(ctx, step, items, err)
	}
	result := settled(items)
	if alone > 0 {
		result.Detail += fmt.Sprintf("; %s not seen to leave Intune and not touched", count(alone))
	}
	return result, refusals(ctx, result)
}

// findEnrolledAnew skips the devices that Intune manages by another id than the
// one that has left.
func (a *Activities) findEnrolledAnew(ctx context.Context, items []leaver.Item) error {
	for i := range items {
		if items[i].Outcome != "" || items[i].Device.AzureADDeviceID == "" {
			continue
		}
		managed, err := a.devices.ManagedDevicesInEntraAs(ctx, items[i].Device.AzureADDeviceID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(managed, func(d graph.ManagedDevice) bool { return d.ID != items[i].ID }) {
			items[i].Outcome, items[i].Detail = leaver.Skipped, "it has been enrolled anew and was not touched"
		}
	}
	return nil
}

// changeAll asks for every change, and looks whether all were made.
func (l leftover) changeAll(ctx context.Context, items []leaver.Item) error {
	written, lasting := false, false
	for again := true; again; {
		again, lasting = false, false
		find, err := l.look(ctx)
		if err != nil {
			return err
		}
		for i := range items {
			if items[i].Outcome != "" {
				continue
			}
			id, why, err := find(ctx, items[i].Device, items[i].ID)
			switch {
			case err != nil:
				return err
			case id == "" && items[i].Detail != "":
				items[i].Outcome, items[i].Detail = leaver.Done, ""
			case id == "":
				items[i].Outcome, items[i].Detail = leaver.AlreadyDone, why
			case items[i].Detail == changeAccepted:
				lasting = true
			case written && l.onceAnAttempt:
				return errNextTurn
			default:
				if err := ask(ctx, items, &items[i], func() error { return l.change(ctx, id) }); err != nil {
					return err
				}
				written, again = true, true
			}
		}
	}
	if lasting {
		return errStillSo
	}
	return nil
}

// recallItems returns the items with what an earlier attempt noted or told of them,
// and those that it knew and that are there no more.
func recallItems(ctx context.Context, step leaver.StepRequest, items []leaver.Item) (noted []leaver.Item, err error) {
	noted = step.Items
	if acted(ctx) {
		if noted, err = recall(ctx); err != nil {
			return nil, err
		}
	}
	for _, i := range items {
		if !slices.ContainsFunc(noted, func(before leaver.Item) bool { return before.ID == i.ID }) {
			noted = append(noted, i)
		}
	}
	return noted, nil
}

// pause ends an attempt that cannot go on now. What it has done is told first, where
// the plan lets it.
func pause(ctx context.Context, step leaver.StepRequest, items []leaver.Item, err error) (leaver.StepResult, error) {
	touched := slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Outcome != "" || i.Detail != "" })
	quiet := errors.Is(err, errNextTurn) && !tellsTurn(ctx, len(items))
	if !step.Changes || quiet || !touched || !waits(err) || halted(err) || seen(items) == seen(step.Items) {
		return leaver.StepResult{}, failure(ctx, err, items...)
	}
	return ongoing(err, items, nil), nil
}

// ask makes a write about an item and notes what came of it. A refusal is noted
// with the item, so that the others have their turn; anything else is returned.
func ask(ctx context.Context, items []leaver.Item, i *leaver.Item, write func() error) error {
	i.Detail = changeAsked
	if err := act(ctx, items); err != nil {
		return err
	}
	err := write()
	switch why, refused := refusal(err); {
	case err == nil:
		i.Detail = changeAccepted
	case isMissing(err):
		// What is gone is no longer listed when the next attempt looks.
		return errNotYet("Graph lists what is to be changed and does not find it; looking again")
	case refused:
		i.Outcome, i.Detail, i.Failure = leaver.Failed, why.Message, why.Type
	default:
		return err
	}
	activity.RecordHeartbeat(ctx, items)
	return nil
}

// settled says how a step ends whose items have all ended.
func settled(items []leaver.Item) leaver.StepResult {
	n := map[leaver.Outcome]int{}
	for _, i := range items {
		n[i.Outcome]++
	}
	var parts []string
	for _, part := range []struct {
		of   leaver.Outcome
		text string
	}{{leaver.Done, "done"}, {leaver.AlreadyDone, "needed nothing"}, {leaver.Skipped, "enrolled anew and not touched"}, {leaver.Failed, "refused"}} {
		if n[part.of] > 0 {
			parts = append(parts, count(n[part.of])+" "+part.text)
		}
	}
	result := leaver.StepResult{Outcome: leaver.AlreadyDone, Items: items, Detail: strings.Join(parts, ", ")}
	switch {
	case n[leaver.Failed] > 0:
		result.Outcome = leaver.Failed
	case n[leaver.Done] > 0:
		result.Outcome = leaver.Done
	}
	return result
}

// refusals is the failure of a step of which some items were refused, or nil.
func refusals(ctx context.Context, result leaver.StepResult) error {
	all := slices.DeleteFunc(slices.Clone(result.Items), func(i leaver.Item) bool { return i.Outcome != leaver.Failed })
	if len(all) == 0 {
		return nil
	}
	return leaver.Failure{
		Type: all[0].Failure, Details: []any{result},
		Message: fmt.Sprintf("%s: Graph refuses %d of %d: %s", activity.GetInfo(ctx).ActivityType.Name, len(all), len(result.Items), all[0].Detail),
	}.Err()
}
