package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var eligibilities = each{leaver.ActivityListGroupEligibilities, leaver.ActivityRemoveGroupEligibility}

// withSchedules is Adele and Megan, for both of whom Privileged Identity Management keeps the same.
func withSchedules(t *testing.T) (s *stage, request leaver.StepRequest, groupID string) {
	t.Helper()
	s = set(t, []graphsim.User{{UserPrincipalName: adele, AccountEnabled: true}, {UserPrincipalName: megan, AccountEnabled: true}})
	groupID = s.AddGroup(graphsim.Group{DisplayName: "Break glass", Owners: []string{s.id(adele), s.id(megan)}})
	for _, name := range []string{adele, megan} {
		user := s.Users()[name]
		user.GroupSchedules = []graphsim.GroupSchedule{{ID: name + "1", GroupID: groupID}, {ID: name + "2", GroupID: groupID, AccessID: "owner", Assigned: true}}
		s.Add(user)
	}
	return s, leaver.StepRequest{UserID: s.id(adele)}, groupID
}

func TestWhatPrivilegedIdentityManagementKeepsOfGroupsEnds(t *testing.T) {
	t.Parallel()
	s, request, groupID := withSchedules(t)
	items := eligibilities.lists(t, s, request).Items
	require.Len(t, items, 2)
	assert.Equal(t, leaver.Item{ID: adele + "1", Name: "Break glass", Kind: "groupEligibility",
		Before: map[string]string{"groupId": groupID, "accessId": "member", "startDateTime": "2026-01-05T08:00:00Z", "endDateTime": "2027-01-05T08:00:00Z"}}, items[0])
	assert.Equal(t, []string{"groupAssignment", "owner"}, []string{items[1].Kind, items[1].Before["accessId"]})
	for _, item := range items {
		assertItem(t, eligibilities.changed(t, s, 1, request, item), leaver.Done, "keeps it no more")
	}
	assert.Empty(t, s.Users()[adele].GroupSchedules)
	assert.Len(t, s.Users()[megan].GroupSchedules, 2)
	assert.Equal(t, []string{s.id(megan)}, s.Groups()[groupID].Owners)
	assert.Equal(t, []string{"POST eligibilityScheduleRequests", "POST assignmentScheduleRequests"}, s.writes())
	assert.Contains(t, eligibilities.lists(t, s, request).Detail, "no membership and no ownership")
	request.Items = items[:1]
	assertItem(t, eligibilities.lists(t, s, request).Items[0], leaver.Done, "keeps it no more")
}

func TestAScheduleThatComesByAnotherGroupStays(t *testing.T) {
	t.Parallel()
	s, request, groupID := withSchedules(t)
	s.change(func(user *graphsim.User) {
		user.GroupSchedules = []graphsim.GroupSchedule{{ID: "x", GroupID: groupID, MemberType: "group"}}
	})
	item := eligibilities.lists(t, s, request).Items[0]
	assertItem(t, item, leaver.Failed, "by another group")
	_, err := eligibilities.changes(t, s, 1, request, item)
	final(t, s, err, leaver.GraphBadRequest)
	assert.Empty(t, s.writes())
}

func TestATenantWithoutTheLicenceHasNoEligibilities(t *testing.T) {
	t.Parallel()
	s, request, _ := withSchedules(t)
	s.Configure(graphsim.Settings{NoPremium: true})
	assertItem(t, eligibilities.lists(t, s, request).Items[0], leaver.Skipped, "not licensed")
}

func TestAScheduleThatIsListedStillIsNotDone(t *testing.T) {
	t.Parallel()
	s, request, _ := withSchedules(t)
	items := eligibilities.lists(t, s, request).Items
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	for number := range int32(2) { // the second time Graph says that there is none
		_, err := eligibilities.changes(t, s, number+1, request, items[0])
		assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not show it yet")
	}
	s.Configure(graphsim.Settings{})
	assertItem(t, eligibilities.changed(t, s, 3, request, items[0]), leaver.Done, "")
	s.Fail(graphsim.Fault{Method: "POST", Cut: true})
	_, err := eligibilities.changes(t, s, 1, request, items[1])
	waiting(t, s, err, leaver.GraphUnavailable)
	assertItem(t, eligibilities.changed(t, s, 2, request, items[1]), leaver.Done, "")
}
