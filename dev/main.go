// Dev shows an offboarding on one machine, with Go alone: a Temporal dev server
// with its Web UI, a simulated Microsoft 365 tenant, a worker, and a sample
// leaver with four devices.
//
//	go run ./dev          stays up until Ctrl-C
//	go run ./dev -once    ends by itself, with the offboarding's exit code
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/leaver-dev/leaver/dev/stack"
	"github.com/leaver-dev/leaver/internal/graphsim"
)

func main() {
	once := flag.Bool("once", false, "end when the sample offboarding has ended")
	checkIn := flag.Duration("check-in", 20*time.Second, "when the last of the sample leaver's devices checks in")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *once, *checkIn)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once bool, checkIn time.Duration) error {
	root, err := stack.Root(ctx)
	if err != nil {
		return err
	}
	logs := stack.Binaries(root)
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	temporal, err := stack.Tool(ctx, root, "temporal", os.Stdout)
	if err != nil {
		return err
	}
	fmt.Println("Building the worker and the starter.")
	worker, err := stack.Build(ctx, root, "./worker")
	if err != nil {
		return err
	}
	starter, err := stack.Build(ctx, root, "./starter")
	if err != nil {
		return err
	}

	options := stack.ServerOptions{Program: temporal, Log: filepath.Join(logs, "temporal.log")}
	if options.Address, err = stack.Address(7233); err != nil {
		return err
	}
	if options.UI, err = stack.Address(8233); err != nil {
		return err
	}
	server, err := stack.StartServer(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()

	tenant := graphsim.NewTenant(nil)
	tenant.Add(graphsim.Contoso(checkIn)...)
	graphURL, _, err := tenant.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	working, err := server.StartWorker(ctx, stack.WorkerOptions{
		Program: worker, Log: filepath.Join(logs, "worker.log"), GraphURL: graphURL, Token: tenant.Token(graphsim.Application),
	})
	if err != nil {
		return err
	}
	defer func() { _ = working.Stop() }()

	fmt.Printf("\nTemporal Web UI   %s/namespaces/default/workflows\nTenant's state    %s/control/users\nLogs              %s\n\n",
		server.UI, graphURL[:len(graphURL)-len(graphsim.GraphPath)], logs)
	if err := start(ctx, starter, server.Address); err != nil || once {
		return err
	}
	fmt.Printf(next, server.Address)
	select {
	case <-ctx.Done():
		fmt.Println("\nStopping.")
		return nil
	case <-server.Done():
		return errors.New("the Temporal server ended; see temporal.log")
	case <-working.Done():
		return errors.New("the worker ended; see worker.log")
	}
}

// start offboards the sample leaver with the real starter.
func start(ctx context.Context, starter, address string) error {
	cmd := exec.CommandContext(ctx, starter, "start", graphsim.Leaver)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TEMPORAL_ADDRESS="+address, "TEMPORAL_NAMESPACE=default")
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("offboard the sample leaver: %w", err)
	}
	return nil
}

// next is what to try while everything is up.
const next = `
Try next, in another terminal (Megan has one device):

  tctl --address %[1]s workflow run --taskqueue offboarding --workflow_type OffboardUser --workflow_id megan --input '{"userId":"megan@contoso.com"}'
  temporal workflow start --address %[1]s --task-queue offboarding --type OffboardUser --workflow-id megan --input '{"userId":"megan@contoso.com","dryRun":true}'
  temporal workflow query --address %[1]s --workflow-id megan --type progress
  TEMPORAL_ADDRESS=%[1]s go run ./starter start megan@contoso.com

No tctl or temporal on PATH? Write "go -C tools/tctl tool tctl" and "go -C tools/temporal tool temporal".
Everything stays up until Ctrl-C.
`
