package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newGrants(out *cli.Output) *cobra.Command {
	var o operator.Options
	group := newGroup("grants", "See and end what people allowed",
		"See and end what people allowed clients. It works beside running servers: no refresh works once a grant\n"+
			"is revoked, and no access token after REVOCATION_MAX_AGE.",
		newGrantsList(out, &o), newGrantsShow(out, &o), newGrantsRevoke(out, &o))
	o.Bind(group.PersistentFlags())
	out.Bind(group.PersistentFlags())
	return group
}

func newGrantsList(out *cli.Output, o *operator.Options) *cobra.Command {
	var f operator.GrantFilter
	command := &cobra.Command{Use: "list", Short: "List grants that live, those used last first", Args: none}
	cmd := operate(out, o, command,
		func(ctx context.Context, op *operator.Operator, _ []string) error { return op.ListGrants(ctx, f) })
	f.Bind(cmd.Flags(), "used")
	cmd.Flags().StringVar(&f.User, "user", "", "only those of a person: login or subject, like github:583231")
	cmd.Flags().StringVar(&f.Client, "client", "", "only those of a client_id")
	cmd.Flags().BoolVar(&f.Ended, "ended", false, "those that have ended as well")
	return cmd
}

func newGrantsShow(out *cli.Output, o *operator.Options) *cobra.Command {
	return operate(out, o, &cobra.Command{
		Use: "show GRANT", Short: "Show one grant", Args: one("GRANT"),
		Long:              "Show one grant, by its id or by the id of its document, which is what logs have.",
		ValidArgsFunction: complete(out, o, (*operator.Operator).GrantIDs),
	}, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.ShowGrant(ctx, args[0])
	})
}

func newGrantsRevoke(out *cli.Output, o *operator.Options) *cobra.Command {
	var user, client string
	cmd := &cobra.Command{
		Use:   "revoke (GRANT | --user LOGIN|SUBJECT | --client CLIENT)",
		Short: "End a grant, or all of a person or client", Args: atMostOne,
		Long: "End a grant, or all grants of a person or of a client, " +
			"codes that were not redeemed yet included.",
		ValidArgsFunction: complete(out, o, (*operator.Operator).GrantIDs),
	}
	cmd.Flags().StringVar(&user, "user", "", "end everything of this person: login or subject, like github:583231")
	cmd.Flags().StringVar(&client, "client", "", "end everything of this client_id, which may be a URL")
	yes := bindYes(cmd)
	return operate(out, o, cmd, func(ctx context.Context, op *operator.Operator, args []string) error {
		switch {
		case len(args) == 1 && user == "" && client == "":
			return op.RevokeGrant(ctx, args[0], *yes)
		case len(args) == 0 && user != "" && client == "":
			return op.RevokeUser(ctx, user, *yes)
		case len(args) == 0 && user == "" && client != "":
			return op.RevokeClient(ctx, client, *yes)
		}
		return cli.Usage("name one grant, or one person with --user, or one client with --client")
	})
}
