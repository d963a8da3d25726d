package parts

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// reporting is a driver that writes one line to the log, the first time that it finds
// the database missing. A start looks at no network, so the first use is when it shows.
type reporting struct {
	driver.Driver
	log  *slog.Logger
	once sync.Once
}

func (r *reporting) report(ctx context.Context, err error) {
	if errors.Is(err, driver.ErrNoDatabase) {
		r.once.Do(func() {
			telemetry.Audit(ctx, r.log, telemetry.StoreDatabaseMissing, slog.String("error", err.Error()))
		})
	}
}

func (r *reporting) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	d, err := r.Driver.Get(ctx, k)
	r.report(ctx, err)
	return d, err
}

func (r *reporting) Create(ctx context.Context, k driver.Key, d driver.Document) error {
	err := r.Driver.Create(ctx, k, d)
	r.report(ctx, err)
	return err
}

func (r *reporting) RunTransaction(ctx context.Context, f func(context.Context, driver.Tx) error) error {
	err := r.Driver.RunTransaction(ctx, f)
	r.report(ctx, err)
	return err
}

func (r *reporting) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	records, err := r.Driver.List(ctx, q)
	r.report(ctx, err)
	return records, err
}
