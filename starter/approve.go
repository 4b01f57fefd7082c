package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/approval"
	"github.com/spf13/cobra"
)

// approveCommand shows a plan that must be approved, and sends the approval; signed, where the worker wants that.
func (s *starter) approveCommand() *cobra.Command {
	var decision leaver.Decision
	var key, fingerprint string
	var yes bool
	cmd := &cobra.Command{
		Use:   "approve USER",
		Short: "Show a plan that must be approved, and have it carried out",
		Long: `Show a plan that must be approved, and have it carried out.

Where the worker takes signed approvals alone, the starter signs the plan that it has
shown, with the ssh-agent or with a key file. It signs nothing else: where the worker's
statement is about another plan, it stops.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			user := args[0]
			s.resolve(cmd.Context(), user)
			view := s.look(cmd.Context(), user)
			if err := view.unseen(); err != nil {
				return err
			}
			if !view.progress.Approval.IsOpen() {
				return fmt.Errorf("no plan waits for an approval (workflow %s)", view.workflowID)
			}
			if err := s.print(view.progress.Report, view); err != nil {
				return err
			}
			if view.progress.Approval.Statement == "" && decision.By == "" {
				return errors.New("--by: is missing, want the name of the person who approves")
			}
			if err := s.confirmed(yes); err != nil {
				return err
			}
			if view.progress.Approval.Statement != "" {
				statement, err := shown(view)
				if err != nil {
					return err
				}
				if decision.Signature, err = s.sign(cmd.Context(), statement, key, fingerprint); err != nil {
					return err
				}
			}
			return s.decide(cmd.Context(), user, leaver.Approve, decision)
		},
	}
	signed(cmd, &decision)
	cmd.Flags().StringVar(&key, "key", "", "the file of the private key to sign with (default: the ssh-agent at SSH_AUTH_SOCK)")
	cmd.Flags().StringVar(&fingerprint, "fingerprint", "", "which key of the ssh-agent to sign with, as ssh-add -l prints it")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask before the approval is sent")
	return cmd
}

// shown is the statement about the plan that was shown. The worker's must be the same: a person signs what they
// have seen.
func shown(v view) (leaver.Statement, error) {
	var statement leaver.Statement
	plan, err := v.progress.PlanText()
	if err != nil {
		return statement, err
	}
	run := ""
	for line := range strings.Lines(v.progress.Approval.Statement) {
		if value, found := strings.CutPrefix(line, "run "); found {
			run = strings.TrimSuffix(value, "\n")
		}
	}
	statement = leaver.Statement{Decision: leaver.Approve, WorkflowID: v.workflowID, FirstRunID: run, Plan: leaver.Digest(plan)}
	text, err := statement.Text()
	if err != nil {
		return statement, err
	}
	if text != v.progress.Approval.Statement {
		return statement, errors.New("the worker's statement is not about the plan that is shown here, so it is not signed: use the starter of the worker's release, and look who else works on the task queue")
	}
	return statement, nil
}

func (s *starter) sign(ctx context.Context, statement leaver.Statement, key, fingerprint string) (string, error) {
	if key == "" {
		return approval.SignWithAgent(ctx, statement, os.Getenv("SSH_AUTH_SOCK"), fingerprint)
	}
	signer, err := approval.ReadKey(key, func() ([]byte, error) {
		fmt.Fprintf(s.err, "Passphrase of %s: ", key)
		defer fmt.Fprintln(s.err)
		return term.ReadPassword(os.Stdin.Fd())
	})
	if err != nil {
		return "", err
	}
	return approval.Sign(statement, signer)
}

// confirmed asks the person at the terminal whether the plan that was shown is approved.
func (s *starter) confirmed(yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(os.Stdin.Fd()) {
		return errors.New("nobody is asked here: give --yes to approve the plan as it is shown")
	}
	fmt.Fprint(s.err, "Approve this plan? [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("the plan was not approved")
	}
	return nil
}
