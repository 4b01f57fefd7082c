package activities

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"
)

// PlanOffboarding reads the leaver, pins the object id and returns the plan. It changes nothing.
//
// Microsoft: GET /users/{id}.
func (a *Activities) PlanOffboarding(ctx context.Context, request leaver.Request) (leaver.Plan, error) {
	request, rows, err := a.profiled(request)
	if err != nil {
		return leaver.Plan{}, err
	}
	found, err := a.findLeaver(ctx, request.UserID)
	if err != nil {
		return leaver.Plan{}, failure(ctx, err)
	}
	plan := leaver.Plan{Leaver: found, Profile: request.Profile, Only: !a.guards.AllowOthers, Strict: a.guards.Strict}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group errgroup.Group
	group.Go(func() (err error) { plan.Guards, err = a.guardAccount(ctx, found); return err })
	plan.Notify = a.profiles[request.Profile].Notify
	group.Go(func() error { plan.ManagerID = a.managerToTell(ctx, plan.Notify, found.ID); return nil })
	var ofDevices []leaver.Guard
	for _, row := range rows {
		if isOptional(row.Name) && !request.Steps[row.Name].Include || row.synchronised && !found.OnPremisesSyncEnabled {
			continue
		}
		step := a.planStep(row, plan.Leaver, request)
		step.After = slices.DeleteFunc(slices.Clone(step.After), func(before string) bool { return isOptional(before) && !request.Steps[before].Include })
		if step.Shape == leaver.Devices && step.Skip == "" {
			step.Items, err = a.foresee(ctx, found, step.Devices.Policy)
			_, tooMany := errors.AsType[errTooManyDevices](err)
			if tooMany || err != nil && request.DryRun && waits(err) {
				return leaver.Plan{}, failure(ctx, err)
			} else if _, refused := errors.AsType[*graph.Error](err); refused && waits(err) && activity.GetInfo(ctx).Attempt < plainly {
				f := explain(err)
				f.Waits, f.After = true, soon
				return leaver.Plan{}, named(ctx, f)
			} else if err != nil {
				// It is no reason to leave the account open.
				step.Note = "the devices could not be read for the plan: " + explain(err).Message
			}
			ofDevices = a.guardDevices(step.Items, err)
		}
		plan.Steps = append(plan.Steps, step)
	}
	comeLast(rows, plan.Steps)
	if err := group.Wait(); err != nil {
		return leaver.Plan{}, failure(ctx, err)
	}
	if request.DryRun {
		a.foreseeItems(ctx, &plan)
	}
	plan.Guards = append(append(plan.Guards, ofDevices...), a.guardOwnAccount(found))
	if err := a.judgePlan(&plan, request.DryRun); err != nil {
		return leaver.Plan{}, failure(ctx, err)
	}
	return plan, nil
}

// The devices are listed for a plan in this attempt at the latest, or the plan is made without: what passes at once
// hides no number of devices, and no guard.
const (
	plainly = 3
	soon    = 5 * time.Second
)

// findLeaver reads the leaver, also one whose account was deleted before: the devices stay
// managed. An object id is taken in any form that a GUID may have.
func (a *Activities) findLeaver(ctx context.Context, id string) (leaver.Leaver, error) {
	isGUID := uuid.Validate(id) == nil // Parse takes any characters for braces
	if isGUID {
		id = uuid.MustParse(id).String()
	}
	user, err := a.graph.User(ctx, id)
	deleted := false
	if notFound(err) && isGUID {
		if found, missing := a.graph.DeletedUser(ctx, id); missing == nil {
			user, err, deleted = found, nil, true
		} else if !notFound(missing) {
			return leaver.Leaver{}, missing
		}
	}
	if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Status == http.StatusNotFound && answer.IsGraphs() {
		unknown := *answer
		unknown.Call = callFindLeaver
		err = &unknown
	}
	return leaver.Leaver{
		ID: user.ID, UserPrincipalName: user.UserPrincipalName, UserType: user.UserType, AccountEnabled: user.AccountEnabled && !deleted,
		OnPremisesSyncEnabled: user.OnPremisesSyncEnabled && !deleted, External: user.IsExternal(), Deleted: deleted,
	}, err
}

// intunePatience lets a tenant use up its daily limits some days in a row.
const intunePatience = leaver.Duration(7 * 24 * time.Hour)

func (a *Activities) planStep(row row, l leaver.Leaver, request leaver.Request) leaver.Step {
	step, settings := row.Step, request.Steps[row.Name]
	step.OnFailure, step.Delay, step.Settings = cmp.Or(settings.OnFailure, row.OnFailure, request.OnFailure, leaver.Ask), settings.Delay, settings.Settings
	if slices.Contains(row.takes, leaver.SettingHandOverTo) {
		step.Settings.HandOverTo = cmp.Or(settings.HandOverTo, request.HandOverTo, leaver.Manager)
	}
	step.DisablesAccount = row.DisablesAccount && row.synchronised == l.OnPremisesSyncEnabled
	if row.note != nil {
		step.Note = row.note(l)
	}
	if row.skip != nil {
		step.Skip = row.skip(l)
	}
	if settings.Skip {
		step.Skip = "the request leaves it out"
		if request.Profile != "" {
			step.Skip = "the request, or its profile, leaves it out"
		}
	}
	if row.intune {
		step.TaskQueue, step.Reason = a.queue, request.Justification()
	}
	if step.Shape == leaver.Devices {
		settings := a.settings
		if request.Devices != nil {
			settings.Policy = *request.Devices
		}
		if request.DeviceDeadline > 0 {
			settings.Deadline = request.DeviceDeadline
			settings.FirstLook = min(settings.FirstLook, settings.Deadline)
			settings.LongestLook = min(settings.LongestLook, settings.Deadline)
		}
		step.Devices = &settings
	}
	return step
}

// comeLast has the last steps come after all others, but for those that come after a last step themselves.
func comeLast(rows []row, steps []leaver.Step) {
	for _, row := range rows {
		if at := slices.IndexFunc(steps, func(s leaver.Step) bool { return s.Name == row.Name }); row.last && at >= 0 {
			later := comingAfter(row.Name, steps)
			for _, s := range steps {
				if !slices.Contains(later, s.Name) && !slices.Contains(steps[at].After, s.Name) {
					steps[at].After = append(steps[at].After, s.Name)
				}
			}
		}
	}
}

// comingAfter names a step, and those that come after it.
func comingAfter(name string, steps []leaver.Step) []string {
	later := []string{name}
	isLater := func(name string) bool { return slices.Contains(later, name) }
	for range steps {
		for _, s := range steps {
			if !isLater(s.Name) && slices.ContainsFunc(s.After, isLater) {
				later = append(later, s.Name)
			}
		}
	}
	return later
}

// foresee lists what the policy says about each device, as things stand. It takes
// half of the attempt's time at most: without it there is still a plan.
func (a *Activities) foresee(ctx context.Context, l leaver.Leaver, policy leaver.DevicePolicy) ([]leaver.Item, error) {
	deadline, _ := ctx.Deadline() // each attempt has one
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	sight, _, err := a.see(ctx, devices.LookRequest{UserID: l.ID, UserPrincipalName: l.UserPrincipalName, Keys: true, Enrolment: true})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("no answer from Intune in time")
	case err != nil:
		return nil, err
	}
	for i := range sight.Listed {
		if d := &sight.Listed[i]; d.KeyUnread != "" {
			d.RecoveryKey = leaver.RecoveryKeyUnknown // the plan does not wait for it
		}
	}
	fleet := &devices.Fleet{Policy: policy, Deadline: a.settings.Deadline}
	fleet.Saw(sight, time.Now())
	items := fleet.Foreseen(time.Now())
	for i, seen := range sight.Listed { // a new fleet has the devices in the order of the list
		items[i].Device.Enrolment = seen.Enrolment
	}
	return items, nil
}

// foreseeItems lists what each step would change, and what it cannot change. A list that cannot be read is a note: the
// other lists are worth showing.
func (a *Activities) foreseeItems(ctx context.Context, plan *leaver.Plan) {
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i := range plan.Steps {
		step := &plan.Steps[i]
		at := slices.IndexFunc(catalogue, func(r row) bool { return r.Name == step.Name && r.things != nil })
		if at < 0 || step.Skip != "" {
			continue
		}
		group.Go(func() (err error) {
			step.Items, err = catalogue[at].things.list(a, ctx, subject{UserID: plan.Leaver.ID, Settings: step.Settings})
			step.Note = strings.Trim(step.Note+"; "+catalogue[at].things.said(step.Items, err), "; ")
			return nil
		})
	}
	_ = group.Wait() // none fails
}

func isOptional(name string) bool { return slices.Contains(leaver.OptionalSteps(), name) }
