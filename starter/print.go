package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/term"
	"github.com/leaver-dev/leaver"
)

// line is something to say about one step.
type line struct{ about, text string }

// lines is the view for where there is no terminal.
func (v view) lines() []line {
	var all []line
	if v.problem != "" {
		all = append(all, line{"problem", v.problem})
	}
	longest := 0
	for _, s := range v.progress.Steps {
		longest = max(longest, len(s.Name))
	}
	for _, s := range v.progress.Steps {
		all = append(all, line{s.Name, fmt.Sprintf("%-*s %-12s %s", longest+1, s.Name, state(s), v.detail(s))})
	}
	for _, wait := range v.progress.Waits {
		if v.asks(wait) {
			all = append(all, line{"wait " + wait.Step + " " + wait.For, v.how(wait)})
		}
	}
	if refused := v.refused(); refused != "" {
		all = append(all, line{"refused", refused})
	}
	return all
}

// asks reports whether somebody is to do something.
func (v view) asks(wait leaver.Wait) bool {
	return wait.For == leaver.WaitForPerson || wait.For == leaver.WaitForApproval
}

// refused tells of the last signal that changed nothing: it got no answer.
func (v view) refused() string {
	n := len(v.progress.Refused)
	if n == 0 {
		return ""
	}
	last := v.progress.Refused[n-1]
	return printable(fmt.Sprintf("the signal %s of %s was refused: %s", last.Action, last.At.Local().Format(time.TimeOnly), last.Why))
}

// how tells a person what to do, or to type.
func (v view) how(wait leaver.Wait) string {
	if wait.For == leaver.WaitForApproval {
		return fmt.Sprintf("%[1]s waits for a second administrator to approve in Intune, under Tenant administration, Multi Admin Approval; where the worker may not read the approvals: starter answer %[2]s %[1]s approved [DEVICE]... (workflow %[3]s)", wait.Step, v.user, v.workflowID)
	}
	text := fmt.Sprintf("%[1]s waits for a person: starter skip-step %[2]s %[1]s, or abort (workflow %[3]s)", wait.Step, v.user, v.workflowID)
	if slices.Contains(wait.Actions, leaver.RetryStep) {
		text = fmt.Sprintf("%[1]s waits for a person: starter retry-step %[2]s %[1]s, or skip-step, or abort (workflow %[3]s)", wait.Step, v.user, v.workflowID)
	}
	if len(wait.Choices) > 0 {
		text += fmt.Sprintf("; or starter answer %s %s CHOICE [DEVICE]..., with one of %s", v.user, wait.Step, strings.Trim(fmt.Sprint(wait.Choices), "[]"))
	}
	return text
}

var (
	good  = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	busy  = lipgloss.NewStyle().Foreground(lipgloss.Color("6"))
	faint = lipgloss.NewStyle().Faint(true)
	bold  = lipgloss.NewStyle().Bold(true)
)

// table draws the steps, the devices and the waits.
func (v view) table(width int) string {
	steps := grid("STEP", "STATE", "DETAIL")
	for _, s := range v.progress.Steps {
		steps.Row(s.Name, colour(s), v.detail(s))
	}
	parts := []string{headline(v.progress.Report) + faint.Render("  "+v.workflowID), fit(steps, width)}
	if devices := v.devices(); len(devices) > 0 {
		rows := grid("DEVICE", "SYSTEM", "OWNER", "ASKED", "LAST STATE", "LAST CHECK-IN", "VERDICT").Rows(devices...)
		parts = append(parts, fit(rows, width))
	}
	for _, wait := range v.progress.Waits {
		if v.asks(wait) {
			parts = append(parts, wrap(bad, v.how(wait), width))
		}
	}
	for _, text := range []string{v.refused(), v.problem} {
		if text != "" {
			parts = append(parts, wrap(bad, text, width))
		}
	}
	return strings.Join(parts, "\n") + "\n"
}

// wrap keeps a long line whole where the terminal would cut it off.
func wrap(style lipgloss.Style, text string, width int) string {
	if width > 0 && lipgloss.Width(text) > width {
		style = style.Width(width)
	}
	return style.Render(text)
}

func headline(r leaver.Report) string {
	who := r.Leaver.UserPrincipalName
	if who == "" {
		who = "a leaver"
	}
	return bold.Render(fmt.Sprintf("Offboarding of %s: %s", printable(who), r.Status))
}

func grid(headers ...string) *table.Table {
	return table.New().Headers(headers...).Border(lipgloss.RoundedBorder()).
		StyleFunc(func(row, _ int) lipgloss.Style {
			style := lipgloss.NewStyle().Padding(0, 1)
			if row == table.HeaderRow {
				return style.Bold(true)
			}
			return style
		})
}

// fit narrows a table that is wider than the terminal; its cells then wrap.
func fit(t *table.Table, width int) string {
	drawn := t.Render()
	if width > 0 && lipgloss.Width(drawn) > width {
		drawn = t.Width(width).Render()
	}
	return drawn
}

// devices lists what is known of each device: from a running activity first,
// else from the last step that says how it ended.
func (v view) devices() [][]string {
	latest := map[string]leaver.Item{}
	var order []string
	for _, s := range v.progress.Steps {
		for _, item := range append(s.Items, v.attempts[s.Activity].items...) {
			if item.Device == nil {
				continue
			}
			if _, known := latest[item.ID]; !known {
				order = append(order, item.ID)
			}
			latest[item.ID] = item
		}
	}
	var rows [][]string
	for _, id := range order {
		d := latest[id].Device
		asked := strings.TrimSpace(string(d.Action) + " " + moment(d.ActionAt))
		if asked == "" && d.Planned != "" {
			asked = "planned: " + string(d.Planned)
		}
		rows = append(rows, []string{printable(d.Name), printable(d.OperatingSystem), printable(d.OwnerType),
			printable(asked), printable(d.ManagementState), moment(d.LastSyncDateTime), verdict(latest[id])})
	}
	return rows
}

// items finds the ids; a name that two devices share is refused.
func (v view) items(step string, devices []string) ([]string, error) {
	var names []string
	for _, s := range v.progress.Steps {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, step) {
		return nil, fmt.Errorf("the plan has no step %q, want one of %s", step, strings.Join(names, ", "))
	}
	var ids []string
	for _, device := range devices {
		var found []string
		for _, s := range v.progress.Steps {
			for _, item := range s.Items {
				if s.Name == step && (item.ID == device || item.Device != nil && item.Device.Name == device) {
					found = append(found, item.ID)
				}
			}
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%q is the name or id of %d devices of %s, want one: give the id, which `starter status -o json` shows", device, len(found), step)
		}
		ids = append(ids, found[0])
	}
	return ids, nil
}

func moment(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Local().Format(time.DateTime)
}

func verdict(item leaver.Item) string {
	switch {
	case item.Device.Verdict == leaver.Gone && item.Outcome == leaver.Failed:
		return good.Render("gone") + bad.Render("; "+printable(item.Detail))
	case item.Outcome == leaver.Done || item.Device.Verdict == leaver.Gone:
		return good.Render("gone")
	case item.Device.Verdict == leaver.GivenUp:
		return "given up"
	case item.Device.Verdict == leaver.Kept:
		return "kept"
	case item.AwaitsApproval():
		return bad.Render("awaits approval " + printable(item.Approval.Code))
	case item.Choice != "":
		return busy.Render("decided: " + printable(string(item.Choice)))
	case item.Outcome == leaver.Failed && item.Detail != "":
		return bad.Render(printable(item.Detail))
	case item.Device.Verdict == leaver.Silent:
		return bad.Render("silent since it was asked")
	case item.Device.Verdict == leaver.RemovalFailed:
		return bad.Render("failed again")
	case item.Device.Verdict == leaver.RemovalCanceled:
		return bad.Render("canceled in Intune again")
	case item.Outcome == leaver.Failed:
		return bad.Render("still managed")
	case item.Device.Action == "" && item.Device.Planned != "" && item.Device.RecoveryKey == leaver.RecoveryKeyOnRecord:
		return "BitLocker recovery key is on record"
	case item.Device.Action == "" && item.Device.Planned != "" && item.Detail == "":
		return ""
	case item.Detail != "":
		return printable(item.Detail)
	}
	return busy.Render("not yet gone")
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
	switch text := state(s); {
	case s.Outcome == leaver.Done || s.Outcome == leaver.AlreadyDone:
		return good.Render(text)
	case s.State == leaver.StepWaiting || s.State == leaver.StepAwaitingApproval || s.Outcome == leaver.Failed || s.Outcome == leaver.Canceled:
		return bad.Render(text)
	case s.State == leaver.StepRunning:
		return busy.Render(text)
	default:
		return text
	}
}

// detail is what there is to say about a step now. A step may be anybody's.
func (v view) detail(s leaver.StepRecord) string { return printable(v.latest(s)) }

func (v view) latest(s leaver.StepRecord) string {
	running, retried := v.attempts[s.Activity]
	if s.State == leaver.StepAwaitingApproval && !retried {
		running, retried = v.attempts[leaver.ActivityAwaitApproval]
	}
	if s.Detail != "" && slices.ContainsFunc(v.progress.Waits, func(w leaver.Wait) bool { return w.Step == s.Name && w.For == leaver.WaitForGraph }) {
		running.failure = s.Detail // the attempt says no more than that it waits
	}
	switch {
	case retried && running.failure != "":
		text := running.failure
		if running.next.After(time.Now()) {
			text += "; next look at " + running.next.Local().Format(time.TimeOnly)
		}
		return text
	case s.Detail != "":
		return s.Detail
	case s.Skip != "":
		return s.Skip
	case s.Note != "":
		return s.Note
	}
	return s.Summary
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

// printable keeps a text that somebody chose from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}
