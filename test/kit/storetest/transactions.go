package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
)

func transaction(t *testing.T, d driver.Driver) {
	before := driver.Document{Body: "before", Index: map[string]string{"owner": "me"}, DeleteAfter: later}
	create(t, d, key(1), before)
	create(t, d, key(2), body("gone soon"))
	run(t, d, func(tx driver.Tx) error {
		got, err := tx.Get(key(1))
		if err != nil {
			return err
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("Tx.Get (-want +got):\n%s", diff)
		}
		return errors.Join(tx.Set(key(1), body("after")), tx.Delete(key(2)), tx.Set(key(3), body("new")))
	})
	want(t, d, key(1), body("after")) // index and time are gone, Set merges nothing
	wantNone(t, d, key(2))
	want(t, d, key(3), body("new"))
}

func ordered(t *testing.T, d driver.Driver) {
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(tx.Create(key(1), body("first")), tx.Set(key(1), body("last")))
	})
	want(t, d, key(1), body("last"))
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(tx.Delete(key(1)), tx.Create(key(1), body("again")))
	})
	want(t, d, key(1), body("again"))
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(tx.Set(key(1), body("x")), tx.Delete(key(1)))
	})
	wantNone(t, d, key(1))
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return errors.Join(tx.Create(key(1), body("one")), tx.Create(key(1), body("two")))
	})
	wantError(t, "Tx.Create twice", err, driver.ErrExists)
	wantNone(t, d, key(1))
}

func deleteNothing(t *testing.T, d driver.Driver) {
	run(t, d, func(tx driver.Tx) error { return tx.Delete(key(1)) })
	wantNone(t, d, key(1))
}

func failedTransaction(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("before"))
	refusal := errors.New("a refusal")
	got := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		_, err := tx.Get(key(1))
		return errors.Join(err,
			tx.Set(key(1), body("after")), tx.Create(key(2), body("new")), tx.Delete(key(1)), refusal)
	})
	wantError(t, "RunTransaction", got, refusal)

	got = d.RunTransaction(t.Context(), func(context.Context, driver.Tx) error { return refusal })
	if got != refusal {
		t.Errorf("RunTransaction: got error %#v, want the function's own, unchanged", got)
	}
	want(t, d, key(1), body("before"))
	wantNone(t, d, key(2))
}

func together(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("in the way"))
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return errors.Join(
			tx.Create(key(2), body("new")), tx.Create(key(1), body("new")), tx.Create(key(3), body("new")))
	})
	wantError(t, "RunTransaction", err, driver.ErrExists)
	wantNone(t, d, key(2))
	wantNone(t, d, key(3))
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(tx.Create(key(2), body("new")), tx.Create(key(3), body("new")))
	})
	want(t, d, key(2), body("new"))
	want(t, d, key(3), body("new"))
}

func lateRead(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("before"))
	for name, result := range map[string]error{"ignored": nil, "replaced": errors.New("another error")} {
		err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
			if err := tx.Set(key(1), body("after")); err != nil {
				return err
			}
			_, err := tx.Get(key(2))
			wantError(t, "late Tx.Get", err, driver.ErrReadAfterWrite)
			return result
		})
		wantError(t, "RunTransaction with its late read "+name, err, driver.ErrReadAfterWrite)
	}
	want(t, d, key(1), body("before"))
}

func ignoredInvalid(t *testing.T, d driver.Driver) {
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		_ = tx.Set(key(1), body("a\nb"))
		return tx.Set(key(2), body("half"))
	})
	wantError(t, "RunTransaction", err, driver.ErrInvalid)
	wantNone(t, d, key(2))
}

// dry lets a transaction function read and swallows what it writes, which is all
// that a run before the last one may do.
type dry struct{ driver.Tx }

func (dry) Create(driver.Key, driver.Document) error { return nil }
func (dry) Set(driver.Key, driver.Document) error    { return nil }
func (dry) Delete(driver.Key) error                  { return nil }

func runTwice(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("1"))
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(increment(dry{tx}, key(1)), increment(tx, key(1)))
	})
	want(t, d, key(1), body("2"))
}

func increment(tx driver.Tx, k driver.Key) error {
	doc, err := tx.Get(k)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(doc.Body)
	if err != nil {
		return err
	}
	return tx.Set(k, body(strconv.Itoa(n+1)))
}

func nested(t *testing.T, d driver.Driver) {
	err := d.RunTransaction(t.Context(), func(ctx context.Context, tx driver.Tx) error {
		inner := d.RunTransaction(ctx, func(context.Context, driver.Tx) error { return nil })
		wantError(t, "RunTransaction inside", inner, driver.ErrNested)
		wantError(t, "Create inside", d.Create(ctx, key(1), body("x")), driver.ErrNested)
		return nil
	})
	wantError(t, "RunTransaction", err, nil)
	wantNone(t, d, key(1))
}

func cancelled(t *testing.T, d driver.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Get(ctx, key(1))
	wantVerdictFree(t, "Get", err)
	_, err = d.List(ctx, driver.Query{Collection: "clients", Limit: 1})
	wantVerdictFree(t, "List", err)
	wantVerdictFree(t, "Create", d.Create(ctx, key(1), body("x")))
	err = d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error { return tx.Set(key(1), body("x")) })
	wantVerdictFree(t, "RunTransaction", err)
	wantNone(t, d, key(1))
}

// wantVerdictFree wants an error that says nothing about a document.
func wantVerdictFree(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrExists) {
		t.Errorf("%s: got error %v, want one that says nothing about a document", call, err)
	}
}

func cancelledInside(t *testing.T, d driver.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	err := d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
		defer cancel()
		return tx.Set(key(1), body("x"))
	})
	wantVerdictFree(t, "RunTransaction", err)
	wantNone(t, d, key(1))
}

// compete runs f in as many goroutines as the suite has consumers, at once, and
// returns how many returned nil. The others must return lost, if it is not nil, or
// give up where the keeper may.
func (s suite) compete(t *testing.T, lost error, f func() error) int64 {
	t.Helper()
	var won atomic.Int64
	var group sync.WaitGroup
	gate := make(chan struct{})
	for range s.consumers {
		group.Go(func() {
			<-gate
			err := f()
			switch {
			case err == nil:
				won.Add(1)
			case lost != nil && errors.Is(err, lost):
			case s.givesUp:
				wantVerdictFree(t, "competitor that gave up", err)
			default:
				t.Errorf("competitor: got error %v, want none or %v", err, lost)
			}
		})
	}
	close(gate)
	group.Wait()
	return won.Load()
}

func (s suite) oneWinner(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("fresh"))
	used := errors.New("used")
	got := s.compete(t, used, func() error {
		return d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
			doc, err := tx.Get(key(1))
			if err != nil {
				return err
			}
			if doc.Body != "fresh" {
				return used
			}
			return tx.Set(key(1), body("used"))
		})
	})
	if got != 1 {
		t.Errorf("%d consumers: got %d winners, want 1", s.consumers, got)
	}
	want(t, d, key(1), body("used"))
}

func (s suite) oneCreator(t *testing.T, d driver.Driver) {
	var n atomic.Int64
	got := s.compete(t, driver.ErrExists, func() error {
		return d.Create(t.Context(), key(1), body(strconv.FormatInt(n.Add(1), 10)))
	})
	if got != 1 {
		t.Errorf("%d creators: got %d winners, want 1", s.consumers, got)
	}
}

func (s suite) increments(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("0"))
	won := s.compete(t, nil, func() error {
		return d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
			return increment(tx, key(1))
		})
	})
	doc, err := d.Get(t.Context(), key(1))
	if err != nil {
		t.Fatal(err)
	}
	// One that gave up may have been written: its answer was lost.
	got, err := strconv.ParseInt(doc.Body, 10, 64)
	if err != nil || won == 0 || got < won || got > int64(s.consumers) || !s.givesUp && got != won {
		t.Errorf("%d acknowledged increments: got %q, want none lost and none twice", won, doc.Body)
	}
}
