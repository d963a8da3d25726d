package postgresdriver

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-dev/postern/shared/store/driver"
)

var _ driver.Queue = (*Driver)(nil)

const (
	// Those that another process takes at this moment are left to it.
	takeChanges = `UPDATE postern.changes AS c
		SET tries = c.tries + 1, due = now() + $2 * interval '1 microsecond'
		FROM (SELECT sequence FROM postern.changes WHERE due <= now()
			ORDER BY due, sequence LIMIT $1 FOR UPDATE SKIP LOCKED) AS t
		WHERE c.sequence = t.sequence
		RETURNING c.sequence, c.collection, c.id, c.old::text, c.new::text, c.time, c.tries`
	removeChange   = `DELETE FROM postern.changes WHERE sequence = $1`
	putOffChange   = `UPDATE postern.changes SET due = now() + $2 * interval '1 microsecond' WHERE sequence = $1`
	forgetOld      = `DELETE FROM postern.changes WHERE time < now() - $1 * interval '1 microsecond'`
	listenPause    = 5 * time.Second    // before a lost connection is made again
	keepChangesFor = 7 * 24 * time.Hour // of a queue that nobody drains
)

// Take implements [driver.Queue].
func (d *Driver) Take(ctx context.Context, limit int, lease time.Duration) ([]driver.Change, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var changes []driver.Change
	err := d.once(ctx, func(rows pgx.Rows) error {
		c, err := scanChange(rows)
		changes = append(changes, c)
		return err
	}, takeChanges, limit, lease.Microseconds())
	if err != nil {
		return nil, fmt.Errorf("take changes: %w", err)
	}
	slices.SortFunc(changes, func(a, b driver.Change) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return changes, nil
}

func scanChange(rows pgx.Rows) (c driver.Change, err error) {
	var before, after *string
	err = rows.Scan(&c.Sequence, &c.Key.Collection, &c.Key.ID, &before, &after, &c.Time, &c.Tries)
	if err != nil {
		return c, err
	}
	c.Time = c.Time.UTC()
	if c.Before, err = side(before); err == nil {
		c.After, err = side(after)
	}
	return c, err
}

// side decodes one side of a change, nil for NULL. A document that is not one of ours has nothing
// in it.
func side(text *string) (*driver.Document, error) {
	if text == nil {
		return nil, nil
	}
	var r row
	if err := json.Unmarshal([]byte(*text), &r); err != nil {
		return nil, fmt.Errorf("decode change: %w", err)
	}
	d, _ := r.document()
	return &d, nil
}

// Done implements [driver.Queue].
func (d *Driver) Done(ctx context.Context, sequence int64) error {
	if err := d.bounded(ctx, removeChange, sequence); err != nil {
		return fmt.Errorf("remove a change: %w", err)
	}
	return nil
}

// Later implements [driver.Queue].
func (d *Driver) Later(ctx context.Context, sequence int64, pause time.Duration) error {
	if err := d.bounded(ctx, putOffChange, sequence, pause.Microseconds()); err != nil {
		return fmt.Errorf("put off a change: %w", err)
	}
	return nil
}

func (d *Driver) bounded(ctx context.Context, query string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return d.once(ctx, nil, query, args...)
}

// Listen implements [driver.Queue] with a connection of its own, by LISTEN. Behind a pool that
// lends connections it hears nothing.
func (d *Driver) Listen(ctx context.Context, wake func()) {
	for ctx.Err() == nil {
		_ = d.listen(ctx, wake) // who listens looks now and then
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

func (d *Driver) listen(ctx context.Context, wake func()) error {
	to := d.config.parsed.ConnConfig.Copy()
	if err := d.config.password(ctx, to); err != nil {
		return err
	}
	if pool, err := d.use(); err == nil {
		to.DialFunc = pool.Config().ConnConfig.DialFunc // the way to Cloud SQL
	}
	conn, err := pgx.ConnectConfig(ctx, to)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN postern`); err != nil {
		return err
	}
	for {
		wake() // what came before this listened, too
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
