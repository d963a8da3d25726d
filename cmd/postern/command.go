package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/stdio"
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/store/drivers"
)

// A command is a server behind that speaks MCP over its standard input and output.
type command struct {
	args []string // none if there is no such server
	most int      // processes at a time
}

// addCommand lets the command line of cmd end in "-- COMMAND ARGS".
func addCommand(cmd *cobra.Command, c *command) {
	cmd.Use += " [flags] [-- COMMAND ARGS]"
	cmd.DisableFlagsInUseLine = true
	cmd.Long += "\n\nBehind -- there may be a command that speaks MCP over its standard input and output\n" +
		"(docs/serve.md). It has a process for each person who uses it."
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch dash := cmd.ArgsLenAtDash(); {
		case dash < 0:
			return tooMany(args, 0)
		case dash > 0:
			return tooMany(args[:dash], 0)
		case len(args) == 0:
			return errors.New("the command behind -- is missing")
		}
		c.args = args
		return nil
	}
	cmd.Flags().IntVar(&c.most, "processes", 16, "processes of COMMAND at a time; each person has one of their own")
}

// check refuses a command beside another server behind, or a limit without a use.
func (c command) check(cmd *cobra.Command) error {
	others := cmd.Flags().Changed("upstream") || cmd.Flags().Changed("tools")
	switch {
	case c.args != nil && others:
		return cli.Usage("the command behind -- serves /mcp: leave --upstream and --tools out")
	case c.args == nil && cmd.Flags().Changed("processes"):
		return cli.Usage("--processes is for a command behind --")
	case c.most < 1:
		return cli.Usage("--processes %d: want 1 or more", c.most)
	}
	return nil
}

// open tries the command and returns what serves in place of the function mcp, nothing
// without a command. End ends its processes.
func (c command) open(ctx context.Context, env *boot.Env) (own map[string]boot.Build, end func(), err error) {
	if c.args == nil {
		return nil, func() {}, nil
	}
	made, err := stdio.New(ctx, stdio.Options{Args: c.args, Most: c.most, Log: env.Log})
	if err != nil {
		return nil, func() {}, err
	}
	return map[string]boot.Build{"mcp": mcp.BuildServer(drivers.All, made.Describe)}, made.Close, nil
}
