package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor URL",
		Short: "Look at a deployment from outside, as a client sees it",
		Long: "Look at a deployment from outside, as a client sees it.\n\n" +
			"It says what is wrong and what to do, and ends with an exit code other than 0 if anything is. It needs no\n" +
			"credential. The one client that it registers it deletes again.",
		Example: "  postern doctor https://auth.example.com",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := doctor.Run(cmd.Context(), args[0], nil)
			if err != nil {
				return err
			}
			write := report.Print
			if asJSON {
				write = report.PrintJSON
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if n := report.Problems(); n > 0 {
				return fmt.Errorf("problems found: %d", n)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}
