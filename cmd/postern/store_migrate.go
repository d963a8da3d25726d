package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/shared/store/cloudsql"
	"github.com/postern-dev/postern/shared/store/postgresdriver"
)

func newStoreMigrate(out *cli.Output) *cobra.Command {
	var o operator.Options
	var owner string
	var writers, readers []string
	cmd := &cobra.Command{
		Use: "migrate", Short: "Make the tables of a PostgreSQL database, or bring them up to date", Args: none,
		Long: "Make the tables of a PostgreSQL database, or bring them up to date.\n\n" +
			"Servers never do that themselves: one that does not know the tables that it finds answers 503 and\n" +
			"names this command. Do it before new functions are deployed; the old ones go on working. It may be\n" +
			"done again, and twice at once. Other stores need none of it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			out.From(o.Where())
			migration := postgresdriver.Options{Owner: owner, Grants: grantsOf(writers, readers)}
			if err := migrateStore(cmd.Context(), out, o.Setting(), migration); err != nil {
				return fmt.Errorf("%s: %w", o.Where(), err)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.BindStore(cmd.Flags())
	cmd.Flags().StringVar(&owner, "owner", "", "the role that owns the tables, whose members may migrate them "+
		"(default whoever migrates)")
	cmd.Flags().StringArrayVar(&writers, "grant", nil, "let this role of the database do what a server does; "+
		"may be said several times")
	cmd.Flags().StringArrayVar(&readers, "grant-read", nil, "let this role read alone, as mcp does; "+
		"may be said several times")
	return cmd
}

func grantsOf(writers, readers []string) (grants []postgresdriver.Grant) {
	for _, role := range writers {
		grants = append(grants, postgresdriver.Grant{Role: role})
	}
	for _, role := range readers {
		grants = append(grants, postgresdriver.Grant{Role: role, Read: true})
	}
	return grants
}

// migrated is what the command says to programs.
type migrated struct {
	From    int `json:"from"` // versions of the tables
	To      int `json:"to"`
	Granted int `json:"granted"` // roles
}

func migrateStore(ctx context.Context, out *cli.Output, setting string, o postgresdriver.Options) error {
	name, ok := strings.CutPrefix(setting, "postgres:")
	if !ok {
		return cli.Usage("only a PostgreSQL database has tables to migrate: " +
			"name it with --store postgres://…, or in STORE")
	}
	defer out.Begin("migrating")()
	m, err := postgresdriver.Migrate(ctx, name, cloudsql.Way(), o)
	if err != nil {
		return err
	}
	item := migrated{m.From, m.To, len(o.Grants)}
	if m.From == m.To {
		return out.Say(item, "the tables are version %d already", m.To)
	}
	return out.Say(item, "the tables are version %d now (they were %d)", m.To, m.From)
}
