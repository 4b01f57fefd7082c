package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/activity"
)

// scrubbable are the properties that may be emptied. The others say who the user is, or services hang on them.
var scrubbable = []string{"city", "companyName", "country", "department", "employeeId", "employeeType", "faxNumber", "givenName", "jobTitle", "mobilePhone", "officeLocation",
	"postalCode", "preferredLanguage", "state", "streetAddress", "surname"}

// checkAttributes refuses other properties, and none at all.
func checkAttributes(settings leaver.Settings) error {
	for i, name := range settings.Attributes {
		switch {
		case !slices.Contains(scrubbable, name):
			return fmt.Errorf("attributes.%d: %s", i, wantOne(scrubbable))
		case slices.Index(settings.Attributes, name) < i:
			return fmt.Errorf("attributes.%d: stands there twice", i)
		}
	}
	return nil
}

// ScrubAttributes empties properties of the leaver that the settings name, and reads that back. Their values are
// repeated nowhere.
//
// Microsoft: PATCH /users/{id}.
func (a *Activities) ScrubAttributes(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	names := step.Settings.Attributes
	err := checkAttributes(step.Settings)
	if len(names) == 0 {
		err = errors.New("attributes: is missing, want names of properties of the user")
	}
	if err != nil {
		return leaver.StepResult{}, invalid(ctx, "settings."+err.Error())
	}
	user, err := a.graph.User(ctx, step.UserID)
	if a.isDeleted(ctx, step.UserID, err) {
		return alreadyDone(accountDeleted), nil
	}
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	empty := strings.Join(names, ", ") + ": empty"
	switch set, err := a.graph.AttributesSet(ctx, user.ID, names); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case len(set) == 0 && activity.GetInfo(ctx).Attempt > 1: // an earlier attempt may have lost the answer
		return done(empty), nil
	case len(set) == 0:
		return alreadyDone(empty + " before"), nil
	case user.OnPremisesSyncEnabled:
		return leaver.StepResult{}, leftToActiveDirectory(ctx, "owns "+strings.Join(set, ", ")+": empty them there")
	}
	if err := a.graph.ClearAttributes(ctx, user.ID, names); err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch set, err := a.graph.AttributesSet(ctx, user.ID, names); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case len(set) > 0:
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	return done(empty), nil
}
