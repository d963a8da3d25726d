package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/version"
)

// versionLine is what a report of a fault should have.
func versionLine() string {
	return fmt.Sprintf("postern %s (%s, %s/%s)\n", version.String(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion(out *cli.Output) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the release of this program", Args: none,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(out.Out, versionLine())
			return err
		},
	}
}
