// Package activities does an offboarding's steps: one Temporal activity each,
// safe to run twice, one attempt against Graph per attempt of Temporal's.
package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// Config is what the activities work with.
type Config struct {
	// Graph does everything but the devices.
	Graph *graph.Client
	// Devices does the devices; nil means Graph does them too.
	Devices *graph.Client
	// DeviceSettings is what plans pin for devices, where a request says nothing else.
	DeviceSettings leaver.DeviceSettings
	// DeviceTaskQueue is where plans have writes to Intune run; empty means the
	// workflow's own.
	DeviceTaskQueue string
}

// Activities holds what the steps work with.
type Activities struct {
	graph    *graph.Client
	devices  *graph.Client
	settings leaver.DeviceSettings
	queue    string
}

// New checks c and makes the activities.
func New(c Config) (*Activities, error) {
	if c.Graph == nil {
		return nil, errors.New("activities: no Graph client")
	}
	if c.Devices == nil {
		c.Devices = c.Graph
	}
	if s := c.DeviceSettings; s.FirstLook <= 0 || s.LongestLook < s.FirstLook || s.Deadline < s.FirstLook {
		return nil, errors.New("activities: the first look must be positive, and neither the longest nor the deadline shorter than it")
	}
	if time.Duration(c.DeviceSettings.Deadline) > leaver.MaxDeviceDeadline {
		return nil, fmt.Errorf("activities: the device deadline must not be longer than %s", leaver.MaxDeviceDeadline)
	}
	if err := c.DeviceSettings.Policy.Check("the device policy"); err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	return &Activities{graph: c.Graph, devices: c.Devices, settings: c.DeviceSettings, queue: c.DeviceTaskQueue}, nil
}

// Register puts every activity under its own name.
func (a *Activities) Register(r interface {
	RegisterActivityWithOptions(activity any, options activity.RegisterOptions)
}) {
	// A plugin may register once per worker and once per replayed history.
	options := func(name string) activity.RegisterOptions {
		return activity.RegisterOptions{Name: name, DisableAlreadyRegisteredCheck: true}
	}
	r.RegisterActivityWithOptions(a.PlanOffboarding, options(leaver.ActivityPlanOffboarding))
	for name, do := range map[string]any{
		leaver.ActivityLookAtDevices:      a.LookAtDevices,
		leaver.ActivityRemoveAllDevices:   a.RemoveAllDevices,
		leaver.ActivityRetireDevice:       a.RetireDevice,
		leaver.ActivityWipeDevice:         a.WipeDevice,
		leaver.ActivityDeleteDeviceRecord: a.DeleteDeviceRecord,
	} {
		r.RegisterActivityWithOptions(do, options(name))
	}
	for _, row := range catalogue {
		if row.do != nil {
			r.RegisterActivityWithOptions(func(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
				return row.do(a, ctx, step)
			}, options(row.Activity))
		}
		if row.change != nil {
			r.RegisterActivityWithOptions(func(ctx context.Context, item leaver.ItemRequest) (leaver.Item, error) {
				return row.change(a, ctx, item)
			}, options(row.Change))
		}
	}
}

func done(detail string, items ...leaver.Item) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.Done, Detail: detail, Items: items}
}

func alreadyDone(detail string) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: detail}
}
