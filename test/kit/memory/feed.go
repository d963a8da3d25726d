package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// maxChanges bounds a feed that nobody reads.
const maxChanges = 10_000

type feed struct {
	mu       sync.Mutex
	sequence int64
	changes  []change // ascending by sequence
}

type change struct {
	key           driver.Key
	before, after *entry
	time          time.Time
	sequence      int64
}

// report appends a change, unless there is none. The shard of k is locked, so
// that the changes of one document stand in the order in which they happened.
func (f *feed) report(k driver.Key, before, after *entry) {
	if before == nil && after == nil || before != nil && after != nil && before.document.Equal(after.document) {
		return
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sequence++
	f.changes = append(f.changes, change{k, before, after, now, f.sequence})
	if len(f.changes) > maxChanges {
		f.drop(1)
	}
}

// drop forgets the n oldest changes; clearing them frees their documents before
// the slice is next moved.
func (f *feed) drop(n int) {
	clear(f.changes[:n])
	f.changes = f.changes[n:]
}

// after returns the position of the first change above a sequence number.
func (f *feed) after(sequence int64) int {
	n, _ := slices.BinarySearchFunc(f.changes, sequence+1, func(c change, s int64) int { return int(c.sequence - s) })
	return n
}

// Changes implements [driver.Feed].
func (d *Driver) Changes(ctx context.Context, after int64, limit int) ([]driver.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	d.feed.mu.Lock()
	defer d.feed.mu.Unlock()
	rest := d.feed.changes[d.feed.after(after):]
	var out []driver.Change
	for _, c := range rest[:max(0, min(limit, len(rest)))] {
		out = append(out, driver.Change{
			Key: c.key, Before: c.before.clone(), After: c.after.clone(), Time: c.time, Sequence: c.sequence,
		})
	}
	return out, nil
}

// Forget implements [driver.Feed].
func (d *Driver) Forget(ctx context.Context, upTo int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("forget changes: %w", err)
	}
	d.feed.mu.Lock()
	defer d.feed.mu.Unlock()
	d.feed.drop(d.feed.after(upTo))
	return nil
}

// clone returns a copy of e's document, nil for nil.
func (e *entry) clone() *driver.Document {
	if e == nil {
		return nil
	}
	return new(e.document.Clone())
}
