package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/leaver-dev/leaver"
	"github.com/spf13/cobra"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

// errEndedBadly makes the exit code, after the report said why.
var errEndedBadly = errors.New("the offboarding did not end well")

// starter is what every command works with.
type starter struct {
	temporal   client.Client
	workflowID string
	taskQueue  string
	output     string
	out, err   io.Writer
}

func command() *cobra.Command {
	s := &starter{}
	root := &cobra.Command{
		Use:   "starter",
		Short: "Start offboardings, follow them, decide about them",
		Long: `Start offboardings, follow them, decide about them.

USER is the leaver's object id or user principal name. The Temporal server is
set by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other TEMPORAL_* variables.

Exit code: 0 when the offboarding ended well (or, for commands that do not wait
for the end, when the command did what it was asked), else 1.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: s.dial,
		PersistentPostRun: func(*cobra.Command, []string) { s.temporal.Close() },
	}
	root.PersistentFlags().StringVar(&s.workflowID, "workflow-id", "", "the workflow's id (default: made from USER)")
	root.PersistentFlags().StringVarP(&s.output, "output", "o", "table", "how to print the report: table or json")
	root.AddCommand(s.startCommand(),
		s.ofUser("watch USER", "Follow an offboarding to its end", s.follow),
		s.ofUser("status USER", "Print where an offboarding stands, or how it ended", s.status),
		s.ofUser("cancel USER", "Cancel an offboarding: a running write finishes, nothing else starts", s.cancel),
		s.decideCommand(leaver.RetryStep, "retry-step USER STEP", "Run a step again that waits for a person"),
		s.decideCommand(leaver.SkipStep, "skip-step USER STEP", "Leave a step out"),
		s.approveCommand(),
		s.decideCommand(leaver.Reject, "reject USER", "End an offboarding whose plan must be approved, before anything is touched"),
		s.decideCommand(leaver.ContinueOffboarding, "continue-offboarding USER", "Go on though somebody has enabled the account again"),
		s.decideCommand(leaver.Abort, "abort USER", "Start no further step and end the offboarding incomplete"),
		s.answerCommand())
	return root
}

func (s *starter) dial(cmd *cobra.Command, _ []string) error {
	if s.output != "table" && s.output != "json" {
		return errors.New("--output: want table or json")
	}
	s.out, s.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return fmt.Errorf("read the Temporal settings (TEMPORAL_*): %w", err)
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	if s.temporal, err = client.DialContext(cmd.Context(), options); err != nil {
		return fmt.Errorf("no Temporal server answers, set TEMPORAL_ADDRESS: %w", err)
	}
	return nil
}

// id is the workflow's id for a user.
func (s *starter) id(user string) string { return cmp.Or(s.workflowID, leaver.WorkflowID(user)) }

// resolve finds the running offboarding of a user whatever its workflow id is: it may have been started by the
// other of the user's names, or by another tool.
func (s *starter) resolve(ctx context.Context, user string) {
	if s.workflowID != "" {
		return
	}
	query := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000, Query: leaver.RunningOffboardings}
	for {
		page, err := s.temporal.ListWorkflow(ctx, query)
		if err != nil {
			return // the usual id is tried
		}
		for _, execution := range page.GetExecutions() {
			if offboards, _ := leaver.OffboardsIn(execution.GetMemo()); slices.Contains(offboards.IDs, leaver.WorkflowID(user)) {
				s.workflowID = execution.GetExecution().GetWorkflowId()
				return
			}
		}
		if query.NextPageToken = page.GetNextPageToken(); len(query.NextPageToken) == 0 {
			return
		}
	}
}

// isOf reports whether an offboarding is a user's, as far as its plan tells.
func isOf(l leaver.Leaver, user string) bool {
	return l.ID == "" || slices.Contains([]string{leaver.CanonicalID(l.ID), leaver.CanonicalID(l.UserPrincipalName)}, leaver.CanonicalID(user))
}

// ofUser is a command that takes a user alone.
func (s *starter) ofUser(use, short string, do func(ctx context.Context, user string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.resolve(cmd.Context(), args[0])
			return do(cmd.Context(), args[0])
		}}
}

func (s *starter) status(ctx context.Context, user string) error {
	view := s.look(ctx, user)
	if view.closed {
		return s.conclude(ctx, user)
	}
	if err := view.unseen(); err != nil {
		return err
	}
	return s.print(view.progress.Report, view)
}

func (s *starter) cancel(ctx context.Context, user string) error {
	// Temporal accepts the cancellation of what has ended, and does nothing.
	switch view := s.look(ctx, user); {
	case view.lost != nil:
		return view.lost
	case view.closed:
		return fmt.Errorf("the offboarding %s has ended already", view.workflowID)
	}
	if err := s.temporal.CancelWorkflow(ctx, s.id(user), ""); err != nil {
		return s.explain(err, user)
	}
	fmt.Fprintln(s.err, "Cancellation requested.")
	return nil
}

// message is an error's text without Temporal's decorations.
func message(err error) string {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return printable(failure.Message())
	}
	return printable(err.Error())
}

// endedWell reports whether nobody needs to act on how an offboarding ended.
func endedWell(status leaver.Status) bool {
	return slices.Contains([]leaver.Status{leaver.Completed, leaver.CompletedWithExceptions, leaver.Planned}, status)
}
