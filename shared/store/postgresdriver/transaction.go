package postgresdriver

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RunTransaction implements [driver.Driver]. f reads plainly, and one call of the database
// writes on condition that what was read and is written has not changed since; otherwise f
// runs again.
func (d *Driver) RunTransaction(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) error {
	inner, err := driver.Enter(ctx)
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	inner, cancel := context.WithTimeout(inner, deadline)
	defer cancel()
	err = driver.Again(inner, func() (conflict bool, err error) {
		tx := &transaction{driver: d, ctx: inner, read: map[driver.Key]string{}}
		list, err := tx.Done(f(inner, tx))
		if err != nil {
			return false, err
		}
		err = tx.commit(list)
		return conflicted(err), err
	})
	if err == nil {
		d.housekeep(inner)
	}
	return err
}

type transaction struct {
	driver.Writes
	driver *Driver
	ctx    context.Context // of this one attempt; Tx methods have none of their own

	// read holds the mark of each document that was read, empty for one that was not there.
	read map[driver.Key]string
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	doc, mark, err := tx.driver.lookUp(tx.ctx, k)
	if err == nil || errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrMalformed) {
		tx.read[k] = mark
	}
	return doc, tx.Broken(err)
}

// A write is a driver.Write as the database's function takes it.
type write struct {
	Kind        string            `json:"kind"`
	Collection  string            `json:"collection"`
	ID          string            `json:"id"`
	Body        string            `json:"body"`
	Fields      map[string]string `json:"fields,omitempty"`
	DeleteAfter time.Time         `json:"delete_after,omitzero"`
	Read        *string           `json:"read,omitempty"`
}

var kinds = map[driver.WriteKind]string{
	driver.CreateWrite: "create", driver.SetWrite: "set", driver.DeleteWrite: "delete",
}

const (
	callWrite = `SELECT postern.write($1, $2::jsonb, $3)`
	// Once a lock of an attempt can be had, all that the attempt wrote has happened, or
	// nothing of it.
	awaitAttempt = `SELECT pg_advisory_xact_lock($1)`
)

// commit sends the writes in one call. The first write of a document that was read carries the
// mark that it had; only the first does, since that one changes it.
func (tx *transaction) commit(list []driver.Write) error {
	if len(list) == 0 {
		return tx.ctx.Err()
	}
	var out []write
	for _, w := range list {
		o := write{
			Kind: kinds[w.Kind], Collection: w.Key.Collection, ID: w.Key.ID,
			Body: w.Document.Body, Fields: w.Document.Index, DeleteAfter: w.Document.DeleteAfter,
		}
		if mark, known := tx.read[w.Key]; known {
			o.Read = &mark
			delete(tx.read, w.Key)
		}
		out = append(out, o)
	}
	encoded, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode transaction: %w", err)
	}
	attempt := newAttempt()
	err = tx.driver.once(tx.ctx, nil, callWrite, attempt, string(encoded), tx.driver.config.notify)
	if err == nil || unanswered(err) && tx.driver.happened(tx.ctx, attempt, list) {
		return nil
	}
	return fmt.Errorf("transaction: %w", err)
}

// newAttempt names a commit. Nobody has to guess it, and two must not have the same.
func newAttempt() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]))
}

// happened reports whether a commit whose answer was lost has happened for sure: it waits
// until the database is done with it, looks at every document, and finds what was to be
// written. Bodies are sealed each with a chance of their own, so nobody else wrote the same. That
// a document is otherwise says nothing: the commit may still arrive.
func (d *Driver) happened(ctx context.Context, attempt int64, list []driver.Write) bool {
	if err := d.read(ctx, nil, awaitAttempt, attempt); err != nil {
		return false
	}
	last := map[driver.Key]driver.Write{}
	for _, w := range list {
		last[w.Key] = w
	}
	for k, w := range last {
		doc, err := d.Get(ctx, k)
		there := err == nil && w.Kind != driver.DeleteWrite && doc.Equal(w.Document)
		gone := errors.Is(err, driver.ErrNotFound) && w.Kind == driver.DeleteWrite
		if !there && !gone {
			return false
		}
	}
	return true
}
