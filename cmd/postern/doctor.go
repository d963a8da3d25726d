package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/store/driver"
)

func newDoctor(out *cli.Output) *cobra.Command {
	var records string
	cmd := &cobra.Command{
		Use:   "doctor URL",
		Short: "Look at a deployment from outside, as a client sees it",
		Long: "Look at a deployment from outside, as a client sees it.\n\n" +
			"It says what is wrong, what could not be looked at, and what to do, and ends with an exit status\n" +
			"other than 0 if there is any of it. It needs no credential. The one client that it registers it\n" +
			"deletes again.\n\n" +
			"With --store it looks also whether the records can be looked up, as you: that the database is there,\n" +
			"and answers. Where MCP_UPSTREAM_URL or MCP_UPSTREAMS is set it looks at those servers too, as\n" +
			"postern upstreams check does.",
		Example: "  postern doctor https://auth.example.com\n" +
			"  postern doctor https://auth.example.com --store firestore:acme-mcp/postern",
		Args: one("the address of a server, like https://auth.example.com"),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer out.Begin("looking at " + args[0])()
			db, err := openRecords(cmd.Context(), records)
			if err != nil {
				return err
			}
			if db != nil {
				defer db.Close()
			}
			report, err := doctor.Run(cmd.Context(), args[0], &doctor.Options{Store: db, Begin: func(check string) {
				out.Going("looking at " + args[0] + ": " + check)
			}})
			out.From(report.URL)
			if err != nil {
				return err
			}
			behind, err := behindDoctor(cmd.Context(), out)
			report.Checks = append(report.Checks, behind...)
			return errors.Join(report.Show(out), report.Err(), err)
		},
	}
	operator.BindStore(cmd.Flags(), &records, "store", "look at the records as well: "+operator.StoreForms)
	out.Bind(cmd.Flags())
	return cmd
}

// behindDoctor looks at the servers behind, where the settings that name them are: on the
// machine of a postern serve.
func behindDoctor(ctx context.Context, out *cli.Output) ([]doctor.Check, error) {
	env := &boot.Env{Lookup: os.LookupEnv}
	if r := env.Settings(); !r.Has("MCP_UPSTREAM_URL") && !r.Has("MCP_UPSTREAMS") {
		return nil, nil
	}
	looks, err := mcp.Behind(env)
	if err != nil {
		return nil, err
	}
	return lookBehind(ctx, out, looks).Checks, nil
}

// openRecords opens the store of a setting, nil for none.
func openRecords(ctx context.Context, setting string) (driver.Driver, error) {
	if setting == "" {
		return nil, nil
	}
	return (&operator.Options{Store: setting}).OpenRecords(ctx)
}
