package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

// newUsers makes the group, which lists people itself if no other command is named.
func newUsers(out *cli.Output) *cobra.Command {
	var o operator.Options
	group := newUsersList(out, &o, "users")
	group.Args = subcommand
	group.AddCommand(newUsersList(out, &o, "list"), newUsersShow(out, &o))
	o.Bind(group.PersistentFlags())
	out.Bind(group.PersistentFlags())
	return group
}

func newUsersList(out *cli.Output, o *operator.Options, use string) *cobra.Command {
	var s operator.Selection
	var refused bool
	cmd := operate(out, o, &cobra.Command{
		Use: use, Short: "Show who has signed in, those seen last first", Args: none,
		Long: "Show who has signed in, those seen last first, by which rule of ALLOW they came in, and how many\n" +
			"grants live. With --refused, show whom ALLOW did not let in within 30 days, with the login and the\n" +
			"id to write into it.",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error {
		if refused {
			return op.ListRefusals(ctx, s)
		}
		return op.ListUsers(ctx, s)
	})
	cmd.Flags().BoolVar(&refused, "refused", false, "those whom ALLOW did not let in")
	s.Bind(cmd.Flags(), "seen")
	return cmd
}

func newUsersShow(out *cli.Output, o *operator.Options) *cobra.Command {
	return operate(out, o, &cobra.Command{
		Use: "show USER", Short: "Show one person and what they have allowed", Args: one("USER"),
		Long: "Show one person and what they have allowed, by login, by subject, like github:583231,\n" +
			"or by the id of their document, which is what logs have.",
		ValidArgsFunction: complete(out, o, (*operator.Operator).Logins),
	}, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.ShowUser(ctx, args[0])
	})
}
