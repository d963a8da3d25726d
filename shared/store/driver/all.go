package driver

import (
	"context"
	"fmt"
	"iter"
)

const pageSize = 200

// All walks the selected records page by page, whatever q's Limit. A page that could not be
// had is the last thing it yields.
func All(ctx context.Context, d Driver, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		q.Limit = pageSize
		for {
			page, err := d.List(ctx, q)
			if err != nil {
				yield(Record{}, fmt.Errorf("list %s: %w", q.Collection, err))
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				q.After = r.Key.ID
			}
			if len(page) < q.Limit {
				return
			}
		}
	}
}
