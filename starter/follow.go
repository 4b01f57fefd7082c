package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/leaver-dev/leaver"
)

// pace is how often Temporal is asked while an offboarding is followed.
const pace = time.Second

// follow shows an offboarding until it ends, then prints the report.
func (s *starter) follow(ctx context.Context, user string) error {
	show := s.followLines
	if file, ok := s.out.(term.File); ok && s.output == "table" && term.IsTerminal(file.Fd()) {
		show = s.followTable
	}
	if err := show(ctx, user); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("stopped following; the offboarding %s goes on", s.id(user))
	}
	return s.conclude(ctx, user)
}

// followLines prints a line for each thing that changes, to standard error.
func (s *starter) followLines(ctx context.Context, user string) error {
	printed := map[string]string{}
	for {
		v := s.look(ctx, user)
		if v.lost != nil {
			return v.lost
		}
		for _, line := range v.lines() {
			if printed[line.about] != line.text {
				printed[line.about] = line.text
				fmt.Fprintf(s.err, "%s  %s\n", time.Now().Format(time.TimeOnly), line.text)
			}
		}
		if v.closed {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pace):
		}
	}
}

// followTable draws the table of steps anew each time it changes.
func (s *starter) followTable(ctx context.Context, user string) error {
	final, err := tea.NewProgram(screen{starter: s, ctx: ctx, user: user},
		tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(s.out), tea.WithoutSignalHandler()).Run()
	if err != nil && ctx.Err() == nil {
		return err
	}
	last, _ := final.(screen)
	return last.view.lost
}

// screen is the live table.
type screen struct {
	starter *starter
	ctx     context.Context
	user    string
	view    view
	width   int
}

func (s screen) Init() tea.Cmd { return s.look }

func (s screen) look() tea.Msg { return s.starter.look(s.ctx, s.user) }

func (s screen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		s.width = message.Width
	case view:
		if len(message.progress.Steps) == 0 && message.problem != "" {
			// What was seen last stays beside the problem.
			message.progress = s.view.progress
		}
		s.view = message
		if s.view.closed || s.view.lost != nil {
			return s, tea.Quit
		}
		return s, tea.Tick(pace, func(time.Time) tea.Msg { return s.look() })
	}
	return s, nil
}

func (s screen) View() tea.View {
	if s.view.closed || s.view.lost != nil || s.view.workflowID == "" {
		return tea.NewView("")
	}
	return tea.NewView(s.view.table(s.width))
}

// conclude prints the report of an offboarding that has ended.
func (s *starter) conclude(ctx context.Context, user string) error {
	var report leaver.Report
	err := s.temporal.GetWorkflow(ctx, s.id(user), "").Get(ctx, &report)
	if err != nil && !reportIn(err, &report) {
		return errors.New(message(err))
	}
	if err := s.print(report, view{workflowID: s.id(user), closed: true}); err != nil {
		return err
	}
	if !endedWell(report.Status) {
		return errEndedBadly
	}
	return nil
}

// reportIn finds the report in the details of how a workflow failed.
func reportIn(err error, report *leaver.Report) bool {
	var ended interface { // an ApplicationError or a CanceledError of Temporal's
		HasDetails() bool
		Details(...any) error
	}
	return errors.As(err, &ended) && ended.HasDetails() && ended.Details(report) == nil
}
