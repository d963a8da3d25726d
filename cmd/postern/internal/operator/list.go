package operator

import (
	"cmp"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// A Selection says how much of a list is shown: the newest first, at most Limit of them
// unless that is 0, none older than Since.
type Selection struct {
	Limit uint
	Since cli.Since
}

// Bind makes flags of a selection. When says which time of an item counts.
func (s *Selection) Bind(flags *pflag.FlagSet, when string) {
	flags.UintVar(&s.Limit, "limit", 0, "only the newest so many (default all)")
	flags.Var(&s.Since, "since", "only those "+when+" since then: how long ago, like 36h, or a date, like 2026-03-01")
}

// A view is a record as it is shown.
type view interface {
	// when is the time by which a list is sorted.
	when() time.Time
	// row is the view for people.
	row() []string
}

// list shows views as a list: sorted, selected, and with an error if records are missing
// from it because they could not be opened.
func list[V view](op *Operator, s Selection, heading []string, views []V, bad unreadable) error {
	views = slices.DeleteFunc(views, func(v V) bool { return v.when().Before(s.Since.Time) })
	slices.SortStableFunc(views, func(a, b V) int { return b.when().Compare(a.when()) })
	all := len(views)
	if s.Limit > 0 {
		views = views[:min(uint(all), s.Limit)]
	}
	items, rows := []any{}, [][]string{}
	for _, v := range views {
		items, rows = append(items, v), append(rows, v.row())
	}
	if err := op.out.Show(items, heading, rows); err != nil {
		return err
	}
	if len(views) < all {
		op.out.Note("%d of %d are shown: --limit", len(views), all)
	}
	op.out.Unreadable(bad.n)
	return bad.err("so this is not all")
}

// newest returns the latest of times.
func newest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

func dash(s string) string { return cmp.Or(s, "-") }
