package whole

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leaver-dev/leaver/internal/graphsim"
)

// Differences says what the tenant holds now that is not what must be left: everything of everybody else's as it was,
// and of the leaver's exactly what cannot be taken away.
func (c *Case) Differences() []string {
	now := c.contents()
	want := c.left(now)
	return slices.Concat(differences("user", want.Users, now.Users), differences("group", want.Groups, now.Groups),
		differences("application", want.Apps, now.Apps), differences("agent", want.Agents, now.Agents))
}

// left is what must be left. What nobody can foresee of the leaver, times and ids that the tenant chose, is as it is now.
func (c *Case) left(now Contents) Contents {
	want := Contents{map[string]graphsim.User{}, map[string]graphsim.Group{}, map[string]graphsim.App{}, map[string]graphsim.Agent{}}
	for name, user := range c.Before.Users {
		switch {
		case name == graphsim.Leaver:
			user = c.leftOfLeaver(user, now.Users[name])
		case user.ManagerID == c.leaver && !user.OnPremisesSyncEnabled:
			user.ManagerID = c.next
		}
		user.Sponsors = c.handedOver(user.Sponsors)
		want.Users[name] = user
	}
	for id, group := range c.Before.Groups {
		want.Groups[id] = c.leftOfGroup(group)
	}
	for id, app := range c.Before.Apps {
		app.Owners = c.handedOver(app.Owners)
		want.Apps[id] = app
	}
	for id, agent := range c.Before.Agents {
		if agent.Kind == "agentIdentity" { // a blueprint's sponsors cannot be changed
			agent.Sponsors = c.handedOver(agent.Sponsors)
		}
		want.Agents[id] = agent
	}
	return want
}

// handedOver are the owners of something after the leaver has gone, whom the successor follows.
func (c *Case) handedOver(owners []string) []string {
	if !slices.Contains(owners, c.leaver) {
		return owners
	}
	left := c.without(owners)
	if !slices.Contains(left, c.next) {
		left = append(left, c.next)
	}
	return left
}

func (c *Case) without(ids []string) []string {
	return keep(ids, func(id string) bool { return id != c.leaver })
}

// keep returns those that stay.
func keep[T any](all []T, stays func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !stays(one) })
}

func (c *Case) leftOfGroup(group graphsim.Group) graphsim.Group {
	if group.ID == c.block {
		group.Members = []string{c.leaver}
		return group
	}
	group.Channels = slices.Clone(group.Channels)
	for i := range group.Channels {
		channel := &group.Channels[i]
		channel.Members, channel.Owners = c.without(channel.Members), c.without(channel.Owners)
	}
	if group.OnPremisesSyncEnabled {
		return group
	}
	if !slices.Contains(group.GroupTypes, "DynamicMembership") {
		group.Members = c.without(group.Members)
	}
	if group.IsAssignableToRole { // who owns such a group gives its roles away
		group.Owners = c.without(group.Owners)
	} else {
		group.Owners = c.handedOver(group.Owners)
	}
	return group
}

// leftOfLeaver is the deleted account with what only others can take away.
func (c *Case) leftOfLeaver(user, now graphsim.User) graphsim.User {
	user.Deleted, user.AccountEnabled = true, false
	if now.SessionsValidFrom.After(user.SessionsValidFrom) {
		user.SessionsValidFrom = now.SessionsValidFrom
	}
	if now.PasswordChanged.After(user.PasswordChanged) {
		user.PasswordChanged = now.PasswordChanged
	}
	user.RiskState = "confirmedCompromised"
	user.Devices, user.EntraDevices, user.Autopilot, user.AppRegistrations = []graphsim.Device{}, nil, nil, nil
	user.Roles, user.Methods, user.Numbers = nil, nil, nil
	user.Texts = maps.Clone(user.Texts)
	delete(user.Texts, "jobTitle")
	user.Licenses = keep(user.Licenses, func(l graphsim.License) bool {
		return slices.Contains(c.Before.Groups[l.AssignedByGroup].GroupTypes, "DynamicMembership")
	})
	user.Units = keep(user.Units, func(u graphsim.AdministrativeUnit) bool { return u.Dynamic || u.Restricted })
	user.AppRoles = keep(user.AppRoles, func(r graphsim.AppRole) bool { return r.PrincipalID != c.leaver })
	user.Grants = keep(user.Grants, func(g graphsim.Grant) bool { return g.ConsentType == "AllPrincipals" })
	user.GroupSchedules = keep(user.GroupSchedules, func(s graphsim.GroupSchedule) bool { return s.MemberType == "group" })
	user.Packages = slices.Clone(user.Packages)
	for i := range user.Packages {
		user.Packages[i].State = "expired"
	}
	drive := *user.Drive
	drive.Permissions = []graphsim.DrivePermission{{UserID: c.next, Roles: []string{"write"}}}
	if len(now.Drive.Permissions) > 0 {
		drive.Permissions[0].ID = now.Drive.Permissions[0].ID
	}
	user.Drive = &drive
	user.MailboxPurpose, user.Delivery = "shared", c.leftOfDelivery(user.Delivery, now.Delivery)
	user.Mailbox = graphsim.Always(leftOfMailbox(user.Mailbox.Now(), now.Mailbox.Now()))
	return user
}

// leftOfDelivery is what Exchange does for the successor, and how it has phones remove the account and nothing else.
func (c *Case) leftOfDelivery(delivery, now graphsim.Delivery) graphsim.Delivery {
	heir := []string{c.next}
	left := graphsim.Delivery{Hidden: true, ForwardingAddress: c.next, KeepsCopy: true, FullAccess: heir, SendAs: heir, SendOnBehalf: heir, Hold: true, HoldDays: 365}
	if len(now.ClosedProtocols) == 5 { // the step's items name them
		left.ClosedProtocols = now.ClosedProtocols
	}
	for _, phone := range delivery.Phones {
		phone.Status = "AccountOnlyDeviceWipePending"
		left.Phones = append(left.Phones, phone)
	}
	return left
}

func leftOfMailbox(box, now graphsim.Mailbox) graphsim.Mailbox {
	box.AutomaticReply = graphsim.AutomaticReply{Status: "alwaysEnabled", ExternalAudience: "none",
		InternalMessage: "<html>\n<body>\nAdele Vance has left. Write to " + Successor + ".\n</body>\n</html>\n"}
	box.Rules = slices.Clone(box.Rules)
	for i := range box.Rules {
		box.Rules[i].IsEnabled = false
	}
	box.Events = keep(box.Events, func(e graphsim.Event) bool { return !e.Organized })
	box.Shares = keep(box.Shares, func(s graphsim.CalendarShare) bool { return s.Fixed })
	told := map[string]bool{}
	for _, meeting := range now.Sent {
		told[meeting.ID] = true
	}
	if len(now.Sent) == 2 && told["weekly"] && told["e1"] { // in any order, and nobody is told twice
		box.Sent = now.Sent
	}
	return box
}

// differences compares objects by what they show, and not by what they remember.
func differences[T any](kind string, want, is map[string]T) (all []string) {
	names := slices.Concat(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(is)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		wanted, found := shown(want[name]), shown(is[name])
		for _, property := range slices.Sorted(maps.Keys(wanted)) {
			if !bytes.Equal(wanted[property], found[property]) {
				all = append(all, fmt.Sprintf("%s of %s %s is %s, want %s", property, kind, name, found[property], wanted[property]))
			}
			delete(found, property)
		}
		for _, property := range slices.Sorted(maps.Keys(found)) {
			all = append(all, fmt.Sprintf("%s of %s %s is %s, want none", property, kind, name, found[property]))
		}
	}
	return all
}

// shown are the properties of an object.
func shown(object any) map[string]json.RawMessage {
	text, _ := json.Marshal(object)
	properties := map[string]json.RawMessage{}
	_ = json.Unmarshal(text, &properties)
	return properties
}
