package main

import (
	"io"
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// No flag has a type for which there are no words.
func TestEveryFlagSaysWhatItTakes(t *testing.T) {
	t.Parallel()
	own := []string{"string", "stringArray", (*cli.Since)(nil).Type()}
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if kind := f.Value.Type(); wanted[kind] == "" && !slices.Contains(own, kind) {
				t.Errorf("%s --%s: no words for a %s", cmd.CommandPath(), f.Name, kind)
			}
		})
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look(newRoot(cli.New(nil, io.Discard, io.Discard)))
}
