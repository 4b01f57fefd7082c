package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The mailbox is held, shared and handed over through Exchange, before the licence goes on which it hangs. The worker is
// killed meanwhile, and answers are lost.
func TestAMailboxIsHandedOverThroughExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	max := w.tenant.Add(graphsim.User{UserPrincipalName: "max@contoso.com", DisplayName: "Max", AccountEnabled: true, MailboxPurpose: "user"})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.MailboxPurpose, adele.ManagerID = "user", max
	adele.Licenses = []graphsim.License{{SkuID: "05e9a617-0261-4cee-bb44-138d3ef5d965", SkuPartNumber: "SPE_E3", ServicePlans: []string{"EXCHANGE_S_ENTERPRISE"}}}
	adele.Delivery = graphsim.Delivery{ForwardingSMTPAddress: "zaphod@example.org",
		Phones: []graphsim.Phone{{GUID: "0e000000-0000-4000-8000-000000000001", Client: "Outlook"}}}
	w.tenant.Add(adele)
	for _, name := range []string{"Sales", "Partners"} {
		w.tenant.AddGroup(graphsim.Group{DisplayName: name, MailEnabled: true, Members: []string{adele.ID, max}, Owners: []string{adele.ID}})
	}
	w.before = w.tenant.Users()
	for _, cmdlet := range []string{"Set-Mailbox", "Clear-MobileDevice", "Add-MailboxPermission", "Set-CASMailbox", "Remove-DistributionGroupMember", "Set-DistributionGroup"} {
		w.tenant.Fail(graphsim.Fault{Path: "/" + cmdlet, Cut: true})
		w.tenant.Fail(graphsim.Fault{Path: "/" + cmdlet, Status: 503})
	}

	steps := map[string]leaver.StepSettings{leaver.StepGrantMailboxAccess: {Include: true, Settings: leaver.Settings{Access: []string{leaver.AccessFull, leaver.AccessSendOnBehalf}}},
		leaver.StepHoldMailbox: {Include: true, Settings: leaver.Settings{HoldDays: 365}}}
	for _, name := range []string{leaver.StepConvertToSharedMailbox, leaver.StepForwardMail, leaver.StepHideFromAddressLists, leaver.StepDisableMailProtocols, leaver.StepWipeMailFromPhones, leaver.StepRemoveDistributionGroups,
		leaver.StepRemoveLicenses} {
		steps[name] = leaver.StepSettings{Include: true}
	}
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Steps: steps})
	w.until("the mailbox is shared", func() bool { return w.tenant.Users()[graphsim.Leaver].MailboxPurpose == "shared" })
	w.worker.Kill()
	w.startWorker()
	report := w.completed("W")

	after := w.tenant.Users()[graphsim.Leaver]
	heir := []string{max}
	assert.Equal(t, "shared", after.MailboxPurpose)
	assert.Empty(t, after.Licenses)
	assert.Equal(t, heir, after.Delivery.FullAccess)
	assert.Equal(t, heir, after.Delivery.SendOnBehalf)
	assert.Empty(t, after.Delivery.SendAs)
	assert.Equal(t, max, after.Delivery.ForwardingAddress)
	assert.Empty(t, after.Delivery.ForwardingSMTPAddress)
	assert.True(t, after.Delivery.Hidden && after.Delivery.Hold && after.Delivery.KeepsCopy)
	assert.Equal(t, 365, after.Delivery.HoldDays)
	assert.Len(t, after.Delivery.ClosedProtocols, 5)
	for _, phone := range after.Delivery.Phones {
		assert.False(t, phone.Wiped)
	}
	for _, group := range w.tenant.Groups() {
		assert.Equal(t, heir, group.Members, group.DisplayName)
		assert.Equal(t, heir, group.Owners, group.DisplayName)
	}
	told, err := json.Marshal(report)
	require.NoError(t, err)
	assert.NotContains(t, strings.ToLower(string(told)), "zaphod")
}
