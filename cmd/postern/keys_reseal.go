package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/shared/fernet"
)

func newKeysReseal(out *cli.Output, o *keysOptions) *cobra.Command {
	var after string
	var remove bool
	cmd := &cobra.Command{
		Use: "reseal", Short: "Seal all records with the first Fernet key", Args: none,
		Long: "Seal again, with the first Fernet key, all records that another key sealed. Servers go on\n" +
			"meanwhile. It may be interrupted and run again; --after goes on where it stopped. Records that no\n" +
			"key opens are counted and left.",
	}
	cmd.Flags().StringVar(&after, "after", "", "go on after this document, as an interrupted run prints it")
	cmd.Flags().BoolVar(&remove, "remove-unreadable", false,
		"instead, remove the records that no key of the ring opens, after an emergency")
	yes := bindYes(cmd)
	return withKeys(out, o, cmd, func(ctx context.Context, k keysRun, _ []string) error {
		place, err := operator.ParsePlace(after)
		if err != nil {
			return err
		}
		if remove {
			return k.removeUnreadable(ctx, *yes)
		}
		return k.reseal(ctx, place, true)
	})
}

// resealAll is what is done before it retires a key.
func (k keysRun) resealAll(ctx context.Context) error { return k.reseal(ctx, operator.Place{}, false) }

// reseal walks all records with the ring as it is now.
func (k keysRun) reseal(ctx context.Context, after operator.Place, report bool) (err error) {
	ring, op, err := k.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	done, err := op.Reseal(ctx, ring, after, func(r operator.Resealed) { k.out.Going(r.Progress()) })
	if err != nil && done.Last != (operator.Place{}) {
		k.out.Note("stopped after %s; to go on: postern keys reseal --after %s",
			cli.Count(done.Seen(), "record", "records"), done.Last)
	}
	if !report {
		k.out.Note("sealed again: %s", done)
		return err
	}
	return errors.Join(err, op.ShowResealed(done))
}

// open opens the records and the ring that seals them.
func (k keysRun) open(ctx context.Context) (fernet.Keyring, *operator.Operator, error) {
	ring, err := k.Fernet(ctx)
	if err != nil {
		return nil, nil, err
	}
	op, err := k.o.Open(ctx, k.out)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k.o.Where(), err)
	}
	return ring, op, nil
}

// removeUnreadable counts what no key opens, asks, and removes it.
func (k keysRun) removeUnreadable(ctx context.Context, yes bool) (err error) {
	ring, op, err := k.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	usage, err := op.Usage(ctx, ring)
	if err != nil {
		return err
	}
	if usage[""] == nil {
		return k.out.Say(map[string]int{}, "every record can be opened: nothing to remove")
	}
	question := fmt.Sprintf("No key of the ring opens %s. An older version of the ring may. Remove them for good?",
		operator.UsageText(usage[""]))
	if err := k.out.Confirm(yes, question); err != nil {
		return err
	}
	removed, err := op.RemoveUnreadable(ctx, ring)
	return errors.Join(err, k.out.Say(removed, "removed %s", operator.UsageText(removed)))
}
