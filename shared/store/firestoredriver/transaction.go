package firestoredriver

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
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
	inner, cancel := context.WithTimeout(inner, deadline)
	defer cancel()
	return driver.Again(inner, func() (conflict bool, err error) {
		tx := &transaction{driver: d, ctx: inner, read: map[driver.Key]*firestorepb.Document{}}
		list, err := tx.Done(f(inner, tx))
		if err != nil {
			return false, err
		}
		err = tx.commit(list)
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
	read map[driver.Key]*firestorepb.Document
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	document, err := tx.driver.lookUp(tx.ctx, k)
	if err != nil {
		return driver.Document{}, tx.Broken(err)
	}
	tx.read[k] = document
	doc, err := found(k, document)
	return doc, tx.Broken(err)
}

// commit sends the writes in one request. Each document that was read carries the
// condition that it is as it was then; only its first write does, since that one
// changes it.
func (tx *transaction) commit(list []driver.Write) error {
	if len(list) == 0 {
		return tx.ctx.Err()
	}
	expects := false // that a document is as it was read
	writes := make([]*firestorepb.Write, 0, len(list))
	for _, w := range list {
		name := tx.driver.document(w.Key)
		document, known := tx.read[w.Key]
		delete(tx.read, w.Key)
		var on *firestorepb.Precondition
		switch {
		case w.Kind == driver.CreateWrite, w.Kind == driver.SetWrite && known && document == nil:
			on = absent
		case document != nil:
			on, expects = unchanged(document), true
		}
		if w.Kind == driver.DeleteWrite {
			writes = append(writes, remove(name, on))
		} else {
			writes = append(writes, set(name, w.Document, on))
		}
	}
	err := tx.driver.commit(tx.ctx, writes...)
	return tx.verdict(err, list, expects)
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
