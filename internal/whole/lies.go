package whole

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
)

// Lies says what a report tells of the leaver's things that the tenant does not show: every thing that there was is an
// item of its step, which is done exactly where the thing is gone. There are no other items, and no step has failed.
func (c *Case) Lies(report leaver.Report) (lies []string) {
	now := c.contents()
	add := func(step leaver.StepRecord, format string, args ...any) {
		lies = append(lies, step.Name+": "+fmt.Sprintf(format, args...))
	}
	if want := leaver.CompletedWithExceptions; report.Status != want {
		lies = append(lies, fmt.Sprintf("the report is %s, want %s", report.Status, want))
	}
	seen := map[string]bool{}
	for _, step := range report.Steps {
		seen[step.Name] = true
		if step.Outcome != leaver.Done {
			add(step, "ended as %s, %s", step.Outcome, step.Detail)
		}
		of, ok := things[step.Name]
		if !ok {
			continue
		}
		had, has := of(c, c.Before), of(c, now)
		if step.Name == leaver.StepDeleteAutopilotIdentities { // every device that has left is told of
			had = things[leaver.StepRemoveAllDevices](c, c.Before)
		}
		if step.Name == leaver.StepRemoveGroupMemberships {
			had = append(had, c.block) // an earlier step has made the leaver a member
		}
		var told []string
		for _, item := range step.Items {
			id := idOf(step.Name, item)
			told = append(told, id)
			gone := item.Outcome == leaver.Done || item.Outcome == leaver.AlreadyDone
			switch {
			case !slices.Contains(had, id):
				add(step, "tells of %s, which the leaver did not have", id)
			case gone == slices.Contains(has, id) && !c.endsWithMembership(id):
				add(step, "%s ended as %s (%s), and the tenant shows it: %t", id, item.Outcome, item.Detail, !gone)
			}
		}
		for _, id := range had {
			if n := len(keep(told, func(t string) bool { return t == id })); n > 1 || n == 0 && !c.endsWithMembership(id) && !c.endsInExchange(step.Name, id) {
				add(step, "tells of %s %d times", id, n)
			}
		}
	}
	for _, name := range append(leaver.OptionalSteps(), leaver.StepDisableAccount, leaver.StepRevokeSessions, leaver.StepRemoveAllDevices) {
		if !seen[name] {
			lies = append(lies, name+": is not in the report")
		}
	}
	return lies
}

// idOf is the id of an item in things. A number's in the report is a hash, and that of what a service keeps of a
// device is its own.
func idOf(step string, item leaver.Item) string {
	switch {
	case step == leaver.StepUnassignPhoneNumber:
		return item.Before["telephoneNumber"]
	case item.Device != nil:
		return cmp.Or(item.Device.ManagedDeviceID, item.ID)
	}
	return item.ID
}

// endsWithMembership reports whether something is a group's, which the leaver loses with the membership: what the
// step that tells of it sees depends on whether the step that ends the membership was faster.
func (c *Case) endsWithMembership(id string) bool {
	for _, group := range c.Before.Groups {
		isRole := slices.ContainsFunc(group.Roles, func(r graphsim.Role) bool { return r.ID == id })
		if isRole || id == e5+":"+group.ID && !slices.Contains(group.GroupTypes, "DynamicMembership") {
			return true
		}
	}
	return false
}

// endsInExchange reports whether a group is Exchange's, which the step for such groups takes care of before others list it.
func (c *Case) endsInExchange(step, id string) bool {
	return step != leaver.StepRemoveDistributionGroups && isExchanges(c.Before.Groups[id])
}
