package embedded

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// used opens a store whose housekeeping reads the returned clock.
func used(t *testing.T) (*Driver, *time.Time) {
	t.Helper()
	d := openIn(t, t.TempDir())
	t.Cleanup(func() { _ = d.Close() })
	f, err := d.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.writer.now = func() time.Time { return now }
	return d, &now
}

func TestHousekeepingRemovesWhatIsPastAndReportsIt(t *testing.T) {
	t.Parallel()
	d, now := used(t)
	create(t, d, "first", driver.Document{}) // housekeeping has nothing to do and rests
	for id, at := range map[string]time.Time{"past": now.Add(time.Second), "future": now.Add(time.Hour), "never": {}} {
		create(t, d, id, driver.Document{Body: id, Index: map[string]string{"owner": "me"}, DeleteAfter: at})
	}
	*now = now.Add(purgePause)
	create(t, d, "last", driver.Document{})

	if _, err := d.Get(t.Context(), key("past")); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get of what is past: got %v, want ErrNotFound", err)
	}
	for _, id := range []string{"first", "future", "never", "last"} {
		if _, err := d.Get(t.Context(), key(id)); err != nil {
			t.Errorf("Get of %s: got %v, want it kept", id, err)
		}
	}
	records, err := d.List(t.Context(), driver.Query{Collection: "clients", Field: "owner", Value: "me", Limit: 9})
	if err != nil || len(records) != 2 {
		t.Errorf("List: got %d, %v, want 2", len(records), err)
	}
	changes, err := d.Changes(t.Context(), 5, 9)
	if err != nil || len(changes) != 1 || changes[0].After != nil || changes[0].Before.Body != "past" {
		t.Errorf("Changes: got %+v, %v, want the deletion with its document", changes, err)
	}
}

func TestHousekeepingIsBounded(t *testing.T) {
	t.Parallel()
	d, now := used(t)
	create(t, d, "first", driver.Document{})
	for i := range purgeBatch + 5 {
		create(t, d, fmt.Sprint(i), driver.Document{DeleteAfter: now.Add(time.Second)})
	}
	*now = now.Add(purgePause)
	// Of 1 + 55 + 1 documents the first write after removes 50, the next the other
	// 5, the third none.
	for n, want := range []int{7, 3, 4} {
		create(t, d, fmt.Sprintf("after-%d", n), driver.Document{})
		records, err := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 100})
		if err != nil || len(records) != want {
			t.Errorf("documents after write %d: got %d, %v, want %d", n, len(records), err, want)
		}
	}
}

func TestUnreadFeedIsBounded(t *testing.T) {
	t.Parallel()
	d, _ := used(t)
	create(t, d, "x", driver.Document{})
	// As if 10,000 changes had come before, without writing them one by one.
	const forward = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'changes'"
	if _, err := d.file.writing.ExecContext(t.Context(), forward, maxChanges); err != nil {
		t.Fatal(err)
	}
	create(t, d, "y", driver.Document{})
	changes, err := d.Changes(t.Context(), 0, 9)
	if err != nil || len(changes) != 1 || changes[0].Sequence != maxChanges+1 {
		t.Errorf("Changes: got %+v, %v, want number %d alone", changes, err, maxChanges+1)
	}
}
