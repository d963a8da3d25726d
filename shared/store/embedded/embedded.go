// Package embedded keeps documents in one SQLite file, DIR/postern.db, for the
// STORE setting "embedded:DIR". It is what `postern dev` uses and what tries
// several processes without an emulator; a deployed function does not link it.
//
// Several processes may share the file. SQLite lets one of them write at a time:
//
//	read    pool of read-only connections, each sees every commit before it
//	write   one connection per process, BEGIN IMMEDIATE, WAL, synchronous=FULL
//
// What was acknowledged has been synced to the disk. Writers of one process that come at
// the same time share a transaction of the file, and so a sync. A change feed stands in
// for Firestore's events: each commit writes the documents before and after it
// into the same file, and [Driver.Changes] reads them.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/postern-dev/postern/shared/store/driver"
)

// Opener is [Open] as a [driver.Opener].
func Opener(ctx context.Context, name string) (driver.Driver, error) { return Open(ctx, name) }

// A Driver is a [driver.Driver] and a [driver.Feed] over one SQLite file. The
// Drivers of one process over one directory share their connections, so that
// they queue for the writer in memory instead of polling the file's lock.
type Driver struct {
	dir string // absolute

	mu     sync.Mutex
	file   *file // nil before the first use
	closed bool
}

var (
	_ driver.Driver = (*Driver)(nil)
	_ driver.Feed   = (*Driver)(nil)
)

var errClosed = errors.New("embedded store is closed")

// Open returns the store in dir. It touches no file: the first use makes dir
// (mode 0700) and the database in it (mode 0600).
func Open(_ context.Context, dir string) (*Driver, error) {
	if dir == "" {
		return nil, errors.New("store \"embedded:\" names no directory: want embedded:DIR, like embedded:.postern")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store \"embedded:%s\": %w", dir, err)
	}
	return &Driver{dir: abs}, nil
}

// use returns the open file. A failure is not remembered: the next use tries
// again.
func (d *Driver) use(ctx context.Context) (*file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.file == nil {
		f, err := acquire(d.dir)
		if err != nil {
			return nil, fmt.Errorf("open embedded store: %w", err)
		}
		d.file = f
	}
	return d.file, nil
}

// Get implements [driver.Driver].
func (d *Driver) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	if err := k.Check(); err != nil {
		return driver.Document{}, err
	}
	f, err := d.use(ctx)
	if err != nil {
		return driver.Document{}, fmt.Errorf("get: %w", err)
	}
	return get(f.get.QueryRowContext(unwatched, k.Collection, k.ID), k)
}

// Create implements [driver.Driver].
func (d *Driver) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	return d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error { return tx.Create(k, doc) })
}

// RunTransaction implements [driver.Driver]. It holds the file's write lock while
// f runs, so f runs once. It must not wait for another transaction.
func (d *Driver) RunTransaction(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) error {
	inner, err := driver.Enter(ctx)
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	file, err := d.use(ctx)
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	err = file.write(ctx, func(w *writer) error {
		tx := &transaction{writer: w, known: map[driver.Key]look{}}
		list, err := tx.Done(f(inner, tx))
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		return w.apply(list, tx.known)
	})
	if err == nil {
		file.housekeep(ctx)
	}
	return err
}

// List implements [driver.Driver].
func (d *Driver) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	f, err := d.use(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	if q.Field == "" {
		return list(q.Collection)(f.readers.QueryContext(ctx, listAll, q.Collection, q.After, q.Limit))
	}
	return list(q.Collection)(f.readers.QueryContext(ctx, listByField,
		q.Collection, q.Field, q.Value, q.After, q.Limit))
}

// Close implements [driver.Driver]. Later calls of other methods fail.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.file
	d.file, d.closed = nil, true
	if f == nil {
		return nil
	}
	return release(f)
}

// A transaction reads from the writer's connection and keeps the writes.
type transaction struct {
	driver.Writes
	writer *writer
	known  map[driver.Key]look // what was read
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	doc, err := tx.writer.document(k)
	tx.known[k] = look{doc.Clone(), err}
	return doc, tx.Broken(err)
}

// get decodes one document; no row is ErrNotFound and nothing else is.
func get(row *sql.Row, k driver.Key) (driver.Document, error) {
	var r stored
	err := row.Scan(&r.body, &r.fields, &r.deleteAfter)
	if errors.Is(err, sql.ErrNoRows) {
		return driver.Document{}, fmt.Errorf("get from %s: %w", k.Collection, driver.ErrNotFound)
	}
	if err != nil {
		return driver.Document{}, fmt.Errorf("get from %s: %w", k.Collection, err)
	}
	return r.document()
}
