package main

import (
	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// newStore makes the group of what is about a database as a whole.
func newStore(out *cli.Output) *cobra.Command {
	group := newGroup("store", "Look after the database of records", "",
		newStoreCopy(out), newStoreMigrate(out), newStoreReopen(out))
	out.Bind(group.PersistentFlags())
	return group
}
