package activities_test

import (
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAutopilotIdentitiesAreDeletedByTheDevicesOwnIDs(t *testing.T) {
	t.Parallel()
	const shared = "To be filled by O.E.M."
	s, request := departed(t, graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", SerialNumber: shared},
		graphsim.Device{Name: "CONTOSO-LT-0419", OperatingSystem: "Windows", SerialNumber: "it's 4711"}, laptop, phone)
	s.inAutopilot(request, shared, "it's 4711")
	other := s.Users()[megan]
	other.Autopilot = []graphsim.AutopilotIdentity{{ID: "a9", SerialNumber: shared, AzureADDeviceID: other.Devices[0].AzureADDeviceID}}
	s.Add(other)

	items := autopilot.does(t, s, request)
	require.Len(t, items, 4)
	for i, id := range []string{"a0", "a1"} {
		assert.Equal(t, id, items[i].ID)
		assert.Equal(t, leaver.Done, items[i].Outcome)
		assertItem(t, items[i+2], leaver.AlreadyDone, "not in Autopilot")
	}
	assert.Empty(t, s.Users()[adele].Autopilot)
	assert.Len(t, s.Users()[megan].Autopilot, 1, "it has the same serial number")

	items = autopilot.does(t, s, request)
	assertItem(t, items[0], leaver.Skipped, "with another device")
	assert.Equal(t, leaver.AlreadyDone, items[1].Outcome)
	assert.Equal(t, []string{"DELETE a0", "DELETE a1"}, s.writes())
}

func TestAnAutopilotIdentityNamesADeviceByOneOfItsIDs(t *testing.T) {
	t.Parallel()
	unknown := graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: zeros, SerialNumber: "SN-1"}
	type row struct {
		device graphsim.Device
		ids    func(leaver.Item) (intune, entra string)
	}
	table(t, map[string]row{
		"Intune's":                             {laptop, func(d leaver.Item) (string, string) { return d.ID, "" }},
		"Intune's, in capitals":                {laptop, func(d leaver.Item) (string, string) { return strings.ToUpper(d.ID), zeros }},
		"Intune's, and Entra does not know it": {unknown, func(d leaver.Item) (string, string) { return d.ID, "" }},
		"Entra's":                              {laptop, func(d leaver.Item) (string, string) { return "", d.Device.AzureADDeviceID }},
		"Entra's, and Intune's is no":          {laptop, func(d leaver.Item) (string, string) { return zeros, d.Device.AzureADDeviceID }},
	}, func(t *testing.T, c row) {
		s, request := departed(t, c.device)
		// Devices that Entra does not know share the zeros; none is this one enrolled anew.
		s.Enroll(megan, graphsim.Device{Name: "MEGANS", OperatingSystem: "Windows", AzureADDeviceID: zeros, SerialNumber: "SN-2"})
		identity := graphsim.AutopilotIdentity{ID: "a0", SerialNumber: gone(request, 0).Device.SerialNumber}
		identity.ManagedDeviceID, identity.AzureADDeviceID = c.ids(gone(request, 0))
		s.change(func(user *graphsim.User) { user.Autopilot = []graphsim.AutopilotIdentity{identity} })
		assert.Equal(t, leaver.Done, autopilot.does(t, s, request)[0].Outcome)
		assert.Empty(t, s.Users()[adele].Autopilot)
	})
}

// An identity that was registered anew is another one.
func TestOnlyTheAutopilotIdentityThatWasListedIsDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	open := openItem(t, s, autopilot, request)
	s.change(func(user *graphsim.User) { user.Autopilot[0].ID = "a7" })
	request.Items = []leaver.Item{autopilot.changed(t, s, 1, request, open)}
	assert.Equal(t, leaver.Done, request.Items[0].Outcome)
	assert.Empty(t, s.writes())
	assert.Equal(t, []leaver.Item{{ID: "a7", Device: open.Device}}, autopilot.lists(t, s, request).Items, "the second list finds it")
}

func TestTheAutopilotIdentitiesOfManyDevicesAreListedInOrder(t *testing.T) {
	t.Parallel()
	many := make([]graphsim.Device, 35)
	for i := range many {
		many[i] = laptop
	}
	s, request := departed(t, many...)
	var serials []string
	for i := range 9 {
		serials = append(serials, gone(request, i).Device.SerialNumber)
	}
	s.inAutopilot(request, serials...)
	items := autopilot.does(t, s, request)
	require.Len(t, items, len(many))
	for i, item := range items {
		assert.Equal(t, gone(request, i).ID, item.Device.ManagedDeviceID)
		assert.Equal(t, i < 9, item.Outcome == leaver.Done)
	}
	assert.Len(t, s.writes(), 9)
}
