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

// RunTransaction implements [driver.Driver]. Where other writers hold on to what it
// reads, the client runs f again, five times in all; what then fails is an error
// and no verdict.
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

	var refusal error
	err = client.RunTransaction(inner, func(ctx context.Context, t *firestore.Transaction) error {
		refusal = nil
		tx := &transaction{driver: d, tx: t}
		list, err := tx.Done(f(ctx, tx))
		switch {
		case tx.aborted != nil:
			return tx.aborted // in place of f's words for it: the client repeats this one
		case err != nil:
			refusal = err
			return errRefused
		}
		return tx.apply(ctx, list)
	})
	if refusal != nil {
		return refusal
	}
	if err != nil {
		return fmt.Errorf("transaction: %w", translate(err))
	}
	return nil
}

// errRefused stands for f's own error, whatever gRPC status that wraps, so that the
// client does not repeat f because of it.
var errRefused = errors.New("refused by the transaction function")

type transaction struct {
	driver.Writes
	driver  *Driver
	tx      *firestore.Transaction
	aborted error // what another writer did to a read of this attempt
}

// Get implements [driver.Tx].
func (tx *transaction) Get(k driver.Key) (driver.Document, error) {
	if err := tx.Read(k); err != nil {
		return driver.Document{}, err
	}
	ref, err := tx.driver.document(k)
	if err != nil {
		return driver.Document{}, tx.Broken(err)
	}
	snapshot, err := tx.tx.Get(ref)
	if status.Code(err) == codes.Aborted {
		tx.aborted = err
	}
	if err != nil {
		return driver.Document{}, tx.Broken(fmt.Errorf("get from %s: %w", k.Collection, translate(err)))
	}
	doc, err := decode(snapshot)
	return doc, tx.Broken(err)
}

// apply hands the writes to the client, which sends them with its commit.
func (tx *transaction) apply(ctx context.Context, list []driver.Write) error {
	for _, w := range list {
		if err := tx.applyOne(w); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (tx *transaction) applyOne(w driver.Write) error {
	ref, err := tx.driver.document(w.Key)
	if err != nil {
		return err
	}
	switch w.Kind {
	case driver.CreateWrite:
		return tx.tx.Create(ref, encode(w.Document))
	case driver.SetWrite:
		return tx.tx.Set(ref, encode(w.Document))
	default:
		return tx.tx.Delete(ref)
	}
}
