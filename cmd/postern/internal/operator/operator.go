package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
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

	Out, Err io.Writer
	JSON     bool
	Log      *slog.Logger // security events, to Err

	db    driver.Driver
	life  store.Lifetimes
	close []func() error
}

// Open opens the store and tries its ring. A ring that cannot be read is no error:
// Sealed has it.
func (o *Options) Open(ctx context.Context, out, errOut io.Writer) (*Operator, error) {
	op := &Operator{Out: out, Err: errOut, JSON: o.JSON, Log: telemetry.NewLogger(errOut, nil, "")}
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
	if op.life, err = lifetimes(); err != nil {
		return err
	}
	if op.db, err = o.openDriver(ctx); err != nil {
		return err
	}
	op.close = append(op.close, op.db.Close)
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
		return fmt.Errorf("records are sealed, and there is no ring to open them: %w", op.Sealed)
	}
	return nil
}

// Note says on Err that records cannot be opened and what is shown instead.
func (op *Operator) Note() {
	if op.Sealed != nil {
		fmt.Fprintf(op.Err, "The ring that opens records cannot be read: %s\n"+
			"Shown are ids of documents, the hashes they are found by, and counts. Names, people, dates and states are sealed.\n", op.Sealed)
	}
}

// with returns the store with another ring.
func (op *Operator) with(ring fernet.Keyring) (*store.Store, error) {
	return store.New(op.db, seal.NewBox(keyfile.Static(ring), nil), op.life, nil)
}

// documents walks the documents of a collection, after an id, without opening them.
func (op *Operator) documents(ctx context.Context, collection string) iter.Seq2[driver.Record, error] {
	return func(yield func(driver.Record, error) bool) {
		q := driver.Query{Collection: collection, Limit: 500}
		for {
			page, err := op.db.List(ctx, q)
			if err != nil {
				yield(driver.Record{}, fmt.Errorf("list %s: %w", collection, err))
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				q.After = r.Key.ID
			}
			if len(page) < q.Limit {
				return
			}
		}
	}
}

// unopened counts records that a walk could not open, and says so at its end. Other
// errors stop a walk.
type unopened struct {
	n     int
	first error
}

// skip reports whether err is about one record alone.
func (u *unopened) skip(err error) bool {
	if !errors.Is(err, seal.ErrUnreadable) && !errors.Is(err, store.ErrTampered) {
		return false
	}
	if u.n++; u.first == nil {
		u.first = err
	}
	return true
}

func (u *unopened) note(w io.Writer) {
	if u.n > 0 {
		fmt.Fprintf(w, "%d records could not be opened and are not shown; the first: %s\n", u.n, u.first)
	}
}

func (u *unopened) err() error {
	if u.n > 0 {
		return fmt.Errorf("%d records could not be opened and are as they were; the first: %w", u.n, u.first)
	}
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// short shows a time to people, "-" for none.
func short(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}
