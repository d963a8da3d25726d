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
	var roles []string
	cmd := &cobra.Command{
		Use: "migrate", Short: "Make the tables of a PostgreSQL database, or bring them up to date", Args: none,
		Long: "Make the tables of a PostgreSQL database, or bring them up to date.\n\n" +
			"Servers never do that themselves: one that does not know the tables that it finds answers 503 and\n" +
			"names this command. Do it before new functions are deployed; the old ones go on working. It may be\n" +
			"done again, and twice at once. Other stores need none of it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			out.From(o.Where())
			if err := migrateStore(cmd.Context(), out, o.Setting(), roles); err != nil {
				return fmt.Errorf("%s: %w", o.Where(), err)
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.BindStore(cmd.Flags())
	cmd.Flags().StringArrayVar(&roles, "grant", nil, "let this role of the database do what a server does; "+
		"may be said several times")
	return cmd
}

// migrated is what the command says to programs.
type migrated struct {
	From    int      `json:"from"` // versions of the tables
	To      int      `json:"to"`
	Granted []string `json:"granted"`
}

func migrateStore(ctx context.Context, out *cli.Output, setting string, roles []string) error {
	name, ok := strings.CutPrefix(setting, "postgres:")
	if !ok {
		return cli.Usage("only a PostgreSQL database has tables to migrate: " +
			"name it with --store postgres://…, or in STORE")
	}
	defer out.Begin("migrating")()
	m, err := postgresdriver.Migrate(ctx, name, cloudsql.Way(), roles...)
	if err != nil {
		return err
	}
	item := migrated{m.From, m.To, append([]string{}, roles...)}
	if m.From == m.To {
		return out.Say(item, "the tables are version %d already", m.To)
	}
	return out.Say(item, "the tables are version %d now (they were %d)", m.To, m.From)
}
