package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RunFeed checks the contract of [driver.Feed]. open returns an empty store each
// time; RunFeed closes it.
func RunFeed(t *testing.T, open func(t *testing.T) driver.Driver) {
	s := suite{open: open}
	for _, claim := range []struct {
		name string
		test func(t *testing.T, d driver.Driver, f driver.Feed)
	}{
		{"a new feed is empty", feedEmpty},
		{"each change has both its sides", feedSides},
		{"what did not happen is not reported", feedNothing},
		{"changes come in pages, each once", feedPages},
		{"what is forgotten does not return and numbers still grow", feedForget},
	} {
		t.Run(claim.name, func(t *testing.T) {
			t.Parallel()
			d := s.store(t)
			f, ok := d.(driver.Feed)
			if !ok {
				t.Fatalf("%T: got no driver.Feed, want one", d)
			}
			claim.test(t, d, f)
		})
	}
}

func changes(t *testing.T, f driver.Feed, after int64, limit int) []driver.Change {
	t.Helper()
	got, err := f.Changes(t.Context(), after, limit)
	if err != nil {
		t.Fatalf("Changes: got %v, want no error", err)
	}
	last := after
	for _, c := range got {
		if c.Sequence <= last {
			t.Errorf("Changes: got sequence %d after %d, want it to grow", c.Sequence, last)
		}
		if c.Time.IsZero() {
			t.Errorf("Changes: got no time for %d", c.Sequence)
		}
		last = c.Sequence
	}
	return got
}

// plain leaves what differs between two runs out of a change.
func plain(list []driver.Change) []driver.Change {
	var out []driver.Change
	for _, c := range list {
		out = append(out, driver.Change{Key: c.Key, Before: c.Before, After: c.After})
	}
	return out
}

func feedEmpty(t *testing.T, _ driver.Driver, f driver.Feed) {
	if got := changes(t, f, 0, 10); len(got) != 0 {
		t.Errorf("Changes of nothing: got %d, want 0", len(got))
	}
}

func feedSides(t *testing.T, d driver.Driver, f driver.Feed) {
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
	got := changes(t, f, 0, 10)
	if diff := cmp.Diff(want, plain(got)); diff != "" {
		t.Fatalf("Changes (-want +got):\n%s", diff)
	}
	got[0].After.Index["owner"] = "thief"
	if diff := cmp.Diff(want, plain(changes(t, f, 0, 10))); diff != "" {
		t.Errorf("Changes after a returned one was changed (-want +got):\n%s", diff)
	}
}

func feedNothing(t *testing.T, d driver.Driver, f driver.Feed) {
	create(t, d, key(1), body("x"))
	_ = d.Create(t.Context(), key(1), body("y"))
	_ = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		return errors.Join(tx.Set(key(2), body("x")), errors.New("a refusal"))
	})
	run(t, d, func(tx driver.Tx) error { return errors.Join(tx.Delete(key(3)), tx.Set(key(1), body("x"))) })
	x := body("x")
	if diff := cmp.Diff([]driver.Change{{Key: key(1), After: &x}}, plain(changes(t, f, 0, 10))); diff != "" {
		t.Errorf("Changes (-want +got):\n%s", diff)
	}
}

func feedPages(t *testing.T, d driver.Driver, f driver.Feed) {
	const n = 7
	for i := range n {
		create(t, d, key(i), body("x"))
	}
	var after int64
	var seen []string
	for {
		page := changes(t, f, after, 3)
		if len(page) > 3 {
			t.Fatalf("Changes: got %d, want at most 3", len(page))
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			seen = append(seen, c.Key.ID)
		}
		after = page[len(page)-1].Sequence
	}
	var want []string
	for i := range n {
		want = append(want, key(i).ID)
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func feedForget(t *testing.T, d driver.Driver, f driver.Feed) {
	for i := range 3 {
		create(t, d, key(i), body("x"))
	}
	all := changes(t, f, 0, 10)
	if len(all) != 3 {
		t.Fatalf("Changes: got %d, want 3", len(all))
	}
	if err := f.Forget(t.Context(), all[1].Sequence); err != nil {
		t.Fatalf("Forget: got %v, want no error", err)
	}
	if diff := cmp.Diff(all[2:], changes(t, f, 0, 10)); diff != "" {
		t.Errorf("Changes after Forget (-want +got):\n%s", diff)
	}
	last := all[2].Sequence
	if err := f.Forget(t.Context(), last); err != nil {
		t.Fatalf("Forget: got %v, want no error", err)
	}
	create(t, d, key(9), body("x"))
	if got := changes(t, f, last, 10); len(got) != 1 {
		t.Errorf("Changes after everything was forgotten: got %d above the last number, want 1", len(got))
	}
}
