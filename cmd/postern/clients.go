package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newClients(out *cli.Output) *cobra.Command {
	var o operator.Options
	group := newGroup("clients", "See, add, change and delete registered clients",
		"See, add, change and delete registered clients. It works beside running servers.",
		newClientsList(out, &o), newClientsShow(out, &o),
		newClientsAdd(out, &o), newClientsUpdate(out, &o), newClientsDelete(out, &o))
	o.Bind(group.PersistentFlags())
	out.Bind(group.PersistentFlags())
	return group
}

func newClientsList(out *cli.Output, o *operator.Options) *cobra.Command {
	var f operator.ClientFilter
	cmd := operate(out, o, &cobra.Command{
		Use: "list", Short: "List clients, the newest first", Args: none,
		Long: "List registered clients, the newest first. The last use is the last sign-in or refresh.\n" +
			"Where people are sent back to is shown as a host, and for a URI that opens an app as the scheme alone.",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error { return op.ListClients(ctx, f) })
	f.Bind(cmd.Flags(), "registered")
	cmd.Flags().BoolVar(&f.Unused, "unused", false, "only clients that never completed a login")
	return cmd
}

func newClientsShow(out *cli.Output, o *operator.Options) *cobra.Command {
	return operate(out, o, &cobra.Command{
		Use: "show CLIENT", Short: "Show one client", Args: one("CLIENT"),
		Long:              "Show one client, by its client_id which is what logs have, or by the id of its document.",
		ValidArgsFunction: complete(out, o, (*operator.Operator).ClientIDs),
	}, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.ShowClient(ctx, args[0])
	})
}

func newClientsAdd(out *cli.Output, o *operator.Options) *cobra.Command {
	var n operator.NewClient
	cmd := operate(out, o, &cobra.Command{
		Use: "add", Short: "Register a client by hand", Args: none,
		Long: "Register a client by hand. It never expires. A secret is shown once and kept as a hash only.",
		Example: "  postern clients add --name Wiki --redirect-uri https://wiki.example.com/callback --confidential\n" +
			"  postern clients add --name Billing --resource-server",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error { return op.AddClient(ctx, n) })
	f := cmd.Flags()
	f.StringVar(&n.Name, "name", "", "what the consent page calls it")
	f.StringArrayVar(&n.RedirectURIs, "redirect-uri", nil, "where people may be sent back to; repeat it for several")
	f.BoolVar(&n.Confidential, "confidential", false, "give it a secret, sent by header or body; without, it is public")
	f.StringVar(&n.AuthMethod, "auth-method", "", "the one way it authenticates: none, client_secret_basic "+
		"or client_secret_post; the last two give it a secret")
	f.BoolVar(&n.ResourceServer, "resource-server", false,
		"let it introspect every access token; implies --confidential, needs no --redirect-uri")
	return cmd
}

func newClientsUpdate(out *cli.Output, o *operator.Options) *cobra.Command {
	var change operator.ClientChange
	var name string
	cmd := &cobra.Command{
		Use: "update CLIENT", Short: "Change the name or the redirect URIs of a client", Args: one("CLIENT"),
		Long: "Change the name or the redirect URIs of a client. What is not named stays; " +
			"its grants and its secret stay.",
		ValidArgsFunction: complete(out, o, (*operator.Operator).ClientIDs),
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "what the consent page calls it")
	f.StringArrayVar(&change.RedirectURIs, "redirect-uri", nil,
		"where people may be sent back to, instead of all there are; repeat it for several")
	return operate(out, o, cmd, func(ctx context.Context, op *operator.Operator, args []string) error {
		if f.Changed("name") {
			change.Name = &name
		}
		if change.Name == nil && change.RedirectURIs == nil {
			return cli.Usage("say what to change: --name, --redirect-uri")
		}
		return op.UpdateClient(ctx, args[0], change)
	})
}

func newClientsDelete(out *cli.Output, o *operator.Options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete CLIENT", Aliases: []string{"rm"},
		Short: "Delete a client and end its grants", Args: one("CLIENT"),
		ValidArgsFunction: complete(out, o, (*operator.Operator).ClientIDs),
	}
	yes := bindYes(cmd)
	return operate(out, o, cmd, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.DeleteClient(ctx, args[0], *yes)
	})
}
