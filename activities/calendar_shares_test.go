package activities_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

func TestAShareKeepsItsRoleInTheReportAndThatOfEverybodyStays(t *testing.T) {
	t.Parallel()
	s, request := withMailboxes(t, full())
	items := unsharing.lists(t, s, request).Items
	assertItem(t, items[0], leaver.Skipped, "what everybody in the organisation may see")
	assert.Equal(t, leaver.Item{ID: "s1", Kind: "share", Before: map[string]string{"role": "write"}}, items[1])
	changed := unsharing.changed(t, s, 1, request, items[1])
	assertItem(t, changed, leaver.Done, "is not shared so any more")
	assert.Equal(t, items[1].Before, changed.Before)
	assertItem(t, unsharing.changed(t, s, 1, request, leaver.Item{ID: "s0"}), leaver.Skipped, "cannot be removed")
	assert.Len(t, s.writes(), 1)
}
