package graphsim

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Holdings is what a user holds in the directory, in applications, in entitlement management, in OneDrive and in Teams.
type Holdings struct {
	Roles     []Role               `json:"roles,omitempty"`
	Licenses  []License            `json:"licenses,omitempty"`
	Units     []AdministrativeUnit `json:"units,omitempty"`
	RiskState string               `json:"riskState,omitempty"` // how Identity Protection judges the user, empty where no risk was seen
	AppRoles  []AppRole            `json:"appRoles,omitempty"`
	Grants    []Grant              `json:"grants,omitempty"`
	Packages  []Package            `json:"packages,omitempty"`
	Drive     *Drive               `json:"drive,omitempty"` // nil where none was ever made
	Numbers   []PhoneNumber        `json:"numbers,omitempty"`

	ManagerID string `json:"managerId,omitempty"` // the object id of whom the user reports to
	// Sponsors are the object ids of those who answer for the user, who is a guest.
	Sponsors []string `json:"sponsors,omitempty"`
	// Methods are the ways in which the user signs in, beside the password.
	Methods []Method `json:"methods,omitempty"`
	// PasswordChanged is all that the tenant keeps of the password.
	PasswordChanged time.Time `json:"lastPasswordChangeDateTime,omitzero"`
	// GroupSchedules are what Privileged Identity Management keeps of groups.
	GroupSchedules []GroupSchedule `json:"groupSchedules,omitempty"`
}

// settle fills in what is missing in what a user was added with.
func (u *User) settle() {
	h := &u.Holdings
	h.AppRoles, h.Grants, h.Packages, h.Numbers = slices.Clone(h.AppRoles), slices.Clone(h.Grants), slices.Clone(h.Packages), slices.Clone(h.Numbers)
	h.Roles, h.Licenses, h.Units = settledRoles(h.Roles), slices.Clone(h.Licenses), slices.Clone(h.Units)
	u.Memberships = slices.Clone(u.Memberships)
	for i := range u.Memberships {
		u.Memberships[i].Roles = settledRoles(u.Memberships[i].Roles)
	}
	for i := range h.Licenses {
		h.Licenses[i].State = cmp.Or(h.Licenses[i].State, "Active")
	}
	for i := range h.AppRoles {
		r := &h.AppRoles[i]
		r.ID, r.PrincipalID, r.ResourceID, r.AppRoleID = cmp.Or(r.ID, uuid.NewString()), cmp.Or(r.PrincipalID, u.ID), cmp.Or(r.ResourceID, uuid.NewString()), cmp.Or(r.AppRoleID, uuid.Nil.String())
	}
	for i := range h.Grants {
		g := &h.Grants[i]
		g.ID, g.ClientID, g.ResourceID, g.ConsentType = cmp.Or(g.ID, uuid.NewString()), cmp.Or(g.ClientID, uuid.NewString()), cmp.Or(g.ResourceID, uuid.NewString()), cmp.Or(g.ConsentType, "Principal")
		if g.ConsentType == "Principal" {
			g.PrincipalID = cmp.Or(g.PrincipalID, u.ID)
		}
	}
	for i := range h.Packages {
		p := &h.Packages[i]
		p.ID, p.PackageID, p.PolicyID, p.State = cmp.Or(p.ID, uuid.NewString()), cmp.Or(p.PackageID, uuid.NewString()), cmp.Or(p.PolicyID, uuid.NewString()), cmp.Or(p.State, "delivered")
	}
	h.Methods = slices.Clone(h.Methods)
	for i := range h.Methods {
		h.Methods[i].ID = cmp.Or(h.Methods[i].ID, uuid.NewString())
	}
	h.GroupSchedules = slices.Clone(h.GroupSchedules)
	for i := range h.GroupSchedules {
		h.GroupSchedules[i].settle()
	}
	if h.Drive != nil {
		drive := *h.Drive
		drive.ID, drive.RootID, drive.Permissions = cmp.Or(drive.ID, "b!"+uuid.NewString()), cmp.Or(drive.RootID, "01ROOT"), slices.Clone(drive.Permissions)
		h.Drive = &drive
	}
	u.seen, u.seenTexts = lagged[Holdings]{now: *h}, lagged[map[string]string]{now: u.Texts}
}

// hold changes what a user holds; change stores new slices and changes none.
func (u *User) hold(at time.Time, change func(h *Holdings)) {
	changed := u.Holdings
	change(&changed)
	u.Holdings = changed
	u.seen.set(changed, at)
}

// without is a slice without those that fit.
func without[T any](all []T, fits func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), fits)
}
