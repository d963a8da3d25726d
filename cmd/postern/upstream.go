package main

import (
	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

const upstreamSetting = "MCP_UPSTREAM_URL"

// addUpstream gives cmd the flag --upstream.
func addUpstream(cmd *cobra.Command, url *string) {
	cmd.Flags().StringVar(url, "upstream", "",
		"URL of an MCP server behind this one (docs/upstream.md), like http://127.0.0.1:9000/mcp; "+
			"unset, that of "+upstreamSetting)
}

// withUpstream puts the URL of --upstream, if there is one, before the settings of env.
func withUpstream(env *boot.Env, url string) {
	if url != "" {
		env.Lookup = config.Overlay(config.Map(map[string]string{upstreamSetting: url}), env.Lookup)
	}
}
