// Worker runs offboardings: it takes the work from Temporal and does it in
// Microsoft Graph.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	// Go's HTTP client prints what it cannot return, words of answers among it.
	log.SetOutput(io.Discard)
	if err := command().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "worker",
		Short: "Run offboardings from Microsoft 365 as Temporal workflows",
		Long: `Run offboardings from Microsoft 365 as Temporal workflows.

Everything is set by environment variables: TEMPORAL_* for Temporal, AZURE_* for
signing in, LEAVER_* for the rest. The file docs/configuration.md lists them all.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          configured(run),
	}
	root.AddCommand(
		&cobra.Command{Use: "sign-in", Short: "Sign an administrator in, for credentials of kind device-code", Args: cobra.NoArgs, RunE: configured(signIn)},
		&cobra.Command{Use: "health", Short: "Exit 0 when Temporal answers and a worker polls the task queue", Args: cobra.NoArgs, RunE: configured(health)},
	)
	return root
}

// configured reads the environment for a command.
func configured(do func(context.Context, config, io.Writer) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		c, err := load()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, cmd.OutOrStdout())
	}
}
