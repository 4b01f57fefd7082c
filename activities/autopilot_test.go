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
	assert.Equal(t, "a0", items[0].ID)
	assert.Equal(t, leaver.Done, items[0].Outcome)
	assert.Equal(t, "a1", items[1].ID)
	assert.Equal(t, leaver.Done, items[1].Outcome)
	for _, item := range items[2:] {
		assert.Equal(t, leaver.AlreadyDone, item.Outcome)
		assert.Equal(t, "not in Autopilot", item.Detail)
	}
	assert.Empty(t, s.Users()[adele].Autopilot)
	assert.Len(t, s.Users()[megan].Autopilot, 1, "it has the same serial number")

	items = autopilot.does(t, s, request)
	assert.Equal(t, leaver.Skipped, items[0].Outcome)
	assert.Contains(t, items[0].Detail, "with another device")
	assert.Equal(t, leaver.AlreadyDone, items[1].Outcome)
	assert.Equal(t, []string{"DELETE a0", "DELETE a1"}, s.writes())
}

// Autopilot knows the device as another one that Intune manages by now.
func TestAnAutopilotIdentityThatNamesAnotherManagedDeviceIsNotDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	open := openItem(t, s, autopilot, request)
	fresh := graphsim.Device{ID: "bbbbbbbb-0000-4000-8000-000000000002", Name: "MEGANS", OperatingSystem: "Windows", SerialNumber: open.Device.SerialNumber}
	s.Enroll(megan, fresh)
	user := s.Users()[adele]
	user.Autopilot[0].ManagedDeviceID = fresh.ID
	s.Add(user)

	items := autopilot.does(t, s, request)
	assert.Equal(t, leaver.Skipped, items[0].Outcome)
	assert.Contains(t, items[0].Detail, "with another device")
	for number := range int32(2) {
		item, err := autopilot.changes(t, s, number+1, request, open)
		require.NoError(t, err)
		assert.Equal(t, leaver.Skipped, item.Outcome, "it was listed before")
		assert.Contains(t, item.Detail, "with another device")
	}
	assert.Empty(t, s.writes(), "it is Megan's")
}

func TestAnAutopilotIdentityNamesADeviceByOneOfItsIDs(t *testing.T) {
	t.Parallel()
	const zeros = "00000000-0000-0000-0000-000000000000"
	for name, ids := range map[string]func(leaver.Item) (intune, entra string){
		"Intune's":                    func(d leaver.Item) (string, string) { return d.ID, "" },
		"Intune's, in capitals":       func(d leaver.Item) (string, string) { return strings.ToUpper(d.ID), zeros },
		"Entra's":                     func(d leaver.Item) (string, string) { return "", d.Device.AzureADDeviceID },
		"Entra's, and Intune's is no": func(d leaver.Item) (string, string) { return zeros, d.Device.AzureADDeviceID },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, request := departed(t, laptop)
			identity := graphsim.AutopilotIdentity{ID: "a0", SerialNumber: gone(request, 0).Device.SerialNumber}
			identity.ManagedDeviceID, identity.AzureADDeviceID = ids(gone(request, 0))
			user := s.Users()[adele]
			user.Autopilot = []graphsim.AutopilotIdentity{identity}
			s.Add(user)
			assert.Equal(t, leaver.Done, autopilot.does(t, s, request)[0].Outcome)
			assert.Empty(t, s.Users()[adele].Autopilot)
		})
	}
}

// Other devices that Entra does not know share these zeros; none of them is this one
// enrolled anew.
func TestADeviceWithoutAnIDInEntraIsTakenOutOfAutopilot(t *testing.T) {
	t.Parallel()
	unknown := graphsim.Device{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", AzureADDeviceID: "00000000-0000-0000-0000-000000000000", SerialNumber: "SN-1"}
	s, request := departed(t, unknown)
	unknown.SerialNumber = "SN-2"
	s.Enroll(megan, unknown)
	user := s.Users()[adele]
	user.Autopilot = []graphsim.AutopilotIdentity{{ID: "a0", SerialNumber: "SN-1", ManagedDeviceID: gone(request, 0).ID}}
	s.Add(user)
	assert.Equal(t, leaver.Done, autopilot.does(t, s, request)[0].Outcome)
}

// An identity that was registered anew is another one.
func TestOnlyTheAutopilotIdentityThatWasListedIsDeleted(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	open := openItem(t, s, autopilot, request)
	user := s.Users()[adele]
	user.Autopilot[0].ID = "a7"
	s.Add(user)
	item, err := autopilot.changes(t, s, 1, request, open)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, item.Outcome)
	assert.Empty(t, s.writes())
	request.Items = []leaver.Item{item}
	proof := autopilot.lists(t, s, request).Items
	require.Len(t, proof, 1)
	assert.Equal(t, "a7", proof[0].ID)
	assert.Empty(t, proof[0].Outcome, "the second list finds it")
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
