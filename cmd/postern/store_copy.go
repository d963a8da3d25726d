package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/cmd/postern/internal/storecopy"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
)

// copying is what was said on the command line of a copy.
type copying struct {
	from, to                     operator.Options
	finish, stopped, dryRun, yes bool
}

func newStoreCopy(out *cli.Output) *cobra.Command {
	var o copying
	cmd := &cobra.Command{
		Use: "copy --from STORE --to STORE", Short: "Move the records of a running server to another store", Args: none,
		Long: "Move the records of a running server to another store, whatever keeps them, sealed as they are.\n" +
			"docs/moving-stores.md has it step by step, with the way back.\n\n" +
			"Without --finish it copies while the server goes on; do that as often as you like, each time it copies\n" +
			"what changed. With --finish the old store is closed: its servers answer what only reads, and 503 to\n" +
			"the rest. What changed is copied, both are compared, the old one stops answering, the new one begins.\n" +
			"It may be interrupted anywhere and started again.",
		ValidArgsFunction:     cobra.NoFileCompletions,
		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	operator.BindStore(flags, &o.from.Store, "from", "the store that the server has: "+operator.StoreForms)
	operator.BindStore(flags, &o.to.Store, "to", "the store that it is to have: empty, or of an earlier run")
	flags.BoolVar(&o.finish, "finish", false, "close the old store, copy the rest and hand over to the new one")
	flags.BoolVar(&o.stopped, "stopped", false,
		"no server runs over the old store, so wait for none: for --finish, where you stopped it yourself")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be copied, and change nothing")
	flags.BoolVar(&o.yes, "yes", false, "do not ask; where nobody can be asked, nothing is done without it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), out) }
	return cmd
}

func (o *copying) check() error {
	switch {
	case o.from.Store == "" || o.to.Store == "":
		return cli.Usage("say both --from and --to: %s", operator.StoreForms)
	case o.from.Store == o.to.Store:
		return cli.Usage("--from and --to name the same store")
	case o.stopped && !o.finish:
		return cli.Usage("--stopped is for --finish: a copy without it needs no server to stop")
	case o.dryRun && o.finish:
		return cli.Usage("--dry-run changes nothing, --finish hands over: say one of them")
	}
	return nil
}

func (o *copying) run(ctx context.Context, out *cli.Output) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	out.From(o.from.Where())
	defer out.Begin("copying")()
	from, err := o.from.OpenRecords(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", o.from.Where(), err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := drivers.All.Open(ctx, o.to.Store)
	if err != nil {
		return fmt.Errorf("%s: %w", o.to.Where(), err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	c := &storecopy.Copier{From: from, To: to, Collections: store.Collections(), Settle: driver.Settle, Say: out.Going}
	if o.stopped {
		c.Settle = 0
	}
	done, err := o.do(ctx, out, c)
	return errors.Join(err, o.show(out, done, err))
}

func (o *copying) do(ctx context.Context, out *cli.Output, c *storecopy.Copier) (storecopy.Report, error) {
	if o.dryRun {
		return c.Look(ctx)
	}
	if !o.finish {
		return c.Copy(ctx)
	}
	question := fmt.Sprintf("Close %s, hand over to %s and leave the old store behind?", o.from.Where(), o.to.Where())
	if err := out.Confirm(o.yes, question); err != nil {
		return nil, err
	}
	done, err := c.Finish(ctx)
	if err != nil {
		err = fmt.Errorf("%w\nthe copy is not finished: run the same command again, or go on with the old store by: "+
			"postern store reopen --store …", err)
	}
	return done, err
}

// show shows the counts of a copy, and what comes next.
func (o *copying) show(out *cli.Output, done storecopy.Report, failed error) error {
	if done == nil {
		return nil
	}
	all := storecopy.Count{Collection: "all"}
	items, rows := []any{}, [][]string{}
	add := func(n storecopy.Count) {
		items = append(items, n)
		rows = append(rows, []string{
			n.Collection, fmt.Sprint(n.Records), fmt.Sprint(n.Copied), fmt.Sprint(n.Deleted), fmt.Sprint(n.Left),
		})
	}
	for _, n := range done {
		add(n)
		all.Records, all.Left = all.Records+n.Records, all.Left+n.Left
		all.Copied, all.Deleted = all.Copied+n.Copied, all.Deleted+n.Deleted
	}
	add(all)
	if all.Left > 0 {
		out.Warn("left behind, since no server wrote it: %s", cli.Count(all.Left, "document", "documents"))
	}
	err := out.Show(items, []string{"COLLECTION", "RECORDS", "COPIED", "DELETED", "LEFT"}, rows)
	if err != nil || failed != nil {
		return err
	}
	switch {
	case o.dryRun:
		out.Note("nothing was changed")
	case o.finish:
		out.Note("both stores are the same, and the new one is in use: start the server with it in STORE")
	default:
		out.Note("the server goes on with the old store; to hand over, add --finish")
	}
	return nil
}
