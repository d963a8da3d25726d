package main

import (
	"os"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "postern",
		Short:         "A login in front of an MCP server that never forgets a client",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newDev())
	root.AddCommand(newEmulate())
	root.AddCommand(newDoctor())
	root.AddCommand(newKeys(), newClients(), newGrants(), newUsers(), newStats())
	root.SetArgs(idsLast(os.Args[1:]))
	return root
}
