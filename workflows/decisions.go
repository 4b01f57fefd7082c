package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

const (
	// mostRefused bounds what a stream of wrong signals can grow, and mostWhy how much of
	// what was typed is repeated, in characters. mostInput is how large a decision may be,
	// in bytes.
	mostRefused, mostWhy, mostInput = 10, 1024, 128 << 10
	// mostDecisions and mostDecided bound what decisions can grow: how many of a step
	// are kept, and how many items they name together.
	mostDecisions, mostDecided = 100, 2000
)

// listen answers the query and takes decisions: as updates, which are checked before
// they leave a trace, and as signals, which tctl can send.
func (o *offboarding) listen(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, leaver.QueryProgress, func() (leaver.Progress, error) { return o.snapshot(), nil }); err != nil {
		return err
	}
	for _, action := range leaver.Actions() {
		validate := func(ctx workflow.Context, input json.RawMessage, more *json.RawMessage) error {
			if more != nil {
				return errManyInputs
			}
			_, _, err := o.check(action, input, workflow.Now(ctx))
			return err
		}
		handle := func(ctx workflow.Context, input json.RawMessage, _ *json.RawMessage) (leaver.Progress, error) {
			if err := o.decide(ctx, action, input); err != nil {
				return leaver.Progress{}, leaver.Failure{Type: leaver.InvalidRequest, Message: err.Error()}.Err()
			}
			if n := len(o.verifying); action == leaver.Approve && n > 0 {
				v := o.verifying[n-1]
				if err := workflow.Await(ctx, func() bool { return v.done || v.ended() }); err != nil {
					return leaver.Progress{}, err
				}
				o.takeVerified(ctx) // the offboarding may be ending
				if v.refused != nil {
					return leaver.Progress{}, leaver.Failure{Type: leaver.InvalidRequest, Message: v.refused.Error()}.Err()
				}
			}
			return o.snapshot(), nil
		}
		options := workflow.UpdateHandlerOptions{Description: descriptions[action], Validator: validate}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, string(action), handle, options); err != nil {
			return err
		}
		// A channel costs memory as long as the offboarding waits: those of decisions that few ever send are made
		// when a signal comes.
		if !rare(action) {
			workflow.GetSignalChannelWithOptions(ctx, string(action), workflow.SignalChannelOptions{Description: descriptions[action]})
		}
	}
	return nil
}

func rare(action leaver.Action) bool {
	return action == leaver.Approve || action == leaver.Reject || action == leaver.ContinueOffboarding
}

func (o *offboarding) signalled() bool {
	return slices.ContainsFunc(o.unhandled(), func(name string) bool { return slices.Contains(leaver.Actions(), leaver.Action(name)) })
}

// errUnreadable refuses a signal in another encoding than those that can be read.
var errUnreadable = errors.New("the input cannot be read: want one JSON object, in the encoding json/plain")

// errManySignalInputs refuses a signal of whose inputs but the first would be read: see errManyInputs.
var errManySignalInputs = errors.New(manyInputs)

// takeSignals acts on every signal that has come. A signal is read as it came: the SDK
// drops what it cannot decode without a trace. What a codec of the host's cannot decode it
// drops nevertheless, and only their number tells.
func (o *offboarding) takeSignals(ctx workflow.Context) {
	names := o.unhandled()
	for _, action := range leaver.Actions() {
		if !slices.Contains(names, string(action)) {
			continue
		}
		s := workflow.GetSignalChannel(ctx, string(action))
		for left := s.Len(); left > 0; left = s.Len() {
			var raw converter.RawValue
			read := s.ReceiveAsync(&raw)
			if read {
				left--
			}
			for range left - s.Len() {
				o.refuse(ctx, action, errUnreadable)
			}
			if !read {
				break
			}
			var input json.RawMessage // a signal without input has none
			var err error
			if raw.Payload() != nil {
				err = converter.GetDefaultDataConverter().FromPayload(raw.Payload(), &input)
			}
			switch {
			case hasSeveral(raw.Payload()):
				err = errManySignalInputs
			case err != nil:
				err = errUnreadable
			default:
				err = o.decide(ctx, action, input)
			}
			if err != nil {
				o.refuse(ctx, action, err)
			}
		}
	}
	for _, refused := range o.unknown() {
		for signal := workflow.GetSignalChannel(ctx, string(refused.Action)); signal.ReceiveAsync(nil); {
			o.refuse(ctx, refused.Action, errors.New(refused.Why))
		}
	}
}

// unknown are the signals that have come and whose names nobody knows.
func (o *offboarding) unknown() []leaver.RefusedSignal {
	var all []leaver.RefusedSignal
	names := o.unhandled()
	slices.Sort(names)
	for _, name := range names {
		if action := leaver.Action(name); !slices.Contains(leaver.Actions(), action) {
			all = append(all, leaver.RefusedSignal{Action: action, Why: meant(name), At: o.now})
		}
	}
	return all
}

// meant says which signal was probably meant by a name that is none.
func meant(name string) string {
	letters := func(text string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, text)
	}
	var names []string
	for _, action := range leaver.Actions() {
		if letters(name) == letters(string(action)) {
			return fmt.Sprintf("there is no such signal; %s was probably meant", action)
		}
		names = append(names, string(action))
	}
	return "there is no such signal, want one of " + strings.Join(names, ", ")
}

// descriptions are shown by `temporal workflow metadata` and the Web UI.
var descriptions = map[leaver.Action]string{
	leaver.RetryStep:           `Run a waiting step again: {"step": "…", "by": "…", "reason": "…"}`,
	leaver.SkipStep:            `Leave a step out: {"step": "…", "by": "…", "reason": "…"}`,
	leaver.Approve:             `Have the plan carried out: {"by": "…", "reason": "…"}`,
	leaver.Reject:              `End the offboarding before it begins: {"by": "…", "reason": "…"}`,
	leaver.ContinueOffboarding: `Go on though somebody has enabled the account again: {"by": "…", "reason": "…"}`,
	leaver.Abort:               `Start no further step and end incomplete: {"by": "…", "reason": "…"}`,
	leaver.Answer:              `Decide about what a waiting step asks: {"step": "…", "choice": "…", "items": ["…"], "by": "…", "reason": "…"}`,
}

// checked is a decision as it was found good, or why it was not.
type checked struct {
	Decision leaver.Decision `json:"decision"`
	Items    []string        `json:"items,omitempty"` // those that it is for
	Why      string          `json:"why,omitempty"`
}

// decide checks a decision and acts on it. What the check has found is recorded: it
// hangs on how the devices stand, about which a release with other rules may think
// otherwise.
func (o *offboarding) decide(ctx workflow.Context, action leaver.Action, input json.RawMessage) error {
	o.now = workflow.Now(ctx)
	var found checked
	err := workflow.SideEffect(ctx, func(workflow.Context) any {
		decision, items, err := o.check(action, input, o.now)
		if err != nil {
			return checked{Why: err.Error()}
		}
		return checked{Decision: decision, Items: items}
	}).Get(&found)
	if err != nil {
		return err
	}
	if found.Why != "" {
		return errors.New(found.Why)
	}
	o.carryOut(ctx, action, found.Decision, found.Items)
	o.show(ctx)
	return nil
}

func (o *offboarding) carryOut(ctx workflow.Context, action leaver.Action, decision leaver.Decision, items []string) {
	decided := leaver.Decided{Action: action, Decision: decision, At: o.now}
	switch action {
	case leaver.Abort:
		o.Report.Aborted = &decided
		o.stop()
		return
	case leaver.ContinueOffboarding:
		o.goOn(decided)
		return
	case leaver.Approve, leaver.Reject:
		o.judgePlan(ctx, decided)
		return
	}
	s := o.find(decision.Step)
	s.decided(decided)
	switch action {
	case leaver.SkipStep:
		s.Decided = leaver.SkipStep
		if s.runner != nil {
			s.runner.stop()
		}
	case leaver.RetryStep:
		s.runner.retry(items)
	case leaver.Answer:
		s.runner.answer(decision.Choice, items)
	}
}

func (s *step) decided(decision leaver.Decided) {
	s.Decisions = append(s.Decisions, decision)
	items := 0
	for _, d := range s.Decisions {
		items += len(d.Items)
	}
	for len(s.Decisions) > mostDecisions || items > mostDecided && len(s.Decisions) > 1 {
		items -= len(s.Decisions[0].Items)
		s.Decisions = s.Decisions[1:]
		s.EarlierDecisions++
	}
}

// check reports what is wrong with a decision as things stand, and which items it is
// for.
func (o *offboarding) check(action leaver.Action, input json.RawMessage, now time.Time) (leaver.Decision, []string, error) {
	decision, err := leaver.ParseDecision(action, input)
	user := decision.UserID
	decision.UserID = "" // the report names the leaver once
	s := o.find(decision.Step)
	switch {
	case len(input) > mostInput:
		return decision, nil, fmt.Errorf("the input has %d bytes, want at most %d", len(input), mostInput)
	case err != nil:
		return decision, nil, err
	case user != "" && !o.isLeaver(user):
		return decision, nil, errors.New("userId: this offboarding is of another user: look at the workflow id")
	case !o.Report.EndedAt.IsZero() || o.Report.Aborted != nil || o.Report.Approval.IsRejected():
		return decision, nil, errors.New("the offboarding is ending already")
	case action == leaver.Abort:
		return decision, nil, nil
	case action == leaver.Approve, action == leaver.Reject:
		return decision, nil, o.mayJudge(action, decision)
	case action == leaver.ContinueOffboarding && !o.enabledAgain():
		return decision, nil, errors.New("nothing waits for this: the account was not found enabled again")
	case action == leaver.ContinueOffboarding:
		return decision, nil, nil
	case s == nil && len(o.Steps) == 0:
		return decision, nil, errors.New("the plan is not made yet: try again in a moment")
	case s == nil:
		var names []string
		for _, s := range o.Steps {
			names = append(names, s.Name)
		}
		return decision, nil, fmt.Errorf("step: the plan has no such step, want one of %s", strings.Join(names, ", "))
	case s.State == leaver.StepEnded:
		return decision, nil, fmt.Errorf("step: %s has ended (%s)", s.Name, s.Outcome)
	case s.Decided != "":
		return decision, nil, fmt.Errorf("step: %s has been decided about (%s)", s.Name, s.Decided)
	case action == leaver.SkipStep:
		return decision, nil, nil
	case s.runner == nil, action == leaver.RetryStep && s.State != leaver.StepWaiting:
		return decision, nil, fmt.Errorf("step: %s is %s, and only a waiting step can be retried", s.Name, s.State)
	case s.Blind && action == leaver.Answer:
		return decision, nil, fmt.Errorf("step: %s cannot list its items: mend what it says, then retryStep", s.Name)
	case s.Blind: // a retry lists the items again, and decides about none of them
		return decision, nil, nil
	case action == leaver.RetryStep:
		items, _ := s.takes(leaver.Retry, nil, now) // none where it is the step that failed
		return decision, items, nil
	}
	items, err := s.takes(decision.Choice, decision.Items, now)
	return decision, items, err
}

// offered is what a person may choose about the items of a step of shape Each.
func (s *step) offered() []leaver.Choice {
	offered := []leaver.Choice{leaver.Retry, leaver.GiveUp}
	if slices.ContainsFunc(s.Items, isUnread) {
		offered = append(offered, leaver.Approved)
	}
	return offered
}

func joined(choices []leaver.Choice, separator string) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(choices), "[]")), separator)
}

// isLeaver reports whether an object id, in any form, or a user principal name is the leaver's.
func (o *offboarding) isLeaver(id string) bool {
	return slices.ContainsFunc([]string{o.request.UserID, o.Report.Leaver.ID, o.Report.Leaver.UserPrincipalName}, func(known string) bool {
		return leaver.CanonicalID(known) == leaver.CanonicalID(id)
	})
}

// takes returns the items that a choice is for, or says why it does not fit.
func (s *step) takes(choice leaver.Choice, items []string, now time.Time) ([]string, error) {
	if s.Fleet != nil {
		return s.Fleet.Takes(choice, items, now)
	}
	fits := isQuestion
	if choice == leaver.Approved {
		fits = isUnread
	}
	var asked []string
	for _, i := range choose(s.Items, fits) {
		asked = append(asked, i.ID)
	}
	switch offered := s.offered(); {
	case !slices.ContainsFunc(s.Items, isQuestion):
		return nil, fmt.Errorf("step: %s asks nothing that a choice could answer", s.Name)
	case !slices.Contains(offered, choice):
		return nil, fmt.Errorf("choice: %s offers %s", s.Name, joined(offered, ", "))
	case len(items) == 0:
		return asked, nil
	}
	for _, id := range items {
		switch {
		case !slices.ContainsFunc(s.Items, func(i leaver.Item) bool { return i.ID == id }):
			return nil, fmt.Errorf("items: %s has no item with one of these ids, want ids as %s shows them", s.Name, leaver.QueryProgress)
		case !slices.Contains(asked, id):
			return nil, fmt.Errorf("items: %s does not ask about all of these", s.Name)
		}
	}
	return items, nil
}

func (o *offboarding) refuse(ctx workflow.Context, action leaver.Action, err error) {
	// Why is for the person who sent it: it may repeat what was typed.
	workflow.GetLogger(ctx).Warn("A signal was refused", "signal", string(action))
	why := []rune(err.Error())
	o.Refused = append(o.Refused, leaver.RefusedSignal{Action: action, Why: string(why[:min(len(why), mostWhy)]), At: workflow.Now(ctx)})
	if len(o.Refused) > mostRefused {
		o.Refused = o.Refused[1:]
	}
	o.show(ctx)
}

func (o *offboarding) find(name string) *step {
	for _, s := range o.Steps {
		if s.Name == name {
			return s
		}
	}
	return nil
}
