package parts

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// reporting is a driver whose operations are spans, and which writes one line to the log the
// first time that it finds the database missing. A start looks at no network, so the first
// use is when that shows.
type reporting struct {
	driver.Driver
	system string // what keeps the records
	log    *slog.Logger
	once   sync.Once
}

// systemOf names the database of a STORE setting, in OpenTelemetry's words if it has some.
func systemOf(setting string) string {
	switch system, _, _ := strings.Cut(setting, ":"); system {
	case "embedded":
		return "sqlite"
	case "postgres":
		return "postgresql"
	default:
		return system
	}
}

func (r *reporting) begin(ctx context.Context, operation, collection string) (context.Context, telemetry.Span) {
	ctx, span := telemetry.Start(ctx, telemetry.KindStore, operation)
	if !span.On() {
		return ctx, span
	}
	span.Label("db.system.name", r.system)
	span.Label("db.operation.name", operation)
	if collection != "" {
		span.Rename(operation + " " + collection)
		span.Label("db.collection.name", collection)
	}
	return ctx, span
}

// end ends an operation, whose caller may have given it up for a reason of its own.
func (r *reporting) end(ctx context.Context, span telemetry.Span, err error, givenUp bool) {
	switch {
	case err == nil:
		span.End("ok", "")
	case errors.Is(err, driver.ErrNotFound):
		span.End("not_found", "")
	case errors.Is(err, driver.ErrExists):
		span.End("exists", "")
	case givenUp:
		span.End("given_up", "")
	default:
		span.End("fault", "fault")
	}
	if errors.Is(err, driver.ErrNoDatabase) {
		r.once.Do(func() {
			telemetry.Audit(ctx, r.log, telemetry.StoreDatabaseMissing, slog.String("error", err.Error()))
		})
	}
}

func (r *reporting) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	ctx, span := r.begin(ctx, "get", k.Collection)
	d, err := r.Driver.Get(ctx, k)
	r.end(ctx, span, err, false)
	return d, err
}

func (r *reporting) Create(ctx context.Context, k driver.Key, d driver.Document) error {
	ctx, span := r.begin(ctx, "create", k.Collection)
	err := r.Driver.Create(ctx, k, d)
	r.end(ctx, span, err, false)
	return err
}

func (r *reporting) RunTransaction(ctx context.Context, f func(context.Context, driver.Tx) error) error {
	ctx, span := r.begin(ctx, "transaction", "")
	var givenUp bool // by f, the last time that it ran
	err := r.Driver.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		watched := &watchedTx{Tx: tx}
		err := f(ctx, watched)
		givenUp = err != nil && !watched.failed
		return err
	})
	r.end(ctx, span, err, givenUp)
	return err
}

// watchedTx remembers whether the keeper failed.
type watchedTx struct {
	driver.Tx
	failed bool
}

func (w *watchedTx) note(err error) error {
	if err != nil && !errors.Is(err, driver.ErrNotFound) && !errors.Is(err, driver.ErrExists) {
		w.failed = true
	}
	return err
}

func (w *watchedTx) Get(k driver.Key) (driver.Document, error) {
	d, err := w.Tx.Get(k)
	return d, w.note(err)
}

func (w *watchedTx) Create(k driver.Key, d driver.Document) error { return w.note(w.Tx.Create(k, d)) }
func (w *watchedTx) Set(k driver.Key, d driver.Document) error    { return w.note(w.Tx.Set(k, d)) }
func (w *watchedTx) Delete(k driver.Key) error                    { return w.note(w.Tx.Delete(k)) }

func (r *reporting) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	ctx, span := r.begin(ctx, "list", q.Collection)
	records, err := r.Driver.List(ctx, q)
	r.end(ctx, span, err, false)
	return records, err
}
