package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/version"
)

// aboutVersion is what the command says to programs.
type aboutVersion struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// versionLine is what a report of a fault should have.
func versionLine() string {
	return fmt.Sprintf("postern %s (%s, %s/%s)\n", version.String(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion(out *cli.Output) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print the release of this program", Args: none,
		RunE: func(*cobra.Command, []string) error {
			about := aboutVersion{version.String(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			return out.Say(about, "%s", strings.TrimSpace(versionLine()))
		},
	}
	out.Bind(cmd.Flags())
	return cmd
}
