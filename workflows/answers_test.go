package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
)

// newQuestion has one step, which asks about two devices of three until there is
// a choice for each. It returns what the activity was given, each time.
func newQuestion(t *testing.T) (*office, *[]leaver.StepRequest) {
	t.Helper()
	o := newPlanned(t, leaver.Step{Name: "wait", Activity: "Question", Kind: leaver.Writes, OnFailure: leaver.Ask})
	asked := []leaver.Item{{ID: "d1", Outcome: leaver.Failed}, {ID: "d2", Outcome: leaver.Failed}, {ID: "d3", Outcome: leaver.Done}}
	var given []leaver.StepRequest
	o.RegisterActivityWithOptions(func(_ context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
		given = append(given, step)
		if len(step.Items) == 0 {
			return leaver.StepResult{}, leaver.Failure{Type: leaver.DevicesRemain, Message: "Question: 2 remain", Details: []any{
				leaver.StepResult{Outcome: leaver.Failed, Items: asked, Choices: []leaver.Choice{leaver.WaitLonger, leaver.GiveUp}}}}.Err()
		}
		return leaver.StepResult{Outcome: leaver.Done, Items: step.Items}, nil
	}, activity.RegisterOptions{Name: "Question"})
	return o, &given
}

func TestAStepGoesOnWhenThereIsAnAnswerForEachItem(t *testing.T) {
	t.Parallel()
	o, given := newQuestion(t)
	o.after(time.Hour, func() {
		wait := o.progress().Waits[0]
		assert.Contains(t, wait.Actions, leaver.Answer)
		assert.Equal(t, []leaver.Choice{leaver.WaitLonger, leaver.GiveUp}, wait.Choices)
		assert.Contains(t, o.currentDetails(), "waitLonger|giveUp")
		o.signal(leaver.Answer, `{"step":"wait","choice":"waitLonger","items":["d2"],"by":"it@contoso.com"}`)
	})
	o.after(2*time.Hour, func() {
		p := o.progress()
		assert.Equal(t, leaver.Waiting, p.Status, "there is no answer for d1")
		assert.Equal(t, leaver.WaitLonger, p.Steps[0].Items[1].Choice)
		assert.Len(t, *given, 1)
		o.signal(leaver.Answer, `{"step":"wait","choice":"giveUp"}`)
	})
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status, "something was given up")
	require.Len(t, *given, 2)
	assert.Equal(t, []leaver.Item{{ID: "d1", Choice: leaver.GiveUp}, {ID: "d2", Choice: leaver.WaitLonger}, {ID: "d3", Outcome: leaver.Done}}, (*given)[1].Items)
	require.Len(t, report.Steps[0].Decisions, 2)
	assert.Equal(t, "it@contoso.com", report.Steps[0].Decisions[0].By)
	assert.Equal(t, []string{"d2"}, report.Steps[0].Decisions[0].Items)
}

func TestWaitingLongerIsNoException(t *testing.T) {
	t.Parallel()
	o, _ := newQuestion(t)
	o.after(time.Hour, func() { o.signal(leaver.Answer, `{"step":"wait","choice":"waitLonger"}`) })
	report, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Equal(t, leaver.Completed, report.Status)
}

func TestAnAnswerThatDoesNotFitIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	o, given := newQuestion(t)
	refusals := map[string]func() error{}
	o.after(time.Hour, func() {
		for _, input := range []string{
			`{"step":"wait","choice":"wipe"}`,
			`{"step":"wait","choice":"giveUp","items":["d3"]}`,
			`{"step":"wait","choice":"giveUp","items":["d1","nothing"]}`,
			`{"step":"wait"}`,
			`{"step":"nothing","choice":"giveUp"}`,
			`{"step":"wait","choice":"giveUp","items":"d1"}`,
		} {
			refusals[input] = o.update(leaver.Answer, input)
		}
	})
	o.after(2*time.Hour, func() {
		want := map[string]string{
			`{"step":"wait","choice":"wipe"}`:                            "choice: wait offers waitLonger, giveUp",
			`{"step":"wait","choice":"giveUp","items":["d3"]}`:           "items: wait does not ask about all of these",
			`{"step":"wait","choice":"giveUp","items":["d1","nothing"]}`: "items: wait has no item with one of these ids",
			`{"step":"wait"}`:                                "choice: is missing",
			`{"step":"nothing","choice":"giveUp"}`:           "step: the plan has no such step",
			`{"step":"wait","choice":"giveUp","items":"d1"}`: "items: has the wrong type",
		}
		for input, refused := range refusals {
			assert.ErrorContains(t, refused(), want[input], input)
		}
		assert.Equal(t, leaver.Failed, o.progress().Steps[0].Items[0].Outcome)
		o.signal(leaver.SkipStep, `{"step":"wait"}`)
	})
	_, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	assert.Len(t, *given, 1)
}

func TestAStepWithoutAQuestionTakesNoAnswer(t *testing.T) {
	t.Parallel()
	o := newPlanned(t, leaver.Step{Name: "ask", Activity: "Refuse", Kind: leaver.Writes, OnFailure: leaver.Ask})
	o.after(time.Hour, func() {
		refused := o.update(leaver.Answer, `{"step":"ask","choice":"giveUp"}`)
		o.after(time.Minute, func() {
			assert.ErrorContains(t, refused(), "step: ask asks nothing that a choice could answer")
			o.signal(leaver.Abort, `{}`)
		})
	})
	_, err := o.run(`{"userId":"1"}`)
	require.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
}

// A retry is for what failed. What somebody has decided about an item holds, or
// it would be touched though it was given up.
func TestARetryKeepsWhatWasDecidedAndWhatWasDone(t *testing.T) {
	t.Parallel()
	o, given := newQuestion(t)
	o.after(time.Hour, func() {
		o.signal(leaver.Answer, `{"step":"wait","choice":"giveUp","items":["d1"]}`)
		o.signal(leaver.RetryStep, `{"step":"wait"}`)
	})
	_, err := o.run(`{"userId":"1"}`)
	require.NoError(t, err)
	require.Len(t, *given, 2)
	assert.Equal(t, []leaver.Item{{ID: "d1", Choice: leaver.GiveUp}, {ID: "d2"}, {ID: "d3", Outcome: leaver.Done}}, (*given)[1].Items)
}
