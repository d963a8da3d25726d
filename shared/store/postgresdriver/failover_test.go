package postgresdriver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/postgres"
)

// pair starts a primary and a standby without which it acknowledges nothing, and returns the
// URL that finds whichever is written to.
func pair(t *testing.T) (primary, standby *postgres.Server, url string) {
	t.Helper()
	primary = postgres.Start(t)
	url = migrated(t, primary)
	standby = primary.Standby(t)
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	return primary, standby, strings.Replace(url, primary.Address(), primary.Address()+","+standby.Address(), 1) +
		"&target_session_attrs=read-write"
}

// A server takes over in the middle of many writers: they meet faults, and nothing else. What
// was acknowledged is there, no document was found missing, and nothing happened by halves.
func TestStandbyTakesOverUnderLoad(t *testing.T) {
	primary, standby, url := pair(t)
	d := open(t, url)
	const writers, enough = 8, 60
	acknowledged := make(chan string)
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("w%d-%d", w, i)
				if persist(ctx, t, d, id) {
					acknowledged <- id
				}
			}
		})
	}
	var all []string
	for range enough {
		all = append(all, <-acknowledged)
	}
	primary.Crash(t)
	standby.Promote(t)
	for range enough {
		all = append(all, <-acknowledged)
	}
	stop()
	go func() {
		group.Wait()
		close(acknowledged)
	}()
	for id := range acknowledged {
		all = append(all, id)
	}
	for _, id := range all {
		if got, err := d.Get(t.Context(), key(id)); err != nil || got.Body != id {
			t.Errorf("acknowledged %s: got %q, %v, want it there", id, got.Body, err)
		}
	}
	wantCounted(t, d, len(all))
}

// persist writes a document until it is acknowledged, and reports whether it was. Every error
// on the way has to be a fault.
func persist(ctx context.Context, t *testing.T, d *Driver, id string) bool {
	for ctx.Err() == nil {
		err := d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
			if _, err := tx.Get(key(id)); !errors.Is(err, driver.ErrNotFound) {
				return err // a try before this one was done after all
			}
			counter, err := tx.Get(key("counter"))
			if err != nil && !errors.Is(err, driver.ErrNotFound) {
				return err
			}
			n, _ := strconv.Atoi(counter.Body)
			return errors.Join(
				tx.Create(key(id), driver.Document{Body: id, Index: map[string]string{"kind": "line"}}),
				tx.Set(key("counter"), driver.Document{Body: strconv.Itoa(n + 1)}),
			)
		})
		if err == nil {
			return true
		}
		if errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrExists) {
			t.Errorf("%s: got %v, want success or a fault", id, err)
		}
	}
	return false
}
