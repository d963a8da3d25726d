package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/storetest"
)

func open(*testing.T) driver.Driver { return memory.New(nil) }

func TestMemoryKeepsTheContract(t *testing.T) { storetest.Run(t, open, nil) }

func TestMemoryFeedKeepsTheContract(t *testing.T) { storetest.RunFeed(t, open) }

func TestRunningEachFunctionTwiceKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) driver.Driver {
		return memory.New(&memory.Options{RunTwice: true})
	}, nil)
}

// What a test makes fail says nothing about documents, as with every driver (A8).
func TestFaultIsNoVerdict(t *testing.T) {
	t.Parallel()
	fault := func(string, driver.Key) error { return errors.New("down") }
	storetest.RunFaults(t, map[string]func(*testing.T) driver.Driver{
		"down": func(*testing.T) driver.Driver { return memory.New(&memory.Options{Fault: fault}) },
	})
}

func TestRunTwiceRunsTwiceAndKeepsTheSecond(t *testing.T) {
	t.Parallel()
	d := memory.New(&memory.Options{RunTwice: true})
	runs := 0
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		runs++
		if runs == 1 {
			return errors.New("the first run's refusal")
		}
		return tx.Set(key("x"), driver.Document{Body: fmt.Sprint(runs)})
	})
	got, getErr := d.Get(t.Context(), key("x"))
	if err != nil || getErr != nil || runs != 2 || got.Body != "2" {
		t.Errorf("got %d runs, body %q, %v, %v, want 2 runs and body 2", runs, got.Body, err, getErr)
	}
}

func key(id string) driver.Key { return driver.Key{Collection: "clients", ID: id} }

// Every operation can fail before its effect or after it (SC-14).
func TestFaultsHappenBeforeOrAfterTheEffect(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	for _, op := range []string{memory.OpGet, memory.OpCreate, memory.OpList, memory.OpTxGet, memory.OpCommit} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s after=%t", op, after), func(t *testing.T) {
				t.Parallel()
				var on atomic.Bool
				hook := func(got string, _ driver.Key) error {
					if on.Load() && got == op {
						return fault
					}
					return nil
				}
				o := memory.Options{Fault: hook}
				if after {
					o = memory.Options{FaultAfter: hook}
				}
				d := memory.New(&o)
				on.Store(true)
				err := perform(t.Context(), d, op)
				on.Store(false)
				if !errors.Is(err, fault) {
					t.Errorf("got error %v, want the fault", err)
				}
				_, err = d.Get(t.Context(), key("written"))
				written := err == nil
				if want := after && (op == memory.OpCreate || op == memory.OpCommit); written != want {
					t.Errorf("written: got %t, want %t", written, want)
				}
			})
		}
	}
}

func perform(ctx context.Context, d driver.Driver, op string) error {
	switch op {
	case memory.OpGet:
		_, err := d.Get(ctx, key("x"))
		return err
	case memory.OpCreate:
		return d.Create(ctx, key("written"), driver.Document{})
	case memory.OpList:
		_, err := d.List(ctx, driver.Query{Collection: "clients", Limit: 1})
		return err
	}
	return d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
		_, _ = tx.Get(key("x")) // a careless function: a failed look must still fail the whole
		return tx.Set(key("written"), driver.Document{})
	})
}

// A persistent fault on a document that is there must not look like contention.
func TestFaultOnAnExistingDocumentEndsTheTransaction(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	d := memory.New(&memory.Options{Fault: func(op string, _ driver.Key) error {
		if op == memory.OpTxGet {
			return fault
		}
		return nil
	}})
	if err := d.Create(t.Context(), key("x"), driver.Document{}); err != nil {
		t.Fatal(err)
	}
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		_, err := tx.Get(key("x"))
		return err
	})
	if !errors.Is(err, fault) {
		t.Errorf("got error %v, want the fault", err)
	}
}

// A refusal that rests on two documents from different moments does not count.
func TestRefusalOverChangedReadsRunsAgain(t *testing.T) {
	t.Parallel()
	d := memory.New(nil)
	if err := d.Create(t.Context(), key("x"), driver.Document{Body: "old"}); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		runs++
		doc, err := tx.Get(key("x"))
		if runs == 1 {
			set(t, d, "x", "new")
		}
		if err == nil && doc.Body == "old" {
			return errors.New("refused on what is no longer so")
		}
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("got %v after %d runs, want none after 2", err, runs)
	}
}

func set(t *testing.T, d driver.Driver, id, body string) {
	t.Helper()
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return tx.Set(key(id), driver.Document{Body: body})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPurgeLeavesTheFeedAsDeletions(t *testing.T) {
	t.Parallel()
	d := memory.New(nil)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for id, at := range map[string]time.Time{
		"past": now.Add(-1), "now": now, "future": now.Add(time.Second), "never": {},
	} {
		if err := d.Create(t.Context(), key(id), driver.Document{DeleteAfter: at}); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Purge(now); got != 2 {
		t.Errorf("Purge: got %d, want 2", got)
	}
	changes, err := d.Changes(t.Context(), 4, 10)
	if err != nil || len(changes) != 2 || changes[0].After != nil || changes[1].After != nil {
		t.Errorf("Changes: got %+v, %v, want 2 deletions", changes, err)
	}
}

func TestUnreadFeedIsBounded(t *testing.T) {
	t.Parallel()
	d := memory.New(nil)
	const n = 10_005
	for i := range n {
		if err := d.Create(t.Context(), key(fmt.Sprint(i)), driver.Document{}); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := d.Changes(t.Context(), 0, 2*n)
	if err != nil || len(changes) != 10_000 || changes[0].Key.ID != "5" {
		t.Errorf("Changes: got %d, %v, want the newest 10000", len(changes), err)
	}
}

func TestCounterCountsReadsAndCommits(t *testing.T) {
	t.Parallel()
	c := memory.Count(memory.New(nil))
	_ = c.Create(t.Context(), key("x"), driver.Document{})
	_, _ = c.Get(t.Context(), key("x"))
	_, _ = c.List(t.Context(), driver.Query{Collection: "clients", Limit: 9})
	_ = c.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		_, _ = tx.Get(key("x"))
		_, _ = tx.Get(key("y"))
		return tx.Set(key("x"), driver.Document{})
	})
	_ = c.RunTransaction(t.Context(), func(context.Context, driver.Tx) error { return errors.New("refused") })
	if got, want := c.Take(), (memory.Cost{Reads: 4, Commits: 2}); got != want {
		t.Errorf("Take: got %+v, want %+v", got, want)
	}
	if got, want := c.Take(), (memory.Cost{}); got != want {
		t.Errorf("second Take: got %+v, want %+v", got, want)
	}
}

func BenchmarkTransaction(b *testing.B) {
	d := memory.New(nil)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		k := key(fmt.Sprint(n.Add(1)))
		_ = d.Create(b.Context(), k, driver.Document{Body: "x"})
		for pb.Next() {
			_ = d.RunTransaction(b.Context(), func(_ context.Context, tx driver.Tx) error {
				doc, err := tx.Get(k)
				if err != nil {
					return err
				}
				doc.Body += "x"
				if len(doc.Body) > 1000 {
					doc.Body = ""
				}
				return tx.Set(k, doc)
			})
		}
	})
}
