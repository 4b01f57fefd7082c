package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/activity"
)

// deviceChoices are what a person may decide about a device that remains.
var deviceChoices = []leaver.Choice{
	leaver.WaitLonger, leaver.Choice(leaver.Retire), leaver.Choice(leaver.Wipe), leaver.Choice(leaver.WipeKeepUserData),
	leaver.Choice(leaver.DeleteRecord), leaver.GiveUp,
}

// choose does what a person decided about each device since the last look. A
// decision that cannot be carried out is asked about again, after all the others
// were; what waiting can mend is tried again, and holds up no decision that asks
// nothing of a device.
func (f *fleet) choose(ctx context.Context) error {
	var first error
	for i := range f.items {
		tracked := &f.items[i]
		if tracked.Choice == "" || first != nil && tracked.Choice != leaver.GiveUp && tracked.Choice != leaver.WaitLonger && tracked.Choice != leaver.Approved {
			continue
		}
		f.decided = true
		if err := f.hold(ctx, tracked, f.refused(ctx, tracked, f.carryOut(ctx, tracked))); err != nil {
			first = cmp.Or(first, err)
			continue
		}
		if tracked.Held == nil {
			tracked.Choice = ""
		}
	}
	return first
}

func (f *fleet) carryOut(ctx context.Context, tracked *leaver.Item) error {
	if tracked.Outcome == leaver.Done {
		return nil
	}
	if tracked.Choice == leaver.Approved {
		if tracked.AwaitsApproval() {
			f.approve(tracked.Approval.Code)
		}
		return nil
	}
	if tracked.Choice == leaver.WaitLonger && !tracked.Asked() {
		return errHarm("nothing was asked of it that could be waited for: choose another answer")
	}
	now := time.Now().UTC()
	tracked.Approval, tracked.Device.DecidedAt = nil, &now
	switch tracked.Choice {
	case leaver.WaitLonger:
		tracked.Held = nil
		return nil
	case leaver.GiveUp:
		tracked.Outcome, tracked.Detail, tracked.Device.Verdict = leaver.Skipped, "left as it is, by a decision", leaver.GivenUp
		tracked.Held = nil
		return nil
	}
	if _, listed := f.listing(tracked.ID); !listed {
		if f.isGone(ctx, tracked.ID) {
			tracked.Device.Verdict, tracked.Held = leaver.Leaving, nil // as AwaitDevicesRemoved will see
			return nil
		}
		return errHarm("the device is no longer listed for the leaver and may be another user's: decide about it in Intune, then choose giveUp")
	}
	action := leaver.DeviceAction(tracked.Choice)
	if why := harm(action, tracked.Device, f.wipes(tracked.Device)); why != "" {
		return errHarm(why)
	}
	return f.ask(ctx, tracked, action)
}

// errHarm is why an action would do harm unseen, or nothing; it was not asked.
type errHarm string

func (e errHarm) Error() string { return string(e) }

// harm says why an action must not be asked of a device, or "". wiped says that the
// policy wants the device wiped, which the one action that resets it besides does.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/remote-actions/device-management
func harm(action leaver.DeviceAction, d *leaver.Device, wiped bool) string {
	if action == leaver.WipeKeepUserData && !isWindows(d) {
		return "user data can be kept on Windows only: choose wipe or retire"
	}
	if !strings.HasPrefix(strings.ToLower(d.OperatingSystem), "android") {
		return ""
	}
	switch company, personal := d.OwnerType == "company", d.OwnerType == "personal"; {
	case action == leaver.Wipe && personal:
		return "a personal Android device has a work profile only, which Graph cannot wipe: choose retire"
	case action == leaver.Retire && company:
		return "retire is not supported for a corporate Android device: choose wipe"
	case action == leaver.DeleteRecord && company && !wiped:
		return "deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant"
	case !company && !personal && (action == leaver.Wipe || action == leaver.DeleteRecord):
		return "Intune does not say whether this Android device is corporate or personal, and on one of them this does harm: set its owner in Intune, or choose retire"
	}
	return ""
}

// wipes reports whether the policy wants a device wiped.
func (f *fleet) wipes(d *leaver.Device) bool {
	return f.policy.For(d.OwnerType, d.OperatingSystem) == leaver.Wipe
}

// judge notes what the policy says about a device, and leaves it to a person
// where a recovery key is wanted and there is none.
func (f *fleet) judge(ctx context.Context, tracked *leaver.Item) error {
	applyPolicy(tracked, f.policy)
	return f.requireKey(ctx, tracked)
}

// applyPolicy notes what the policy says about a device: nothing is to be done with
// one that it keeps, and with one that it would do harm to.
func applyPolicy(tracked *leaver.Item, policy leaver.DevicePolicy) {
	d := tracked.Device
	d.Planned = policy.For(d.OwnerType, d.OperatingSystem)
	switch why := harm(d.Planned, d, false); {
	case d.Planned == leaver.Keep:
		tracked.Outcome, tracked.Detail, d.Verdict = leaver.Skipped, "left as it is, as the policy says", leaver.Kept
		tracked.Held = nil
	case why != "":
		fail(tracked, why)
	}
}

// question is what a person is asked about the devices that failed, or nil; why
// says more about them than they do themselves. While others wait for a second
// administrator it is a question to both.
func (f *fleet) question(ctx context.Context, why string, choices []leaver.Choice) error {
	var failed []leaver.Item
	for _, i := range f.items {
		if i.Outcome == leaver.Failed {
			failed = append(failed, i)
		}
	}
	ask := leaver.Failure{Type: leaver.DevicesRemain}
	if len(failed) > 0 && why == "" {
		why = fmt.Sprintf("%s for a person to decide about, each says why; answer for each, giveUp leaves it as it is", count(len(failed)))
		if failed[0].Detail != "" && alike(failed, func(i leaver.Item) string { return i.Detail }) {
			why = fmt.Sprintf("%s for a person to decide about: %s; answer for each, giveUp leaves it as it is", count(len(failed)), failed[0].Detail)
		}
		if alike(failed, func(i leaver.Item) leaver.FailureType { return i.Failure }) {
			ask.Type = cmp.Or(failed[0].Failure, ask.Type)
		}
	}
	waiting := f.awaitsApproval()
	if waiting != "" {
		ask.Type = leaver.ApprovalRequired
		why = strings.TrimSuffix(waiting+"; "+why, "; ")
	}
	if why == "" {
		return nil
	}
	ask.Message = activity.GetInfo(ctx).ActivityType.Name + ": " + why
	ask.Details = []any{leaver.StepResult{Outcome: leaver.Failed, Detail: ask.Message, Items: f.items, Choices: offered(f.items, choices)}}
	return ask.Err()
}

// offered is what may be decided about devices as they are: some of the choices
// are for those that failed, others for those that await approval.
func offered(items []leaver.Item, choices []leaver.Choice) []leaver.Choice {
	var offered []leaver.Choice
	if slices.ContainsFunc(items, leaver.Item.AwaitsApproval) {
		offered = leaver.ApprovalChoices()
	}
	// What was chosen and could not be carried out yet may be taken back.
	if slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Outcome == leaver.Failed || i.Choice != "" }) {
		for _, choice := range choices {
			if choice == leaver.WaitLonger && !slices.ContainsFunc(items, func(i leaver.Item) bool { return i.Outcome == leaver.Failed && i.Asked() }) {
				continue
			}
			if !slices.Contains(offered, choice) {
				offered = append(offered, choice)
			}
		}
	}
	return offered
}

func alike[T comparable](items []leaver.Item, of func(leaver.Item) T) bool {
	return !slices.ContainsFunc(items, func(i leaver.Item) bool { return of(i) != of(items[0]) })
}
