package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
)

func TestARuleIsDisabledAndNotDeletedSoThatThatCanBeUndone(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, full())
	item := open(t, s, ruling, request)
	assert.Equal(t, leaver.Item{ID: "r1", Kind: "forwarding", Before: map[string]string{"isEnabled": "true"}}, item)
	changed := ruling.changed(t, s, 1, request, item)
	assert.Equal(t, item.Before, changed.Before)
	assert.Equal(t, "the rule is disabled", changed.Detail)
	assert.Equal(t, []string{"zaphod@example.org"}, s.mailbox(adele).Rules[1].ForwardTo)
}

func TestARuleThatGraphMayNotChangeStaysAndSaysWhoCan(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, graphsim.Mailbox{Rules: []graphsim.InboxRule{{ID: "r1", IsEnabled: true, ReadOnly: true}}})
	item := ruling.lists(t, s, request).Items[0]
	assertItem(t, item, leaver.Failed, "an Exchange administrator disables it with Disable-InboxRule")
	final(t, s, errorOf(ruling.changes(t, s, 1, request, leaver.Item{ID: "r1"})), leaver.GraphBadRequest)
	assert.Empty(t, s.writes())
}

func TestAListOfRulesSaysThatHiddenOnesAreNotInIt(t *testing.T) {
	t.Parallel()
	for _, m := range []graphsim.Mailbox{full(), {Rules: []graphsim.InboxRule{{ID: "r1", IsEnabled: true, Hidden: true}}}} {
		s, request := withMailboxes(t, m)
		assert.Contains(t, ruling.lists(t, s, request).Detail, "Get-InboxRule -IncludeHidden")
	}
}

func TestARuleWithoutAnIDIsForAnAdministrator(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, full())
	s.Fail(graphsim.Fault{Path: "/messageRules", Row: `{"isEnabled":true}`})
	var failed []leaver.Item
	for _, item := range ruling.lists(t, s, request).Items {
		if item.Outcome == leaver.Failed {
			failed = append(failed, item)
		}
	}
	assert.Len(t, failed, 1)
	assertItem(t, failed[0], leaver.Failed, "without an id")
}
