package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// everything gives Adele, and Megan beside her, something of each kind that there is. It returns what the request says.
func everything(o *office) map[string]leaver.StepSettings {
	users := o.tenant.Users()
	adele, other := users[graphsim.Leaver], users[megan]
	both, her := []string{adele.ID, other.ID}, []string{adele.ID}
	soon, guests := o.Now().Add(30*24*time.Hour), []string{"guest@example.org"}
	const exchange, e3 = "29232cdf-9323-42fd-ade2-1d097af3e4de", "05e9a617-0261-4cee-bb44-138d3ef5d965"

	block := o.tenant.AddGroup(graphsim.Group{DisplayName: "Blocked", SecurityEnabled: true})
	for n := range 8 {
		o.tenant.AddGroup(graphsim.Group{DisplayName: fmt.Sprint("Security ", n), SecurityEnabled: true, Members: both})
		o.tenant.AddGroup(graphsim.Group{DisplayName: fmt.Sprint("Office ", n), GroupTypes: []string{"Unified"}, MailEnabled: true, Members: both, Owners: both})
		o.tenant.AddGroup(graphsim.Group{DisplayName: fmt.Sprint("Team ", n), GroupTypes: []string{"Unified"}, MailEnabled: true, Team: true, Members: both, Owners: her,
			Channels: []graphsim.Channel{{DisplayName: "Partners", MembershipType: "shared", Members: both, Owners: []string{other.ID}}}})
	}
	o.tenant.AddGroup(graphsim.Group{DisplayName: "Everybody", SecurityEnabled: true, GroupTypes: []string{"DynamicMembership"}, MembershipRule: "user.accountEnabled -eq true", Members: both})
	o.tenant.AddGroup(graphsim.Group{DisplayName: "Printers", SecurityEnabled: true, OnPremisesSyncEnabled: true, Members: both})
	o.tenant.AddGroup(graphsim.Group{DisplayName: "Newsletter", MailEnabled: true, Members: both})

	holdings := func(number string) graphsim.Holdings {
		return graphsim.Holdings{
			Roles:    []graphsim.Role{{ID: number + "1"}, {ID: number + "2", RoleDefinitionID: exchange, Managed: true}, {ID: number + "3", RoleDefinitionID: exchange, Eligible: true}},
			Licenses: []graphsim.License{{SkuID: e3, SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}}},
			Units:    []graphsim.AdministrativeUnit{{ID: "0e1f0000-0000-4000-8000-000000000009", Name: "Berlin"}},
			AppRoles: []graphsim.AppRole{{ResourceName: "Expenses"}}, Grants: []graphsim.Grant{{Scope: "Mail.Read"}, {ConsentType: "AllPrincipals", Scope: "User.Read"}},
			Packages: []graphsim.Package{{Name: "Sales"}}, Drive: &graphsim.Drive{}, Numbers: []graphsim.PhoneNumber{{Number: number}},
			Methods:        []graphsim.Method{{Kind: "microsoftAuthenticator", Default: true}, {Kind: "phone"}, {Kind: "fido2"}, {Kind: "softwareOath"}, {Kind: "temporaryAccessPass"}, {Kind: "email"}},
			GroupSchedules: []graphsim.GroupSchedule{{GroupID: block}},
		}
	}
	adele.Holdings, other.Holdings = holdings("+15550142"), holdings("+15550199")
	adele.ManagerID, adele.Texts = other.ID, map[string]string{"jobTitle": "Clerk", "department": "Sales"}
	adele.MailboxPurpose, other.MailboxPurpose = "user", "user"
	adele.Mailbox = graphsim.Always(graphsim.Mailbox{
		Rules:  []graphsim.InboxRule{{ID: "r1", Name: "Away", IsEnabled: true, ForwardTo: guests}},
		Events: []graphsim.Event{{ID: "d1", Series: "weekly", Subject: "Weekly", Start: soon, Organized: true, Attendees: guests}},
		Shares: []graphsim.CalendarShare{{ID: "s1", Role: "write", Address: guests[0]}},
	})
	other.Texts = map[string]string{"mail": "megan@contoso.com"}
	o.tenant.Add(adele, other, graphsim.User{UserPrincipalName: "lidia@contoso.com", AccountEnabled: true, Holdings: graphsim.Holdings{ManagerID: adele.ID}})
	o.tenant.AddApp(graphsim.App{Name: "Expenses", Owners: her})

	steps := map[string]leaver.StepSettings{}
	for _, name := range leaver.OptionalSteps() {
		steps[name] = leaver.StepSettings{Include: true}
	}
	steps[leaver.StepAddToBlockGroup] = leaver.StepSettings{Include: true, Settings: leaver.Settings{Group: block}}
	steps[leaver.StepScrubAttributes] = leaver.StepSettings{Include: true, Settings: leaver.Settings{Attributes: []string{"jobTitle"}}}
	steps[leaver.StepSetAutomaticReply] = leaver.StepSettings{Include: true, Settings: leaver.Settings{InternalMessage: "{leaverName} has left."}}
	steps[leaver.StepDeleteUser] = leaver.StepSettings{Include: true, Delay: leaver.Duration(30 * 24 * time.Hour)}
	return steps
}

// A leaver with something of each kind ends with what cannot be taken away here, which the report names, and nobody
// else has lost anything. Reads lag by minutes, or do not.
func TestTheWholeLeaver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lag    time.Duration
		faults []graphsim.Fault // of which a request in five meets one
	}{
		"as it should be": {},
		"reads that lag":  {lag: 3 * time.Minute},
		"faults":          {faults: []graphsim.Fault{{Status: 503}, {Status: 429, RetryAfter: "20"}, {Reset: true}, {Cut: true}, {Status: 502, HTML: true}}},
	} {
		t.Log(name)
		o := newOffice(t, func(c *plugin.Config) { c.Guards.Privileged = leaver.GuardClear }).
			fleet(windows("A"), windows("B"), windows("C"), windows("D")).set(graphsim.Settings{Lag: leaver.Duration(c.lag)})
		steps := everything(o)
		before := o.tenant.Users()
		r := rand.New(rand.NewPCG(1, 7))
		o.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) {
			if len(c.faults) > 0 && r.IntN(2) == 0 { // an activity makes some requests
				o.tenant.Fail(one(r, c.faults...))
			}
		})
		input, err := json.Marshal(leaver.Request{UserID: graphsim.Leaver, Steps: steps})
		require.NoError(t, err)
		report := o.ends(leaver.CompletedWithExceptions, string(input))

		failed := map[string]string{}
		for _, s := range report.Steps {
			assert.Contains(t, []leaver.Outcome{leaver.Done, leaver.AlreadyDone}, s.Outcome, "%s: %s", s.Name, s.Detail)
			for _, item := range s.Items {
				if item.Outcome == leaver.Failed {
					failed[s.Name+" "+item.Name] = item.Detail
				}
			}
		}
		assert.Len(t, failed, 2, "%v", failed)
		left := o.tenant.Users()
		after := left[graphsim.Leaver]
		assert.True(t, after.Deleted)
		assert.False(t, after.AccountEnabled)
		assert.Empty(t, after.Devices)
		assert.Empty(t, after.Roles)
		assert.Empty(t, after.Licenses)
		assert.Empty(t, after.Methods)
		assert.Empty(t, after.AppRoles)
		assert.Empty(t, after.Numbers)
		assert.Empty(t, after.Units)
		assert.Len(t, after.Grants, 1)
		for _, group := range o.tenant.Groups() {
			assert.Contains(t, append(group.Members, before[megan].ID), before[megan].ID)
			if stays := map[string]bool{"Everybody": true, "Printers": true, "Blocked": true}[group.DisplayName]; !stays {
				assert.NotContains(t, group.Members, after.ID, group.DisplayName)
				assert.Contains(t, group.Members, before[megan].ID, group.DisplayName)
			}
			assert.NotContains(t, group.Owners, after.ID, group.DisplayName)
		}
		other := left[megan]
		assert.Equal(t, before[megan].Holdings, other.Holdings)
		assert.Equal(t, before[megan].AccountEnabled, other.AccountEnabled)
		assert.Equal(t, before[megan].ID, left["lidia@contoso.com"].ManagerID)
	}
}
