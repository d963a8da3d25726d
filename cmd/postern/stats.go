package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newStats(out *cli.Output) *cobra.Command {
	var o operator.Options
	cmd := operate(out, &o, &cobra.Command{
		Use: "stats", Short: "Count everything", Args: none,
		Long: "Count documents, clients and grants. It reads all of them.",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error { return op.Stats(ctx) })
	o.Bind(cmd.Flags())
	out.Bind(cmd.Flags())
	return cmd
}
