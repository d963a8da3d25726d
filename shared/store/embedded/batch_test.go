package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/postern-dev/postern/shared/store/driver"
)

// together runs transactions that all wait for the writer when the first one begins, and
// returns their errors and how many batches they were.
func together(t *testing.T, d *Driver, all ...func(tx driver.Tx) error) ([]error, int) {
	t.Helper()
	errs, batches := make([]error, len(all)), map[*batch]bool{}
	var running sync.WaitGroup
	d.file.turn <- struct{}{}
	for i, f := range all {
		running.Go(func() {
			errs[i] = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
				batches[d.file.open] = true // by who has the turn
				return f(tx)
			})
		})
		synctest.Wait() // until it waits
	}
	<-d.file.turn
	running.Wait()
	return errs, len(batches)
}

// opened is a store in use, for a bubble.
func opened(t *testing.T) *Driver {
	d := openIn(t, t.TempDir())
	create(t, d, "there", driver.Document{Body: "before"})
	return d
}

func body(t *testing.T, d *Driver, id string) string {
	t.Helper()
	got, err := d.Get(t.Context(), key(id))
	if err != nil && !errors.Is(err, driver.ErrNotFound) {
		t.Error(err)
	}
	return got.Body
}

// Writers that wait for each other share one commit, in the order in which they came. One
// that refuses, or is refused, takes no part in it.
func TestWritersThatWaitShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := opened(t)
		defer d.Close()
		refusal := errors.New("no")
		appendix := func(s string) func(tx driver.Tx) error {
			return func(tx driver.Tx) error {
				doc, err := tx.Get(key("there"))
				if err != nil {
					return err
				}
				return tx.Set(key("there"), driver.Document{Body: doc.Body + s})
			}
		}
		errs, batches := together(t, d,
			appendix(" 1"),
			func(tx driver.Tx) error { _ = tx.Delete(key("there")); return refusal },
			appendix(" 2"),
			func(tx driver.Tx) error {
				_ = tx.Create(key("new"), driver.Document{Body: "new"})
				return tx.Create(key("there"), driver.Document{})
			},
			appendix(" 3"),
		)
		for i, want := range []error{nil, refusal, nil, driver.ErrExists, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("writer %d: got %v, want %v", i, errs[i], want)
			}
		}
		if got, want := body(t, d, "there"), "before 1 2 3"; got != want || batches != 1 {
			t.Errorf("got %q by %d batches, want %q by 1", got, batches, want)
		}
		if got := body(t, d, "new"); got != "" {
			t.Errorf("the refused transaction left %q, want nothing", got)
		}
	})
}

// When a write fails, nobody who shares its transaction is told that theirs is done, and the
// next one begins anew.
func TestAFailedWriteFailsItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := opened(t)
		defer d.Close()
		if _, err := d.file.writing.ExecContext(t.Context(), "ALTER TABLE labels RENAME TO hidden"); err != nil {
			t.Fatal(err)
		}
		put := func(id string, index map[string]string) func(tx driver.Tx) error {
			return func(tx driver.Tx) error { return tx.Create(key(id), driver.Document{Body: id, Index: index}) }
		}
		errs, batches := together(t, d, put("a", nil), put("b", map[string]string{"client": "x"}), put("c", nil))
		if errs[0] == nil || errs[1] == nil || errs[2] != nil || batches != 2 {
			t.Errorf("got %v in %d batches, want the first two to fail together, the third not", errs, batches)
		}
		got := fmt.Sprint(body(t, d, "a"), body(t, d, "b"), body(t, d, "c"))
		if want := "c"; got != want {
			t.Errorf("got documents %q, want %q", got, want)
		}
	})
}

// Whoever waits for the writer stops waiting when its request ends.
func TestAWriterDoesNotOutwaitItsRequest(t *testing.T) {
	t.Parallel()
	d := opened(t)
	defer d.Close()
	d.file.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Create(ctx, key("x"), driver.Document{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	<-d.file.turn
	create(t, d, "x", driver.Document{})
}
