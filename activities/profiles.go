package activities

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
)

// rowsOf are the steps that there are for offboardings by a profile.
func rowsOf(profile leaver.Profile) []row {
	rows := slices.Clone(catalogue)
	for _, own := range profile.OwnSteps {
		rows = append(rows, row{Step: leaver.Step{Name: own.Name, Shape: leaver.Single, Activity: own.Activity, TaskQueue: own.TaskQueue, After: own.After, Summary: own.Summary, OnFailure: own.OnFailure}})
	}
	return rows
}

// checkProfile reports why no plan could be made by a profile.
func (a *Activities) checkProfile(name string) error {
	profile := a.profiles[name]
	rows := rowsOf(profile)
	if err := cmp.Or(profile.Check(name), checkSettings(name+".steps", rows, profile.Steps), a.checkDoors(name+".steps", rows, profile.Steps), a.checkNotify(name+".notify", profile.Notify)); err != nil {
		return err
	}
	var all leaver.Plan
	for _, row := range rows {
		all.Steps = append(all.Steps, a.planStep(row, leaver.Leaver{}, leaver.Request{}))
	}
	if err := all.Check(); err != nil {
		return fmt.Errorf("%s.ownSteps: %w", name, err)
	}
	return nil
}

// profiled returns a request with what its profile says, and the steps that there are for it.
func (a *Activities) profiled(request leaver.Request) (leaver.Request, []row, error) {
	name := cmp.Or(request.Profile, leaver.DefaultProfile)
	profile, ok := a.profiles[name]
	var err error
	switch {
	case ok:
		request = profile.Apply(request)
		request.Profile = name
	case request.Profile != "" && len(a.profiles) == 0:
		err = errors.New("profile: the worker has no profiles, see LEAVER_PROFILES in its configuration")
	case request.Profile != "":
		err = fmt.Errorf("profile: the worker has no such profile, %s", wantOne(slices.Sorted(maps.Keys(a.profiles))))
	}
	rows := rowsOf(profile)
	if err = cmp.Or(err, checkSettings("steps", rows, request.Steps), a.checkDoors("steps", rows, request.Steps)); err != nil {
		err = leaver.Failure{Type: leaver.InvalidRequest, Message: err.Error()}.Err()
	}
	return request, rows, err
}

// checkDoors refuses steps through Exchange where the worker opens no door by which they can be done.
func (a *Activities) checkDoors(field string, rows []row, steps map[string]leaver.StepSettings) error {
	for _, row := range rows {
		settings := steps[row.Name]
		if settings.Include && !settings.Skip && row.door != nil && !a.opens(row.door(settings.Settings)) {
			return fmt.Errorf("%s.%s: %s", field, row.Name, doorClosed)
		}
	}
	return nil
}

func wantOne(names []string) string { return "want one of " + strings.Join(names, ", ") }

// checkSettings refuses settings of a step that there is not, and those that a step does not take.
func checkSettings(field string, rows []row, steps map[string]leaver.StepSettings) error {
	var names []string
	for _, row := range rows {
		names = append(names, row.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		at, field := slices.Index(names, name), field+"."+name
		if at < 0 {
			return fmt.Errorf("%s: there is no such step, %s", field, wantOne(names))
		}
		row, given := rows[at], steps[name].Given()
		for _, setting := range given {
			switch {
			case len(row.takes) == 0:
				return fmt.Errorf("%s.%s: the step takes no settings of its own", field, setting)
			case !slices.Contains(row.takes, setting):
				return fmt.Errorf("%s.%s: the step does not take it, %s", field, setting, wantOne(row.takes))
			}
		}
		if row.check != nil {
			if err := row.check(steps[name].Settings); err != nil {
				return fmt.Errorf("%s.%w", field, err)
			}
		}
		for _, needed := range row.needs {
			if steps[name].Include && !slices.Contains(given, needed) {
				return fmt.Errorf("%s.%s: is missing, and the step cannot do without", field, needed)
			}
		}
	}
	return nil
}
