package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/doctor"
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

func newUpstreams(out *cli.Output) *cobra.Command {
	return newGroup("upstreams", "Look at the MCP servers behind this one", "", newUpstreamsCheck(out))
}

func newUpstreamsCheck(out *cli.Output) *cobra.Command {
	var url, data string
	cmd := &cobra.Command{
		Use: "check", Short: "Ask each server as /mcp asks it, and say what it is", Args: none,
		Long: "Ask each MCP server behind this one as /mcp asks it, and say what it is.\n\n" +
			"It reads the settings that the mcp function has (docs/upstream.md), so run it where they are. Each\n" +
			"server is greeted in the name of nobody: that it answers, accepts who calls, speaks MCP and in which\n" +
			"revision. It ends with an exit status other than 0 if one of them does not. Without\n" +
			"IDENTITY_KEYS_FILE it goes with the postern dev of this directory.",
		Example: "  postern upstreams check\n" +
			"  postern upstreams check --upstream http://127.0.0.1:9000/mcp",
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer out.Begin("looking at the servers behind")()
			env := &boot.Env{Lookup: besideDev(os.LookupEnv, data)}
			withUpstream(env, url)
			looks, err := mcp.Behind(env)
			if err != nil {
				return err
			}
			if len(looks.Endpoints) == 0 {
				return cli.Usage("no server is behind: set MCP_UPSTREAM_URL or MCP_UPSTREAMS, or say --upstream URL")
			}
			report := lookBehind(cmd.Context(), out, looks)
			out.From(report.URL)
			return errors.Join(report.Show(out), report.Err())
		},
	}
	addUpstream(cmd, &url)
	cmd.Flags().StringVar(&data, "data", ".postern", "directory of postern dev, for its keys")
	out.Bind(cmd.Flags())
	return cmd
}

func lookBehind(ctx context.Context, out *cli.Output, looks mcp.Looks) doctor.Report {
	return doctor.Upstreams(ctx, looks, func(path string) { out.Going("looking at the server behind " + path) })
}

// besideDev returns a lookup with the keys and the issuer of the postern dev whose directory
// is data, where no keys are set.
func besideDev(lookup func(string) (string, bool), data string) func(string) (string, bool) {
	if keys, _ := lookup("IDENTITY_KEYS_FILE"); keys != "" {
		return lookup
	}
	return config.Overlay(lookup, config.Map(map[string]string{
		"IDENTITY_KEYS_FILE": filepath.Join(data, "keys", "identity-keys.json"), "ISSUER_URL": "http://127.0.0.1:8085",
	}))
}
