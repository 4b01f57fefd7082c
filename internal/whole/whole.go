// Package whole is a leaver who has something of everything, for the tests: what the tenant holds of the leaver and of
// everybody else, the steps that take it all away, what must be left of it, and whether a report is true to that.
package whole

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
)

// Successor is the user principal name of the leaver's manager, who takes over, and has everything that the leaver has.
const Successor = "megan@contoso.com"

// Case is Contoso with so much that is Adele's. Before is how it was.
type Case struct {
	Before Contents
	tenant *graphsim.Tenant
	// leaver, next and block are the object ids of the leaver, the successor and the group that blocks the leaver.
	leaver, next, block string
}

// Contents is everything that a tenant holds, users by their names and other objects by their ids.
type Contents struct {
	Users  map[string]graphsim.User
	Groups map[string]graphsim.Group
	Apps   map[string]graphsim.App
	Agents map[string]graphsim.Agent
}

// Fill gives Adele, who is in the tenant with Megan, so many groups of each kind, and something of each other kind.
func Fill(tenant *graphsim.Tenant, groups int, now time.Time) *Case {
	users := tenant.Users()
	c := &Case{tenant: tenant, leaver: users[graphsim.Leaver].ID, next: users[Successor].ID}
	licensing := c.addGroups(groups)
	c.addPeople(users, licensing, now)
	tenant.AddApp(graphsim.App{Name: "Expenses", Owners: []string{c.leaver}, Secrets: []graphsim.Secret{{KeyID: uuid.NewString()}}})
	tenant.AddApp(graphsim.App{Kind: "servicePrincipals", Name: "Expenses", Owners: []string{c.leaver, c.next}})
	tenant.AddApp(graphsim.App{Name: "Travel", Owners: []string{c.next}})
	tenant.AddAgent(graphsim.Agent{Name: "Invoices", Sponsors: []string{c.leaver}})
	tenant.AddAgent(graphsim.Agent{Name: "Travel", Sponsors: []string{c.next}})
	tenant.AddAgent(graphsim.Agent{Kind: "agentIdentityBlueprint", Name: "Invoices", Sponsors: []string{c.leaver}})
	c.Before = c.contents()
	return c
}

// licensing are two groups that give licences: the leaver can leave the first, and not the second.
type licensing struct{ left, kept string }

func (c *Case) addGroups(each int) (gives licensing) {
	both, leaver, next := []string{c.leaver, c.next}, []string{c.leaver}, []string{c.next}
	unified := []string{"Unified"}
	channel := func(kind string, owners []string) graphsim.Channel {
		return graphsim.Channel{DisplayName: kind, MembershipType: kind, Members: both, Owners: owners}
	}
	for n := range each {
		add := func(kind string, group graphsim.Group) string {
			group.DisplayName = fmt.Sprintf("%s %d", kind, n)
			if group.Members == nil {
				group.Members = both
			}
			return c.tenant.AddGroup(group)
		}
		security := add("Security", graphsim.Group{SecurityEnabled: true, AssignedLicenses: []string{e5}})
		dynamic := add("Dynamic", graphsim.Group{SecurityEnabled: true, GroupTypes: []string{"DynamicMembership"}, MembershipRule: "user.accountEnabled -eq true", AssignedLicenses: []string{e5}})
		if n == 0 {
			gives = licensing{left: security, kept: dynamic}
			add("By the dynamic", graphsim.Group{SecurityEnabled: true, Members: []string{dynamic}})
			add("Administrators", graphsim.Group{SecurityEnabled: true, IsAssignableToRole: true, Roles: []graphsim.Role{{RoleDefinitionID: exchange}}})
		}
		add("Nested", graphsim.Group{SecurityEnabled: true, Members: []string{security}})
		add("Office", graphsim.Group{GroupTypes: unified, MailEnabled: true, Owners: both})
		add("Owned", graphsim.Group{GroupTypes: unified, MailEnabled: true, Owners: leaver})
		add("Team", graphsim.Group{GroupTypes: unified, MailEnabled: true, Team: true, Owners: leaver, Channels: []graphsim.Channel{channel("shared", next), channel("private", both)}})
		add("Roles", graphsim.Group{SecurityEnabled: true, IsAssignableToRole: true, Owners: leaver})
		add("Synchronised", graphsim.Group{SecurityEnabled: true, OnPremisesSyncEnabled: true})
		add("List", graphsim.Group{MailEnabled: true, Owners: both})
		add("Mail", graphsim.Group{MailEnabled: true, SecurityEnabled: true})
		add("Others", graphsim.Group{SecurityEnabled: true, Members: next, Owners: next})
	}
	c.block = c.tenant.AddGroup(graphsim.Group{DisplayName: "Blocked", SecurityEnabled: true})
	return gives
}

// The ids of a directory role and of products.
const (
	exchange = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	people   = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	e3       = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	e5       = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
	visio    = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
	cloudPC  = "226ca751-f0a4-4232-9be5-73c02a92555e"
)

// holdings are what a user holds, with ids and a telephone number that begin so.
func (c *Case) holdings(number string, gives licensing, now time.Time) graphsim.Holdings {
	return graphsim.Holdings{
		Roles: []graphsim.Role{{ID: number + "1"}, {ID: number + "2", RoleDefinitionID: exchange, Managed: true}, {ID: number + "3", RoleDefinitionID: exchange, Eligible: true},
			{ID: number + "4", RoleDefinitionID: people, Managed: true, Activated: now.Add(-time.Hour)}, {ID: number + "5", RoleDefinitionID: people, DirectoryScopeID: "/administrativeUnits/" + berlin, Managed: true, Later: true}},
		Licenses: []graphsim.License{{SkuID: e3, SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}}, {SkuID: visio, SkuPartNumber: "VISIOCLIENT"}, {SkuID: cloudPC, SkuPartNumber: "CPC_E_2C_8GB_128GB"},
			{SkuID: e5, SkuPartNumber: "SPE_E5", AssignedByGroup: gives.left}, {SkuID: e5, SkuPartNumber: "SPE_E5", AssignedByGroup: gives.kept}},
		Units:    []graphsim.AdministrativeUnit{{ID: berlin, Name: "Berlin"}, {ID: uuid.NewString(), Name: "Everybody", Dynamic: true}, {ID: uuid.NewString(), Name: "Board", Restricted: true}},
		AppRoles: []graphsim.AppRole{{ResourceName: "Expenses"}, {ResourceName: "Travel"}, {ResourceName: "Intranet", PrincipalID: gives.kept}},
		Grants:   []graphsim.Grant{{Scope: "Mail.Read"}, {Scope: "Files.Read"}, {ConsentType: "AllPrincipals", Scope: "User.Read"}},
		Packages: []graphsim.Package{{Name: "Sales"}, {Name: "Fair"}}, Drive: &graphsim.Drive{}, Numbers: []graphsim.PhoneNumber{{Number: number}},
		Methods:        []graphsim.Method{{Kind: "microsoftAuthenticator", Default: true}, {Kind: "phone"}, {Kind: "fido2"}, {Kind: "softwareOath"}, {Kind: "temporaryAccessPass"}, {Kind: "email"}},
		GroupSchedules: []graphsim.GroupSchedule{{GroupID: gives.left}, {GroupID: gives.left, AccessID: "owner"}, {GroupID: gives.kept, MemberType: "group"}},
	}
}

const berlin = "0e1f0000-0000-4000-8000-000000000009"

func (c *Case) addPeople(users map[string]graphsim.User, gives licensing, now time.Time) {
	adele, megan := users[graphsim.Leaver], users[Successor]
	for user, number := range map[*graphsim.User]string{&adele: "+15550142", &megan: "+15550199"} {
		user.Holdings = c.holdings(number, gives, now)
		user.Texts = map[string]string{"jobTitle": "Clerk", "department": "Sales", "mail": user.UserPrincipalName, "usageLocation": "DE"}
		user.MailboxPurpose, user.Mailbox = "user", graphsim.Always(mailbox(now))
		user.Delivery = graphsim.Delivery{ForwardingSMTPAddress: "elsewhere@example.org", Phones: []graphsim.Phone{{GUID: uuid.NewString(), Client: "Outlook"}, {GUID: uuid.NewString(), Client: "EAS"}}}
		user.AppRegistrations = []graphsim.AppRegistration{{ID: uuid.NewString(), DeviceTag: number + "a"}, {ID: uuid.NewString(), DeviceTag: number + "b"}}
		for _, d := range user.Devices {
			if d.OperatingSystem == "Windows" {
				user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: uuid.NewString(), SerialNumber: d.SerialNumber, ManagedDeviceID: d.ID, AzureADDeviceID: d.AzureADDeviceID})
			}
		}
	}
	adele.ManagerID = megan.ID
	under := func(manager string) graphsim.Holdings { return graphsim.Holdings{ManagerID: manager} }
	guest := func(name string, sponsors ...string) graphsim.User {
		return graphsim.User{UserPrincipalName: name + "_partner.com#EXT#@contoso.onmicrosoft.com", UserType: "Guest", AccountEnabled: true, Holdings: graphsim.Holdings{Sponsors: sponsors}}
	}
	c.tenant.Add(adele, megan,
		graphsim.User{UserPrincipalName: "lidia@contoso.com", AccountEnabled: true, Holdings: under(adele.ID)},
		graphsim.User{UserPrincipalName: "lynne@contoso.com", AccountEnabled: true, OnPremisesSyncEnabled: true, Holdings: under(adele.ID)},
		graphsim.User{UserPrincipalName: "joni@contoso.com", AccountEnabled: true, Holdings: under(megan.ID)},
		guest("mia", adele.ID), guest("max", adele.ID, megan.ID), guest("moe", megan.ID))
}

func mailbox(now time.Time) graphsim.Mailbox {
	guests, soon := []string{"guest@example.org"}, now.Add(30*24*time.Hour)
	return graphsim.Mailbox{
		Rules: []graphsim.InboxRule{{ID: "r1", Name: "Away", IsEnabled: true, ForwardTo: guests}, {ID: "r2", Name: "Sort", IsEnabled: true}},
		Events: []graphsim.Event{{ID: "d1", Series: "weekly", Subject: "Weekly", Start: soon, Organized: true, Attendees: guests}, {ID: "d2", Series: "weekly", Subject: "Weekly", Start: soon.AddDate(0, 0, 7), Organized: true, Attendees: guests},
			{ID: "e1", Subject: "Fair", Start: soon, Organized: true, Attendees: guests}, {ID: "e2", Subject: "Lunch", Start: soon, Attendees: guests}},
		Shares: []graphsim.CalendarShare{{ID: "s0", Role: "freeBusyRead", Fixed: true}, {ID: "s1", Role: "write", Address: guests[0]}, {ID: "s2", Role: "read", Address: guests[0]}},
	}
}

// Steps are every optional step there is. The account is deleted some time after all others.
func (c *Case) Steps(deleteAfter time.Duration) map[string]leaver.StepSettings {
	steps := map[string]leaver.StepSettings{}
	for _, name := range leaver.OptionalSteps() {
		steps[name] = leaver.StepSettings{Include: true}
	}
	steps[leaver.StepAddToBlockGroup] = leaver.StepSettings{Include: true, Settings: leaver.Settings{Group: c.block}}
	steps[leaver.StepScrubAttributes] = leaver.StepSettings{Include: true, Settings: leaver.Settings{Attributes: []string{"jobTitle"}}}
	steps[leaver.StepSetAutomaticReply] = leaver.StepSettings{Include: true, Settings: leaver.Settings{InternalMessage: "{leaverName} has left. Write to {handOverToMail}."}}
	steps[leaver.StepHoldMailbox] = leaver.StepSettings{Include: true, Settings: leaver.Settings{HoldDays: 365}}
	steps[leaver.StepGrantMailboxAccess] = leaver.StepSettings{Include: true, Settings: leaver.Settings{Access: []string{leaver.AccessFull, leaver.AccessSendAs, leaver.AccessSendOnBehalf}}}
	steps[leaver.StepDeleteUser] = leaver.StepSettings{Include: true, Delay: leaver.Duration(deleteAfter)}
	return steps
}

// contents are what the tenant holds now.
func (c *Case) contents() Contents {
	return Contents{c.tenant.Users(), c.tenant.Groups(), c.tenant.Apps(), c.tenant.Agents()}
}

// memberOf reports whether the leaver is a member of a group, and whether directly.
func (c *Case) memberOf(all Contents, group graphsim.Group) (member, directly bool) {
	if slices.Contains(group.Members, c.leaver) {
		return true, true
	}
	for _, id := range group.Members {
		if inner, ok := all.Groups[id]; ok {
			if member, _ := c.memberOf(all, inner); member {
				return true, false
			}
		}
	}
	return false, false
}
