package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
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
			"and answers.",
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
			return errors.Join(report.Show(out), report.Err())
		},
	}
	cmd.Flags().StringVar(&records, "store", "",
		"look at the records as well: firestore:PROJECT, firestore:PROJECT/DATABASE or embedded:DIR")
	out.Bind(cmd.Flags())
	return cmd
}

// openRecords opens the store of a setting, nil for none.
func openRecords(ctx context.Context, setting string) (driver.Driver, error) {
	if setting == "" {
		return nil, nil
	}
	return (&operator.Options{Store: setting}).OpenRecords(ctx)
}
