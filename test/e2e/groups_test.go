package e2e

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Adele is blocked by a group, leaves the others, and hands over the team that she alone owns.
func TestALeaverLeavesGroupsTeamsAndChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	users := w.tenant.Users()
	adele, megan := users[graphsim.Leaver], users["megan@contoso.com"]
	both, others := []string{adele.ID, megan.ID}, []string{megan.ID}
	block := w.tenant.AddGroup(graphsim.Group{DisplayName: "Blocked", SecurityEnabled: true})
	sales := w.tenant.AddGroup(graphsim.Group{DisplayName: "Sales", SecurityEnabled: true, Members: both, Owners: []string{adele.ID}})
	fair := w.tenant.AddGroup(graphsim.Group{DisplayName: "Fair 2026", GroupTypes: []string{"Unified"}, MailEnabled: true, Team: true, Members: both, Owners: []string{adele.ID},
		Channels: []graphsim.Channel{{DisplayName: "Partners", MembershipType: "shared", Members: both, Owners: others}}})
	list := w.tenant.AddGroup(graphsim.Group{DisplayName: "Newsletter", MailEnabled: true, Members: both})
	intranet := w.tenant.AddGroup(graphsim.Group{DisplayName: "Intranet", Members: []string{sales}})
	adele.ManagerID = megan.ID
	schedules := []graphsim.GroupSchedule{{GroupID: block}, {GroupID: block, AccessID: "owner", Assigned: true}}
	adele.GroupSchedules, megan.GroupSchedules = schedules, schedules
	w.tenant.Add(adele, megan)
	w.before = w.tenant.Users()

	w.must(programs.starter, "start", graphsim.Leaver, "--workflow-id", "W", "--detach", "--steps", `{"addToBlockGroup":{"include":true,"group":"`+block+`"}}`,
		"--include", "removeGroupEligibilities,removeGroupOwnerships,removeChannelMemberships,removeGroupMemberships")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status, "a list of Exchange's stays")
	for _, name := range []string{leaver.StepAddToBlockGroup, leaver.StepRemoveGroupEligibilities, leaver.StepRemoveGroupOwnerships, leaver.StepRemoveChannelMemberships} {
		assert.Equal(t, leaver.Done, step(report, name).Outcome, name)
	}
	ended := map[string]leaver.Outcome{}
	for _, item := range step(report, leaver.StepRemoveGroupMemberships).Items {
		ended[item.Name] = item.Outcome
	}
	assert.Equal(t, map[string]leaver.Outcome{"Sales": leaver.Done, "Fair 2026": leaver.Done, "Intranet": leaver.Done, "Newsletter": leaver.Failed, "Blocked": leaver.Skipped}, ended)

	groups := w.tenant.Groups()
	for _, id := range []string{sales, fair} {
		assert.Equal(t, others, groups[id].Members)
		assert.Equal(t, others, groups[id].Owners)
	}
	assert.Equal(t, others, groups[fair].Channels[0].Members)
	assert.Equal(t, []string{adele.ID}, groups[block].Members)
	assert.Equal(t, both, groups[list].Members)
	assert.Equal(t, []string{sales}, groups[intranet].Members)
	left := w.tenant.Users()
	assert.Empty(t, left[graphsim.Leaver].GroupSchedules)
	assert.Equal(t, w.before["megan@contoso.com"].GroupSchedules, left["megan@contoso.com"].GroupSchedules)
	assert.False(t, left[graphsim.Leaver].Deleted)
}
