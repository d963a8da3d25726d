// Package memory keeps documents in memory, for tests and measurements.
//
// It is as strict as Firestore and stricter where a test wants it: values are
// copied on the way in and out, a late read is refused, a transaction function
// may run twice, and each operation can be made to fail before or after its
// effect. It has no scheme, so that no setting makes a server forget its clients.
//
// Transactions are optimistic: a function runs against what is there, and its
// writes are applied if nothing that it read has changed since, else it runs
// again. Documents are spread over shards with a lock each.
package memory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// The operations as Options.Fault sees them.
const (
	OpGet    = "get"    // Driver.Get
	OpCreate = "create" // Driver.Create
	OpList   = "list"   // Driver.List; the key has no ID
	OpTxGet  = "tx get" // Tx.Get
	OpCommit = "commit" // the end of RunTransaction; the key is that of its first write, zero without any
)

// Options make a Driver behave as badly as a real keeper may.
type Options struct {
	// RunTwice runs every transaction function twice and keeps the second
	// run, as if the first had met another writer.
	RunTwice bool

	// Fault is called before an operation and FaultAfter after its effect. An
	// error that they return is the operation's result; after FaultAfter the
	// effect stays, as when an answer is lost. Both are called by several
	// goroutines and may be nil.
	Fault, FaultAfter func(op string, k driver.Key) error
}

const shards = 64

// A Driver is a [driver.Driver] and a [driver.Feed] in memory.
type Driver struct {
	options Options
	seed    maphash.Seed
	version atomic.Uint64
	shards  [shards]shard
	feed    feed
}

var (
	_ driver.Driver = (*Driver)(nil)
	_ driver.Feed   = (*Driver)(nil)
)

// New returns an empty store. A nil o means no misbehaviour.
func New(o *Options) *Driver {
	d := &Driver{seed: maphash.MakeSeed()}
	if o != nil {
		d.options = *o
	}
	return d
}

// RunOnce ends RunTwice, where costs are counted or time is measured.
func (d *Driver) RunOnce() { d.options.RunTwice = false }

// Get implements [driver.Driver].
func (d *Driver) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	if err := ctx.Err(); err != nil {
		return driver.Document{}, fmt.Errorf("get: %w", err)
	}
	doc, _, err := d.read(OpGet, k)
	return doc, err
}

// read returns the document at k and its version, which is 0 if there is none.
func (d *Driver) read(op string, k driver.Key) (driver.Document, uint64, error) {
	if err := k.Check(); err != nil {
		return driver.Document{}, 0, err
	}
	if err := call(d.options.Fault, op, k); err != nil {
		return driver.Document{}, 0, err
	}
	e := d.shard(k).get(k)
	if err := call(d.options.FaultAfter, op, k); err != nil {
		return driver.Document{}, 0, err
	}
	if e == nil {
		return driver.Document{}, 0, fmt.Errorf("get from %s: %w", k.Collection, driver.ErrNotFound)
	}
	return e.document.Clone(), e.version, nil
}

// Create implements [driver.Driver].
func (d *Driver) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	if err := driver.Outside(ctx); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	var w driver.Writes
	if err := w.Create(k, doc); err != nil {
		return err
	}
	if err := call(d.options.Fault, OpCreate, k); err != nil {
		return err
	}
	list, err := w.Done(nil)
	if err == nil {
		_, err = d.commit(nil, list)
	}
	if err != nil {
		return err
	}
	return call(d.options.FaultAfter, OpCreate, k)
}

// RunTransaction implements [driver.Driver]. The function runs again until
// nothing that it read has changed, or ctx ends.
func (d *Driver) RunTransaction(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) error {
	inner, err := driver.Enter(ctx)
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	if d.options.RunTwice {
		_ = f(inner, &transaction{driver: d})
	}
	for {
		done, err := d.attempt(inner, f)
		if done {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("transaction: %w", err)
		}
	}
}

// attempt runs f once. It is not done if another writer came between, in which
// case even f's refusal rests on documents that never stood beside each other.
func (d *Driver) attempt(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) (done bool, err error) {
	tx := &transaction{driver: d}
	list, err := tx.Done(f(ctx, tx))
	if err != nil {
		return d.unchanged(tx.reads), err
	}
	if err := ctx.Err(); err != nil {
		return true, fmt.Errorf("commit: %w", err)
	}
	var first driver.Key
	if len(list) > 0 {
		first = list[0].Key
	}
	if err := call(d.options.Fault, OpCommit, first); err != nil {
		return true, err
	}
	if done, err = d.commit(tx.reads, list); done && err == nil {
		err = call(d.options.FaultAfter, OpCommit, first)
	}
	return done, err
}

// Purge removes the documents whose DeleteAfter is not after now, as a keeper
// does in its own time, and returns their number.
func (d *Driver) Purge(now time.Time) int {
	n := 0
	for i := range d.shards {
		n += d.shards[i].purge(now, &d.feed)
	}
	return n
}

// Close implements [driver.Driver]. It does nothing.
func (d *Driver) Close() error { return nil }

// A transaction reads with versions and keeps the writes.
type transaction struct {
	driver.Writes
	driver *Driver
	reads  []versioned
}

// A versioned key is what a transaction saw: 0 if there was no document.
type versioned struct {
	key     driver.Key
	version uint64
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	doc, version, err := tx.driver.read(OpTxGet, k)
	if tx.Broken(err) == nil || errors.Is(err, driver.ErrNotFound) {
		tx.reads = append(tx.reads, versioned{k, version})
	}
	return doc, err
}

func call(fault func(string, driver.Key) error, op string, k driver.Key) error {
	if fault == nil {
		return nil
	}
	return fault(op, k)
}
