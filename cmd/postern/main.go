// Command postern runs and operates a Postern server.
//
//	postern dev        everything on one port, for trying it and for writing tools
//	postern emulate    each function its own process behind a gateway, as deployed
//
// Run it without arguments for all commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "postern:", err)
		os.Exit(1)
	}
}
