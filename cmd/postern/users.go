package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newUsers() *cobra.Command {
	var o operator.Options
	cmd := operate(&o, &cobra.Command{
		Use: "users", Short: "Show who has signed in", Args: cobra.NoArgs,
		Long: "Show who has signed in, when they were last seen, by which rule of ALLOW they came in, and what they have allowed.",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error { return op.ListUsers(ctx) })
	o.Bind(cmd.Flags())
	return cmd
}
