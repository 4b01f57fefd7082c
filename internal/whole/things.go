package whole

import (
	"cmp"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
)

// things are, by step, the ids of what the leaver has of what the step takes away.
var things = map[string]func(*Case, Contents) []string{
	leaver.StepRemoveAllDevices:             devices(inIntune),
	leaver.StepDisableEntraDevices:          devices(inEntra),
	leaver.StepDeleteEntraDevices:           devices(inEntra),
	leaver.StepDeleteAutopilotIdentities:    devices(inAutopilot),
	leaver.StepWipeManagedAppRegistrations:  ofUser(func(u graphsim.User) []graphsim.AppRegistration { return u.AppRegistrations }, func(r graphsim.AppRegistration) string { return r.DeviceTag }),
	leaver.StepRemoveDirectoryRoles:         directoryRoles,
	leaver.StepRemoveAuthenticationMethods:  ofUser(func(u graphsim.User) []graphsim.Method { return u.Methods }, func(m graphsim.Method) string { return m.ID }),
	leaver.StepRemoveAppRoleAssignments:     ofUser(func(u graphsim.User) []graphsim.AppRole { return u.AppRoles }, func(r graphsim.AppRole) string { return r.ID }),
	leaver.StepRemoveOAuth2PermissionGrants: ofUser(func(u graphsim.User) []graphsim.Grant { return u.Grants }, func(g graphsim.Grant) string { return g.ID }),
	leaver.StepRemoveAccessPackages:         ofUser(packages, func(p graphsim.Package) string { return p.ID }),
	leaver.StepUnassignPhoneNumber:          ofUser(func(u graphsim.User) []graphsim.PhoneNumber { return u.Numbers }, func(n graphsim.PhoneNumber) string { return n.Number }),
	leaver.StepDisableInboxRules:            ofUser(rules, func(r graphsim.InboxRule) string { return r.ID }),
	leaver.StepCancelMeetings:               meetings,
	leaver.StepRemoveCalendarShares:         ofUser(func(u graphsim.User) []graphsim.CalendarShare { return u.Mailbox.Now().Shares }, func(s graphsim.CalendarShare) string { return s.ID }),
	leaver.StepRemoveGroupEligibilities:     ofUser(func(u graphsim.User) []graphsim.GroupSchedule { return u.GroupSchedules }, func(s graphsim.GroupSchedule) string { return s.ID }),
	leaver.StepRemoveAdministrativeUnits:    ofUser(func(u graphsim.User) []graphsim.AdministrativeUnit { return u.Units }, func(a graphsim.AdministrativeUnit) string { return a.ID }),
	leaver.StepRemoveLicenses:               ofUser(func(u graphsim.User) []graphsim.License { return u.Licenses }, license),
	leaver.StepWipeMailFromPhones:           ofUser(phones, func(p graphsim.Phone) string { return p.GUID }),
	leaver.StepRemoveDistributionGroups:     distributionGroups,
	leaver.StepRemoveGroupMemberships:       memberships,
	leaver.StepRemoveGroupOwnerships: func(c *Case, all Contents) []string {
		return among(all.Groups, c.leaver, func(g graphsim.Group) []string { return g.Owners })
	},
	leaver.StepRemoveChannelMemberships: channels,
	leaver.StepRemoveAppOwnerships: func(c *Case, all Contents) []string {
		return among(all.Apps, c.leaver, func(a graphsim.App) []string { return a.Owners })
	},
	leaver.StepHandOverDirectReports: func(c *Case, all Contents) (ids []string) {
		for _, user := range all.Users {
			if user.ManagerID == c.leaver {
				ids = append(ids, user.ID)
			}
		}
		return ids
	},
	leaver.StepHandOverSponsorships: func(c *Case, all Contents) []string {
		ids := among(all.Agents, c.leaver, func(a graphsim.Agent) []string { return a.Sponsors })
		for _, user := range all.Users {
			if slices.Contains(user.Sponsors, c.leaver) {
				ids = append(ids, user.ID)
			}
		}
		return ids
	},
}

// ofUser are the ids of what the leaver's account holds.
func ofUser[T any](of func(graphsim.User) []T, id func(T) string) func(*Case, Contents) []string {
	return func(_ *Case, all Contents) (ids []string) {
		for _, one := range of(all.Users[graphsim.Leaver]) {
			ids = append(ids, id(one))
		}
		return ids
	}
}

// among are the ids of the objects of which somebody is one of those that of tells.
func among[T any](all map[string]T, somebody string, of func(T) []string) (ids []string) {
	for id, object := range all {
		if slices.Contains(of(object), somebody) {
			ids = append(ids, id)
		}
	}
	return ids
}

// devices are the ids by which Intune knew the devices of the leaver that a service still has.
func devices(has func(graphsim.User, graphsim.Device) bool) func(*Case, Contents) []string {
	return func(c *Case, all Contents) (ids []string) {
		for _, device := range c.Before.Users[graphsim.Leaver].Devices {
			if has(all.Users[graphsim.Leaver], device) {
				ids = append(ids, device.ID)
			}
		}
		return ids
	}
}

func inIntune(user graphsim.User, device graphsim.Device) bool {
	return slices.ContainsFunc(user.Devices, func(d graphsim.Device) bool { return d.ID == device.ID })
}

func inEntra(user graphsim.User, device graphsim.Device) bool {
	return slices.ContainsFunc(user.EntraDevices, func(d graphsim.EntraDevice) bool { return d.DeviceID == device.AzureADDeviceID })
}

// inAutopilot takes a device that Autopilot never had for one that it has not.
func inAutopilot(user graphsim.User, device graphsim.Device) bool {
	return slices.ContainsFunc(user.Autopilot, func(a graphsim.AutopilotIdentity) bool { return a.ManagedDeviceID == device.ID })
}

func phones(user graphsim.User) []graphsim.Phone {
	return keep(user.Delivery.Phones, func(p graphsim.Phone) bool { return p.Status == "" })
}

func distributionGroups(c *Case, all Contents) (ids []string) {
	for id, group := range all.Groups {
		if !isExchanges(group) {
			continue
		}
		if slices.Contains(group.Members, c.leaver) {
			ids = append(ids, id)
		}
		if slices.Contains(group.Owners, c.leaver) {
			ids = append(ids, id+"/manager")
		}
	}
	return ids
}

func isExchanges(group graphsim.Group) bool {
	return group.MailEnabled && !slices.Contains(group.GroupTypes, "Unified")
}

func packages(user graphsim.User) []graphsim.Package {
	return keep(user.Packages, func(p graphsim.Package) bool { return p.State != "expired" })
}

func rules(user graphsim.User) []graphsim.InboxRule {
	return keep(user.Mailbox.Now().Rules, func(r graphsim.InboxRule) bool { return r.IsEnabled })
}

func license(l graphsim.License) string {
	if l.AssignedByGroup != "" {
		return l.SkuID + ":" + l.AssignedByGroup
	}
	return l.SkuID
}

// meetings are those that the leaver organises, a series as one.
func meetings(_ *Case, all Contents) (ids []string) {
	for _, event := range all.Users[graphsim.Leaver].Mailbox.Now().Events {
		if event.Organized {
			ids = append(ids, cmp.Or(event.Series, event.ID))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func directoryRoles(c *Case, all Contents) (ids []string) {
	for _, role := range all.Users[graphsim.Leaver].Roles {
		if role.Eligible || role.Later {
			role.ID = "schedule-" + role.ID
		}
		ids = append(ids, role.ID)
	}
	// The step tells of the roles of groups too, which the groups keep.
	for _, group := range c.Before.Groups {
		for _, role := range group.Roles {
			ids = append(ids, role.ID)
		}
	}
	return ids
}

func memberships(c *Case, all Contents) (ids []string) {
	for id, group := range all.Groups {
		switch member, directly := c.memberOf(all, group); {
		case directly:
			ids = append(ids, id)
		case member:
			ids = append(ids, id+"/nested")
		}
	}
	return ids
}

func channels(c *Case, all Contents) (ids []string) {
	for _, group := range all.Groups {
		for _, channel := range group.Channels {
			if slices.Contains(channel.Members, c.leaver) {
				ids = append(ids, channel.ID)
			}
		}
	}
	return ids
}
