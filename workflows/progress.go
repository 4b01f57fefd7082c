package workflows

import (
	"fmt"
	"strings"

	"github.com/leaver-dev/leaver"
	"go.temporal.io/sdk/workflow"
)

// snapshot is the answer to the progress query.
func (o *offboarding) snapshot() leaver.Progress {
	p := leaver.Progress{Report: o.report, Refused: o.refused}
	p.Steps = make([]leaver.StepRecord, len(o.steps))
	for i, s := range o.steps {
		p.Steps[i] = s.StepRecord
		switch {
		case s.State == leaver.StepWaiting:
			actions := []leaver.Action{leaver.RetryStep, leaver.SkipStep, leaver.Abort}
			if len(s.choices) > 0 {
				actions = append(actions, leaver.Answer)
			}
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: leaver.WaitForPerson, Since: s.since, Actions: actions, Choices: s.choices})
		case s.State == leaver.StepAwaitingApproval:
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: leaver.WaitForApproval, Since: s.since,
				Actions: []leaver.Action{leaver.Answer, leaver.SkipStep, leaver.Abort}, Choices: s.choices})
		case s.State == leaver.StepRunning && s.Poll != nil:
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: s.Poll.For, Since: s.since, Actions: []leaver.Action{leaver.SkipStep, leaver.Abort}})
		}
	}
	return p
}

// show brings the status, and the current details in the Web UI, up to date.
// They hold step names, states and counts only: the Web UI passes them through
// an address that servers log.
func (o *offboarding) show(ctx workflow.Context) {
	if o.report.EndedAt.IsZero() && len(o.steps) > 0 {
		o.report.Status = leaver.Running
		for _, s := range o.steps {
			if s.State == leaver.StepWaiting || s.State == leaver.StepAwaitingApproval {
				o.report.Status = leaver.Waiting
			}
		}
	}
	workflow.SetCurrentDetails(ctx, o.details())
}

// details has its most important line first: the Web UI shows some five lines.
func (o *offboarding) details() string {
	var b strings.Builder
	ended := 0
	for _, s := range o.steps {
		if s.State == leaver.StepEnded {
			ended++
		}
	}
	headline := fmt.Sprintf("**%s**", o.report.Status)
	if len(o.steps) > 0 {
		headline += fmt.Sprintf(": %d of %d steps ended", ended, len(o.steps))
	}
	for _, s := range o.steps {
		if s.State == leaver.StepWaiting {
			headline = fmt.Sprintf("**Waits for a person**: %s (%s). Answer with the signal or update `retryStep` or `skipStep` and `{\"step\": \"%s\"}`, or with `abort`.", s.Name, s.Failure.Type, s.Name)
			if len(s.choices) > 0 {
				headline += fmt.Sprintf(" Or decide about the items with `answer` and `{\"step\": \"%s\", \"choice\": \"%s\"}`.", s.Name, strings.Join(choiceNames(s.choices), "|"))
			}
		}
	}
	for _, s := range o.steps {
		if s.State == leaver.StepAwaitingApproval {
			headline = fmt.Sprintf("**Waits for a second administrator** to approve in Intune (Tenant administration, Multi Admin Approval): %s. It goes on by itself; where it may not read the approvals, answer with `answer` and `{\"step\": \"%s\", \"choice\": \"approved\"}`.", s.Name, s.Name)
			switch n := s.failed(); {
			case n == 1:
				headline += fmt.Sprintf(" And 1 item is for a person to decide about: answer with %s.", strings.Join(choiceNames(s.choices), "|"))
			case n > 1:
				headline += fmt.Sprintf(" And %d items are for a person to decide about: answer with %s.", n, strings.Join(choiceNames(s.choices), "|"))
			}
		}
	}
	b.WriteString(headline + "\n")
	if len(o.steps) > 0 {
		b.WriteString("\n| step | state | items |\n| --- | --- | --- |\n")
	}
	for _, s := range o.steps {
		state := string(s.State)
		switch {
		case s.State == leaver.StepEnded:
			state = string(s.Outcome)
		case s.State == leaver.StepRunning && s.Poll != nil:
			state = "waits for " + s.Poll.For
		}
		items := ""
		if len(s.Items) > 0 {
			items = fmt.Sprint(len(s.Items))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.Name, state, items)
	}
	if n := len(o.refused); n > 0 {
		fmt.Fprintf(&b, "\nThe last signal %s was refused: %s\n", o.refused[n-1].Action, o.refused[n-1].Why)
	}
	return b.String()
}
