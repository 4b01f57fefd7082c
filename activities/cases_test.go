package activities_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What people have met with Graph, by the ids of the reports.

// B01: a next link leads to the same page for ever.
func TestAListWithoutEndFailsAtOnceAndNamesTheCause(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.Fail(graphsim.Fault{Path: "/managedDevices", Loop: true, Times: -1})
	_, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: s.id(adele)})
	assert.Contains(t, final(t, s, err, leaver.GraphBadResponse).Message(), "leads to one that was read already")
	assert.Len(t, s.Requests(), 1)

	s = set(t, withDevices(never, never, never), func(c *plugin.Config) { c.ListRows = 2 })
	s.Configure(graphsim.Settings{PageSize: 1})
	_, err = call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: s.id(adele)})
	assert.Contains(t, final(t, s, err, leaver.GraphBadResponse).Message(), "more than 2 rows")
}

// B03 and B05: one odd row keeps no other device from being seen.
func TestADeviceWithoutAUsableIDIsForAPersonAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	look := func(known ...devices.Known) devices.Sight {
		sight, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: s.id(adele), Known: known})
		require.NoError(t, err)
		return sight
	}
	s.Fail(graphsim.Fault{Path: "/managedDevices", Row: `{"id":"d9","deviceName":"B","lastSyncDateTime":""}`})
	assert.Len(t, look().Listed, 3)
	s.Fail(graphsim.Fault{Path: "/managedDevices", Row: `{"id":"","deviceName":"B"}`})
	sight := look()
	require.Len(t, sight.Listed, 3)
	odd := sight.Listed[0]
	assert.Contains(t, odd.Unread, "without an id that can be used")
	assert.Equal(t, "B", odd.Name)
	for _, other := range sight.Listed[1:] {
		assert.Empty(t, other.Unread)
	}
	assert.Equal(t, []string{odd.ID}, look(devices.Known{ID: odd.ID, Unread: odd.Unread}).Gone, "it is listed no more")

	write := devices.WriteRequest{UserID: s.id(adele), Write: devices.Write{Action: leaver.Retire, IDs: []string{odd.ID}}, Judged: []devices.Judged{{}}}
	outcome := s.asks(t, 1, write)
	assert.Equal(t, devices.Refused, outcome.Answer)
	assert.NotContains(t, outcome.Why, "userId")
	assert.Empty(t, s.writes())
}

// B15: the account is gone, and the devices are not.
func TestDevicesOfAnAccountThatIsGoneAreLookedAtAndAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	known := s.Users()[adele].Devices
	write := s.decided(leaver.Retire)
	s.change(func(u *graphsim.User) { u.Deleted = true })
	sight, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: write.UserID, Known: devices.AllKnown{{ID: known[0].ID, State: "managed"}}})
	require.NoError(t, err)
	require.Len(t, sight.Listed, 2)
	assert.Empty(t, sight.Gone)
	assert.Equal(t, devices.Accepted, s.asks(t, 1, write).Answer)

	all := s.decided(leaver.RemoveAll)
	outcome, err := last[devices.Outcome](t, s, leaver.ActivityRemoveAllDevices, all)
	require.NoError(t, err)
	assert.Equal(t, devices.NoRoute, outcome.Answer, "each device is asked by itself")

	for _, name := range []string{leaver.ActivityDisableAccount, leaver.ActivityRevokeSessions} {
		result, err := call[leaver.StepResult](t, s, 1, name, leaver.StepRequest{UserID: write.UserID})
		require.NoError(t, err)
		assert.Equal(t, leaver.StepResult{Outcome: leaver.AlreadyDone, Detail: "the account is deleted"}, result)
	}
}

// B17: the account was deleted before anybody thought of the devices. B41: an object id
// has many forms.
func TestALeaverWhoIsDeletedAlreadyCanBePlanned(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	id := s.id(adele)
	compact := strings.ReplaceAll(id, "-", "")
	for _, form := range []string{id, strings.ToUpper(id), compact, "{" + id + "}", "urn:uuid:" + id} {
		plan, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: form})
		require.NoError(t, err, form)
		assert.Equal(t, id, plan.Leaver.ID)
	}
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: "x" + id + "x"})
	final(t, s, err, leaver.UserNotFound)
	s.change(func(u *graphsim.User) { u.Deleted = true })
	plan, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: "{" + id + "}",
		Steps: map[string]leaver.StepSettings{leaver.StepWipeManagedAppRegistrations: {Include: true}}})
	require.NoError(t, err)
	assert.Equal(t, id, plan.Leaver.ID)
	assert.True(t, plan.Leaver.Deleted)
	skipped := map[string]string{}
	for _, step := range plan.Steps {
		skipped[step.Name] = step.Skip
	}
	const deleted = "the account is deleted already"
	assert.Equal(t, map[string]string{leaver.StepDisableAccount: deleted, leaver.StepRevokeSessions: deleted, leaver.StepRemoveAllDevices: "",
		leaver.StepWipeManagedAppRegistrations: deleted}, skipped)
	assert.Len(t, plan.Steps[2].Items, 1, "the devices are found by the object id")

	_, err = call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: uuid.NewString()})
	final(t, s, err, leaver.UserNotFound)
}

// What is no user is no outage either: nothing is tried again for it.
func TestAnotherObjectThanAUserIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	const id = "0b9f1b43-7d5e-4a62-8f5c-3b1f0e2d9c71"
	for body, want := range map[string]leaver.FailureType{
		`{"id":"` + id + `"}`: leaver.GraphForbidden,
		`{"id":"` + id + `","displayName":"Sales","groupTypes":[],"securityEnabled":true}`:                                leaver.GraphForbidden,
		`{"id":"5f0e2d9c-8f5c-4a62-7d5e-3b1f0b9f1b43","displayName":"Sales"}`:                                             leaver.UserNotFound,
		`{"@odata.type":"#microsoft.graph.group","id":"` + id + `","displayName":"Sales"}`:                                leaver.UserNotFound,
		`{"@odata.type":"#microsoft.graph.device","id":"` + id + `","displayName":"Sales","accountEnabled":true}`:         leaver.UserNotFound,
		`{"@odata.type":"#microsoft.graph.servicePrincipal","id":"` + id + `","userType":"Member","accountEnabled":true}`: leaver.UserNotFound,
	} {
		s := set(t, withDevices(never))
		s.front.HandleFunc("GET "+graphsim.GraphPath+"/v1.0/users/{id}", says(body))
		for _, name := range []string{leaver.ActivityPlanOffboarding, leaver.ActivityDisableAccount} {
			_, err := call[any](t, s, 1, name, leaver.StepRequest{UserID: id})
			assert.NotContains(t, final(t, s, err, want).Message(), "Sales", body)
		}
		assert.Empty(t, s.writes())
	}
}

// B18: accountEnabled is null for every user, a permission is short.
func TestAHiddenPropertyNamesThePermissionAtOnce(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.front.HandleFunc("GET "+graphsim.GraphPath+"/v1.0/users/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"id":%q,"userPrincipalName":%q,"accountEnabled":null}`, s.id(adele), adele)
	})
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: s.id(adele)})
	says := final(t, s, err, leaver.GraphForbidden).Message()
	assert.Contains(t, says, "Graph hides accountEnabled: grant the permission User.Read.All")
	assert.Contains(t, says, "check that the id is a user's")
}

// B20 and B22: an enrolment manager has more devices than an offboarding can hold.
func TestMoreDevicesThanAnOffboardingTakesAreRefusedByTheirNumber(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(make([]time.Duration, leaver.MaxDevices+1)...))
	_, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: s.id(adele)})
	assert.Contains(t, final(t, s, err, leaver.TooManyDevices).Message(), "the leaver has 1001 devices, and an offboarding takes on 1000 at most")
	_, err = call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: s.id(adele)})
	final(t, s, err, leaver.TooManyDevices)
	_, err = do(t, s, leaver.ActivityRemoveAllDevices)
	final(t, s, err, leaver.TooManyDevices)
	assert.Empty(t, s.writes())
}

// B35: revoking has no effect on external users, whatever their userType.
func TestAMemberWhoSignsInElsewhereIsTreatedAsAGuest(t *testing.T) {
	t.Parallel()
	for _, user := range []graphsim.User{
		{UserPrincipalName: "mia_partner.com#EXT#@contoso.onmicrosoft.com", UserType: "Member"},
		{UserPrincipalName: megan, UserType: "Member", CreationType: "Invitation"},
		{UserPrincipalName: megan, UserType: "Member", ExternalUserState: "Accepted"},
	} {
		s := set(t, []graphsim.User{user})
		plan, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: user.UserPrincipalName})
		require.NoError(t, err)
		assert.True(t, plan.Leaver.External)
		assert.Contains(t, plan.Steps[1].Skip, "home tenant")
	}
}

// A device is gone when Graph says so twice, in its own words.
func TestADeviceIsGoneWhenGraphSaysSoTwiceAndAProxyDoesNot(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	known := devices.AllKnown{{ID: s.Users()[adele].Devices[0].ID, State: "managed"}, {ID: "d9", State: "managed"}}
	request := devices.LookRequest{UserID: s.id(adele), Known: known}
	byID := "/deviceManagement/managedDevices/"
	s.give(1)
	s.Fail(graphsim.Fault{Method: http.MethodGet, Path: byID + known[0].ID, Status: 404, Code: "ResourceNotFound", Message: "x"})
	sight, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, request)
	require.NoError(t, err)
	assert.Equal(t, []string{"d9"}, sight.Gone, "a device that is found the second time is not gone")
	require.Len(t, sight.Unlisted, 1)

	s.Heal()
	s.Fail(graphsim.Fault{Method: http.MethodGet, Path: byID + "d9", Status: 404, HTML: true, Times: -1})
	var later devices.Sight
	require.NoError(t, attempt{number: 9, age: time.Hour}.run(t, s, leaver.ActivityLookAtDevices, request, &later))
	assert.Equal(t, []string{"d9"}, later.Unreached)
	assert.Empty(t, later.Gone)
}

// B07: objects that a caller may not read are listed with null properties.
func TestAHiddenEntraDeviceMattersOnlyWhereItCouldBeTheOne(t *testing.T) {
	t.Parallel()
	const hidden = `{"@odata.type":"#microsoft.graph.device","id":"e9","deviceId":null,"accountEnabled":null}`
	for _, step := range []each{disabling, deleting} {
		s, request := departed(t, laptop, laptop)
		s.Fail(graphsim.Fault{Path: "/registeredDevices", Row: hidden, Times: -1})
		items := step.lists(t, s, request).Items
		require.Len(t, items, 2)
		assert.Equal(t, []leaver.Outcome{"", ""}, []leaver.Outcome{items[0].Outcome, items[1].Outcome}, "the readable ones are handled")
		changed, err := step.changes(t, s, 1, request, items[0])
		require.NoError(t, err)
		assert.Equal(t, leaver.Done, changed.Outcome)

		s.change(func(u *graphsim.User) { u.EntraDevices = nil })
		items = step.lists(t, s, request).Items
		assert.Equal(t, leaver.Failed, items[1].Outcome)
		assert.Equal(t, leaver.GraphForbidden, items[1].Failure)
		assert.Contains(t, items[1].Detail, "it could be this one")
		_, err = step.changes(t, s, 1, request, leaver.Item{ID: "e9", Device: items[1].Device})
		final(t, s, err, leaver.GraphForbidden)
	}
}

// B05, elsewhere: what is listed without an id that can be used is for a person.
func TestAnItemWithoutAUsableIDIsForAPerson(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	s.Fail(graphsim.Fault{Path: "/managedAppRegistrations", Row: `{"id":"r9","deviceTag":null}`})
	items := appData.lists(t, s, request).Items
	require.Len(t, items, 3)
	assert.Equal(t, leaver.Item{ID: "without a device tag", Outcome: leaver.Failed, Failure: leaver.GraphBadResponse,
		Detail: "Intune lists an app without a device tag, and its data cannot be wiped from here: see there"}, items[0])

	s, request = departed(t, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", SerialNumber: "4711"})
	id := request.Results[leaver.StepRemoveAllDevices].Items[0].ID
	s.Fail(graphsim.Fault{Path: "/windowsAutopilotDeviceIdentities", Row: fmt.Sprintf(`{"id":null,"serialNumber":"4711","managedDeviceId":%q}`, id)})
	item := autopilot.lists(t, s, request).Items[0]
	assert.Equal(t, leaver.Failed, item.Outcome)
	assert.Equal(t, leaver.GraphBadResponse, item.Failure)
}

// B45: a Mac's wipe wants other parameters, one of them a secret.
func TestAWipeCarriesItsParametersAndAMacsItsCode(t *testing.T) {
	t.Parallel()
	const code = "482913"
	for configured, want := range map[string]devices.Answer{"": devices.Refused, code: devices.Accepted} {
		users := withDevices(never, never)
		users[0].Devices[0].OperatingSystem = "macOS"
		s := set(t, users, func(c *plugin.Config) { c.MacOSUnlockCode = configured })
		s.Configure(graphsim.Settings{MacsNeedCode: true})
		outcome := s.asks(t, 1, s.decided(leaver.Wipe))
		assert.Equal(t, want, outcome.Answer, outcome.Why)
		assert.NotContains(t, fmt.Sprint(outcome), code)
	}
	var sent []byte
	s := set(t, withDevices(never), func(c *plugin.Config) { c.MacOSUnlockCode = code })
	s.front.HandleFunc("POST "+graphsim.GraphPath+"/v1.0/deviceManagement/managedDevices/{id}/wipe", func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	request := s.decided(leaver.Wipe)
	request.Wipe = leaver.WipeOptions{KeepEnrollmentData: true, PersistEsimDataPlan: true}
	s.asks(t, 1, request)
	assert.JSONEq(t, `{"keepUserData":false,"keepEnrollmentData":true,"persistEsimDataPlan":true}`, string(sent), "only a Mac is told the code")
}

// B46, B47 and B48: whose a device is and what kind.
func TestALookTellsWhoseADeviceIsAndWhatKind(t *testing.T) {
	t.Parallel()
	users := withDevices(never, never, never, never, never, never, never)
	for i, change := range []func(d *graphsim.Device){
		func(d *graphsim.Device) { d.ManagementAgent = "eas" }, func(d *graphsim.Device) { d.ManagementAgent = "configurationManagerClient" },
		func(d *graphsim.Device) { d.ManagementAgent = "msSense" }, func(d *graphsim.Device) { d.Model = "Cloud PC Enterprise 2vCPU/4GB/128GB" },
		func(d *graphsim.Device) { d.UserPrincipalName = megan }, func(d *graphsim.Device) { d.ManagementAgent, d.UserPrincipalName = "easMdm", strings.ToUpper(adele) },
		func(d *graphsim.Device) { d.UserPrincipalName = "adele@contoſo.com" },
	} {
		change(&users[0].Devices[i])
	}
	s := set(t, users)
	sight, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: s.id(adele), UserPrincipalName: adele})
	require.NoError(t, err)
	var special []leaver.Special
	for _, seen := range sight.Listed {
		special = append(special, seen.Special)
	}
	assert.Equal(t, []leaver.Special{leaver.ExchangeManaged, leaver.ConfigurationManaged, leaver.DefenderManaged, leaver.CloudPC, leaver.OtherUser, "", leaver.OtherUser}, special)

	plan, err := call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: adele})
	require.NoError(t, err)
	items := plan.Steps[2].Items
	assert.Equal(t, "only Exchange ActiveSync knows it: remove it in Exchange", items[0].Detail)
	assert.Contains(t, items[3].Detail, "ends with its Windows 365 licence")
	assert.Contains(t, items[4].Detail, "a person will be asked: Intune lists it for the leaver, and names somebody else as its user")
	assert.Equal(t, megan, items[4].Device.Enrolment.UserPrincipalName)
	assert.Equal(t, "msSense", items[2].Device.Enrolment.ManagementAgent)
	assert.False(t, items[2].Device.Enrolment.EnrolledDateTime.IsZero())
}

// Kind 3: a replica that lags finds the leaver neither before nor after the account is disabled.
func TestALeaverWhoIsNotFoundForAMomentIsLookedForAgain(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	lags := graphsim.Fault{Method: http.MethodGet, Path: "/users/" + s.id(adele), Status: 404, Code: "Request_ResourceNotFound", Message: "Resource does not exist."}
	s.Fail(lags)
	_, err := do(t, s, leaver.ActivityDisableAccount)
	waiting(t, s, err, leaver.UserNotFound)
	s.Fail(lags)
	_, err = call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: s.id(adele)})
	final(t, s, err, leaver.UserNotFound)
	page := lags
	page.HTML = true
	s.Fail(page)
	_, err = call[leaver.Plan](t, s, 1, leaver.ActivityPlanOffboarding, leaver.Request{UserID: s.id(adele)})
	waiting(t, s, err, leaver.GraphBadRequest)
}

// B15: an account that is deleted for good is enabled for nobody, and its devices are asked.
func TestDevicesOfAnAccountThatIsDeletedForGoodAreAsked(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	write := s.decided(leaver.Retire)
	write.AccountDisabled = true
	s.Fail(graphsim.Fault{Method: http.MethodGet, Path: "/users/" + write.UserID, Status: 404, Code: "Request_ResourceNotFound", Message: "Resource does not exist.", Times: -1})
	s.Fail(graphsim.Fault{Path: "/deletedItems/" + write.UserID, Status: 503})
	_, err := call[devices.Outcome](t, s, 1, leaver.ActivityRetireDevice, write)
	waiting(t, s, err, leaver.GraphUnavailable)
	assert.Equal(t, devices.Accepted, s.asks(t, 1, write).Answer)
}

// B17: Intune learns the name that Entra gives a deleted user.
func TestTheDevicesOfADeletedUserAreNobodyElses(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	id := s.id(adele)
	s.change(func(u *graphsim.User) {
		u.Deleted, u.Devices[0].UserPrincipalName = true, strings.ReplaceAll(id, "-", "")+adele
	})
	sight, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, devices.LookRequest{UserID: id, UserPrincipalName: adele})
	require.NoError(t, err)
	require.Len(t, sight.Listed, 1)
	assert.Empty(t, sight.Listed[0].Special)
}
