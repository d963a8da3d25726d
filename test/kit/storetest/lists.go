package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
)

func wantIDs(t *testing.T, d driver.Driver, q driver.Query, want ...string) {
	t.Helper()
	records, err := d.List(t.Context(), q)
	if err != nil {
		t.Fatalf("List(%+v): got %v, want no error", q, err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Key.ID)
		if r.Key.Collection != q.Collection {
			t.Errorf("List(%+v): got a record of collection %q", q, r.Key.Collection)
		}
	}
	if diff := cmp.Diff(want, got, equateEmpty); diff != "" {
		t.Errorf("List(%+v) ids (-want +got):\n%s", q, diff)
	}
}

func badQueries(t *testing.T, d driver.Driver) {
	for name, q := range map[string]driver.Query{
		"no limit":             {Collection: "clients"},
		"a limit below 0":      {Collection: "clients", Limit: -1},
		"a limit over 1000":    {Collection: "clients", Limit: driver.MaxPage + 1},
		"no collection":        {Limit: 1},
		"a start with a slash": {Collection: "clients", After: "a/b", Limit: 1},
		"a field with a dot":   {Collection: "clients", Field: "a.b", Limit: 1},
	} {
		_, err := d.List(t.Context(), q)
		wantError(t, "List with "+name, err, driver.ErrInvalid)
	}
}

// pages stores ids out of order, in an alphabet whose byte order differs from
// that of people, and walks them in pages of two.
func pages(t *testing.T, d driver.Driver) {
	ids := []string{"-", "0", "10", "9", "A", "Z", "_a", "a", "b", "z-"} // ascending bytes
	mine := []string{"0", "9", "Z", "a", "z-"}
	for i := range ids {
		id := ids[(i*7+3)%len(ids)]
		doc := driver.Document{
			Body: "body of " + id, Index: map[string]string{"owner": "you", "kind": "all"}, DeleteAfter: later,
		}
		for _, m := range mine {
			if m == id {
				doc.Index["owner"] = "me"
			}
		}
		create(t, d, driver.Key{Collection: "grants", ID: id}, doc)
	}
	elsewhere := driver.Key{Collection: "codes", ID: "elsewhere"}
	create(t, d, elsewhere, driver.Document{Index: map[string]string{"owner": "me"}})

	all := driver.Query{Collection: "grants", Limit: 2}
	walk(t, d, all, ids)
	walk(t, d, driver.Query{Collection: "grants", Field: "owner", Value: "me", Limit: 2}, mine)
	walk(t, d, driver.Query{Collection: "grants", Field: "kind", Value: "all", Limit: driver.MaxPage}, ids)
	wantIDs(t, d, driver.Query{Collection: "grants", Field: "owner", Value: "nobody", Limit: 2})
	wantIDs(t, d, driver.Query{Collection: "grants", Field: "other", Value: "me", Limit: 2})
	wantIDs(t, d, driver.Query{Collection: "people", Limit: 2})
	wantIDs(t, d, driver.Query{Collection: "grants", After: "AA", Limit: 2}, "Z", "_a") // After need not exist
}

// walk collects all pages of q and compares the records with ids.
func walk(t *testing.T, d driver.Driver, q driver.Query, ids []string) {
	t.Helper()
	var got []string
	for {
		page, err := d.List(t.Context(), q)
		if err != nil {
			t.Fatalf("List(%+v): got %v, want no error", q, err)
		}
		if len(page) > q.Limit {
			t.Fatalf("List(%+v): got %d records, want at most %d", q, len(page), q.Limit)
		}
		for _, r := range page {
			got = append(got, r.Key.ID)
			want, listed := "body of "+r.Key.ID, r.Document
			if listed.Body != want || len(listed.Index) != 2 || !listed.DeleteAfter.Equal(later) {
				t.Errorf("List(%+v): got document %+v, want the whole of %q", q, r.Document, want)
			}
		}
		if len(page) < q.Limit || len(got) > len(ids) {
			break
		}
		q.After = page[len(page)-1].Key.ID
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("all pages of %+v (-want +got):\n%s", q, diff)
	}
}

func listFollows(t *testing.T, d driver.Driver) {
	owned := func(by string) driver.Document {
		return driver.Document{Body: "x", Index: map[string]string{"owner": by, "kind": "k"}}
	}
	by := func(owner string) driver.Query {
		return driver.Query{Collection: "clients", Field: "owner", Value: owner, Limit: 9}
	}
	create(t, d, key(1), owned("me"))
	create(t, d, key(2), owned("me"))
	wantIDs(t, d, by("me"), key(1).ID, key(2).ID)
	run(t, d, func(tx driver.Tx) error {
		return errors.Join(tx.Set(key(1), owned("you")), tx.Set(key(3), owned("me")))
	})
	wantIDs(t, d, by("me"), key(2).ID, key(3).ID)
	wantIDs(t, d, by("you"), key(1).ID)
	run(t, d, func(tx driver.Tx) error { return errors.Join(tx.Delete(key(2)), tx.Set(key(3), body("no index"))) })
	wantIDs(t, d, by("me"))
	wantIDs(t, d, driver.Query{Collection: "clients", Limit: 9}, key(1).ID, key(3).ID)
}
