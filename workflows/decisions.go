package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/workflow"
)

// mostRefused bounds what a stream of wrong signals can grow.
const mostRefused = 10

// listen answers the query and takes decisions: as updates, which are checked
// before they leave a trace, and as signals, which tctl can send.
func (o *offboarding) listen(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, leaver.QueryProgress, func() (leaver.Progress, error) { return o.snapshot(), nil }); err != nil {
		return err
	}
	for _, action := range leaver.Actions() {
		err := workflow.SetUpdateHandlerWithOptions(ctx, string(action),
			func(ctx workflow.Context, input json.RawMessage) (leaver.Progress, error) {
				decision, err := o.check(action, input)
				if err != nil {
					return leaver.Progress{}, leaver.Failure{Type: leaver.InvalidRequest, Message: err.Error()}.Err()
				}
				o.decide(ctx, action, decision)
				return o.snapshot(), nil
			},
			workflow.UpdateHandlerOptions{
				Description: descriptions[action],
				Validator: func(input json.RawMessage) error {
					_, err := o.check(action, input)
					return err
				},
			})
		if err != nil {
			return err
		}
		o.signals = append(o.signals, signal{action,
			workflow.GetSignalChannelWithOptions(ctx, string(action), workflow.SignalChannelOptions{Description: descriptions[action]})})
	}
	return nil
}

// signal is how tctl, which knows no updates, sends an action.
type signal struct {
	action  leaver.Action
	channel workflow.ReceiveChannel
}

func (o *offboarding) signalled() bool {
	return slices.ContainsFunc(o.signals, func(s signal) bool { return s.channel.Len() > 0 })
}

// takeSignals acts on every signal that has come.
func (o *offboarding) takeSignals(ctx workflow.Context) {
	for _, s := range o.signals {
		var input json.RawMessage
		for s.channel.ReceiveAsync(&input) {
			decision, err := o.check(s.action, input)
			if err != nil {
				o.refuse(ctx, s.action, err)
				continue
			}
			o.decide(ctx, s.action, decision)
		}
	}
}

// descriptions are shown by `temporal workflow metadata` and the Web UI.
var descriptions = map[leaver.Action]string{
	leaver.RetryStep: `Run a waiting step again: {"step": "…", "by": "…", "reason": "…"}`,
	leaver.SkipStep:  `Leave a step out: {"step": "…", "by": "…", "reason": "…"}`,
	leaver.Abort:     `Start no further step and end incomplete: {"by": "…", "reason": "…"}`,
	leaver.Answer:    `Decide about what a waiting step asks: {"step": "…", "choice": "…", "items": ["…"], "by": "…", "reason": "…"}`,
}

// check reports what is wrong with a decision as things stand.
func (o *offboarding) check(action leaver.Action, input json.RawMessage) (leaver.Decision, error) {
	decision, err := leaver.ParseDecision(action, input)
	if err != nil {
		return decision, err
	}
	if !o.report.EndedAt.IsZero() || o.report.Aborted != nil {
		return decision, errors.New("the offboarding is ending already")
	}
	if action == leaver.Abort {
		return decision, nil
	}
	s := o.find(decision.Step)
	switch {
	case s == nil && len(o.steps) == 0:
		return decision, errors.New("the plan is not made yet: try again in a moment")
	case s == nil:
		return decision, fmt.Errorf("step: the plan has no such step, want one of %s", strings.Join(o.names(), ", "))
	case s.State == leaver.StepEnded:
		return decision, fmt.Errorf("step: %s has ended (%s)", s.Name, s.Outcome)
	case s.answer != "" && (s.answer != leaver.Answer || action != leaver.Answer):
		return decision, fmt.Errorf("step: %s has been decided about (%s)", s.Name, s.answer)
	case action == leaver.RetryStep && s.State != leaver.StepWaiting:
		return decision, fmt.Errorf("step: %s is %s, and only a waiting step can be retried", s.Name, s.State)
	case action == leaver.Answer:
		return decision, s.checkAnswer(decision)
	}
	return decision, nil
}

func (s *step) checkAnswer(decision leaver.Decision) error {
	switch {
	case len(s.choices) == 0 || s.State != leaver.StepWaiting && s.State != leaver.StepAwaitingApproval &&
		!slices.ContainsFunc(s.Items, func(i leaver.Item) bool { return i.Choice != "" }):
		return fmt.Errorf("step: %s asks nothing that a choice could answer", s.Name)
	case !slices.Contains(s.choices, decision.Choice):
		return fmt.Errorf("choice: %s offers %s", s.Name, strings.Join(choiceNames(s.choices), ", "))
	}
	for _, id := range decision.Items {
		at := slices.IndexFunc(s.Items, func(i leaver.Item) bool { return i.ID == id })
		switch {
		case at < 0:
			return fmt.Errorf("items: %s has no item with one of these ids, want ids as %s shows them", s.Name, leaver.QueryProgress)
		case !asksAbout(s.Items[at]):
			return fmt.Errorf("items: %s does not ask about all of these", s.Name)
		case !takes(s.Items[at], decision.Choice):
			return fmt.Errorf("choice: %s is not for all of these items", decision.Choice)
		}
	}
	if len(decision.Items) == 0 && !slices.ContainsFunc(s.Items, func(i leaver.Item) bool { return i.Choice == "" && takes(i, decision.Choice) }) {
		return fmt.Errorf("choice: %s is for none of the items", decision.Choice)
	}
	return nil
}

// failed counts the items that a person is to decide about.
func (s *step) failed() int {
	n := 0
	for _, i := range s.Items {
		if i.Outcome == leaver.Failed {
			n++
		}
	}
	return n
}

// asksAbout reports whether a step that waits wants a decision about an item, or
// takes another one, as the first was not acted on.
func asksAbout(i leaver.Item) bool {
	return i.Outcome == leaver.Failed || i.AwaitsApproval() || i.Choice != ""
}

// takes reports whether a choice is one for an item: what a second administrator
// is to decide can only be told, or given up.
func takes(i leaver.Item, choice leaver.Choice) bool {
	if i.AwaitsApproval() {
		return slices.Contains(leaver.ApprovalChoices(), choice)
	}
	return asksAbout(i) && choice != leaver.Approved
}

func choiceNames(choices []leaver.Choice) []string {
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = string(c)
	}
	return names
}

// decide acts on a decision that check found good.
func (o *offboarding) decide(ctx workflow.Context, action leaver.Action, decision leaver.Decision) {
	decided := leaver.Decided{Action: action, Decision: decision, At: workflow.Now(ctx)}
	if action == leaver.Abort {
		o.report.Aborted = &decided
		o.stop()
		return
	}
	s := o.find(decision.Step)
	s.Decisions = append(s.Decisions, decided)
	if action == leaver.Answer && !s.choose(decision) {
		o.show(ctx)
		return
	}
	if decision.Choice == leaver.WaitLonger {
		s.polling = decided.At
	}
	s.answer = action
	if s.cancel != nil {
		s.cancel()
	}
}

// choose notes the choice with the items that it is for, and reports whether
// the step can go on: when there is one for each that failed, or at once where an
// activity waits for something else meanwhile.
func (s *step) choose(decision leaver.Decision) (complete bool) {
	complete = true
	for i := range s.Items {
		switch item := &s.Items[i]; {
		case takes(*item, decision.Choice) && (len(decision.Items) == 0 && item.Choice == "" || slices.Contains(decision.Items, item.ID)):
			item.Outcome, item.Choice, item.Held = "", decision.Choice, nil
			s.chosen = append(s.chosen, item.ID)
		case item.Outcome == leaver.Failed:
			complete = s.activity != nil
		}
	}
	return complete
}

func (o *offboarding) refuse(ctx workflow.Context, action leaver.Action, err error) {
	// Why is for whoever sent it: it may repeat what was typed.
	workflow.GetLogger(ctx).Warn("A signal was refused", "signal", string(action))
	o.refused = append(o.refused, leaver.RefusedSignal{Action: action, Why: err.Error(), At: workflow.Now(ctx)})
	if len(o.refused) > mostRefused {
		o.refused = o.refused[1:]
	}
	o.show(ctx)
}

func (o *offboarding) find(name string) *step {
	for _, s := range o.steps {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (o *offboarding) names() []string {
	names := make([]string, len(o.steps))
	for i, s := range o.steps {
		names[i] = s.Name
	}
	return names
}
