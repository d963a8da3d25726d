package postgresdriver

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// preamble begins every call. It holds for this call alone, whoever lends the connection, and
// says whether the server is one that may be believed: a standby answers from the past.
const preamble = `SELECT pg_is_in_recovery(), set_config('statement_timeout', '8000', true)`

// once makes one call: the preamble and query in one message, which are one transaction. Each
// row of query goes to each, which may be nil.
func (d *Driver) once(ctx context.Context, each func(pgx.Rows) error, query string, args ...any) error {
	pool, err := d.use()
	if err != nil {
		return err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoConnection, d.config.fault(err))
	}
	defer conn.Release()
	var batch pgx.Batch
	var standby bool
	batch.Queue(preamble).QueryRow(func(row pgx.Row) error { return row.Scan(&standby, nil) })
	batch.Queue(query, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if standby || each == nil {
				continue
			}
			if err := each(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	err = conn.SendBatch(ctx, &batch).Close()
	if err == nil && standby {
		err = errStandby
	}
	if err != nil && elsewhere(err) {
		pool.Reset() // the next call connects anew
	}
	return d.config.fault(err)
}

// read makes a call that changes nothing. It is made a second time if the connection was lost,
// as it is when another server takes over.
func (d *Driver) read(ctx context.Context, each func(pgx.Rows) error, query string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var rows int
	counted := func(r pgx.Rows) error {
		rows++
		return each(r)
	}
	if each == nil {
		counted = nil
	}
	err := d.once(ctx, counted, query, args...)
	if err != nil && rows == 0 && elsewhere(err) && ctx.Err() == nil {
		err = d.once(ctx, counted, query, args...)
	}
	return err
}
