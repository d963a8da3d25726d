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

// unwatched is the context of statements that wait for nothing. A watch over the context of
// a request costs more than they do.
var unwatched = context.Background()

// A writer has the statements of a writing transaction. They are prepared on the
// writers' one connection, and none waits for a lock: the transaction has it.
type writer struct {
	begin, commit, rollback                       *sql.Stmt
	get, put, del, label, unlabel, change, forget *sql.Stmt
	now                                           func() time.Time

	wrote bool // something, in a copy for one writer of a transaction
}

func newWriter(ctx context.Context, conn *sql.Conn) (*writer, error) {
	w := &writer{now: time.Now}
	for dst, query := range map[**sql.Stmt]string{
		&w.begin: "BEGIN IMMEDIATE", &w.commit: "COMMIT", &w.rollback: "ROLLBACK",
		&w.get: getDocument, &w.put: putDocument, &w.del: deleteDocument,
		&w.label: putLabel, &w.unlabel: deleteLabel, &w.change: addChange, &w.forget: forgetChanges,
	} {
		var err error
		if *dst, err = conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *writer) document(k driver.Key) (driver.Document, error) {
	return get(w.get.QueryRowContext(unwatched, k.Collection, k.ID), k)
}

// A look is what was found at a key: a document or ErrNotFound.
type look struct {
	document driver.Document
	err      error
}

// A step is what a write changes: the document before and after it, nil for none.
type step struct {
	key           driver.Key
	before, after *driver.Document
}

// apply does list in order and keeps the feed bounded. known is what was found at keys since
// the transaction began.
func (w *writer) apply(list []driver.Write, known map[driver.Key]look) error {
	steps, err := w.plan(list, known)
	if err != nil {
		return err
	}
	var last int64
	for _, s := range steps {
		if last, err = w.take(s); err != nil {
			return fmt.Errorf("write to %s: %w", s.key.Collection, err)
		}
	}
	if last <= maxChanges {
		return nil
	}
	return w.exec(w.forget, last-maxChanges)
}

// plan looks at what list writes to, and returns what changes. It writes nothing, so that a
// refusal leaves nothing to undo.
func (w *writer) plan(list []driver.Write, known map[driver.Key]look) ([]step, error) {
	steps := make([]step, 0, len(list))
	for _, write := range list {
		at, looked := known[write.Key]
		if !looked {
			at.document, at.err = w.document(write.Key)
		}
		s := step{key: write.Key}
		switch {
		case at.err == nil && write.Kind == driver.CreateWrite:
			return nil, fmt.Errorf("write to %s: %w", write.Key.Collection, driver.ErrExists)
		case at.err == nil:
			s.before = &at.document
		case !errors.Is(at.err, driver.ErrNotFound):
			return nil, fmt.Errorf("write to %s: %w", write.Key.Collection, at.err)
		}
		known[write.Key] = look{write.Document, nil}
		if write.Kind == driver.DeleteWrite {
			known[write.Key] = look{err: driver.ErrNotFound}
		} else {
			s.after = &write.Document
		}
		if s.changes() {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

func (s step) changes() bool {
	if s.before == nil || s.after == nil {
		return s.before != s.after
	}
	return !s.before.Equal(*s.after)
}

// take does one step and returns the sequence number of its change.
func (w *writer) take(s step) (int64, error) {
	if err := w.relabel(s); err != nil {
		return 0, err
	}
	if s.after == nil {
		if err := w.exec(w.del, s.key.Collection, s.key.ID); err != nil {
			return 0, err
		}
	} else {
		r := encode(*s.after)
		if err := w.exec(w.put, s.key.Collection, s.key.ID, r.body, r.fields, r.deleteAfter); err != nil {
			return 0, err
		}
	}
	w.wrote = true
	result, err := w.change.ExecContext(unwatched,
		s.key.Collection, s.key.ID, change(s.before), change(s.after), w.now().UnixMicro())
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// relabel changes the labels that differ.
func (w *writer) relabel(s step) error {
	before, after := labels(s.before), labels(s.after)
	for field, value := range before {
		if stays, there := after[field]; there && stays == value {
			continue
		}
		if err := w.exec(w.unlabel, s.key.Collection, field, value, s.key.ID); err != nil {
			return err
		}
	}
	for field, value := range after {
		if was, there := before[field]; there && was == value {
			continue
		}
		if err := w.exec(w.label, s.key.Collection, field, value, s.key.ID); err != nil {
			return err
		}
	}
	return nil
}

func labels(d *driver.Document) map[string]string {
	if d == nil {
		return nil
	}
	return d.Index
}

func (w *writer) exec(s *sql.Stmt, args ...any) error {
	w.wrote = true
	_, err := s.ExecContext(unwatched, args...)
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
		known := map[driver.Key]look{}
		for _, k := range keys {
			d, err := w.document(k) // it may live longer by now
			longer := d.DeleteAfter.IsZero() || d.DeleteAfter.After(now)
			if errors.Is(err, driver.ErrNotFound) || err == nil && longer {
				continue
			}
			if err != nil {
				return err
			}
			known[k] = look{document: d}
			list = append(list, driver.Write{Kind: driver.DeleteWrite, Key: k})
		}
		return w.apply(list, known)
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
