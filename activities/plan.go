package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// PlanOffboarding reads the leaver, pins the object id and returns the plan.
// It changes nothing.
//
// Microsoft: GET /users/{id}.
func (a *Activities) PlanOffboarding(ctx context.Context, request leaver.Request) (leaver.Plan, error) {
	if err := a.knowsSteps(request); err != nil {
		return leaver.Plan{}, err
	}
	user, err := a.graph.User(ctx, request.UserID)
	if err != nil {
		return leaver.Plan{}, failure(ctx, err)
	}
	plan := leaver.Plan{Leaver: leaver.Leaver{
		ID: user.ID, UserPrincipalName: user.UserPrincipalName, UserType: user.UserType,
		AccountEnabled: user.AccountEnabled, OnPremisesSyncEnabled: user.OnPremisesSyncEnabled,
	}}
	skipped := map[string]bool{}
	for _, row := range catalogue {
		if row.optional && !request.Steps[row.Name].Include {
			continue
		}
		step := a.planStep(row, plan.Leaver, request)
		step.After = slices.DeleteFunc(slices.Clone(step.After), func(before string) bool { return isOptional(before) && !request.Steps[before].Include })
		if row.foresees && step.Skip == "" {
			if step.Items, err = a.foresee(ctx, user.ID, *step.Devices); err != nil && request.DryRun && waits(err) {
				return leaver.Plan{}, failure(ctx, err)
			} else if err != nil {
				// It is no reason to leave the account open.
				step.Note = "the devices could not be read for the plan: " + explain(err).Message
			}
		}
		for _, need := range step.Needs {
			if skipped[need] && step.Skip == "" {
				step.Skip = need + " is left out"
			}
		}
		skipped[step.Name] = step.Skip != ""
		plan.Steps = append(plan.Steps, step)
	}
	return plan, nil
}

// intunePatience lets a tenant use up its daily limits some days in a row.
const intunePatience = leaver.Duration(7 * 24 * time.Hour)

func (a *Activities) planStep(row row, l leaver.Leaver, request leaver.Request) leaver.Step {
	step, settings := row.Step, request.Steps[row.Name]
	for _, choice := range []leaver.OnFailure{settings.OnFailure, request.OnFailure, leaver.Ask} {
		if step.OnFailure == "" {
			step.OnFailure = choice
		}
	}
	if row.note != nil {
		step.Note = row.note(l)
	}
	if row.skip != nil {
		step.Skip = row.skip(l)
	}
	if settings.Skip {
		step.Skip = "the request leaves it out"
	}
	if row.devices {
		policy := a.policy
		if request.Devices != nil {
			policy = *request.Devices
		}
		step.Devices = &policy
		step.Justification = request.Justification()
	}
	if row.intune {
		step.TaskQueue, step.Patience = a.queue, intunePatience
	}
	if step.Kind == leaver.Polls {
		poll := a.poll
		poll.For, poll.Changes = row.waitsFor, true
		if request.DeviceDeadline > 0 {
			poll.Deadline = request.DeviceDeadline
			poll.First = min(poll.First, poll.Deadline)
			poll.Longest = min(poll.Longest, poll.Deadline)
		}
		step.Poll = &poll
	}
	return step
}

// foresee lists what the policy says about each device, as things stand. It takes
// half of the attempt's time at most: without it there is still a plan.
func (a *Activities) foresee(ctx context.Context, userID string, policy leaver.DevicePolicy) ([]leaver.Item, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	devices, err := a.devices.ManagedDevices(ctx, userID)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.New("no answer from Intune in time")
	}
	if err != nil {
		return nil, err
	}
	var items []leaver.Item
	for _, device := range devices {
		foreseen := item(device)
		if !staysManaged(device) {
			foreseen.Detail = "already leaving"
			items = append(items, foreseen)
			continue
		}
		applyPolicy(&foreseen, policy)
		asks := foreseen.Outcome == leaver.Failed
		if foreseen.Outcome == "" {
			foreseen.Detail = withoutKey(foreseen.Device, a.recoveryKey(ctx, &foreseen))
			asks = policy.RequireRecoveryKey && foreseen.Detail != ""
		}
		if asks {
			foreseen.Detail = "a person will be asked: " + foreseen.Detail
		}
		// Nothing has been done, or left undone, yet.
		foreseen.Outcome, foreseen.Device.Verdict = "", ""
		items = append(items, foreseen)
	}
	return items, nil
}

func isOptional(name string) bool {
	return slices.ContainsFunc(catalogue, func(r row) bool { return r.Name == name && r.optional })
}

func (a *Activities) knowsSteps(request leaver.Request) error {
	var names []string
	for _, row := range catalogue {
		names = append(names, row.Name)
	}
	for name := range request.Steps {
		if !slices.Contains(names, name) {
			return leaver.Failure{Type: leaver.InvalidRequest, Message: fmt.Sprintf(
				"steps.%s: there is no such step, want one of %s", name, strings.Join(names, ", "))}.Err()
		}
	}
	return nil
}
