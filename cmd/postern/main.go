// Command postern runs and operates a Postern server.
//
//	postern dev        everything on one port, for trying it and for writing tools
//	postern serve      everything in one process, in production on one machine
//	postern emulate    each function its own process behind a gateway, as deployed
//
// Run it without arguments for all commands.
package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends at once
	out := cli.New(os.Stdin, os.Stdout, os.Stderr)
	err := execute(ctx, out, os.Args[1:])
	if err != nil {
		out.Note("postern: %s", err)
	}
	os.Exit(cli.Status(err))
}

// execute runs a command line.
func execute(ctx context.Context, out *cli.Output, args []string) error {
	root := newRoot(out)
	root.SetArgs(idsLast(args))
	err := root.ExecuteContext(ctx)
	if cli.IsUsage(err) {
		err = cmp.Or(misspelt(root, args), err)
	}
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end] // what follows is of another program
	}
	if err != nil && slices.Contains(args, "--json") {
		out.JSON = true // even if the command line could not be read so far
	}
	return out.Finish(err)
}
