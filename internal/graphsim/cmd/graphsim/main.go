// Graphsim runs a simulated Microsoft 365 tenant as a program of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/leaver-dev/leaver/internal/graphsim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "graphsim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	address := flag.String("address", "127.0.0.1:8484", "where to listen")
	token := flag.String("token", "simulated-tenant", "an application token with every permission")
	flag.Parse()
	tenant := graphsim.NewTenant(nil)
	tenant.Add(graphsim.Contoso(20 * time.Second)...)
	tenant.Accept(*token, graphsim.Application)
	graphURL, ended, err := tenant.Serve(ctx, *address)
	if err != nil {
		return err
	}
	fmt.Println("simulated tenant: LEAVER_GRAPH_URL=" + graphURL)
	if err := <-ended; ctx.Err() == nil {
		return err
	}
	return nil
}
