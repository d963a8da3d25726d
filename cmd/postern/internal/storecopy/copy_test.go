package storecopy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/cloudsql"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
	"github.com/postern-dev/postern/shared/store/postgresdriver"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/memory"
	"github.com/postern-dev/postern/test/kit/postgres"
)

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	defer postgres.Stop()
	return emulator.Run(m)
}

// The keepers of the product, each making the STORE setting of an empty store.
var keepers = map[string]func(t *testing.T) string{
	"embedded":  func(t *testing.T) string { return "embedded:" + t.TempDir() },
	"firestore": func(t *testing.T) string { return "firestore:" + emulator.Project(t) },
	"postgres": func(t *testing.T) string {
		url := postgres.Database(t)
		if _, err := postgresdriver.Migrate(
			t.Context(), strings.TrimPrefix(url, "postgres:"), cloudsql.Way(), postgresdriver.Options{},
		); err != nil {
			t.Fatal(err)
		}
		return url
	},
}

func open(t *testing.T, setting string) driver.Driver {
	t.Helper()
	d, err := drivers.All.Open(t.Context(), setting)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func copier(from, to driver.Driver) *Copier {
	return &Copier{From: from, To: to, Collections: store.Collections()}
}

// at is the key of the nth document of a collection.
func at(collection string, n int) driver.Key {
	return driver.Key{Collection: collection, ID: fmt.Sprintf("%c-_%03d", "Za_-0"[n%5], n)}
}

// put writes documents.
func put(t *testing.T, d driver.Driver, documents map[driver.Key]driver.Document) {
	t.Helper()
	b := batch{to: d}
	for k, doc := range documents {
		b.add(driver.Write{Kind: driver.SetWrite, Key: k, Document: doc})
		if err := b.send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.send(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, d driver.Driver, k driver.Key) {
	t.Helper()
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return tx.Delete(k) })
	if err != nil {
		t.Fatal(err)
	}
}

// seed is documents of every form: of all collections, more than a page of one, with all that an
// index and a body may have, of the first and the last time.
func seed() map[driver.Key]driver.Document {
	documents := map[driver.Key]driver.Document{
		at("codes", 1):    {Body: strings.Repeat("~", driver.MaxBody), Index: map[string]string{"client": "é\"'\\"}},
		at("people", 1):   {Body: ` "quoted" \n `},
		at("refusals", 1): {Body: "x", DeleteAfter: time.Now().Add(time.Hour)},
		at("clients", 1):  {Body: "x", DeleteAfter: time.Date(2999, 1, 2, 3, 4, 5, 678901000, time.UTC)},
	}
	for i := range 2*batchWrites + 50 {
		documents[at("grants", i)] = driver.Document{
			Body: fmt.Sprintf("sealed %d", i), Index: map[string]string{"client": "c", "person": fmt.Sprint(i % 7)},
		}
	}
	return documents
}

// equal fails unless d has these documents and no others, found by key and by index.
func equal(t *testing.T, d driver.Driver, want map[driver.Key]driver.Document) {
	t.Helper()
	n, byIndex := 0, map[string]int{}
	for _, collection := range store.Collections() {
		for r, err := range driver.All(t.Context(), d, driver.Query{Collection: collection}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if doc, ok := want[r.Key]; !ok || !r.Document.Equal(doc) {
				t.Errorf("%v: got a document that is not as it was", r.Key)
			}
			if collection == "grants" {
				byIndex[r.Document.Index["person"]]++
			}
		}
	}
	if n != len(want) {
		t.Errorf("got %d documents, want %d", n, len(want))
	}
	for person, grants := range byIndex {
		q := driver.Query{Collection: "grants", Field: "person", Value: person, Limit: driver.MaxPage}
		if found, err := d.List(t.Context(), q); err != nil || len(found) != grants {
			t.Errorf("by the index %q: got %d grants, %v, want %d", person, len(found), err, grants)
		}
	}
}

func phase(t *testing.T, d driver.Driver) driver.Phase {
	t.Helper()
	m, err := driver.MoveOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return m.Phase
}

// From every keeper to every keeper: records arrive as they are, what changed, came and went
// between two passes as well, and the other way again.
func TestAnyToAny(t *testing.T) {
	for from, source := range keepers {
		for to, target := range keepers {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				a, b, want := open(t, source(t)), open(t, target(t)), seed()
				put(t, a, want)
				there := copier(a, b)
				done, err := there.Copy(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if n := done[2]; n.Collection != "grants" || n.Records != 250 || n.Copied != 250 {
					t.Errorf("the first pass: got %+v, want 250 grants", n)
				}
				equal(t, b, want)
				if got := phase(t, b); got != driver.Filling {
					t.Errorf("the new store is %q, want filling", got)
				}

				changed := map[driver.Key]driver.Document{
					at("grants", 3):  {Body: "rotated", Index: map[string]string{"client": "c", "person": "other"}},
					at("clients", 9): {Body: "new"},
				}
				put(t, a, changed)
				remove(t, a, at("grants", 4))
				delete(want, at("grants", 4))
				maps.Copy(want, changed)
				done, err = there.Finish(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if n := done[2]; n.Records != 249 || n.Copied != 1 || n.Deleted != 1 {
					t.Errorf("the second pass: got %+v, want one grant copied and one deleted", n)
				}
				equal(t, b, want)
				if phase(t, a) != driver.Moved || phase(t, b) != driver.InUse {
					t.Errorf("got the old store %q and the new one %q", phase(t, a), phase(t, b))
				}

				remove(t, b, at("grants", 5))
				delete(want, at("grants", 5))
				if _, err := copier(b, a).Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				equal(t, a, want)
				if phase(t, a) != driver.InUse || phase(t, b) != driver.Moved {
					t.Errorf("back: got the old store %q and the new one %q", phase(t, a), phase(t, b))
				}
			})
		}
	}
}

// A copy that ends at any of its calls, before or after the effect, is finished by the same
// command, and no record is lost or comes again on the way.
func TestCopyEndsAnywhereAndGoesOn(t *testing.T) {
	t.Parallel()
	for call := 1; ; call++ {
		before, after := cutAt(t, call, false), cutAt(t, call, true)
		if !before && !after {
			return // it came to its end
		}
	}
}

// cutAt lets a copy end at its nth call and finishes it. It reports whether there was one.
func cutAt(t *testing.T, call int, after bool) bool {
	t.Helper()
	cut, left := errors.New("cut"), 0
	fault := func(string, driver.Key) error {
		if left--; left == 0 {
			return cut
		}
		return nil
	}
	o := &memory.Options{Fault: fault}
	if after {
		o = &memory.Options{FaultAfter: fault}
	}
	a, b, want := memory.New(o), memory.New(o), seed()
	put(t, a, want)
	left = call
	_, err := copier(a, b).Finish(t.Context())
	reached := left <= 0
	if reached && !errors.Is(err, cut) {
		t.Fatalf("cut at call %d: got %v, want that said", call, err)
	}
	left = 0
	if p := phase(t, a); p != driver.Moved && phase(t, b) == driver.InUse {
		t.Errorf("cut at call %d: the new store is in use while the old one is %q", call, p)
	}
	if phase(t, b) != driver.InUse {
		if _, err := copier(a, b).Finish(t.Context()); err != nil {
			t.Fatalf("after a cut at call %d: %v", call, err)
		}
	}
	equal(t, b, want)
	if phase(t, a) != driver.Moved {
		t.Errorf("after a cut at call %d: the old store is %q", call, phase(t, a))
	}
	return reached
}

// What may be removed at any time is not copied, and goes where it was copied before; so a
// keeper that cleans up during a copy is no difference. What no store wrote stays and is counted.
func TestExpiredAndForeignDocumentsStay(t *testing.T) {
	t.Parallel()
	a, b := memory.New(nil), memory.New(nil)
	soon := driver.Document{Body: "x", DeleteAfter: time.Now().Add(50 * time.Millisecond)}
	put(t, a, map[driver.Key]driver.Document{
		at("codes", 1): soon, at("codes", 2): {Body: "x", DeleteAfter: time.Now().Add(-time.Second)},
		at("codes", 3): {Body: "x"}, at("codes", 4): {},
	})
	if _, err := copier(a, b).Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(soon.DeleteAfter))
	done, err := copier(a, b).Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, b, map[driver.Key]driver.Document{at("codes", 3): {Body: "x"}})
	if n := done[1]; n.Records != 1 || n.Left != 1 {
		t.Errorf("got %+v, want one record, and one document left", n)
	}
}

// A target with records of its own, and stores in the wrong phase, are refused before anything is
// written.
func TestRefusedCopiesChangeNothing(t *testing.T) {
	t.Parallel()
	move := func(copy string, p driver.Phase) *driver.Move { return &driver.Move{Copy: copy, Phase: p} }
	for name, c := range map[string]struct {
		from, to *driver.Move
		filled   bool // the target
		want     string
	}{
		"records of its own":         {nil, nil, true, "name an empty one"},
		"records, copied elsewhere":  {move("x", driver.InUse), nil, true, "name an empty one"},
		"of another copy":            {move("x", driver.InUse), move("y", driver.Filling), true, "in another copy"},
		"of another copy, none here": {nil, move("y", driver.Moved), false, "in another copy"},
		"in use":                     {move("x", driver.InUse), move("x", driver.InUse), true, "in use"},
		"the same store":             {move("x", driver.Closed), move("x", driver.Closed), true, "closed"},
		"from a part":                {move("x", driver.Filling), nil, false, "not whole"},
		"moved already":              {move("x", driver.Moved), move("x", driver.InUse), true, "moved already"},
		"moved, to a third":          {move("x", driver.Moved), nil, false, "moved already"},
		"both left behind":           {move("x", driver.Moved), move("x", driver.Moved), true, "moved already"},
	} {
		a, b := memory.New(nil), memory.New(nil)
		put(t, a, map[driver.Key]driver.Document{at("clients", 1): {Body: "theirs"}})
		kept := map[driver.Key]driver.Document{}
		if c.filled {
			kept[at("people", 2)] = driver.Document{Body: "ours"}
			put(t, b, kept)
		}
		for d, m := range map[driver.Driver]*driver.Move{a: c.from, b: c.to} {
			if m == nil {
				continue
			}
			if err := driver.SetMove(t.Context(), d, *m); err != nil {
				t.Fatal(err)
			}
		}
		for what, run := range map[string]func(context.Context) (Report, error){
			"Copy": copier(a, b).Copy, "Finish": copier(a, b).Finish, "Look": copier(a, b).Look,
		} {
			if _, err := run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: got %v, want %q", name, what, err, c.want)
			}
		}
		equal(t, b, kept)
		var before driver.Phase
		if c.from != nil {
			before = c.from.Phase
		}
		if got := phase(t, a); got != before {
			t.Errorf("%s: the store to copy from is %q, want %q", name, got, before)
		}
	}
}

// A look counts and changes nothing.
func TestLookChangesNothing(t *testing.T) {
	t.Parallel()
	a, b, want := memory.New(nil), memory.New(nil), seed()
	put(t, a, want)
	done, err := copier(a, b).Look(t.Context())
	if err != nil || done[2].Copied != 250 {
		t.Errorf("got %+v, %v, want 250 grants to copy", done, err)
	}
	equal(t, b, nil)
	if phase(t, a) != "" || phase(t, b) != "" {
		t.Errorf("got phases %q and %q, want none", phase(t, a), phase(t, b))
	}
}

// A store is reopened if that is safe, or if the operator says so; never a part of one.
func TestReopen(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for p, c := range map[driver.Phase]struct{ asked, opened bool }{
		driver.InUse: {false, true}, driver.Closed: {false, true}, driver.Moved: {true, true}, driver.Filling: {},
	} {
		for _, answer := range []error{nil, no} {
			d := memory.New(nil)
			if err := driver.SetMove(t.Context(), d, driver.Move{Copy: "x", Phase: p}); err != nil {
				t.Fatal(err)
			}
			asked := false
			_, err := Reopen(t.Context(), d, func() error { asked = true; return answer })
			opened := c.opened && !(asked && answer != nil)
			if asked != c.asked || (err == nil) != opened || (phase(t, d) == driver.InUse) != opened {
				t.Errorf("%s, answer %v: asked %v, %v, now %q", p, answer, asked, err, phase(t, d))
			}
		}
	}
}
