package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

func (s *starter) startCommand() *cobra.Command {
	var request leaver.Request
	var skip, include []string
	var devices, steps string
	var detach bool
	cmd := &cobra.Command{
		Use:   "start USER",
		Short: "Start an offboarding and follow it to its end",
		Long: `Start an offboarding and follow it to its end.

Starting it for a leaver whose offboarding runs follows that one, by whichever name and
tool it was started. Ctrl-C ends the
following, not the offboarding.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.UserID, request.Steps = args[0], map[string]leaver.StepSettings{}
			if cmd.Flags().Changed("steps") {
				if err := leaver.ParseStrict([]byte(steps), &request.Steps); err != nil {
					return fmt.Errorf("--steps: %w", err)
				}
			}
			for _, name := range slices.Concat(skip, include) {
				settings := request.Steps[name]
				settings.Skip, settings.Include = settings.Skip || slices.Contains(skip, name), settings.Include || slices.Contains(include, name)
				request.Steps[name] = settings
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
	flags.StringVar(&request.Profile, "profile", "", "the name of one of the worker's profiles, which say what offboardings of one kind have in common")
	flags.StringVar((*string)(&request.OnFailure), "on-failure", "", "when a step cannot succeed by waiting: ask (default), continue or fail")
	flags.StringSliceVar(&skip, "skip", nil, "leave a step out, by name; can be repeated")
	flags.StringSliceVar(&include, "include", nil, "put a step into the plan that is off unless asked for; can be repeated: "+strings.Join(leaver.OptionalSteps(), ", "))
	flags.StringVar(&steps, "steps", "", `settings by step name, as JSON such as {"revokeSessions":{"delay":"1h"},"addToBlockGroup":{"include":true,"group":"..."}}; see docs/steps.md`)
	flags.StringVar(&request.HandOverTo, "hand-over-to", "", "who takes over what the leaver has: an object id, a user principal name, or manager (default)")
	flags.StringVar(&devices, "devices", "", `what to do with devices, as JSON such as {"company":{"windows":"wipe"},"personal":{"default":"retire"}} (default: the worker's)`)
	flags.StringVar(&request.Reason, "reason", "", "why, for the second administrator who is to approve what is asked of devices; with the ticket at most 1,024 characters")
	flags.StringVar(&request.Ticket, "ticket", "", "the ticket that asks for the offboarding, for the same administrator")
	flags.DurationVar((*time.Duration)(&request.DeviceDeadline), "device-deadline", 0, "how long devices may take to leave before a person is asked, such as 720h (default: the worker's)")
	flags.StringVar(&s.taskQueue, "task-queue", leaver.TaskQueue, "where the workers listen")
	flags.BoolVar(&detach, "detach", false, "start and do not follow")
	return cmd
}

// start refuses a bad request before Temporal is asked, for a quick answer. The
// workflow refuses it for everybody.
func (s *starter) start(ctx context.Context, request leaver.Request) error {
	input, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := leaver.ParseRequest(input); err != nil {
		return errors.New(message(err))
	}
	s.resolve(ctx, request.UserID)
	id := s.id(request.UserID)
	_, err = s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: s.taskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Offboard a leaver",
		StaticDetails:                            "Query `progress` shows every step. When a step waits for a person, the current details say how to answer.",
	}, leaver.WorkflowType, request)
	if _, running := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); running {
		fmt.Fprintf(s.err, "The offboarding %s runs already.\n", id)
		v := s.look(ctx, request.UserID)
		if v.lost == nil && v.progress.Leaver.ID == "" {
			return s.startedFor(ctx, id, request.UserID)
		}
		return v.lost
	}
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	fmt.Fprintf(s.err, "Started the offboarding %s.\n", id)
	return nil
}

// startedFor fails where an offboarding, whose plan does not tell yet of whom it is, was started for another user, or by
// another name: the input says for whom.
func (s *starter) startedFor(ctx context.Context, id, user string) error {
	var request leaver.Request
	started, err := s.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayloads(started.GetWorkflowExecutionStartedEventAttributes().GetInput(), &request)
	}
	if err != nil || leaver.CanonicalID(request.UserID) != leaver.CanonicalID(user) {
		return fmt.Errorf("the offboarding %s was not started for this user, as far as is known before its plan is made: give another --workflow-id, or try again in a moment", id)
	}
	return nil
}
