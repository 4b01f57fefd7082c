package activities_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyMeetingsThatTheLeaverOrganisesForOthersAreCancelled(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour)
	others := []string{"zaphod@example.org"}
	s, request := withMailboxes(t, graphsim.Mailbox{Events: []graphsim.Event{
		{ID: "past", Start: soon.AddDate(0, -1, 0), Organized: true, Attendees: others},
		{ID: "single", Start: soon, Organized: true, Attendees: others},
		{ID: "d1", Series: "weekly", Start: soon, Organized: true, Attendees: others},
		{ID: "d2", Series: "weekly", Start: soon.AddDate(0, 0, 7), Organized: true, Attendees: others},
		{ID: "alone", Start: soon, Organized: true},
		{ID: "invited", Start: soon, Attendees: others},
		{ID: "later", Start: soon.AddDate(3, 0, 0), Organized: true, Attendees: others},
	}})
	result := cancelling.lists(t, s, request)
	assert.Equal(t, []leaver.Item{{ID: "single", Kind: "meeting"}, {ID: "weekly", Kind: "series"}}, result.Items)
	assert.Contains(t, result.Detail, "to be cancelled: 2, of which 1 are series")
	for _, item := range result.Items {
		assertItem(t, cancelling.changed(t, s, 1, request, item), leaver.Done, "does not show it any more")
	}
	var left []string
	for _, event := range s.mailbox(adele).Events {
		left = append(left, event.ID)
	}
	assert.Equal(t, []string{"past", "alone", "invited", "later"}, left)
	require.Len(t, s.mailbox(adele).Sent, 2, "a series is cancelled once")
	for _, sent := range s.mailbox(adele).Sent {
		assert.Equal(t, "This meeting is cancelled: its organiser is no longer available.", sent.Comment)
	}
	request.Items = result.Items
	assert.Empty(t, cancelling.lists(t, s, request).Detail, "nothing is to be cancelled any more")
}

func TestAMeetingOfAnotherOrganiserIsNotCancelled(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, full())
	item := open(t, s, cancelling, request)
	s.Fail(graphsim.Fault{Method: "POST", Status: 400, Code: "ErrorInvalidRequest", Message: "Your request can't be completed. You need to be an organizer to cancel a meeting."})
	assert.Contains(t, final(t, s, errorOf(cancelling.changes(t, s, 1, request, item)), leaver.GraphBadRequest).Message(), "only who organises a meeting can cancel it")
	assert.Empty(t, s.mailbox(adele).Sent)
}

// Cancelling cannot be taken back, so that a tenant may want it approved.
func TestThePlanSaysThatCancelledMeetingsCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	for name, destroys := range map[string]bool{leaver.StepCancelMeetings: true, leaver.StepDisableInboxRules: false, leaver.StepRemoveCalendarShares: false, leaver.StepSetAutomaticReply: false} {
		step := stepOf(t, planFor(t, s, with(leaver.StepSettings{Include: true}, name)), name)
		assert.Equal(t, destroys, step.Destroys, name)
		assert.Equal(t, step.Shape == leaver.Each, step.AtOnce == 1, "Exchange takes few requests at a time for one mailbox")
	}
}
