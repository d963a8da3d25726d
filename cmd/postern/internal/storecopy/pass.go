package storecopy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// A Count is what passes found and did in one collection.
type Count struct {
	Collection string `json:"collection"`
	Records    int    `json:"records"` // in both stores after the last pass
	Copied     int    `json:"copied"`
	Deleted    int    `json:"deleted"`
	// Left counts documents that no store wrote, in the last pass.
	Left int `json:"left"`
}

// A Report has one Count for each collection that was reached.
type Report []Count

// same reports whether a pass found nothing to do.
func (r Report) same() bool {
	for _, n := range r {
		if n.Copied > 0 || n.Deleted > 0 {
			return false
		}
	}
	return true
}

// then adds the next pass to r. One that was not ended leaves the figures of before where it did
// not come.
func (r Report) then(next Report) Report {
	sum := append(Report{}, r...)
	for i, n := range next {
		n.Copied, n.Deleted = n.Copied+r[i].Copied, n.Deleted+r[i].Deleted
		sum[i] = n
	}
	return sum
}

// pass makes to as the source is, or with a nil to only counts what there is to do.
func (c *Copier) pass(ctx context.Context, to driver.Driver) (Report, error) {
	var done Report
	for _, collection := range c.Collections {
		done = append(done, Count{Collection: collection})
		if err := c.passOver(ctx, to, &done[len(done)-1]); err != nil {
			return done, fmt.Errorf("copy %s: %w", collection, err)
		}
	}
	return done, nil
}

// passOver walks both stores in the order of ids, side by side. The target is read beyond an id
// before anything is written there, so the walk does not meet what it wrote.
func (c *Copier) passOver(ctx context.Context, to driver.Driver, n *Count) error {
	q := driver.Query{Collection: n.Collection}
	source := follow(alive(driver.All(ctx, c.From, q), &n.Left))
	defer source.stop()
	target := follow(driver.All(ctx, c.To, q))
	defer target.stop()
	writes := batch{to: to}
	for !source.end || !target.end {
		if err := cmp.Or(source.err, target.err); err != nil {
			return err
		}
		order := source.compare(target)
		switch {
		case order > 0:
			n.Deleted++
			writes.add(driver.Write{Kind: driver.DeleteWrite, Key: target.Key})
		case order < 0 || !source.Document.Equal(target.Document):
			n.Copied++
			writes.add(driver.Write{Kind: driver.SetWrite, Key: source.Key, Document: source.Document})
		}
		if order <= 0 {
			n.Records++
			source.next()
		}
		if order >= 0 {
			target.next()
		}
		if err := writes.send(ctx, false); err != nil {
			return err
		}
		c.say(fmt.Sprintf("copying %s: %d seen, %d copied, %d deleted", n.Collection, n.Records, n.Copied, n.Deleted))
	}
	return writes.send(ctx, true)
}

// alive leaves out what its keeper may remove at any time, and counts and leaves out what no
// store wrote, which is listed without a body.
func alive(records iter.Seq2[driver.Record, error], left *int) iter.Seq2[driver.Record, error] {
	now := time.Now()
	return func(yield func(driver.Record, error) bool) {
		for r, err := range records {
			until := r.Document.DeleteAfter
			switch {
			case err != nil:
			case r.Document.Body == "":
				*left++
				continue
			case !until.IsZero() && until.Before(now):
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
