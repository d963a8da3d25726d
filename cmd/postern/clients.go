package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newClients() *cobra.Command {
	var o operator.Options
	group := newGroup("clients", "See, add and delete registered clients",
		"See, add and delete registered clients. It works beside running servers.",
		newClientsList(&o), newClientsShow(&o), newClientsAdd(&o), newClientsDelete(&o))
	o.Bind(group.PersistentFlags())
	return group
}

func newClientsList(o *operator.Options) *cobra.Command {
	var unused bool
	cmd := operate(o, &cobra.Command{Use: "list", Short: "List all clients", Args: cobra.NoArgs},
		func(ctx context.Context, op *operator.Operator, _ []string) error { return op.ListClients(ctx, unused) })
	cmd.Flags().BoolVar(&unused, "unused", false, "only clients that never completed a login")
	return cmd
}

func newClientsShow(o *operator.Options) *cobra.Command {
	return operate(o, &cobra.Command{
		Use: "show CLIENT", Short: "Show one client", Args: cobra.ExactArgs(1),
		Long:              "Show one client, by its client_id which is what logs have, or by the id of its document.",
		ValidArgsFunction: complete(o, (*operator.Operator).ClientIDs),
	}, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.ShowClient(ctx, args[0])
	})
}

func newClientsAdd(o *operator.Options) *cobra.Command {
	var n operator.NewClient
	cmd := operate(o, &cobra.Command{
		Use: "add", Short: "Register a client by hand", Args: cobra.NoArgs,
		Long: "Register a client by hand. It never expires. A secret is shown once and kept as a hash only.",
		Example: "  postern clients add --name Wiki --redirect-uri https://wiki.example.com/callback --confidential\n" +
			"  postern clients add --name Billing --resource-server",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error { return op.AddClient(ctx, n) })
	f := cmd.Flags()
	f.StringVar(&n.Name, "name", "", "what the consent page calls it")
	f.StringArrayVar(&n.RedirectURIs, "redirect-uri", nil, "where people may be sent back to; repeat it for several")
	f.BoolVar(&n.Confidential, "confidential", false, "give it a secret (client_secret_basic); without, it is public")
	f.BoolVar(&n.ResourceServer, "resource-server", false, "let it introspect every access token; implies --confidential, needs no --redirect-uri")
	return cmd
}

func newClientsDelete(o *operator.Options) *cobra.Command {
	return operate(o, &cobra.Command{
		Use: "delete CLIENT", Aliases: []string{"rm"}, Short: "Delete a client and end its grants", Args: cobra.ExactArgs(1),
		ValidArgsFunction: complete(o, (*operator.Operator).ClientIDs),
	}, func(ctx context.Context, op *operator.Operator, args []string) error {
		return op.DeleteClient(ctx, args[0])
	})
}
