package workflows

import (
	"fmt"
	"slices"
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
		pending := slices.ContainsFunc(s.Items, leaver.Item.AwaitsApproval)
		if s.State == leaver.StepWaiting || s.State == leaver.StepAwaitingApproval && s.OnFailure == leaver.Ask && s.failed() > 0 {
			actions := []leaver.Action{leaver.SkipStep, leaver.Abort}
			if s.State == leaver.StepWaiting {
				actions = slices.Insert(actions, 0, leaver.RetryStep)
			}
			choices := slices.DeleteFunc(slices.Clone(s.choices), func(c leaver.Choice) bool { return c == leaver.Approved })
			if len(choices) > 0 {
				actions = append(actions, leaver.Answer)
			}
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: leaver.WaitForPerson, Since: s.since, Actions: actions, Choices: choices})
		}
		if s.State == leaver.StepAwaitingApproval || s.State == leaver.StepWaiting && pending {
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: leaver.WaitForApproval, Since: s.since,
				Actions: []leaver.Action{leaver.Answer, leaver.SkipStep, leaver.Abort}, Choices: leaver.ApprovalChoices()})
		}
		if s.waitsForGraph() {
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: leaver.WaitForGraph, Since: s.since, Actions: []leaver.Action{leaver.SkipStep, leaver.Abort}})
		}
		if s.activity != nil && !s.approving && s.Poll != nil {
			p.Waits = append(p.Waits, leaver.Wait{Step: s.Name, For: s.Poll.For, Since: s.polling, Actions: []leaver.Action{leaver.SkipStep, leaver.Abort}})
		}
	}
	return p
}

func (s *step) waitsForGraph() bool { return s.activity != nil && s.notBefore != nil }

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

func count(items int) string {
	if items == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", items)
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
		if s.waitsForGraph() {
			headline += fmt.Sprintf(". %s: %s, until %s", s.Name, s.Detail, s.notBefore.UTC().Format("2006-01-02 15:04 MST"))
		}
	}
	for _, s := range o.steps {
		if s.State == leaver.StepWaiting {
			why := count(s.failed())
			if s.Failure != nil {
				why = string(s.Failure.Type)
			}
			headline = fmt.Sprintf("**Waits for a person**: %s (%s). Answer with the signal or update `retryStep` or `skipStep` and `{\"step\": \"%s\"}`, or with `abort`.", s.Name, why, s.Name)
			if len(s.choices) > 0 {
				headline += fmt.Sprintf(" Or decide about the items with `answer` and `{\"step\": \"%s\", \"choice\": \"%s\"}`.", s.Name, strings.Join(choiceNames(s.choices), "|"))
			}
		}
	}
	for _, s := range o.steps {
		if s.State == leaver.StepAwaitingApproval {
			headline = fmt.Sprintf("**Waits for a second administrator** to approve in Intune (Tenant administration, Multi Admin Approval): %s. It goes on by itself; where it may not read the approvals, answer with `answer` and `{\"step\": \"%s\", \"choice\": \"approved\"}`.", s.Name, s.Name)
			if n := s.failed(); n > 0 {
				headline += fmt.Sprintf(" A person is to decide about %s: answer with %s.", count(n), strings.Join(choiceNames(s.choices), "|"))
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
		fmt.Fprintf(&b, "\nThe last signal %s was refused, the query %s says why.\n", o.refused[n-1].Action, leaver.QueryProgress)
	}
	return b.String()
}
