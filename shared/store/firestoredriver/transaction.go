package firestoredriver

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RunTransaction implements [driver.Driver] without a transaction of Firestore's: f
// reads plainly, and one commit writes on condition that what was read and is written
// has not changed since; otherwise f runs again. A Firestore transaction locks what it
// reads, and a process that dies in the middle leaves its locks for a minute. This way
// nothing is ever locked, and a round trip is saved.
func (d *Driver) RunTransaction(ctx context.Context, f func(ctx context.Context, tx driver.Tx) error) error {
	inner, err := driver.Enter(ctx)
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	client, err := d.use()
	if err != nil {
		return err
	}
	inner, cancel := context.WithTimeout(inner, deadline)
	defer cancel()
	return driver.Again(inner, func() (conflict bool, err error) {
		tx := &transaction{driver: d, ctx: inner, read: map[driver.Key]*firestore.DocumentSnapshot{}}
		list, err := tx.Done(f(inner, tx))
		if err != nil {
			return false, err
		}
		err = tx.commit(client, list)
		return errors.Is(err, errConflict), err
	})
}

// errConflict says that another writer came between a read and the commit.
var errConflict = errors.New("another writer changed what was read")

type transaction struct {
	driver.Writes
	driver *Driver
	ctx    context.Context // of this one attempt; Tx methods have none of their own

	// read holds each document that was read, nil for one that was not there.
	read map[driver.Key]*firestore.DocumentSnapshot
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	snapshot, err := tx.driver.lookUp(tx.ctx, k)
	if err != nil {
		return driver.Document{}, tx.Broken(err)
	}
	tx.read[k] = snapshot
	doc, err := found(k, snapshot)
	return doc, tx.Broken(err)
}

// commit sends the writes in one request. Each document that was read carries the
// condition that it is as it was then; only its first write does, since that one
// changes it.
func (tx *transaction) commit(client *firestore.Client, list []driver.Write) error {
	if len(list) == 0 {
		return tx.ctx.Err()
	}
	expects := false        // that a document is as it was read
	batch := client.Batch() //nolint:staticcheck // a transaction locks what it reads, a bulk writer is not atomic
	for _, w := range list {
		ref, err := tx.driver.document(w.Key)
		if err != nil {
			return err
		}
		snapshot, known := tx.read[w.Key]
		delete(tx.read, w.Key)
		expects = expects || snapshot != nil
		switch {
		case w.Kind == driver.DeleteWrite && snapshot != nil:
			batch.Delete(ref, firestore.LastUpdateTime(snapshot.UpdateTime))
		case w.Kind == driver.DeleteWrite:
			batch.Delete(ref)
		case w.Kind == driver.SetWrite && snapshot != nil:
			batch.Update(ref, replace(snapshot, w.Document), firestore.LastUpdateTime(snapshot.UpdateTime))
		case w.Kind == driver.SetWrite && !known:
			batch.Set(ref, encode(w.Document))
		default: // it was not there, or it must not be
			batch.Create(ref, encode(w.Document))
		}
	}
	_, err := batch.Commit(tx.ctx)
	return tx.verdict(err, list, expects)
}

// replace returns the updates that turn a document into d, fields that go included.
func replace(snapshot *firestore.DocumentSnapshot, d driver.Document) []firestore.Update {
	fields := encode(d)
	for name := range snapshot.Data() {
		if _, stays := fields[name]; !stays {
			fields[name] = firestore.Delete
		}
	}
	updates := make([]firestore.Update, 0, len(fields))
	for name, value := range fields {
		updates = append(updates, firestore.Update{FieldPath: firestore.FieldPath{name}, Value: value})
	}
	return updates
}

// verdict says what the answer to a commit means. A condition that failed is a conflict,
// and only a commit that expects a document as it was read has such a condition: for any
// other, the statuses of a failed condition are faults. After a conflict f runs again and
// looks, so that a database that went away is found missing then.
//
// That a document is there already is the caller's to know if it asked for a creation,
// and otherwise a conflict.
func (tx *transaction) verdict(err error, list []driver.Write, expects bool) error {
	conflict := false
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.Aborted:
		conflict = true
	case codes.FailedPrecondition, codes.NotFound:
		conflict = expects
	case codes.AlreadyExists:
		for _, w := range list {
			if w.Kind == driver.CreateWrite {
				return fmt.Errorf("transaction: %w", driver.ErrExists)
			}
		}
		conflict = true
	}
	if conflict {
		return fmt.Errorf("transaction: %w", errConflict)
	}
	return fmt.Errorf("transaction: %w", tx.driver.fault(err))
}
