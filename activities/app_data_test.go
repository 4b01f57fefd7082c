package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withApps is Adele with apps on two devices.
func withApps(t *testing.T) (*stage, leaver.StepRequest) {
	t.Helper()
	users := withDevices()
	users[0].AppRegistrations = []graphsim.AppRegistration{{ID: "r1", DeviceTag: "t1"}, {ID: "r2", DeviceTag: "t1"}, {ID: "r3", DeviceTag: "t2"}}
	s := set(t, users)
	return s, leaver.StepRequest{UserID: s.id(adele)}
}

func TestAppsWipeCompanyDataOnEachDevice(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	items := appData.does(t, s, request)
	require.Len(t, items, 2)
	for _, item := range items {
		assert.Equal(t, leaver.Done, item.Outcome)
		assert.Contains(t, item.Detail, "when it is next opened")
	}
	assert.Equal(t, 2, s.written("POST wipeManagedAppRegistrationsByDeviceTag"))
	assert.Empty(t, s.Users()[adele].AppRegistrations)

	result := appData.lists(t, s, request)
	assert.Empty(t, result.Items)
	assert.Equal(t, "no app holds company data of the leaver", result.Detail)
}

// The apps stay listed until they are opened.
func TestAWipeThatWasAcceptedIsDoneThoughTheAppsAreStillListed(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	request.Items = appData.lists(t, s, request).Items
	done, err := appData.changes(t, s, 1, request, request.Items[0])
	require.NoError(t, err)
	request.Items[0] = done
	user := s.Users()[adele]
	user.AppRegistrations = append(user.AppRegistrations, graphsim.AppRegistration{ID: "r1", DeviceTag: "t1"}, graphsim.AppRegistration{ID: "r4", DeviceTag: "t4"})
	s.Add(user)
	items := appData.lists(t, s, request).Items
	require.Len(t, items, 3)
	assert.Equal(t, done, items[0])
	for n, tag := range []string{"t2", "t4"} {
		assert.Equal(t, tag, items[n+1].ID)
		assert.Empty(t, items[n+1].Outcome, "it is still to be asked, or new")
	}
}

func TestAWipeOfNoDeviceIsRefused(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	_, err := appData.changes(t, s, 1, request, leaver.Item{})
	failure := failed(t, s, err)
	assert.Equal(t, string(leaver.InvalidRequest), failure.Type())
	assert.True(t, failure.NonRetryable())
	assert.Empty(t, s.Requests())
}
