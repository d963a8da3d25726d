package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

func missing(t *testing.T, d driver.Driver) {
	_, err := d.Get(t.Context(), key(1))
	wantError(t, "Get of nothing", fmt.Errorf("read client: %w", err), driver.ErrNotFound)
	run(t, d, func(tx driver.Tx) error {
		_, err := tx.Get(key(1))
		wantError(t, "Tx.Get of nothing", fmt.Errorf("read client: %w", err), driver.ErrNotFound)
		return nil
	})
}

func created(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("one"))
	run(t, d, func(tx driver.Tx) error { return tx.Create(key(2), body("two")) })
	want(t, d, key(1), body("one"))
	want(t, d, key(2), body("two"))
}

func createTwice(t *testing.T, d driver.Driver) {
	create(t, d, key(1), body("first"))
	wantError(t, "second Create", d.Create(t.Context(), key(1), body("second")), driver.ErrExists)
	want(t, d, key(1), body("first"))

	// The transaction fails at the call or at its end, and with it the rest.
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		if err := tx.Set(key(2), body("beside")); err != nil {
			return err
		}
		return tx.Create(key(1), body("third"))
	})
	wantError(t, "Tx.Create of what is there", err, driver.ErrExists)
	want(t, d, key(1), body("first"))
	wantNone(t, d, key(2))
}

func roundTrip(t *testing.T, d driver.Driver) {
	eight := map[string]string{}
	for i := range driver.MaxIndex {
		eight[fmt.Sprintf("field_%c", 'a'+i)] = fmt.Sprintf("value %d", i)
	}
	east := time.FixedZone("east", 5*3600+1800)
	for n, c := range []struct {
		name     string
		in, want driver.Document
	}{
		{"a body alone", body("x"), body("x")},
		{"an empty body", body(""), body("")},
		{"printable ASCII", body(printable()), body(printable())},
		{"an empty index is none", driver.Document{Body: "x", Index: map[string]string{}}, body("x")},
		{"eight index values", driver.Document{Body: "x", Index: eight}, driver.Document{Body: "x", Index: eight}},
		{"an index value of 128 bytes", labelled(strings.Repeat("v", 128)), labelled(strings.Repeat("v", 128))},
		{"an index value of nothing", labelled(""), labelled("")},
		{"an index value of other text", labelled(`__x__/é"'%_\`), labelled(`__x__/é"'%_\`)},
		{"a time in UTC to the microsecond", driver.Document{DeleteAfter: later}, driver.Document{DeleteAfter: later}},
		{
			"a time elsewhere, cut and not rounded",
			driver.Document{DeleteAfter: later.Add(999 * time.Nanosecond).In(east)},
			driver.Document{DeleteAfter: later},
		},
	} {
		create(t, d, key(2*n), c.in)
		run(t, d, func(tx driver.Tx) error { return tx.Set(key(2*n+1), c.in) })
		t.Log(c.name)
		want(t, d, key(2*n), c.want)
		want(t, d, key(2*n+1), c.want)
	}
}

func labelled(value string) driver.Document {
	return driver.Document{Body: "x", Index: map[string]string{"owner": value}}
}

func printable() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

func largeBody(t *testing.T, d driver.Driver) {
	large := strings.Repeat("0123456789abcdef", driver.MaxBody/16)
	doc := driver.Document{Body: large, Index: map[string]string{"owner": "me"}}
	create(t, d, key(1), doc)
	got, err := d.Get(t.Context(), key(1))
	if err != nil || !got.Equal(doc) {
		t.Errorf("Get: got %d bytes, %v, want the %d stored", len(got.Body), err, len(doc.Body))
	}
}

func copiesOut(t *testing.T, d driver.Driver) {
	doc := driver.Document{Body: "x", Index: map[string]string{"owner": "me"}}
	create(t, d, key(1), doc)
	got, err := d.Get(t.Context(), key(1))
	if err != nil {
		t.Fatal(err)
	}
	got.Index["owner"] = "thief"
	run(t, d, func(tx driver.Tx) error {
		got, err := tx.Get(key(1))
		if err == nil {
			got.Index["owner"] = "thief"
		}
		return err
	})
	records, err := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 1})
	if err != nil || len(records) != 1 {
		t.Fatalf("List: got %d records, %v, want 1", len(records), err)
	}
	records[0].Document.Index["owner"] = "thief"
	want(t, d, key(1), driver.Document{Body: "x", Index: map[string]string{"owner": "me"}})
	wantIDs(t, d, driver.Query{Collection: "clients", Field: "owner", Value: "thief", Limit: 9})
}

func copiesIn(t *testing.T, d driver.Driver) {
	doc := driver.Document{Body: "x", Index: map[string]string{"owner": "me"}}
	create(t, d, key(1), doc)
	run(t, d, func(tx driver.Tx) error {
		inside := driver.Document{Body: "x", Index: map[string]string{"owner": "me"}}
		if err := tx.Set(key(2), inside); err != nil {
			return err
		}
		inside.Index["owner"] = "thief"
		return nil
	})
	doc.Index["owner"] = "thief"
	for n := 1; n <= 2; n++ {
		want(t, d, key(n), driver.Document{Body: "x", Index: map[string]string{"owner": "me"}})
	}
}

func badKeys(t *testing.T, d driver.Driver) {
	for _, k := range []driver.Key{
		{Collection: "clients", ID: ""},
		{Collection: "clients", ID: "a/b"},
		{Collection: "clients", ID: "."},
		{Collection: "clients", ID: ".."},
		{Collection: "clients", ID: "__x__"},
		{Collection: "clients", ID: "____"},
		{Collection: "clients", ID: "a b"},
		{Collection: "clients", ID: "a\x00b"},
		{Collection: "clients", ID: "é"},
		{Collection: "clients", ID: strings.Repeat("x", 129)},
		{Collection: "", ID: "x"},
		{Collection: "a/b", ID: "x"},
		{Collection: "Clients", ID: "x"},
		{Collection: "__clients__", ID: "x"},
	} {
		_, err := d.Get(t.Context(), k)
		wantError(t, fmt.Sprintf("Get(%.20q)", k), err, driver.ErrInvalid)
		wantError(t, fmt.Sprintf("Create(%.20q)", k), d.Create(t.Context(), k, body("x")), driver.ErrInvalid)
		for name, f := range map[string]func(tx driver.Tx) error{
			"Get":    func(tx driver.Tx) error { _, err := tx.Get(k); return err },
			"Create": func(tx driver.Tx) error { return tx.Create(k, body("x")) },
			"Set":    func(tx driver.Tx) error { return tx.Set(k, body("x")) },
			"Delete": func(tx driver.Tx) error { return tx.Delete(k) },
		} {
			err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return f(tx) })
			wantError(t, fmt.Sprintf("Tx.%s(%.20q)", name, k), err, driver.ErrInvalid)
		}
	}
	for _, id := range []string{"x", "__", "___", "__x", "x__", "-", strings.Repeat("x", 128)} {
		k := driver.Key{Collection: "clients", ID: id}
		create(t, d, k, body(id))
		want(t, d, k, body(id))
	}
}

func badDocuments(t *testing.T, d driver.Driver) {
	nine := map[string]string{}
	for i := range driver.MaxIndex + 1 {
		nine[fmt.Sprintf("f_%c", 'a'+i)] = "x"
	}
	for name, doc := range map[string]driver.Document{
		"a body over 900 KiB":             body(strings.Repeat("x", driver.MaxBody+1)),
		"a line break in a body":          body("a\nb"),
		"a body that is not ASCII":        body("é"),
		"nine index values":               {Index: nine},
		"an index name with a dot":        {Index: map[string]string{"a.b": "x"}},
		"an index name of nothing":        {Index: map[string]string{"": "x"}},
		"an index value over 128 bytes":   labelled(strings.Repeat("x", 129)),
		"an index value that is not UTF8": labelled("\xff"),
	} {
		wantError(t, "Create of "+name, d.Create(t.Context(), key(1), doc), driver.ErrInvalid)
		err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return tx.Set(key(1), doc) })
		wantError(t, "Tx.Set of "+name, err, driver.ErrInvalid)
		wantNone(t, d, key(1))
	}
}

func apart(t *testing.T, d driver.Driver) {
	k := driver.Key{Collection: "codes", ID: key(1).ID}
	doc := driver.Document{Body: "a client", Index: map[string]string{"owner": "me"}}
	create(t, d, key(1), doc)
	if _, err := d.Get(t.Context(), k); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get of the same id elsewhere: got %v, want ErrNotFound", err)
	}
	create(t, d, k, body("a code"))
	run(t, d, func(tx driver.Tx) error { return tx.Delete(k) })
	want(t, d, key(1), doc)
	wantIDs(t, d, driver.Query{Collection: "codes", Field: "owner", Value: "me", Limit: 9})
}
