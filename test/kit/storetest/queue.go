package storetest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RunQueue checks the contract of [driver.Queue]. open returns an empty store each
// time; RunQueue closes it.
func RunQueue(t *testing.T, open func(t *testing.T) driver.Driver) {
	s := suite{open: open}
	for _, claim := range []struct {
		name string
		test func(t *testing.T, d driver.Driver, q driver.Queue)
	}{
		{"each change has both its sides", queueSides},
		{"what did not happen is not in it", queueNothing},
		{"a change is taken by one at a time", queueOnce},
		{"what was taken and is not done comes again", queueLease},
		{"what was put off comes later, what is done never", queueLater},
		{"who listens hears of a change", queueListen},
	} {
		t.Run(claim.name, func(t *testing.T) {
			t.Parallel()
			d := s.store(t)
			q, ok := d.(driver.Queue)
			if !ok {
				t.Fatalf("%T: got no driver.Queue, want one", d)
			}
			claim.test(t, d, q)
		})
	}
}

func take(t *testing.T, q driver.Queue, limit int, lease time.Duration) []driver.Change {
	t.Helper()
	got, err := q.Take(t.Context(), limit, lease)
	if err != nil {
		t.Fatalf("Take: got %v, want no error", err)
	}
	for _, c := range got {
		if c.Time.IsZero() || c.Tries < 1 {
			t.Errorf("Take: got time %v and %d tries, want a time and at least one", c.Time, c.Tries)
		}
	}
	return got
}

func queueSides(t *testing.T, d driver.Driver, q driver.Queue) {
	if got := take(t, q, 10, time.Hour); len(got) != 0 {
		t.Errorf("Take of nothing: got %d, want 0", len(got))
	}
	one := driver.Document{Body: "one", Index: map[string]string{"owner": "me"}, DeleteAfter: later}
	two := body("two")
	create(t, d, key(1), one)
	run(t, d, func(tx driver.Tx) error { return errors.Join(tx.Set(key(1), two), tx.Create(key(2), one)) })
	run(t, d, func(tx driver.Tx) error { return tx.Delete(key(1)) })
	want := []driver.Change{
		{Key: key(1), After: &one},
		{Key: key(1), Before: &one, After: &two},
		{Key: key(2), After: &one},
		{Key: key(1), Before: &two},
	}
	if diff := cmp.Diff(want, plain(take(t, q, 10, time.Hour))); diff != "" {
		t.Errorf("Take (-want +got):\n%s", diff)
	}
}

func queueNothing(t *testing.T, d driver.Driver, q driver.Queue) {
	create(t, d, key(1), body("x"))
	_ = d.Create(t.Context(), key(1), body("y"))
	_ = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return errors.Join(tx.Set(key(2), body("x")), errors.New("a refusal"))
	})
	run(t, d, func(tx driver.Tx) error { return errors.Join(tx.Delete(key(3)), tx.Set(key(1), body("x"))) })
	x := body("x")
	if diff := cmp.Diff([]driver.Change{{Key: key(1), After: &x}}, plain(take(t, q, 10, time.Hour))); diff != "" {
		t.Errorf("Take (-want +got):\n%s", diff)
	}
}

// queueOnce lets eight take at once from what others write meanwhile.
func queueOnce(t *testing.T, d driver.Driver, q driver.Queue) {
	const takers, n = 8, 60
	var mu sync.Mutex
	var got []string
	var group sync.WaitGroup
	group.Go(func() {
		for i := range n {
			create(t, d, key(i), body(strconv.Itoa(i)))
		}
	})
	for range takers {
		group.Go(func() {
			for len(took(&mu, &got)) < n && t.Context().Err() == nil && !t.Failed() {
				changes, err := q.Take(t.Context(), 3, time.Hour)
				if err != nil {
					t.Errorf("Take: got %v, want no error", err)
				}
				for _, c := range changes {
					took(&mu, &got, c.After.Body)
				}
			}
		})
	}
	group.Wait()
	slices.Sort(got)
	if distinct := slices.Compact(slices.Clone(got)); len(distinct) != n || len(got) != n {
		t.Errorf("%d takers of %d changes: got %d, %d of them different; want each once",
			takers, n, len(got), len(distinct))
	}
}

func took(mu *sync.Mutex, all *[]string, more ...string) []string {
	mu.Lock()
	defer mu.Unlock()
	*all = append(*all, more...)
	return *all
}

func queueLease(t *testing.T, d driver.Driver, q driver.Queue) {
	create(t, d, key(1), body("x"))
	first := take(t, q, 10, 0)
	again := take(t, q, 10, time.Hour)
	if len(first) != 1 || len(again) != 1 || again[0].Sequence != first[0].Sequence || again[0].Tries != 2 {
		t.Fatalf("after the lease: got %+v and then %+v, want the same again", first, again)
	}
	if got := take(t, q, 10, time.Hour); len(got) != 0 {
		t.Errorf("within the lease: got %d, want none", len(got))
	}
}

func queueLater(t *testing.T, d driver.Driver, q driver.Queue) {
	for i := range 3 {
		create(t, d, key(i), body(strconv.Itoa(i)))
	}
	all := take(t, q, 10, time.Hour)
	if len(all) != 3 {
		t.Fatalf("Take: got %d, want 3", len(all))
	}
	err := errors.Join(q.Done(t.Context(), all[0].Sequence), q.Later(t.Context(), all[1].Sequence, 0),
		q.Later(t.Context(), all[2].Sequence, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := take(t, q, 10, time.Hour); len(got) != 1 || got[0].Sequence != all[1].Sequence {
		t.Errorf("after Done, Later now and Later in an hour: got %+v, want the second alone", plain(got))
	}
}

func queueListen(t *testing.T, d driver.Driver, q driver.Queue) {
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan struct{}, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.Listen(ctx, func() { heard <- struct{}{} })
	}()
	<-heard // it listens
	create(t, d, key(1), body("x"))
	<-heard
	stop()
	<-ended
}
