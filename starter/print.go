package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/term"
	"github.com/leaver-dev/leaver"
)

// line is something to say about one thing.
type line struct{ about, text string }

// lines is the view for where there is no terminal. They do not say when devices are
// looked at next: a look that sees no difference is no news.
func (v view) lines() []line {
	longest := 0
	for _, s := range v.progress.Steps {
		longest = max(longest, len(s.Name))
	}
	var all []line
	for _, s := range v.progress.Steps {
		all = append(all, line{s.Name, printable(fmt.Sprintf("%-*s %-12s %s", longest+1, s.Name, state(s), v.detail(s, false)))})
	}
	return append(all, v.notices()...)
}

// notices say what somebody is to do, and what went wrong outside the steps.
func (v view) notices() []line {
	var all []line
	if tried := v.tried(leaver.ActivityPlanOffboarding, false); len(v.progress.Steps) == 0 && len(tried) > 0 {
		all = append(all, line{"plan", printable("there is no plan yet: " + strings.Join(tried, "; "))})
	}
	for _, wait := range v.progress.Waits {
		if how := v.how(wait); how != "" {
			all = append(all, line{"wait " + wait.Step + " " + wait.For, printable(how)})
		}
	}
	for _, warning := range v.progress.Warnings {
		all = append(all, line{"warning", printable(warning)})
	}
	// A signal gets no answer, so the last that changed nothing is told here.
	if n := len(v.progress.Refused); n > 0 {
		last := v.progress.Refused[n-1]
		all = append(all, line{"refused", printable(fmt.Sprintf("the signal %s of %s was refused: %s", last.Action, last.At.Local().Format(time.TimeOnly), last.Why))})
	}
	for _, notice := range v.progress.Notices {
		if notice.Outcome == leaver.Failed {
			text := fmt.Sprintf("the notification %s of %s by %s did not arrive: %s", notice.Moment, moment(notice.At), notice.By, notice.Detail)
			all = append(all, line{"notice " + notice.ID + " " + notice.By + " " + notice.To, printable(text)})
		}
	}
	if v.problem != "" {
		all = append(all, line{"problem", printable(v.problem)})
	}
	return all
}

// how tells a person what to do, or to type; it is empty where nobody is asked.
func (v view) how(wait leaver.Wait) string {
	switch wait.For {
	case leaver.WaitForApproval:
		text := wait.Step + " waits for a second administrator to approve in Intune, under Tenant administration, Multi Admin Approval"
		if len(wait.Choices) > 0 {
			text += fmt.Sprintf("; where the worker may not read the approvals: starter answer %s %s approved [ITEM]...", v.user, wait.Step)
		}
		return text + fmt.Sprintf(" (workflow %s)", v.workflowID)
	case leaver.WaitForGraph:
		if wait.Step == "" {
			return fmt.Sprintf("there is no plan yet: since %s Graph does not let it be made, which is tried until %s: %s", wait.Since.Local().Format(time.DateTime), wait.Until.Local().Format(time.DateTime), wait.Why)
		}
	case leaver.WaitForTime:
		return fmt.Sprintf("%s begins at %s (workflow %s)", wait.Step, wait.Until.Local().Format(time.DateTime), v.workflowID)
	case leaver.WaitForPerson:
		if wait.Step == "" {
			commands := make([]string, len(wait.Actions))
			for i, action := range wait.Actions {
				commands[i] = fmt.Sprintf("starter %s %s", verbs[action], v.user)
			}
			return fmt.Sprintf("%s. Decide with %s (workflow %s)", wait.Why, strings.Join(commands, ", or "), v.workflowID)
		}
		text := fmt.Sprintf("%[1]s waits for a person: starter retry-step %[2]s %[1]s, or skip-step, or abort (workflow %[3]s)", wait.Step, v.user, v.workflowID)
		if len(wait.Choices) > 0 {
			text += fmt.Sprintf("; or starter answer %s %s CHOICE [ITEM]..., with one of %s", v.user, wait.Step, strings.Trim(fmt.Sprint(wait.Choices), "[]"))
		}
		return text
	}
	return ""
}

// verbs are the commands by which the starter sends decisions about the whole offboarding.
var verbs = map[leaver.Action]string{leaver.Approve: "approve", leaver.Reject: "reject", leaver.ContinueOffboarding: "continue-offboarding", leaver.Abort: "abort"}

var (
	good  = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	busy  = lipgloss.NewStyle().Foreground(lipgloss.Color("6"))
	faint = lipgloss.NewStyle().Faint(true)
	bold  = lipgloss.NewStyle().Bold(true)
	plain = lipgloss.NewStyle()
)

// outcomes has the styles of how things ended, where they are not plain.
var outcomes = map[leaver.Outcome]lipgloss.Style{leaver.Done: good, leaver.AlreadyDone: good, leaver.Failed: bad, leaver.Canceled: bad}

// table draws the steps, the devices, the other items and the notices.
func (v view) table(width int) string {
	title := fmt.Sprintf("Offboarding of %s: %s", cmp.Or(v.progress.Leaver.UserPrincipalName, "a leaver"), v.progress.Status)
	var steps [][]string
	for _, s := range v.progress.Steps {
		steps = append(steps, []string{printable(s.Name), colour(s), printable(v.detail(s, true))})
	}
	parts := []string{bold.Render(printable(title)) + faint.Render("  "+printable(v.workflowID)), grid(width, steps, "STEP", "STATE", "DETAIL")}
	devices, items := v.rows()
	if len(devices) > 0 {
		parts = append(parts, grid(width, devices, "NAME", "SYSTEM", "OWNER", "ASKED", "LAST STATE", "LAST CHECK-IN", "VERDICT"))
	}
	if len(items) > 0 {
		parts = append(parts, grid(width, items, "STEP", "ITEM", "STATE", "DETAIL"))
	}
	if guards := v.guards(); len(guards) > 0 {
		parts = append(parts, grid(width, guards, "GUARD", "RESULT", "DETAIL"))
	}
	for _, notice := range v.notices() {
		parts = append(parts, bad.Render(lipgloss.Wrap(notice.text, width, "")))
	}
	return strings.Join(parts, "\n") + "\n"
}

// guards has a row for each guard that has found something, or could not.
func (v view) guards() (rows [][]string) {
	for _, g := range v.progress.Guards {
		if g.Result != leaver.GuardClear {
			style := bad
			if g.Result == leaver.GuardNotChecked {
				style = plain
			}
			rows = append(rows, []string{printable(string(g.Name)), style.Render(printable(string(g.Result))), printable(g.Detail)})
		}
	}
	return rows
}

// grid draws a table. Where it is wider than the terminal, its cells wrap.
func grid(width int, rows [][]string, headers ...string) string {
	t := table.New().Headers(headers...).Rows(rows...).Border(lipgloss.RoundedBorder()).
		StyleFunc(func(row, _ int) lipgloss.Style { return plain.Padding(0, 1).Bold(row == table.HeaderRow) })
	drawn := t.Render()
	if width > 0 && lipgloss.Width(drawn) > width {
		drawn = t.Width(width).Render()
	}
	return drawn
}

// state is one word for where a step stands.
func state(s leaver.StepRecord) string {
	switch {
	case s.State == leaver.StepEnded:
		return string(s.Outcome)
	case s.State == leaver.StepPending && s.Skip != "":
		return string(leaver.Skipped)
	}
	return string(s.State)
}

func colour(s leaver.StepRecord) string {
	style := outcomes[s.Outcome]
	switch s.State {
	case leaver.StepWaiting, leaver.StepAwaitingApproval:
		style = bad
	case leaver.StepRunning:
		style = busy
	}
	return style.Render(printable(state(s)))
}

// detail is what there is to say about a step now: what is awaited of it stands after what
// it says itself. When devices are looked at next is told where looks says so.
func (v view) detail(s leaver.StepRecord, looks bool) string {
	awaited := v.outlook(s, looks)
	if s.Detail != "" {
		awaited = append([]string{s.Detail}, awaited...)
	}
	return cmp.Or(strings.Join(awaited, "; "), s.Skip, s.Note, s.Summary)
}

// print writes a report the way it was asked for.
func (s *starter) print(report leaver.Report, v view) error {
	if s.output == "json" {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		if !v.closed {
			return encoder.Encode(v.progress)
		}
		return encoder.Encode(report)
	}
	v.progress.Report = report
	width := 0
	if file, ok := s.out.(term.File); ok {
		width, _, _ = term.GetSize(file.Fd())
	}
	_, err := lipgloss.Fprint(s.out, v.table(width))
	return err
}

// moment is a time for people, in their own time zone.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format(time.DateTime)
}

// printable keeps a text that somebody chose from steering the terminal.
func printable(text string) string {
	const nonJoiner, joiner = '\u200C', '\u200D' // of which emoji and some scripts are made
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), unicode.Is(unicode.Zs, r), r == joiner, r == nonJoiner:
			return r
		}
		return '\uFFFD'
	}, text)
}
