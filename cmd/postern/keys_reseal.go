package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newKeysReseal(o *keysOptions) *cobra.Command {
	var after string
	var remove, yes bool
	cmd := withKeys(o, &cobra.Command{
		Use: "reseal", Short: "Seal all records with the first Fernet key", Args: cobra.NoArgs,
		Long: "Seal again, with the first Fernet key, all records that another key sealed. Servers go on meanwhile. It may be\n" +
			"interrupted and run again; --after goes on where it stopped. Records that no key opens are counted and left.",
	}, func(ctx context.Context, k keysRun, _ []string) error {
		place, err := operator.ParsePlace(after)
		if err != nil {
			return err
		}
		if remove {
			return k.removeUnreadable(ctx, yes)
		}
		return k.reseal(ctx, place, true)
	})
	cmd.Flags().StringVar(&after, "after", "", "go on after this document, as an interrupted run prints it")
	cmd.Flags().BoolVar(&remove, "remove-unreadable", false, "instead, remove the records that no key of the ring opens, after an emergency")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// resealAll is what is done before it retires a key.
func (k keysRun) resealAll(ctx context.Context) error { return k.reseal(ctx, operator.Place{}, false) }

// reseal walks all records with the ring as it is now.
func (k keysRun) reseal(ctx context.Context, after operator.Place, report bool) error {
	ring, err := k.Fernet(ctx)
	if err != nil {
		return err
	}
	d, err := k.o.Open(ctx, k.cmd.OutOrStdout(), k.cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer d.Close()
	bar := operator.NewBar(d.Err)
	done, err := d.Reseal(ctx, ring, after, bar.Show)
	bar.End()
	if err != nil && done.Last != (operator.Place{}) {
		fmt.Fprintf(d.Err, "stopped after %d records; to go on: postern keys reseal --after %s\n", done.Seen(), done.Last)
	}
	if !report {
		fmt.Fprintf(d.Err, "sealed again: %s\n", done)
		return err
	}
	return errors.Join(err, d.PrintResealed(done))
}

// removeUnreadable counts what no key opens, asks, and removes it.
func (k keysRun) removeUnreadable(ctx context.Context, yes bool) error {
	ring, err := k.Fernet(ctx)
	if err != nil {
		return err
	}
	d, err := k.o.Open(ctx, k.cmd.OutOrStdout(), k.cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer d.Close()
	usage, err := d.Usage(ctx, ring)
	if err != nil {
		return err
	}
	if usage[""] == nil {
		return k.print(map[string]int{}, "every record can be opened: nothing to remove")
	}
	if err := confirm(k.cmd, yes, fmt.Sprintf("No key of the ring opens %s. An older version of the ring may. Remove them for good?", operator.UsageText(usage[""]))); err != nil {
		return err
	}
	removed, err := d.RemoveUnreadable(ctx, ring)
	return errors.Join(err, k.print(removed, "removed %s", operator.UsageText(removed)))
}
