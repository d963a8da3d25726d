package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newStats() *cobra.Command {
	var o operator.Options
	cmd := atDesk(&o, &cobra.Command{
		Use: "stats", Short: "Count everything", Args: cobra.NoArgs,
		Long: "Count documents, clients and grants. It reads all of them.",
	}, func(ctx context.Context, d *operator.Desk, _ []string) error { return d.Stats(ctx) })
	o.Bind(cmd.Flags())
	return cmd
}
