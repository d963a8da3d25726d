package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/fastmcp"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/shared/fernet"
)

func newImport(out *cli.Output) *cobra.Command {
	var o operator.Options
	group := newGroup("import", "Bring clients over from another server", "", newImportFastMCP(out, &o))
	o.Bind(group.PersistentFlags())
	out.Bind(group.PersistentFlags())
	return group
}

func newImportFastMCP(out *cli.Output, o *operator.Options) *cobra.Command {
	var s fastmcp.Source
	var keyFile, salt string
	var apply bool
	cmd := operate(out, o, &cobra.Command{
		Use: "fastmcp", Short: "Bring over what registered with a FastMCP server", Args: none,
		Long: "Bring over what registered with a FastMCP server (2.13 and later), so that connected clients go on\n" +
			"under their client_id, with their secret and redirect URIs; people sign in once more. It shows what\n" +
			"would become of each client, and writes with --apply alone. The old store is only read. It may be\n" +
			"done again: who is here already stays as they are.",
		Example: "  postern import fastmcp --from disk:$HOME/.local/share/fastmcp/oauth-proxy --key-file secret\n" +
			"  postern import fastmcp --from redis://127.0.0.1:6379/0 --apply\n" +
			"  postern import fastmcp --from firestore:acme-mcp --collection oauth_clients",
	}, func(ctx context.Context, op *operator.Operator, _ []string) error {
		ring, err := oldKeys(keyFile, salt)
		if err != nil {
			return err
		}
		registrations, err := fastmcp.Read(ctx, s, ring)
		if err != nil {
			return err
		}
		return op.ImportClients(ctx, newcomers(registrations), apply)
	})
	f := cmd.Flags()
	f.StringVar(&s.From, "from", "", "where the old server stores its state: disk:DIR (diskcache), file:DIR (a tree "+
		"of files), redis://…, firestore:PROJECT or firestore:PROJECT/DATABASE")
	f.StringVar(&s.Collection, "collection", "", "the collection with the clients, where its name does not say so")
	f.StringVar(&keyFile, "key-file", "", "a file with what its documents are sealed by: its jwt_signing_key, the "+
		"client secret of its upstream if it had none, or Fernet keys, one a line")
	f.StringVar(&salt, "key-salt", "", "the salt of a FernetEncryptionWrapper whose source_material is in --key-file")
	f.BoolVar(&apply, "apply", false, "bring them over; without, nothing is written")
	return cmd
}

// oldKeys returns the keys of the old server's store, none if no file is named.
func oldKeys(file, salt string) (fernet.Keyring, error) {
	if file == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	ring, err := fastmcp.Keys(secret, salt)
	if err != nil {
		return nil, fmt.Errorf("--key-file %s: %w", file, err)
	}
	return ring, nil
}

func newcomers(registrations []fastmcp.Registration) []operator.Newcomer {
	var all []operator.Newcomer
	for _, r := range registrations {
		all = append(all, operator.Newcomer{
			Document: r.Document, ID: r.ID, Metadata: r.Metadata, Secret: r.Secret, MethodSaid: r.MethodSaid,
			Skipped: r.Skipped,
		})
	}
	return all
}
