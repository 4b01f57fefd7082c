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
	// Poll is the rhythm that plans pin for AwaitDevicesRemoved.
	Poll leaver.Poll
	// DevicePolicy is for requests that say nothing about devices.
	DevicePolicy leaver.DevicePolicy
	// DeviceTaskQueue is where plans have the device steps run; empty means the
	// workflow's own.
	DeviceTaskQueue string
}

// Activities holds what the steps work with.
type Activities struct {
	graph   *graph.Client
	devices *graph.Client
	poll    leaver.Poll
	policy  leaver.DevicePolicy
	queue   string
}

// New checks c and makes the activities.
func New(c Config) (*Activities, error) {
	if c.Graph == nil {
		return nil, errors.New("activities: no Graph client")
	}
	if c.Devices == nil {
		c.Devices = c.Graph
	}
	if p := c.Poll; p.First <= 0 || p.Longest < p.First || p.Deadline < p.First {
		return nil, errors.New("activities: the first poll must be positive, and neither the longest nor the deadline shorter than it")
	}
	if time.Duration(c.Poll.Deadline) > leaver.MaxDeviceDeadline {
		return nil, fmt.Errorf("activities: the device deadline must not be longer than %s", leaver.MaxDeviceDeadline)
	}
	if err := c.DevicePolicy.Check("the device policy"); err != nil {
		return nil, fmt.Errorf("activities: %w", err)
	}
	return &Activities{graph: c.Graph, devices: c.Devices, poll: c.Poll, policy: c.DevicePolicy, queue: c.DeviceTaskQueue}, nil
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
	r.RegisterActivityWithOptions(a.AwaitApproval, options(leaver.ActivityAwaitApproval))
	for _, row := range catalogue {
		r.RegisterActivityWithOptions(func(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
			return row.do(a, ctx, step)
		}, options(row.Activity))
	}
}

func done(detail string, items ...leaver.Item) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.Done, Detail: detail, Items: items}
}

func alreadyDone(detail string) leaver.StepResult {
	return leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: detail}
}
