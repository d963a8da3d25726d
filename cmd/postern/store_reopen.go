package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/cmd/postern/internal/storecopy"
	"github.com/postern-dev/postern/shared/store/driver"
)

// reopened is what the command says to programs.
type reopened struct {
	Was driver.Phase `json:"was"`
}

func newStoreReopen(out *cli.Output) *cobra.Command {
	var o operator.Options
	cmd := &cobra.Command{
		Use: "reopen", Short: "Go on with a store that a copy closed", Args: none,
		Long: "Go on with a store that postern store copy --finish closed and did not leave behind yet.\n\n" +
			"A store that was left behind may be reopened too, for an emergency: what happened since then in the\n" +
			"other store is lost, and clients whose refresh tokens are newer sign in again. The way back that loses\n" +
			"nothing is to copy the other way (docs/moving-stores.md).",
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.BindStore(cmd.Flags())
	yes := bindYes(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		out.From(o.Where())
		defer func() {
			if err != nil && !cli.IsUsage(err) {
				err = fmt.Errorf("%s: %w", o.Where(), err)
			}
		}()
		d, err := o.OpenRecords(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		was, err := storecopy.Reopen(cmd.Context(), d, func() error {
			return out.Confirm(*yes, "The records of this store were moved. What the other store was told since is "+
				"lost to clients that come back here. Go back to it?")
		})
		if err != nil {
			return err
		}
		if was == driver.InUse {
			return out.Say(reopened{was}, "the store is in use already")
		}
		return out.Say(reopened{was}, "the store is in use again (it was %s)", was)
	}
	return cmd
}
