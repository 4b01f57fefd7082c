package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// decideCommand sends a decision as an update, which is checked and answered.
func (s *starter) decideCommand(action leaver.Action, use, short string) *cobra.Command {
	var decision leaver.Decision
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(len(strings.Fields(use)) - 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				decision.Step = args[1]
			}
			s.resolve(cmd.Context(), args[0])
			return s.decide(cmd.Context(), args[0], action, decision)
		},
	}
	signed(cmd, &decision)
	return cmd
}

// signed adds the flags that say who decides, and why.
func signed(cmd *cobra.Command, decision *leaver.Decision) {
	cmd.Flags().StringVar(&decision.By, "by", "", "who decides, for the report; at most 1,024 characters")
	cmd.Flags().StringVar(&decision.Reason, "reason", "", "why, for the report; at most 1,024 characters")
}

func (s *starter) decide(ctx context.Context, user string, action leaver.Action, decision leaver.Decision) error {
	decision.UserID = user
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
		Use:   "answer USER STEP CHOICE [ITEM]...",
		Short: "Decide about devices, or other items, that a step asks about",
		Long: `Decide about devices, or other items, that a step asks about.

CHOICE is one of those that the step offers. Every step with questions offers retry
and giveUp. The step of the devices offers waitLonger, retire, wipe, wipeKeepUserData
and deleteRecord as well, and approved for what a second administrator was to
approve. ITEM is a device's name or an item's id; without one the choice is for every
item that it fits. The choices wipe, wipeKeepUserData and deleteRecord must name their
items. Each answer is acted on at once, whatever else is to be decided.`,
		Args: cobra.MinimumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.resolve(cmd.Context(), args[0])
			decision.Step, decision.Choice = args[1], leaver.Choice(args[2])
			if items := args[3:]; len(items) > 0 {
				view := s.look(cmd.Context(), args[0])
				if err := view.unseen(); err != nil {
					return err
				}
				var err error
				if decision.Items, err = view.ids(decision.Step, items); err != nil {
					return err
				}
			}
			return s.decide(cmd.Context(), args[0], leaver.Answer, decision)
		},
	}
	signed(cmd, &decision)
	return cmd
}

// explain words what Temporal answers about a workflow.
func (s *starter) explain(err error, user string) error {
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return fmt.Errorf("there is no running offboarding %s: look at `starter status`, or give --workflow-id if it was started by another tool", s.id(user))
	}
	return errors.New(message(err))
}
