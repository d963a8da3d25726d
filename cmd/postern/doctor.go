package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
)

func newDoctor(out *cli.Output) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor URL",
		Short: "Look at a deployment from outside, as a client sees it",
		Long: "Look at a deployment from outside, as a client sees it.\n\n" +
			"It says what is wrong, what could not be looked at, and what to do, and ends with an exit status other than 0\n" +
			"if there is any of it. It needs no credential. The one client that it registers it deletes again.",
		Example: "  postern doctor https://auth.example.com",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			defer out.Begin("looking at " + args[0])()
			report, err := doctor.Run(cmd.Context(), args[0], &doctor.Options{Begin: func(check string) {
				out.Going("looking at " + args[0] + ": " + check)
			}})
			out.From(report.URL)
			if err != nil {
				return err
			}
			return errors.Join(report.Show(out), report.Err())
		},
	}
	out.Bind(cmd.Flags())
	return cmd
}
