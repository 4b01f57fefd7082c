package activities

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
)

// shelf holds things by id; what has an outcome is listed with it.
type shelf struct {
	things
	items map[string]leaver.Item
	// stays has changes show no effect, and loses has a change succeed whose answer is lost.
	stays, loses bool
	changes      int
}

func newShelf(items ...leaver.Item) *shelf {
	s := &shelf{items: map[string]leaver.Item{}}
	for _, item := range items {
		s.items[item.ID] = item
	}
	s.things = things{
		none: "nothing there", changed: "it is gone",
		list: func(*Activities, context.Context, subject) ([]leaver.Item, error) {
			var items []leaver.Item
			for _, id := range slices.Sorted(maps.Keys(s.items)) {
				items = append(items, s.items[id])
			}
			return items, nil
		},
		change: func(_ *Activities, _ context.Context, _ subject, item leaver.Item) error {
			s.changes++
			if !s.stays {
				delete(s.items, item.ID)
			}
			if s.loses {
				return errors.New("the connection was reset")
			}
			return nil
		},
	}
	return s
}

func (s *shelf) change(t *testing.T, item leaver.Item) (leaver.Item, error) {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s.changeOne)
	value, err := env.ExecuteActivity(s.changeOne, leaver.ItemRequest{UserID: "u", Item: item})
	if err != nil {
		return leaver.Item{}, err
	}
	var changed leaver.Item
	require.NoError(t, value.Get(&changed))
	return changed, nil
}

func (s *shelf) changeOne(ctx context.Context, request leaver.ItemRequest) (leaver.Item, error) {
	return s.changeItem(&Activities{}, ctx, request)
}

func TestAChangeIsDoneWhenTheListShowsIt(t *testing.T) {
	t.Parallel()
	facts := leaver.Item{ID: "a", Name: "Sales", Kind: "group", Before: map[string]string{"role": "member"}}
	s := newShelf(leaver.Item{ID: "a"}, leaver.Item{ID: "b"})
	changed, err := s.change(t, facts)
	require.NoError(t, err)
	want := facts
	want.Outcome, want.Detail = leaver.Done, "it is gone"
	assert.Equal(t, want, changed, "what was known of the item stays with it")
	assert.Contains(t, s.items, "b")

	s = newShelf(leaver.Item{ID: "a"})
	s.stays = true
	_, err = s.change(t, facts)
	assert.True(t, leaver.IsFailure(err, leaver.GraphUnavailable), "%v", err)
	assert.ErrorContains(t, err, "does not show it yet")
}

// The answer to the change was lost; the next attempt sees that it was made.
func TestAChangeWhoseAnswerWasLostIsSeenByTheNextAttempt(t *testing.T) {
	t.Parallel()
	s := newShelf(leaver.Item{ID: "a"})
	s.loses = true
	_, err := s.change(t, leaver.Item{ID: "a"})
	assert.True(t, leaver.IsFailure(err, leaver.GraphUnavailable), "%v", err)
	changed, err := s.change(t, leaver.Item{ID: "a"})
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, changed.Outcome)
	assert.Equal(t, 1, s.changes)
}

func TestWhatCannotBeChangedIsNotTried(t *testing.T) {
	t.Parallel()
	s := newShelf(leaver.Item{ID: "a", Outcome: leaver.Failed, Detail: "it is synchronised"}, leaver.Item{ID: "b", Outcome: leaver.Failed, Failure: leaver.GraphForbidden, Detail: "grant it"})
	_, err := s.change(t, leaver.Item{ID: "a"})
	assert.True(t, leaver.IsFailure(err, leaver.GraphBadRequest), "%v", err)
	assert.ErrorContains(t, err, "it is synchronised")
	_, err = s.change(t, leaver.Item{ID: "b"})
	assert.True(t, leaver.IsFailure(err, leaver.GraphForbidden), "%v", err)
	_, err = s.change(t, leaver.Item{})
	assert.True(t, leaver.IsFailure(err, leaver.InvalidRequest), "%v", err)
	assert.Zero(t, s.changes)
}

func TestAListSaysHowTheItemsOfAnEarlierListEnded(t *testing.T) {
	t.Parallel()
	before := map[string]string{"role": "owner"}
	for name, c := range map[string]struct {
		known, now []leaver.Item
		want       leaver.StepResult
	}{
		"nothing":          {nil, nil, leaver.StepResult{Detail: "nothing there"}},
		"the first list":   {nil, []leaver.Item{{ID: "a"}}, leaver.StepResult{Items: []leaver.Item{{ID: "a"}}}},
		"gone by itself":   {[]leaver.Item{{ID: "a"}}, nil, leaver.StepResult{Items: []leaver.Item{{ID: "a", Outcome: leaver.Done, Detail: "it is gone"}}}},
		"as it was seen":   {[]leaver.Item{{ID: "a", Outcome: leaver.Done, Detail: "seen"}}, nil, leaver.StepResult{Items: []leaver.Item{{ID: "a", Outcome: leaver.Done, Detail: "seen"}}}},
		"listed again":     {[]leaver.Item{{ID: "a", Outcome: leaver.Done, Before: before}}, []leaver.Item{{ID: "a"}}, leaver.StepResult{Items: []leaver.Item{{ID: "a", Before: before}}}},
		"needs no change":  {nil, []leaver.Item{{ID: "a", Outcome: leaver.Skipped, Detail: "dynamic"}}, leaver.StepResult{Items: []leaver.Item{{ID: "a", Outcome: leaver.Skipped, Detail: "dynamic"}}}},
		"cannot be, still": {[]leaver.Item{{ID: "a", Outcome: leaver.Failed, Detail: "old"}}, []leaver.Item{{ID: "a", Outcome: leaver.Failed, Detail: "new"}}, leaver.StepResult{Items: []leaver.Item{{ID: "a", Outcome: leaver.Failed, Detail: "new"}}}},
	} {
		s := newShelf(c.now...)
		result, err := s.listItems(&Activities{}, t.Context(), leaver.StepRequest{UserID: "u", Items: c.known})
		require.NoError(t, err)
		assert.Equal(t, c.want, result, name)
	}
}
