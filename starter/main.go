// Starter starts an offboarding, follows it, and sends what people decide.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		// What ended badly has been printed as a report already.
		if !errors.Is(err, errEndedBadly) {
			fmt.Fprintln(os.Stderr, "starter:", err)
		}
		os.Exit(1)
	}
}
