package activities

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
	"github.com/leaver-dev/leaver/internal/graph"
	"golang.org/x/sync/errgroup"
)

// licenses are the licences of the leaver, one item for each source of each.
var licenses = things{
	none:    "the leaver has no licence",
	changed: "the licence is taken away",
	follows: followsLicense,
	list:    (*Activities).listLicenses,
	change:  (*Activities).removeLicense,
}

const ownLicense, groupLicense = "licence", "groupLicence"

// listLicenses lists the licences of the leaver, first those that are the leaver's own. One that a group gives is only
// waited for: it goes some time after the leaver has left the group.
//
// Microsoft: GET /users/{id} with licenseAssignmentStates, and GET /users/{id}/licenseDetails for what they are called.
func (a *Activities) listLicenses(ctx context.Context, s subject) ([]leaver.Item, error) {
	var (
		group    errgroup.Group
		licenses graph.Licenses
		details  []graph.LicenseDetail
	)
	group.Go(func() (err error) { licenses, err = a.graph.Licenses(ctx, s.UserID); return err })
	group.Go(func() (err error) { details, err = a.graph.LicenseDetails(ctx, s.UserID); return err })
	if err := group.Wait(); err != nil {
		return nil, err
	}
	hangs := mailboxHangs(s.Results)
	var own, inherited []leaver.Item
	for _, state := range licenses.States {
		if state.AssignedByGroup == "" {
			own = append(own, licenseItem(state, licenses.UsageLocation, details))
		} else {
			inherited = append(inherited, licenseItem(state, licenses.UsageLocation, details))
		}
	}
	for _, l := range licenses.Assigned { // a replica may show the one before the other
		if !slices.ContainsFunc(licenses.States, func(s graph.LicenseState) bool { return ascii.EqualFold(s.SkuID, l.SkuID) }) {
			own = append(own, licenseItem(graph.LicenseState{SkuID: l.SkuID}, licenses.UsageLocation, details))
		}
	}
	for i := range own {
		if hangs != "" && ofExchangePlan.MatchString(strings.ToUpper(own[i].Before["servicePlans"])) {
			own[i].Outcome, own[i].Failure, own[i].Detail = leaver.Failed, leaver.InvalidRequest, hangs
		}
	}
	if len(inherited) == 0 {
		return own, nil
	}
	memberships, err := a.graph.Memberships(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	for i := range inherited {
		for _, m := range memberships {
			if ascii.EqualFold(m.ID, inherited[i].Before["assignedByGroup"]) {
				inherited[i].Name = strings.TrimSpace(inherited[i].Name + " by the group " + cmp.Or(m.DisplayName, m.ID))
				inherited[i].Outcome, inherited[i].Detail = leaver.Failed, "a group gives it, and it goes some time after the leaver has left the group: the step removeGroupMemberships does that, or an owner of the group"
			}
		}
	}
	return append(own, inherited...), nil
}

// mailboxHangs says why the licence for the mailbox is not taken without asking, or "". The mailbox is deleted after 30
// days without one, unless it is shared.
func mailboxHangs(results map[string]leaver.StepResult) string {
	for _, name := range []string{leaver.StepConvertToSharedMailbox, leaver.StepHoldMailbox} {
		if result, planned := results[name]; planned && result.Outcome != leaver.Done && result.Outcome != leaver.AlreadyDone {
			return "the mailbox hangs on it, and " + name + " was not done: see to the mailbox first, then retry, which takes the licence"
		}
	}
	return ""
}

// licenseItem is a licence as an item, with what assigning it anew would need.
func licenseItem(state graph.LicenseState, usageLocation string, details []graph.LicenseDetail) leaver.Item {
	item := leaver.Item{ID: state.SkuID, Kind: ownLicense, Before: map[string]string{"skuId": state.SkuID, "usageLocation": usageLocation}}
	if state.AssignedByGroup != "" {
		item.ID, item.Kind = state.SkuID+":"+state.AssignedByGroup, groupLicense
		item.Before["assignedByGroup"] = state.AssignedByGroup
	}
	if len(state.DisabledPlans) > 0 {
		item.Before["disabledPlans"] = strings.Join(state.DisabledPlans, ",")
	}
	for _, d := range details {
		if !ascii.EqualFold(d.SkuID, state.SkuID) {
			continue
		}
		item.Name = d.SkuPartNumber
		var plans []string
		for _, plan := range d.ServicePlans {
			plans = append(plans, plan.ServicePlanName)
		}
		item.Before["servicePlans"] = strings.Join(plans, ",")
	}
	return item
}

var ofExchangePlan = regexp.MustCompile(`(^|,)EXCHANGE_`)

// consequences are what follows from the loss of a service plan.
//
// Microsoft: https://learn.microsoft.com/windows-365/enterprise/grace-period and
// https://learn.microsoft.com/microsoft-365/admin/manage/remove-licenses-from-users
var consequences = []struct {
	plan *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`(^|,)(CPC_|WINDOWS_365)`), "a Cloud PC is deleted after a grace period of 7 days"},
	{ofExchangePlan, "without another licence for it, the mailbox is kept for 30 days unless it is a shared one"},
	{regexp.MustCompile(`(^|,)(SHAREPOINT|ONEDRIVE)`), "without another licence for it, the OneDrive becomes read-only after 60 days"},
}

// followsLicense says what the loss of a licence leads to.
func followsLicense(item leaver.Item) string {
	var says []string
	for _, c := range consequences {
		if c.plan.MatchString(strings.ToUpper(item.Name + "," + item.Before["servicePlans"])) {
			says = append(says, c.says)
		}
	}
	return strings.Join(says, "; ")
}

var noSuchLicense = regexp.MustCompile(`does not have a corresponding licen[cs]e`)

// removeLicense takes one licence from the leaver.
//
// Microsoft: POST /users/{id}/assignLicense.
func (a *Activities) removeLicense(ctx context.Context, s subject, item leaver.Item) error {
	if item.Kind == groupLicense {
		return errNotYet("the leaver has left the group that gives the licence, and Entra takes it away within minutes to hours; looking again")
	}
	err := a.graph.RemoveLicense(ctx, s.UserID, item.Before["skuId"])
	if answer, ok := errors.AsType[*graph.Error](err); ok && answer.Says(noSuchLicense) {
		return nil // the list lags, and tells later
	}
	return err
}
