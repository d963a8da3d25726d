package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// An Operator works on the records of one server, with the ring that opens them.
type Operator struct {
	Store *store.Store
	// Sealed is why records cannot be opened, nil if they can.
	Sealed error

	out    *cli.Output
	log    *slog.Logger // security events, to standard error
	db     driver.Driver
	life   store.Lifetimes
	policy oauth.RedirectPolicy // for redirect URIs that the operator names
	close  []func() error
}

// Open opens the store and tries its ring. A ring that cannot be read is not an
// error: Sealed has it.
func (o *Options) Open(ctx context.Context, out *cli.Output) (*Operator, error) {
	op := &Operator{out: out, log: telemetry.NewLogger(out.Err, nil, "")}
	b, closeBackend, err := o.Backend(ctx)
	if err != nil {
		return nil, err
	}
	op.close = append(op.close, closeBackend)
	if err := op.open(ctx, o, b); err != nil {
		return nil, errors.Join(err, op.Close())
	}
	return op, nil
}

func (op *Operator) open(ctx context.Context, o *Options, b keyring.Backend) (err error) {
	if err = op.readSettings(); err != nil {
		return err
	}
	if op.db, err = o.OpenRecords(ctx); err != nil {
		return err
	}
	op.close = append(op.close, op.db.Close)
	op.db = driver.Guard(op.db)
	ring := o.ring(b)
	_, op.Sealed = ring.Get(ctx)
	op.Store, err = store.New(op.db, seal.NewBox(ring, nil), op.life, nil)
	return err
}

// Close closes the store and the ring.
func (op *Operator) Close() error {
	var errs []error
	for _, f := range op.close {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// Opened returns an error if records cannot be opened, for what is about nothing else.
func (op *Operator) Opened() error {
	if op.Sealed != nil {
		return fmt.Errorf("records are sealed, and the ring that opens them cannot be read: %w", op.Sealed)
	}
	return nil
}

// with returns the store with another ring.
func (op *Operator) with(ring fernet.Keyring) (*store.Store, error) {
	return store.New(op.db, seal.NewBox(keyfile.Static(ring), nil), op.life, nil)
}

// documents walks the documents of a collection without opening them.
func (op *Operator) documents(ctx context.Context, collection string) iter.Seq2[driver.Record, error] {
	return driver.All(ctx, op.db, driver.Query{Collection: collection})
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
