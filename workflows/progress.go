package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"go.temporal.io/sdk/workflow"
)

// snapshot is the answer to the progress query.
func (o *offboarding) snapshot() leaver.Progress {
	p := leaver.Progress{Report: o.Report, Refused: slices.Concat(o.Refused, o.unknown()), Warnings: o.warnings()}
	if o.planning != nil {
		p.Waits = append(p.Waits, *o.planning)
	}
	if o.held() {
		p.Waits = append(p.Waits, o.heldFor())
	}
	p.Steps = make([]leaver.StepRecord, len(o.Steps))
	for i, s := range o.Steps {
		p.Steps[i] = s.StepRecord
		p.Steps[i].Items = s.items(o.now)
		if s.State != leaver.StepEnded {
			p.Waits = append(p.Waits, s.waits(o.now)...)
		}
	}
	return p
}

// warnings say that Temporal is to end the workflow before its devices may have left: it
// then leaves no report, and nobody follows the devices.
func (o *offboarding) warnings() []string {
	for _, s := range o.Steps {
		if s.Devices != nil && s.State != leaver.StepEnded && o.limit > 0 && o.limit < time.Duration(s.Devices.Deadline) {
			return []string{fmt.Sprintf("Temporal ends this offboarding %s after its start, without a report, and devices may take %s to leave: start offboardings without --execution_timeout, --run-timeout and the like", o.limit, time.Duration(s.Devices.Deadline))}
		}
	}
	return nil
}

// waits is what a step waits for, and for whom.
func (s *step) waits(now time.Time) []leaver.Wait {
	var waits []leaver.Wait
	add := func(what string, actions ...leaver.Action) *leaver.Wait {
		waits = append(waits, leaver.Wait{Step: s.Name, For: what, Since: s.Since, Actions: append(actions, leaver.SkipStep, leaver.Abort)})
		return &waits[len(waits)-1]
	}
	switch s.State {
	case leaver.StepPending:
		if !s.Due.IsZero() {
			add(leaver.WaitForTime).Until = s.Due
		}
		return waits
	case leaver.StepWaiting:
		wait := add(leaver.WaitForPerson, leaver.RetryStep)
		switch {
		case s.Blind:
		case s.Fleet != nil:
			wait.Choices = choose(s.Fleet.Offered(now), func(c leaver.Choice) bool { return c != leaver.Approved })
		case slices.ContainsFunc(s.Items, isQuestion):
			wait.Choices = s.offered()
		}
		if len(wait.Choices) > 0 {
			wait.Actions = append(wait.Actions, leaver.Answer)
		}
	}
	if s.Fleet == nil {
		if slices.ContainsFunc(s.Items, leaver.Item.AwaitsApproval) {
			add(leaver.WaitForApproval)
		}
		return waits
	}
	count := s.Fleet.Count(now)
	if count.AwaitApproval > 0 {
		add(leaver.WaitForApproval, leaver.Answer).Choices = []leaver.Choice{leaver.Approved, leaver.GiveUp}
	}
	if !count.SpentUntil.IsZero() {
		add(leaver.WaitForGraph).Until = count.SpentUntil
	}
	if count.Leaving > 0 {
		add(leaver.WaitForDevices)
	}
	return waits
}

// show brings the status, and the current details in the Web UI, up to date.
// They hold step names, states and counts only: the Web UI passes them through
// an address that servers log.
func (o *offboarding) show(ctx workflow.Context) {
	o.now = workflow.Now(ctx)
	if o.Report.EndedAt.IsZero() && len(o.Steps) > 0 {
		o.Report.Status = leaver.Running
		if o.held() || slices.ContainsFunc(o.Steps, func(s *step) bool { return s.State == leaver.StepWaiting || s.State == leaver.StepAwaitingApproval }) {
			o.Report.Status = leaver.Waiting
		}
	}
	workflow.SetCurrentDetails(ctx, o.details())
}

// details has its most important line first: the Web UI shows some five lines.
func (o *offboarding) details() string {
	var b strings.Builder
	b.WriteString(o.headline() + "\n")
	if len(o.Steps) > 0 {
		b.WriteString("\n| step | state | items |\n| --- | --- | --- |\n")
	}
	for _, s := range o.Steps {
		state, items := string(s.State), ""
		switch {
		case s.State == leaver.StepEnded:
			state = string(s.Outcome)
		case s.State == leaver.StepPending && !s.Due.IsZero():
			state += ", begins " + clock(s.Due)
		}
		switch n := len(s.Items); {
		case s.Fleet != nil && len(s.Fleet.Devices) > 0:
			c := s.Fleet.Count(o.now)
			items = fmt.Sprintf("%d of %d gone or decided about", c.Gone+c.Kept+c.GivenUp, len(s.Fleet.Devices))
		case n > 0:
			items = fmt.Sprint(n)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.Name, state, items)
	}
	for _, warning := range o.warnings() {
		b.WriteString("\n" + warning + ".\n")
	}
	if n := len(o.Refused); n > 0 {
		fmt.Fprintf(&b, "\nThe last signal %s was refused, the query %s says why.\n", o.Refused[n-1].Action, leaver.QueryProgress)
	}
	return b.String()
}

// headline says what is waited for, and how to answer; a person comes first.
func (o *offboarding) headline() string {
	ended, approval, person, spent := 0, "", "", ""
	line := fmt.Sprintf("**%s**", o.Report.Status)
	for _, s := range o.Steps {
		if s.State == leaver.StepEnded {
			ended++
			continue
		}
		for _, wait := range s.waits(o.now) {
			switch wait.For {
			case leaver.WaitForPerson:
				person = s.asks(wait)
			case leaver.WaitForApproval:
				approval = fmt.Sprintf("**Waits for a second administrator** to approve in Intune (Tenant administration, Multi Admin Approval): %s. It goes on by itself", s.Name)
				if len(wait.Choices) > 0 {
					approval += fmt.Sprintf("; where it may not read the approvals, answer with `answer` and `{\"step\": \"%s\", \"choice\": \"approved\"}`", s.Name)
				}
				approval += "."
			case leaver.WaitForGraph:
				spent = fmt.Sprintf(". %s: %s (until %s)", s.Name, devices.SpentToday, clock(wait.Until))
			}
		}
	}
	if o.held() {
		wait := o.heldFor()
		return fmt.Sprintf("**Waits for a person**: %s. Answer with the signal or update `%s`, or `abort`, and `{\"by\": \"…\"}`. %s", wait.Why, wait.Actions[0], strings.TrimSpace(person+" "+approval))
	}
	switch {
	case person+approval != "":
		return strings.TrimSpace(person + " " + approval)
	case len(o.Steps) > 0:
		line += fmt.Sprintf(": %d of %d steps ended", ended, len(o.Steps))
	}
	if o.planning != nil {
		line += fmt.Sprintf(": waits for Graph since %s, and is tried until %s. %s", clock(o.planning.Since), clock(o.planning.Until), o.planning.Why)
	}
	return line + spent
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// asks says what a step asks a person, and how to answer.
func (s *step) asks(wait leaver.Wait) string {
	why := ""
	if s.Failure != nil {
		why = fmt.Sprintf(" (%s)", s.Failure.Type)
	}
	text := fmt.Sprintf("**Waits for a person**: %s%s. Answer with the signal or update `retryStep` or `skipStep` and `{\"step\": \"%s\"}`, or with `abort`.", s.Name, why, s.Name)
	if len(wait.Choices) == 0 {
		return text
	}
	return text + fmt.Sprintf(" Or decide about the items with `answer` and `{\"step\": \"%s\", \"choice\": \"%s\"}`.", s.Name, joined(wait.Choices, "|"))
}
