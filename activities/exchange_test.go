package activities_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	onHolding  = each{leaver.ActivityListLitigationHold, leaver.ActivityHoldMailbox}
	phones     = each{leaver.ActivityListMailPhones, leaver.ActivityWipeMailFromPhone}
	converting = each{leaver.ActivityListMailboxType, leaver.ActivityConvertToSharedMailbox}
	granting   = each{leaver.ActivityListMailboxAccess, leaver.ActivityGrantMailboxAccess}
	forwarding = each{leaver.ActivityListForwarding, leaver.ActivityForwardMail}
	hiding     = each{leaver.ActivityListAddressListEntry, leaver.ActivityHideFromAddressLists}
	closing    = each{leaver.ActivityListMailProtocols, leaver.ActivityDisableMailProtocol}
	leaving    = each{leaver.ActivityListDistributionGroups, leaver.ActivityRemoveDistributionGroup}

	// throughExchange are the steps that an open door is needed for.
	throughExchange = []each{onHolding, phones, converting, granting, forwarding, hiding, closing, leaving}
)

const (
	grady     = "grady@contoso.com"
	mailPhone = "0e000000-0000-4000-8000-000000000001"
	oldPhone  = "0e000000-0000-4000-8000-000000000002"
)

// withMail is Adele, whose manager is Megan, with a mailbox and a phone, in two distribution groups of which she manages
// one alone; and Grady, who has the same mailbox and is in the same groups.
func withMail(t *testing.T, change ...func(*plugin.Config)) (*stage, leaver.StepRequest) {
	t.Helper()
	user := func(name, display, phone string) graphsim.User {
		return graphsim.User{UserPrincipalName: name, DisplayName: display, AccountEnabled: true, MailboxPurpose: "user",
			Delivery: graphsim.Delivery{ForwardingSMTPAddress: "zaphod@example.org", Phones: []graphsim.Phone{{GUID: phone, Client: "Outlook"}}}}
	}
	s := set(t, []graphsim.User{user(adele, "Adele O'Vance", mailPhone), user(megan, "Megan Bowen", "0e000000-0000-4000-8000-000000000003"), user(grady, "Grady Archie", "0e000000-0000-4000-8000-000000000004")}, change...)
	s.change(func(u *graphsim.User) { u.ManagerID = s.id(megan) })
	s.AddGroup(graphsim.Group{DisplayName: "Sales list", MailEnabled: true, Members: []string{s.id(adele), s.id(grady)}, Owners: []string{s.id(grady)}})
	s.AddGroup(graphsim.Group{DisplayName: "Partners", MailEnabled: true, SecurityEnabled: true, Members: []string{s.id(adele), s.id(grady)}, Owners: []string{s.id(adele)}})
	s.AddGroup(graphsim.Group{DisplayName: "Team", MailEnabled: true, GroupTypes: []string{"Unified"}, Members: []string{s.id(adele)}, Owners: []string{s.id(adele)}})
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

func (s *stage) delivery(name string) graphsim.Delivery { return s.Users()[name].Delivery }

// settle does a step wholly and returns its items.
func settle(t *testing.T, s *stage, step each, request leaver.StepRequest) []leaver.Item {
	t.Helper()
	request.Items = step.lists(t, s, request).Items
	for i, item := range request.Items {
		if item.Outcome == "" {
			require.NotEmpty(t, item.Before, "an undo knows nothing of %s", item.ID)
			request.Items[i] = step.changed(t, s, 1, request, item)
		}
	}
	return step.lists(t, s, request).Items
}

func TestEachStepThroughExchangeChangesTheLeaverAloneAndSeesIt(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	others := []graphsim.User{s.Users()[megan], s.Users()[grady]}
	all := leaver.Settings{Access: []string{leaver.AccessFull, leaver.AccessSendAs, leaver.AccessSendOnBehalf}}
	for _, step := range throughExchange {
		request.Settings = leaver.Settings{}
		if step == granting {
			request.Settings = all
		}
		first := settle(t, s, step, request)
		require.NotEmpty(t, first)
		text, err := json.Marshal(first)
		require.NoError(t, err)
		for _, private := range []string{"Megan", "megan@", "zaphod", "Vance", "adele@"} {
			assert.NotContains(t, string(text), private, step.change)
		}
		for _, item := range first {
			assert.Equal(t, leaver.Done, item.Outcome, "%s: %s", step.change, item.Detail)
			assert.NotEmpty(t, item.Detail)
		}
		writes := len(s.writes())
		request.Items = nil
		for _, item := range step.lists(t, s, request).Items {
			assert.Equal(t, leaver.AlreadyDone, item.Outcome, "%s: %s", step.change, item.Detail)
		}
		assert.Len(t, s.writes(), writes)
	}
	heir := []string{s.id(megan)}
	assert.Equal(t, graphsim.Delivery{Hidden: true, ForwardingAddress: heir[0], KeepsCopy: true, FullAccess: heir, SendAs: heir, SendOnBehalf: heir, Hold: true,
		ClosedProtocols: []string{"ActiveSyncEnabled", "EwsEnabled", "ImapEnabled", "PopEnabled", "SmtpClientAuthenticationDisabled"},
		Phones:          []graphsim.Phone{{GUID: mailPhone, Client: "Outlook", Status: "AccountOnlyDeviceWipePending"}}}, s.delivery(adele))
	assert.Equal(t, "shared", s.Users()[adele].MailboxPurpose)
	assert.Equal(t, others, []graphsim.User{s.Users()[megan], s.Users()[grady]})
	for _, group := range s.Groups() {
		switch group.DisplayName {
		case "Sales list":
			assert.Equal(t, []string{s.id(grady)}, group.Members)
			assert.Equal(t, []string{s.id(grady)}, group.Owners)
		case "Partners":
			assert.Equal(t, []string{s.id(grady)}, group.Members)
			assert.Equal(t, heir, group.Owners)
		default:
			assert.Equal(t, []string{s.id(adele)}, group.Members, "it is no group of Exchange's")
		}
	}
}

// Without AccountOnly, Exchange resets the whole phone, with all that its owner has on it.
func TestNoRequestWipesAWholePhone(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	var wipes []map[string]any
	s.front.HandleFunc("POST "+graphsim.ExchangePath+"/", func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		var body struct {
			CmdletInput struct {
				CmdletName string
				Parameters map[string]any
			}
		}
		_ = json.Unmarshal(content, &body)
		if body.CmdletInput.CmdletName == "Clear-MobileDevice" {
			wipes = append(wipes, body.CmdletInput.Parameters)
		}
		r.Body = io.NopCloser(strings.NewReader(string(content)))
		s.Handler().ServeHTTP(w, r)
	})
	for _, step := range throughExchange {
		settle(t, s, step, request)
	}
	require.Equal(t, []map[string]any{{"Identity": mailPhone, "AccountOnly": true, "Confirm": false}}, wipes)
	assert.False(t, s.delivery(adele).Phones[0].Wiped)
}

func TestAnAnswerOfExchangesThatIsLostIsNoSecondChange(t *testing.T) {
	t.Parallel()
	for _, step := range throughExchange {
		s, request := withMail(t)
		for _, item := range step.lists(t, s, request).Items {
			s.Fail(graphsim.Fault{Path: "/" + map[each]string{onHolding: "Set-Mailbox", converting: "Set-Mailbox", forwarding: "Set-Mailbox", hiding: "Set-Mailbox", phones: "Clear-MobileDevice",
				granting: "Add-MailboxPermission", closing: "Set-CASMailbox", leaving: "Remove-DistributionGroupMember"}[step], Cut: true})
			if strings.HasSuffix(item.ID, "/manager") {
				s.Heal()
			}
			_, err := step.changes(t, s, 1, request, item)
			if err != nil {
				failed(t, s, err, leaver.GraphUnavailable, true)
			}
			writes := len(s.writes())
			s.Heal()
			again := step.changed(t, s, 2, request, item)
			assert.Equal(t, leaver.Done, again.Outcome, "%s: %s", step.change, again.Detail)
			assert.Len(t, s.writes(), writes, step.change)
		}
	}
}

func TestALeaverWithoutAMailboxHasNothingToChangeInExchange(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}})
	for _, step := range throughExchange {
		result := step.lists(t, s, leaver.StepRequest{UserID: s.id(adele)})
		assert.Equal(t, leaver.Skipped, result.Outcome, step.list)
		assert.Contains(t, result.Detail, "Exchange ", step.list)
	}
}

func TestWhatExchangeRefusesIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step    each
		spoil   func(*stage)
		is      leaver.FailureType
		advices []string
	}{
		"no role": {hiding, func(s *stage) { s.Configure(graphsim.Settings{NoExchangeRole: true}) }, leaver.GraphForbidden,
			[]string{"grant the permission Exchange.ManageAsApp", "Exchange Administrator", "Exchange answered 401 Unauthorized"}},
		"synchronised": {hiding, func(s *stage) { s.change(func(u *graphsim.User) { u.OnPremisesSyncEnabled = true }) }, leaver.GraphBadRequest,
			[]string{"an administrator sets msExchHideFromAddressLists there"}},
		"no licence for a hold": {onHolding, func(s *stage) { s.change(func(u *graphsim.User) { u.Delivery.NoHold = true }) }, leaver.GraphBadRequest,
			[]string{"a licence is missing or does not fit"}},
		"an old phone": {phones, func(s *stage) {
			s.change(func(u *graphsim.User) {
				u.Delivery.Phones = []graphsim.Phone{{GUID: oldPhone, Client: "EAS", Old: true}}
			})
		}, leaver.GraphBadRequest, []string{"not supported for what it was asked of"}},
		"a synchronised group": {leaving, func(s *stage) {
			s.AddGroup(graphsim.Group{DisplayName: "A list", MailEnabled: true, OnPremisesSyncEnabled: true, Members: []string{s.id(adele)}})
		}, leaver.GraphBadRequest, []string{"an administrator changes it in Active Directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, request := withMail(t)
			items := c.step.lists(t, s, request).Items
			c.spoil(s)
			if name != "no role" {
				items = c.step.lists(t, s, request).Items
			}
			before := s.delivery(adele)
			refused := false
			for _, item := range items {
				_, err := c.step.changes(t, s, 5, request, item)
				if err == nil {
					continue
				}
				refused = true
				f := failed(t, s, err, c.is, false)
				for _, advice := range c.advices {
					assert.Contains(t, f.Message(), advice)
				}
			}
			assert.True(t, refused)
			assert.Equal(t, before, s.delivery(adele))
		})
	}
}

func TestTheConversionIsProvenByGraph(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	now := time.Now()
	s.Clock(func() time.Time { return now })
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Minute)})
	item := converting.lists(t, s, request).Items[0]
	for range 2 {
		_, err := converting.changes(t, s, 1, request, item)
		assert.Contains(t, failed(t, s, err, leaver.GraphUnavailable, true).Message(), "Graph does not show it yet")
	}
	assert.Len(t, s.writes(), 1)
	now = now.Add(2 * time.Minute)
	assert.Equal(t, leaver.Done, converting.changed(t, s, 3, request, item).Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestAccessIsGivenAfterTheConversionWhichMayTakeItAway(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	s.Configure(graphsim.Settings{ConversionDropsGrants: true})
	plan := planFor(t, s, leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{leaver.StepConvertToSharedMailbox: {Include: true}, leaver.StepGrantMailboxAccess: {Include: true}}})
	for before, after := range map[string]string{leaver.StepHoldMailbox: leaver.StepConvertToSharedMailbox, leaver.StepConvertToSharedMailbox: leaver.StepDisableMailProtocols, leaver.StepCancelMeetings: leaver.StepConvertToSharedMailbox} {
		all := planFor(t, s, with(leaver.StepSettings{Include: true}, before, after))
		assert.Contains(t, stepOf(t, all, after).After, before)
	}
	assert.Contains(t, plan.Steps[slices.IndexFunc(plan.Steps, func(s leaver.Step) bool { return s.Name == leaver.StepGrantMailboxAccess })].After, leaver.StepConvertToSharedMailbox)
	settle(t, s, converting, request)
	settle(t, s, granting, request)
	assert.Equal(t, []string{s.id(megan)}, s.delivery(adele).FullAccess)
}

func TestNobodyGetsTheMailWhereNobodyTakesOver(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	s.change(func(u *graphsim.User) { u.ManagerID = "" })
	for _, step := range []each{forwarding, granting} {
		item := step.lists(t, s, request).Items[0]
		assert.Equal(t, leaver.Failed, item.Outcome)
		assert.NotEmpty(t, item.Failure, "it is a question")
		assert.Contains(t, item.Detail, "the leaver has no manager in Entra")
	}
	s.changeUser(grady, func(u *graphsim.User) { u.MailboxPurpose = "" })
	request.Settings.HandOverTo = s.id(grady)
	for _, step := range []each{forwarding, granting} {
		item := step.lists(t, s, request).Items[0]
		assert.Contains(t, item.Detail, "Exchange knows no mailbox of who is to take over")
	}
	assert.Empty(t, s.writes())
}

func TestAHoldIsNeverShortened(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	for _, c := range []struct{ is, wanted, then int }{{30, 10, 30}, {30, 60, 60}, {60, 0, 0}, {0, 90, 0}} {
		s.change(func(u *graphsim.User) { u.Delivery.Hold, u.Delivery.HoldDays = true, c.is })
		request.Settings.HoldDays = c.wanted
		settle(t, s, onHolding, request)
		assert.Equal(t, c.then, s.delivery(adele).HoldDays, "%d days, %d wanted", c.is, c.wanted)
	}
}

func TestAClosedDoorToExchangeRefusesThePlanAndTheStep(t *testing.T) {
	t.Parallel()
	include := func(names ...string) leaver.Request {
		request := leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{}}
		for _, name := range names {
			request.Steps[name] = leaver.StepSettings{Include: true}
		}
		return request
	}
	shut, request := withMail(t, func(c *plugin.Config) { c.Exchange.Doors = nil })
	_, err := call[leaver.Plan](t, shut, 1, leaver.ActivityPlanOffboarding, include(leaver.StepForwardMail))
	assert.Equal(t, "steps.forwardMail: the worker opens no door to Exchange that takes this: see LEAVER_EXCHANGE in its configuration", failed(t, shut, err, leaver.InvalidRequest, false).Message())
	for _, step := range throughExchange {
		_, err := call[leaver.StepResult](t, shut, 1, step.list, request)
		assert.Contains(t, failed(t, shut, err, leaver.InvalidRequest, false).Message(), "LEAVER_EXCHANGE", step.list)
	}
	assert.Empty(t, shut.Requests())

	preview, request := withMail(t, func(c *plugin.Config) { c.Exchange.Doors = []string{"preview"} })
	_, err = call[leaver.Plan](t, preview, 1, leaver.ActivityPlanOffboarding, include(leaver.StepGrantMailboxAccess))
	assert.Contains(t, failed(t, preview, err, leaver.InvalidRequest, false).Message(), "steps.grantMailboxAccess: the worker opens no door")
	onBehalf := leaver.Settings{Access: []string{leaver.AccessSendOnBehalf}}
	planFor(t, preview, leaver.Request{UserID: adele, Steps: map[string]leaver.StepSettings{leaver.StepGrantMailboxAccess: {Include: true, Settings: onBehalf}}})
	request.Settings = onBehalf
	settle(t, preview, granting, request)
	assert.Equal(t, []string{preview.id(megan)}, preview.delivery(adele).SendOnBehalf)
	for _, r := range preview.Requests() {
		assert.NotContains(t, r.Path, "InvokeCommand")
	}
}

func TestWhoWasListedToTakeOverIsNotReplaced(t *testing.T) {
	t.Parallel()
	for _, step := range []each{granting, forwarding} {
		s, request := withMail(t)
		item := step.lists(t, s, request).Items[0]
		assert.Equal(t, s.id(megan), item.Before["successorId"])
		s.change(func(u *graphsim.User) { u.ManagerID = s.id(grady) })
		assert.Equal(t, s.id(megan), step.changed(t, s, 1, request, item).Before["successorId"])
		assert.Contains(t, append(s.delivery(adele).FullAccess, s.delivery(adele).ForwardingAddress), s.id(megan))
		assert.NotContains(t, append(s.delivery(adele).FullAccess, s.delivery(adele).ForwardingAddress), s.id(grady))
	}
}

func TestTheLicenceStaysWhereTheMailboxHangsOnIt(t *testing.T) {
	t.Parallel()
	s, request := withMail(t)
	s.change(func(u *graphsim.User) {
		u.Licenses = []graphsim.License{{SkuID: "05e9a617-0261-4cee-bb44-138d3ef5d965", SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}}, {SkuID: "05e9a617-0261-4cee-bb44-138d3ef5d966", SkuPartNumber: "VISIO", ServicePlans: []string{"VISIO_CLIENT"}}}
	})
	licensing := each{leaver.ActivityListLicenses, leaver.ActivityRemoveLicense}
	for outcome, asks := range map[leaver.Outcome]bool{leaver.Done: false, leaver.AlreadyDone: false, leaver.Skipped: true, leaver.Failed: true} {
		request.Results = map[string]leaver.StepResult{leaver.StepConvertToSharedMailbox: {Outcome: outcome}}
		items := licensing.lists(t, s, request).Items
		assert.Equal(t, asks, items[0].Failure != "", outcome)
		assert.Empty(t, items[1].Outcome, "no mailbox hangs on it")
	}
	s.AddGroup(graphsim.Group{DisplayName: "Licensed", SecurityEnabled: true, AssignedLicenses: []string{"05e9a617-0261-4cee-bb44-138d3ef5d965"}, Members: []string{s.id(adele)}})
	groups := each{leaver.ActivityListGroupMemberships, leaver.ActivityRemoveGroupMembership}
	request.Results = map[string]leaver.StepResult{leaver.StepHoldMailbox: {Outcome: leaver.Failed}}
	for _, item := range groups.lists(t, s, request).Items {
		assert.Equal(t, item.Name == "Licensed", item.Failure != "" && strings.Contains(item.Detail, "the mailbox hangs on it, and holdMailbox was not done"), item.Name)
	}
	request.Results = nil
	assert.Empty(t, licensing.lists(t, s, request).Items[0].Outcome, "the mailbox was not to be shared")
}

func TestAMailUserIsToldToStayInTheAddressLists(t *testing.T) {
	t.Parallel()
	s := set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true, MailUser: true}})
	item := hiding.lists(t, s, leaver.StepRequest{UserID: s.id(adele)}).Items[0]
	assert.Equal(t, leaver.Failed, item.Outcome)
	assert.Contains(t, item.Detail, "hides the entry with Set-MailUser")
}
