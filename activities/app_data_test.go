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
		assertItem(t, item, leaver.Done, "when it is next opened")
	}
	assert.Equal(t, 2, s.written("POST wipeManagedAppRegistrationsByDeviceTag"))
	assert.Empty(t, s.Users()[adele].AppRegistrations)
	assert.Equal(t, leaver.StepResult{Detail: "no app holds company data of the leaver"}, appData.lists(t, s, request))
}

// The apps stay listed until they are opened.
func TestAWipeThatWasAcceptedIsDoneThoughTheAppsAreStillListed(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	request.Items = appData.lists(t, s, request).Items
	request.Items[0] = appData.changed(t, s, 1, request, request.Items[0])
	s.change(func(user *graphsim.User) {
		user.AppRegistrations = append(user.AppRegistrations, graphsim.AppRegistration{ID: "r1", DeviceTag: "t1"}, graphsim.AppRegistration{ID: "r4", DeviceTag: "t4"})
	})
	// t2 is still to be asked, and t4 is new.
	assert.Equal(t, []leaver.Item{request.Items[0], {ID: "t2"}, {ID: "t4"}}, appData.lists(t, s, request).Items)
}

func TestAWipeOfNoDeviceIsRefused(t *testing.T) {
	t.Parallel()
	s, request := withApps(t)
	final(t, s, errorOf(appData.changes(t, s, 1, request, leaver.Item{})), leaver.InvalidRequest)
	assert.Empty(t, s.Requests())
}

// The account is deleted before the apps were listed, or after: nobody is asked whether the name is right.
func TestAppsOfAnAccountThatIsDeletedMeanwhileHoldNothingUp(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	step := leaver.StepRequest{UserID: s.id(adele), Items: []leaver.Item{{ID: "t1", Outcome: leaver.Done}, {ID: "t2", Outcome: leaver.Failed, Failure: leaver.UserNotFound}}}
	s.change(func(u *graphsim.User) { u.Deleted = true })
	result, err := call[leaver.StepResult](t, s, 1, leaver.ActivityListManagedAppRegistrations, step)
	require.NoError(t, err)
	assert.Contains(t, result.Detail, "the account is deleted")
	require.Len(t, result.Items, 2)
	assert.Equal(t, leaver.Done, result.Items[0].Outcome)
	assert.Equal(t, leaver.Failed, result.Items[1].Outcome)
	assert.Empty(t, result.Items[1].Failure, "it is no question")
}
