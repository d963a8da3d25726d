package memory

import (
	"context"
	"sync/atomic"

	"github.com/postern-dev/postern/shared/store/driver"
)

// A Counter is a [driver.Driver] that counts what another one is asked for, as
// the cost budget counts it: a Get, a Tx.Get and a List are a read each; a Create
// and the end of a transaction are a commit each, whether or not they succeed. A
// transaction that its function refuses commits nothing. What runs again counts
// again.
//
// It hides other interfaces of the driver, such as [driver.Feed].
type Counter struct {
	driver         driver.Driver
	reads, commits atomic.Int64
}

var _ driver.Driver = (*Counter)(nil)

// Count returns a Counter over d.
func Count(d driver.Driver) *Counter { return &Counter{driver: d} }

// A Cost is a number of operations.
type Cost struct{ Reads, Commits int64 }

// Take returns the cost since the last Take and starts again at zero.
func (c *Counter) Take() Cost {
	return Cost{Reads: c.reads.Swap(0), Commits: c.commits.Swap(0)}
}

// Get implements [driver.Driver].
func (c *Counter) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	c.reads.Add(1)
	return c.driver.Get(ctx, k)
}

// Create implements [driver.Driver].
func (c *Counter) Create(ctx context.Context, k driver.Key, d driver.Document) error {
	c.commits.Add(1)
	return c.driver.Create(ctx, k, d)
}

// RunTransaction implements [driver.Driver].
func (c *Counter) RunTransaction(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) error {
	return c.driver.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		err := f(ctx, countingTx{tx, c})
		if err == nil {
			c.commits.Add(1)
		}
		return err
	})
}

// List implements [driver.Driver].
func (c *Counter) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	c.reads.Add(1)
	return c.driver.List(ctx, q)
}

// Close implements [driver.Driver].
func (c *Counter) Close() error { return c.driver.Close() }

type countingTx struct {
	driver.Tx
	counter *Counter
}

func (tx countingTx) Get(k driver.Key) (driver.Document, error) {
	tx.counter.reads.Add(1)
	return tx.Tx.Get(k)
}
