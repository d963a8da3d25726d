package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

const (
	maxChanges = 10_000      // of a feed that nobody reads
	purgeBatch = 50          // documents removed at once
	purgePause = time.Minute // between purges that left nothing
)

// A writer has the statements of a writing transaction. They are prepared on the
// writers' one connection.
type writer struct {
	get, put, del, label, unlabel, change, forget *sql.Stmt
	now                                           func() time.Time

	tx *sql.Tx // nil outside a transaction
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	w := &writer{now: time.Now}
	for dst, query := range map[**sql.Stmt]string{
		&w.get: getDocument, &w.put: putDocument, &w.del: deleteDocument,
		&w.label: putLabel, &w.unlabel: deleteLabel, &w.change: addChange, &w.forget: forgetChanges,
	} {
		var err error
		if *dst, err = db.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// write runs f in one transaction that holds the write lock, and commits it unless
// f fails. A panic of f rolls back.
func (f *file) write(ctx context.Context, do func(w *writer) error) error {
	tx, err := f.writers.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	w := *f.writer
	w.tx = tx
	if err := do(&w); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (w *writer) document(ctx context.Context, k driver.Key) (driver.Document, error) {
	return get(w.tx.StmtContext(ctx, w.get).QueryRowContext(ctx, k.Collection, k.ID), k)
}

// apply does list in order and keeps the feed bounded.
func (w *writer) apply(ctx context.Context, list []driver.Write) error {
	var last int64
	for _, write := range list {
		sequence, err := w.applyOne(ctx, write)
		if err != nil {
			return fmt.Errorf("write to %s: %w", write.Key.Collection, err)
		}
		last = max(last, sequence)
	}
	if last <= maxChanges {
		return nil
	}
	return w.exec(ctx, w.forget, last-maxChanges)
}

// applyOne does one write and returns the sequence number of its change, 0 if it
// changed nothing.
func (w *writer) applyOne(ctx context.Context, write driver.Write) (int64, error) {
	var before, after *driver.Document
	old, err := w.document(ctx, write.Key)
	switch {
	case err == nil && write.Kind == driver.CreateWrite:
		return 0, driver.ErrExists
	case err == nil:
		before = &old
	case !errors.Is(err, driver.ErrNotFound):
		return 0, err
	}
	if write.Kind != driver.DeleteWrite {
		after = &write.Document
	}
	if before == nil && after == nil || before != nil && after != nil && before.Equal(*after) {
		return 0, nil
	}
	if err := w.replace(ctx, write.Key, before, after); err != nil {
		return 0, err
	}
	return w.report(ctx, write.Key, before, after)
}

func (w *writer) replace(ctx context.Context, k driver.Key, before, after *driver.Document) error {
	if before != nil {
		for field, value := range before.Index {
			if err := w.exec(ctx, w.unlabel, k.Collection, field, value, k.ID); err != nil {
				return err
			}
		}
	}
	if after == nil {
		return w.exec(ctx, w.del, k.Collection, k.ID)
	}
	for field, value := range after.Index {
		if err := w.exec(ctx, w.label, k.Collection, field, value, k.ID); err != nil {
			return err
		}
	}
	r := encode(*after)
	return w.exec(ctx, w.put, k.Collection, k.ID, r.body, r.fields, r.deleteAfter)
}

func (w *writer) report(ctx context.Context, k driver.Key, before, after *driver.Document) (int64, error) {
	result, err := w.tx.StmtContext(ctx, w.change).ExecContext(ctx,
		k.Collection, k.ID, change(before), change(after), w.now().UnixMicro())
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (w *writer) exec(ctx context.Context, s *sql.Stmt, args ...any) error {
	_, err := w.tx.StmtContext(ctx, s).ExecContext(ctx, args...)
	return err
}

// change encodes one side of a change, NULL for none.
func change(d *driver.Document) sql.NullString {
	if d == nil {
		return sql.NullString{}
	}
	j, _ := json.Marshal(d) // strings and a time within year 9999 always encode
	return sql.NullString{String: string(j), Valid: true}
}

// housekeep removes a few documents that are past their DeleteAfter, now and
// then. They leave the feed as deletions, as Firestore's TTL deletions do. What
// fails here is tried again later: nobody may depend on it.
func (f *file) housekeep(ctx context.Context) {
	now := f.writer.now()
	next := f.nextPurge.Load()
	if now.UnixMicro() < next || !f.nextPurge.CompareAndSwap(next, now.Add(purgePause).UnixMicro()) {
		return
	}
	n, err := f.purge(ctx, now)
	if err == nil && n == purgeBatch {
		f.nextPurge.Store(0) // the next write removes more
	}
}

// purge removes at most purgeBatch documents and returns their number.
func (f *file) purge(ctx context.Context, now time.Time) (int, error) {
	keys, err := f.expired(ctx, now)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	return len(keys), f.write(ctx, func(w *writer) error {
		var list []driver.Write
		for _, k := range keys {
			d, err := w.document(ctx, k) // it may live longer by now
			longer := d.DeleteAfter.IsZero() || d.DeleteAfter.After(now)
			if errors.Is(err, driver.ErrNotFound) || err == nil && longer {
				continue
			}
			if err != nil {
				return err
			}
			list = append(list, driver.Write{Kind: driver.DeleteWrite, Key: k})
		}
		return w.apply(ctx, list)
	})
}

func (f *file) expired(ctx context.Context, now time.Time) ([]driver.Key, error) {
	rows, err := f.readers.QueryContext(ctx, listExpired, now.UnixMicro(), purgeBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []driver.Key
	for rows.Next() {
		var k driver.Key
		if err := rows.Scan(&k.Collection, &k.ID); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}
