package graphsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver/internal/ascii"
)

// License is a licence of a user from one source: the user's own, or that of a group.
type License struct {
	SkuID         string   `json:"skuId"`
	SkuPartNumber string   `json:"skuPartNumber"`
	ServicePlans  []string `json:"servicePlans,omitempty"`
	// AssignedByGroup is the id of the group that gives it.
	AssignedByGroup string   `json:"assignedByGroup,omitempty"`
	State           string   `json:"state,omitempty"` // Active unless given
	DisabledPlans   []string `json:"disabledPlans,omitempty"`
}

var licenseRoutes = []route{
	{http.MethodGet, "/users/{id}/licenseDetails", slices.Concat([][]string{{"LicenseAssignment.Read.All"}}, readsUsers), (*Tenant).listLicenseDetails},
	{http.MethodPost, "/users/{id}/assignLicense", slices.Concat([][]string{{"LicenseAssignment.ReadWrite.All"}}, writesUsers), (*Tenant).assignLicense},
}

// counts reports whether the user has what the licence is for.
func (l License) counts() bool {
	return l.State == "Active" || l.State == "ActiveWithError"
}

// licenseProperties are licences as Graph shows them of their user.
func licenseProperties(all []License, updated time.Time) map[string]any {
	assigned, states := []any{}, []any{}
	var seen []string
	for _, l := range all {
		plans := append([]string{}, l.DisabledPlans...)
		states = append(states, map[string]any{"skuId": l.SkuID, "assignedByGroup": known(l.AssignedByGroup), "state": l.State, "error": "None", "disabledPlans": plans, "lastUpdatedDateTime": stamp(updated)})
		if l.counts() && !slices.Contains(seen, l.SkuID) {
			seen = append(seen, l.SkuID)
			assigned = append(assigned, map[string]any{"skuId": l.SkuID, "disabledPlans": plans})
		}
	}
	return map[string]any{"assignedLicenses": assigned, "licenseAssignmentStates": states}
}

func (t *Tenant) listLicenseDetails(q query) answer {
	all := []any{}
	var seen []string
	for _, l := range q.user.seen.at(t.shown()).Licenses {
		if !l.counts() || slices.Contains(seen, l.SkuID) {
			continue
		}
		plans := []any{}
		for _, name := range l.ServicePlans {
			plans = append(plans, map[string]any{"servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"})
		}
		seen = append(seen, l.SkuID)
		all = append(all, map[string]any{"id": l.SkuID, "skuId": l.SkuID, "skuPartNumber": l.SkuPartNumber, "servicePlans": plans})
	}
	return collection("users('"+q.user.ID+"')/licenseDetails", all)
}

// lost is a licence that a user is to lose, as the user has left the group that gives it.
type lost struct {
	user, group string
	at          time.Time
}

// endLicenses has a user lose the licences of a group that the user has left.
func (t *Tenant) endLicenses(group *Group, user string) {
	t.lost = append(t.lost, lost{user, group.ID, t.now().Add(time.Duration(t.settings.LicensesTake))})
}

// loseLicenses takes away what is due by now, unless the user has come back.
func (t *Tenant) loseLicenses() {
	now := t.now()
	due := func(l lost) bool { return !l.at.After(now) }
	for _, l := range t.lost {
		user, group := t.users[l.user], t.group(l.group)
		given := func(of License) bool { return ascii.EqualFold(of.AssignedByGroup, l.group) }
		if due(l) && user != nil && slices.ContainsFunc(user.Licenses, given) && !slices.Contains(group.members.now, l.user) {
			user.hold(now, func(h *Holdings) { h.Licenses = without(h.Licenses, given) })
		}
	}
	t.lost = slices.DeleteFunc(t.lost, due)
}

// assignLicense removes all licences that are named, or none.
func (t *Tenant) assignLicense(q query) answer {
	var body struct {
		AddLicenses    *[]any
		RemoveLicenses *[]string
	}
	if json.Unmarshal(q.body, &body) != nil || body.AddLicenses == nil || body.RemoveLicenses == nil || len(*body.AddLicenses) > 0 {
		return fault(http.StatusBadRequest, "Request_BadRequest", "The parameters addLicenses and removeLicenses are required; this tenant adds none.")
	}
	left := slices.Clone(q.user.Licenses)
	for _, sku := range *body.RemoveLicenses {
		is := func(l License) bool { return strings.EqualFold(l.SkuID, sku) }
		own := func(l License) bool { return is(l) && l.AssignedByGroup == "" }
		switch {
		case !slices.ContainsFunc(left, is):
			return fault(http.StatusBadRequest, "Request_BadRequest", "User does not have a corresponding license.")
		case !slices.ContainsFunc(left, own):
			return fault(http.StatusBadRequest, "Request_BadRequest", "User license is inherited from a group membership and it cannot be removed directly from the user.")
		}
		left = slices.DeleteFunc(left, own)
	}
	q.user.hold(t.now(), func(h *Holdings) { h.Licenses = left })
	return entity("users/$entity", map[string]any{"id": q.user.ID, "userPrincipalName": q.user.UserPrincipalName})
}
