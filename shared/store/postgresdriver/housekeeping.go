package postgresdriver

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	purgeBatch = 50          // documents removed at once
	purgePause = time.Minute // between purges of one process that left nothing
	purgeTime  = 2 * time.Second
)

// Those that another process removes at this moment are left to it.
const purge = `DELETE FROM postern.documents WHERE (collection, id) IN (
	SELECT collection, id FROM postern.documents WHERE delete_after <= now()
	ORDER BY delete_after LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1`

// housekeep removes a few documents that are past their DeleteAfter, now and then. They are
// changes like any other. Changes that nobody dealt with for a week go as well. What fails
// here is tried again later: nobody may depend on it.
func (d *Driver) housekeep(ctx context.Context) {
	now := time.Now()
	next := d.nextPurge.Load()
	if now.UnixMicro() < next || !d.nextPurge.CompareAndSwap(next, now.Add(purgePause).UnixMicro()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTime)
	defer cancel()
	n := 0
	err := d.once(ctx, func(pgx.Rows) error { n++; return nil }, purge, purgeBatch)
	if err == nil && n == purgeBatch {
		d.nextPurge.Store(0) // the next write removes more
	}
	_ = d.once(ctx, nil, forgetOld, keepChangesFor.Microseconds())
}
