// Package postgresdriver keeps documents in PostgreSQL 14 or newer, for the STORE setting
// "postgres://USER@HOST/DATABASE?sslmode=verify-full", and for Cloud SQL
// "postgres://USER@/DATABASE?cloudsql=PROJECT:REGION:INSTANCE".
//
// The tables are in a schema of their own, "postern", which [Migrate] makes; migrations/ has
// them. A server never makes or changes them itself, and one that does not know what it finds
// refuses to work with it.
//
// Each call is one message and its answer, a transaction's commit too: it calls a function of
// the database that does all of its writes or none. So no transaction is ever open while this
// program does something else, a process that dies leaves nothing locked, and a pool such as
// PgBouncer may give every call another connection: nothing is kept in a session.
package postgresdriver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-dev/postern/shared/store/driver"
)

// deadline bounds each call, a transaction with all its attempts included.
const deadline = 10 * time.Second

// A Driver is a [driver.Driver] over one PostgreSQL database.
type Driver struct {
	config *config

	mu     sync.Mutex
	pool   *pgxpool.Pool // nil before the first use
	closed bool

	nextPurge atomic.Int64 // Unix microseconds
}

var _ driver.Driver = (*Driver)(nil)

var errClosed = errors.New("PostgreSQL store is closed")

// Open returns the store that name describes: a STORE setting without "postgres:". It does no
// network I/O; the first use connects. cloudSQL is the way to Cloud SQL, nil for none.
func Open(_ context.Context, name string, cloudSQL CloudSQL) (*Driver, error) {
	c, err := parse(name, cloudSQL)
	if err != nil {
		return nil, err
	}
	return &Driver{config: c}, nil
}

// Opener is [Open] as a [driver.Opener].
func Opener(cloudSQL CloudSQL) driver.Opener {
	return func(ctx context.Context, name string) (driver.Driver, error) { return Open(ctx, name, cloudSQL) }
}

// use returns the pool. A failure to make it is not remembered.
func (d *Driver) use() (*pgxpool.Pool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.pool == nil {
		// Not a request's context: the pool outlives the request that came first.
		pool, err := d.config.pool(context.Background())
		if err != nil {
			return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
		}
		d.pool = pool
	}
	return d.pool, nil
}

// Get implements [driver.Driver].
func (d *Driver) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	doc, _, err := d.lookUp(ctx, k)
	return doc, err
}

// lookUp returns the document at k and the mark of who wrote it last, empty if there is none.
func (d *Driver) lookUp(ctx context.Context, k driver.Key) (doc driver.Document, mark string, err error) {
	if err := k.Check(); err != nil {
		return driver.Document{}, "", err
	}
	err = d.read(ctx, func(rows pgx.Rows) error {
		found, m, err := scan(rows)
		if mark = m; err != nil {
			return err
		}
		doc, err = found.document()
		return err
	}, getDocument, k.Collection, k.ID)
	if err == nil && mark == "" {
		err = driver.ErrNotFound
	}
	if err != nil {
		return driver.Document{}, mark, fmt.Errorf("get from %s: %w", k.Collection, err)
	}
	return doc, mark, nil
}

// Create implements [driver.Driver].
func (d *Driver) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	return d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error { return tx.Create(k, doc) })
}

// List implements [driver.Driver].
func (d *Driver) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	query, args := listAll, []any{q.Collection, q.After, q.Limit}
	if q.Field != "" {
		query, args = listByField, append(args, q.Field, q.Value)
	}
	var records []driver.Record
	err := d.read(ctx, func(rows pgx.Rows) error {
		found, _, err := scan(rows)
		if err != nil {
			return err
		}
		doc, _ := found.document() // without a body if it is malformed
		records = append(records, driver.Record{Key: driver.Key{Collection: q.Collection, ID: found.id}, Document: doc})
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Collection, err)
	}
	return records, nil
}

// Close implements [driver.Driver]. Later calls of other methods fail.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pool := d.pool
	d.pool, d.closed = nil, true
	if pool != nil {
		pool.Close()
	}
	return d.config.close()
}
