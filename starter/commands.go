package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
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
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return s.dial(cmd)
		},
		PersistentPostRun: func(*cobra.Command, []string) { s.temporal.Close() },
	}
	root.PersistentFlags().StringVar(&s.workflowID, "workflow-id", "", "the workflow's id (default: made from USER)")
	root.PersistentFlags().StringVarP(&s.output, "output", "o", "table", "how to print the report: table or json")
	root.AddCommand(s.startCommand(), s.watchCommand(), s.statusCommand(), s.cancelCommand(),
		s.decideCommand(leaver.RetryStep, "retry-step USER STEP", "Run a step again that waits for a person"),
		s.decideCommand(leaver.SkipStep, "skip-step USER STEP", "Leave a step out"),
		s.decideCommand(leaver.Abort, "abort USER", "Start no further step and end the offboarding incomplete"),
		s.answerCommand())
	return root
}

func (s *starter) dial(cmd *cobra.Command) error {
	if s.output != "table" && s.output != "json" {
		return errors.New("--output: want table or json")
	}
	s.out, s.err = cmd.OutOrStdout(), cmd.ErrOrStderr()
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return fmt.Errorf("read the Temporal settings (TEMPORAL_*): %w", err)
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	s.temporal, err = client.DialContext(cmd.Context(), options)
	if err != nil {
		return fmt.Errorf("no Temporal server answers, set TEMPORAL_ADDRESS: %w", err)
	}
	return nil
}

// id is the workflow's id for a user: the same user always gets the same one,
// so that a second start finds the first. A name is hashed, because ids stand
// in logs and addresses.
func (s *starter) id(user string) string {
	if s.workflowID != "" {
		return s.workflowID
	}
	if parsed, err := uuid.Parse(user); err == nil {
		return "offboard-" + parsed.String()
	}
	sum := sha256.Sum256([]byte(strings.ToLower(user)))
	return "offboard-" + hex.EncodeToString(sum[:8])
}

func (s *starter) startCommand() *cobra.Command {
	var request leaver.Request
	var skip, include []string
	var devices string
	var deadline time.Duration
	var detach bool
	cmd := &cobra.Command{
		Use:   "start USER",
		Short: "Start an offboarding and follow it to its end",
		Long: `Start an offboarding and follow it to its end.

Starting it for a leaver whose offboarding runs follows that one. Ctrl-C ends the
following, not the offboarding.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.UserID = args[0]
			request.DeviceDeadline = leaver.Duration(deadline)
			request.Steps = map[string]leaver.StepSettings{}
			for _, name := range skip {
				request.Steps[name] = leaver.StepSettings{Skip: true}
			}
			for _, name := range include {
				request.Steps[name] = leaver.StepSettings{Skip: request.Steps[name].Skip, Include: true}
			}
			if cmd.Flags().Changed("devices") {
				request.Devices = &leaver.DevicePolicy{}
				if err := leaver.ParseStrict([]byte(devices), request.Devices); err != nil {
					return fmt.Errorf("--devices: %w", err)
				}
			}
			if err := s.start(cmd.Context(), request); err != nil || detach {
				return err
			}
			return s.follow(cmd.Context(), request.UserID)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&request.DryRun, "dry-run", false, "show the plan and touch nothing")
	flags.StringVar((*string)(&request.OnFailure), "on-failure", "", "when a step cannot succeed by waiting: ask (default), continue or fail")
	flags.StringSliceVar(&skip, "skip", nil, "leave a step out, by name; can be repeated")
	flags.StringSliceVar(&include, "include", nil, "put a step into the plan that is off unless asked for; can be repeated: "+strings.Join([]string{
		leaver.StepWipeManagedAppRegistrations, leaver.StepDeleteAutopilotIdentities, leaver.StepDisableEntraDevices, leaver.StepDeleteEntraDevices}, ", "))
	flags.StringVar(&devices, "devices", "", `what to do with devices, as JSON such as {"company":{"windows":"wipe"},"personal":{"default":"retire"}} (default: the worker's)`)
	flags.StringVar(&request.Reason, "reason", "", "why, for whoever is to approve what is asked of devices")
	flags.StringVar(&request.Ticket, "ticket", "", "the ticket that asks for it, for the same")
	flags.DurationVar(&deadline, "device-deadline", 0, "how long devices may take to leave before a person is asked, such as 720h (default: the worker's)")
	flags.StringVar(&s.taskQueue, "task-queue", leaver.TaskQueue, "where the workers listen")
	flags.BoolVar(&detach, "detach", false, "start and do not follow")
	return cmd
}

// start refuses a bad request here as well, for a quick answer; the workflow
// does so for everybody.
func (s *starter) start(ctx context.Context, request leaver.Request) error {
	input, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := leaver.ParseRequest(input); err != nil {
		return errors.New(message(err))
	}
	id := s.id(request.UserID)
	_, err = s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: s.taskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Offboard a leaver",
		StaticDetails:                            "Query `progress` shows every step. When a step waits for a person, the current details say how to answer.",
	}, leaver.WorkflowType, request)
	if _, running := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); running {
		fmt.Fprintf(s.err, "The offboarding %s runs already.\n", id)
		return nil
	}
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	fmt.Fprintf(s.err, "Started the offboarding %s.\n", id)
	return nil
}

func (s *starter) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch USER", Short: "Follow an offboarding to its end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.follow(cmd.Context(), args[0]) },
	}
}

func (s *starter) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status USER", Short: "Print where an offboarding stands, or how it ended", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			view := s.look(cmd.Context(), args[0])
			if view.lost != nil {
				return view.lost
			}
			if view.closed {
				return s.conclude(cmd.Context(), args[0])
			}
			if view.problem != "" {
				return errors.New(view.problem)
			}
			return s.print(view.progress.Report, view)
		},
	}
}

func (s *starter) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel USER", Short: "Cancel an offboarding: a running write finishes, nothing else starts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Temporal accepts the cancellation of what has ended, and does nothing.
			if view := s.look(cmd.Context(), args[0]); view.lost != nil {
				return view.lost
			} else if view.closed {
				return fmt.Errorf("the offboarding %s has ended already", view.workflowID)
			}
			if err := s.temporal.CancelWorkflow(cmd.Context(), s.id(args[0]), ""); err != nil {
				return s.explain(err, args[0])
			}
			fmt.Fprintln(s.err, "Cancellation requested.")
			return nil
		},
	}
}

// decideCommand sends a decision as an update, which is checked and answered.
func (s *starter) decideCommand(action leaver.Action, use, short string) *cobra.Command {
	var decision leaver.Decision
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(len(strings.Fields(use)) - 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				decision.Step = args[1]
			}
			return s.decide(cmd.Context(), args[0], action, decision)
		},
	}
	signed(cmd, &decision)
	return cmd
}

// signed adds who decides and why.
func signed(cmd *cobra.Command, decision *leaver.Decision) {
	cmd.Flags().StringVar(&decision.By, "by", "", "who decides, for the report")
	cmd.Flags().StringVar(&decision.Reason, "reason", "", "why, for the report")
}

func (s *starter) decide(ctx context.Context, user string, action leaver.Action, decision leaver.Decision) error {
	handle, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: s.id(user), UpdateName: string(action), Args: []any{decision},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil {
		return s.explain(err, user)
	}
	fmt.Fprintf(s.err, "%s was accepted.\n", action)
	return nil
}

func (s *starter) answerCommand() *cobra.Command {
	var decision leaver.Decision
	cmd := &cobra.Command{
		Use:   "answer USER STEP CHOICE [DEVICE]...",
		Short: "Decide about devices that a step asks about",
		Long: `Decide about devices that a step asks about.

CHOICE is one of those that the step offers: waitLonger, retire, wipe,
wipeKeepUserData, deleteRecord or giveUp; and approved, for what a second
administrator was to approve. DEVICE is a device's name or id; without one the
choice is for every device that it fits. The step goes on when there is an answer
for each, or at once while it follows other devices.`,
		Args: cobra.MinimumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			decision.Step, decision.Choice = args[1], leaver.Choice(args[2])
			var err error
			if decision.Items, err = s.items(cmd.Context(), args[0], args[1], args[3:]); err != nil {
				return err
			}
			return s.decide(cmd.Context(), args[0], leaver.Answer, decision)
		},
	}
	signed(cmd, &decision)
	return cmd
}

// items finds the ids of a step's devices that are given by name or id.
func (s *starter) items(ctx context.Context, user, step string, devices []string) ([]string, error) {
	if len(devices) == 0 {
		return nil, nil
	}
	view := s.look(ctx, user)
	switch {
	case view.lost != nil:
		return nil, view.lost
	case view.problem != "":
		return nil, errors.New(view.problem)
	}
	return view.items(step, devices)
}

// explain words what Temporal answers about a workflow.
func (s *starter) explain(err error, user string) error {
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return fmt.Errorf("there is no running offboarding %s: look at `starter status`, or give --workflow-id if it was started by another tool", s.id(user))
	}
	return errors.New(message(err))
}

// message is an error's text without Temporal's decorations.
func message(err error) string {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failure.Message()
	}
	return err.Error()
}

// endedWell reports whether a report is one that nobody needs to act on.
func endedWell(status leaver.Status) bool {
	return slices.Contains([]leaver.Status{leaver.Completed, leaver.CompletedWithExceptions, leaver.Planned}, status)
}
