// Package activities does an offboarding's steps: one Temporal activity each,
// safe to run twice, one attempt against Graph per attempt of Temporal's.
package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/approval"
	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/leaver-dev/leaver/internal/webhook"
	"go.temporal.io/sdk/activity"
)

// Config is what the activities work with.
type Config struct {
	Graph   *graph.Client // does everything but the devices
	Devices *graph.Client // does the devices; nil means Graph does them too
	// Exchange does what Graph cannot do of mail; nil means that no door to it is open.
	Exchange *graph.Exchange
	// DeviceSettings is what plans pin for devices, where a request says nothing else.
	DeviceSettings  leaver.DeviceSettings
	DeviceTaskQueue string // where plans have writes to Intune run; empty means the workflow's own
	// SecondLook is how long after Graph has not found a device it is asked again: a device is gone when
	// Graph says so twice.
	SecondLook time.Duration
	// MacOSUnlockCode is the code that wipes of Macs carry, or empty. It is a secret.
	MacOSUnlockCode string
	Guards          Guards                    // whom plans refuse, and which of them a person approves first
	Profiles        map[string]leaver.Profile // by the names that requests give
	Webhook         *webhook.Endpoint         // what profiles have told about offboardings; nil means none
	MailFrom        string                    // the user from whose mailbox mails are sent; empty means none
}

// Activities holds what the steps work with.
type Activities struct {
	graph, devices *graph.Client
	exchange       *graph.Exchange
	settings       leaver.DeviceSettings
	queue          string
	secondLook     time.Duration
	unlockCode     string
	guards         Guards
	signers        approval.Signers
	profiles       map[string]leaver.Profile
	webhook        *webhook.Endpoint
	mailFrom       string
}

// New checks c and makes the activities.
func New(c Config) (*Activities, error) {
	if c.Graph == nil {
		return nil, errors.New("activities: no Graph client")
	}
	if c.Devices == nil {
		c.Devices = c.Graph
	}
	switch s := c.DeviceSettings; {
	case s.FirstLook <= 0 || s.LongestLook < s.FirstLook || s.Deadline < s.FirstLook:
		return nil, errors.New("activities: the first look must be positive, and neither the longest nor the deadline shorter than it")
	case time.Duration(s.Deadline) > leaver.MaxDeviceDeadline:
		return nil, fmt.Errorf("activities: the device deadline must not be longer than %s", leaver.MaxDeviceDeadline)
	}
	if err := c.DeviceSettings.Policy.Check("the device policy"); err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	if err := c.Guards.Check(); err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	var signers approval.Signers
	if len(c.Guards.AllowedSigners) > 0 {
		var err error
		if signers, err = approval.ParseSigners(c.Guards.AllowedSigners); err != nil {
			return nil, fmt.Errorf("activities: %w", err)
		}
		if people := signers.People(); people < max(1, c.Guards.Approvers) {
			return nil, fmt.Errorf("activities: the allowed signers file names %d who may approve, and Approvers wants %d: no plan could ever be approved", people, max(1, c.Guards.Approvers))
		}
	}
	a := &Activities{c.Graph, c.Devices, c.Exchange, c.DeviceSettings, c.DeviceTaskQueue, c.SecondLook, c.MacOSUnlockCode, c.Guards, signers, c.Profiles, c.Webhook, c.MailFrom}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		if err := a.checkProfile(name); err != nil {
			return nil, fmt.Errorf("activities: profile %w", err)
		}
	}
	return a, nil
}

// Register puts every activity under its own name.
func (a *Activities) Register(r interface {
	RegisterActivityWithOptions(activity any, options activity.RegisterOptions)
}) {
	// A plugin may register once per worker and once per replayed history.
	register := func(name string, do any) {
		r.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name, DisableAlreadyRegisteredCheck: true})
	}
	register(leaver.ActivityPlanOffboarding, a.PlanOffboarding)
	register(leaver.ActivityVerifyApproval, a.VerifyApproval)
	register(leaver.ActivityFindOther, a.FindOtherOffboarding)
	register(leaver.ActivityNotifyByWebhook, a.NotifyByWebhook)
	register(leaver.ActivityNotifyByMail, a.NotifyByMail)
	register(leaver.ActivityLookAtDevices, a.LookAtDevices)
	register(leaver.ActivityRemoveAllDevices, a.RemoveAllDevices)
	register(leaver.ActivityRetireDevice, a.RetireDevice)
	register(leaver.ActivityWipeDevice, a.WipeDevice)
	register(leaver.ActivityDeleteDeviceRecord, a.DeleteDeviceRecord)
	for _, row := range catalogue {
		if row.things != nil {
			row.do, row.change = row.things.listItems, row.things.changeItem
		}
		if row.do != nil {
			register(row.Activity, func(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
				if row.Shape == leaver.Single && !row.DisablesAccount {
					if err := a.heldBack(ctx, step.AccountDisabled, step.UserID); err != nil {
						return leaver.StepResult{}, err
					}
				}
				return row.do(a, ctx, step)
			})
		}
		if row.change != nil {
			register(row.Change, func(ctx context.Context, item leaver.ItemRequest) (leaver.Item, error) {
				if err := a.heldBack(ctx, item.AccountDisabled, item.UserID); err != nil {
					return leaver.Item{}, err
				}
				return row.change(a, ctx, item)
			})
		}
	}
}

func done(detail string, items ...leaver.Item) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.Done, Detail: detail, Items: items}
}

func alreadyDone(detail string, items ...leaver.Item) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: detail, Items: items}
}
