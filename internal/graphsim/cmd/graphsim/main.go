// Graphsim runs a simulated Microsoft 365 tenant as a program of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
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
	record := flag.String("record", "", "a file that each exchange with Graph is appended to, one JSON object a line")
	checkIn := flag.Duration("check-in", 20*time.Second, "when the last of the sample leaver's devices checks in after a retirement")
	flag.Parse()

	var recording io.Writer
	if *record != "" {
		file, err := os.OpenFile(*record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		recording = file
	}
	tenant := graphsim.NewTenant(recording)
	tenant.Add(graphsim.Contoso(*checkIn)...)
	tenant.Accept(*token, graphsim.Application)
	return tenant.Serve(ctx, *address, func(graphURL string) {
		fmt.Println("simulated tenant: LEAVER_GRAPH_URL=" + graphURL)
	})
}
