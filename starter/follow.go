package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/leaver-dev/leaver"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// view is an offboarding at one moment.
type view struct {
	user, workflowID string
	progress         leaver.Progress
	// attempts holds, by activity, what a running activity last said.
	attempts map[string]attempt
	closed   bool
	// problem says why the view may be old; lost says that there is nothing to see.
	problem string
	lost    error
}

// attempt is what Temporal knows of a running activity and the workflow does not.
type attempt struct {
	number  int32
	failure string
	next    time.Time
	items   []leaver.Item
}

const (
	pace         = time.Second
	queryTimeout = 5 * time.Second
)

// look asks Temporal where an offboarding stands.
func (s *starter) look(ctx context.Context, user string) view {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	v := view{user: user, workflowID: s.id(user), attempts: map[string]attempt{}}
	described, err := s.temporal.DescribeWorkflowExecution(ctx, v.workflowID, "")
	if err != nil {
		if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
			v.lost = fmt.Errorf("there is no offboarding %s: start one, or give --workflow-id if it was started by another tool", v.workflowID)
		}
		v.problem = "Temporal does not answer: " + err.Error()
		return v
	}
	v.closed = described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	for _, pending := range described.GetPendingActivities() {
		v.attempts[pending.GetActivityType().GetName()] = attemptOf(pending)
	}
	answer, err := s.temporal.QueryWorkflow(ctx, v.workflowID, "", leaver.QueryProgress)
	if err == nil {
		err = answer.Get(&v.progress)
	}
	if err != nil && !v.closed {
		v.problem = fmt.Sprintf("no worker answers on the task queue %s: is one running?", described.GetWorkflowExecutionInfo().GetTaskQueue())
	}
	return v
}

func attemptOf(pending *workflowpb.PendingActivityInfo) attempt {
	a := attempt{number: pending.GetAttempt(), failure: pending.GetLastFailure().GetMessage()}
	if at := pending.GetNextAttemptScheduleTime(); at != nil {
		a.next = at.AsTime()
	}
	// Steps that work through many items heartbeat them; others do not.
	if details := pending.GetHeartbeatDetails(); details != nil {
		_ = converter.GetDefaultDataConverter().FromPayloads(details, &a.items)
	}
	return a
}

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
		if v.closed || !pause(ctx) {
			return nil
		}
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pace):
		return true
	}
}

// followTable draws the table of steps anew each time it changes.
func (s *starter) followTable(ctx context.Context, user string) error {
	final, err := tea.NewProgram(screen{starter: s, ctx: ctx, user: user},
		tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(s.out), tea.WithoutSignalHandler()).Run()
	if err != nil && ctx.Err() == nil {
		return err
	}
	if last, ok := final.(screen); ok {
		return last.view.lost
	}
	return nil
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
			// Keep what was seen last beside the problem.
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
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.HasDetails() {
		return failure.Details(report) == nil
	}
	if canceled, ok := errors.AsType[*temporal.CanceledError](err); ok && canceled.HasDetails() {
		return canceled.Details(report) == nil
	}
	return false
}
