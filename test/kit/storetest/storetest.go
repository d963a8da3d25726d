// Package storetest is the contract of [driver.Driver] as tests. Each driver's test
// file calls [Run] once, and [RunFeed] if it is a [driver.Feed].
package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-dev/postern/shared/store/driver"
)

// Options adapt the suite to a keeper.
type Options struct {
	// Consumers is how many callers fight for one document; 0 means 50. The
	// Firestore emulator needs seconds for more than 4.
	Consumers int

	// GivesUp allows a transaction to fail under contention, with an error that
	// is no verdict, as Firestore's client does after five attempts.
	GivesUp bool
}

// A suite is the contract over one kind of store.
type suite struct {
	open      func(t *testing.T) driver.Driver
	consumers int
	givesUp   bool
}

// Run checks the contract. open returns an empty store each time; Run closes it.
// A nil o means defaults.
func Run(t *testing.T, open func(t *testing.T) driver.Driver, o *Options) {
	s := suite{open: open, consumers: 50}
	if o != nil {
		s.consumers, s.givesUp = cmp.Or(o.Consumers, 50), o.GivesUp
	}
	// Contention first and by itself: parallel tests wait until these are done, so
	// that a slow keeper has nothing else to do meanwhile.
	for _, c := range []claim{
		{"of many consumers one wins", s.oneWinner},
		{"of many creators one wins", s.oneCreator},
		{"no increment is lost", s.increments},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s.store(t)) })
	}
	for _, c := range []claim{
		{"a missing document is ErrNotFound through any wrapping", missing},
		{"what was created is there", created},
		{"creating twice is ErrExists and keeps the first", createTwice},
		{"every field round-trips", roundTrip},
		{"a body of 900 KiB round-trips", largeBody},
		{"changing a returned value changes nothing stored", copiesOut},
		{"changing a given value changes nothing stored", copiesIn},
		{"a transaction sees, sets and deletes", transaction},
		{"writes of one transaction happen in their order", ordered},
		{"deleting nothing is no error", deleteNothing},
		{"a failed transaction writes nothing and returns its own error", failedTransaction},
		{"two documents in one transaction happen together or not at all (SC-17)", together},
		{"a read after a write is refused even if the error is ignored", lateRead},
		{"an invalid write fails the transaction even if the error is ignored", ignoredInvalid},
		{"a function that runs twice has one effect (SC-15)", runTwice},
		{"a transaction inside a transaction is refused", nested},
		{"a cancelled context writes nothing", cancelled},
		{"a context cancelled inside a transaction writes nothing", cancelledInside},
		{"ids and collections with other text are refused (SC-21)", badKeys},
		{"documents outside the contract are refused", badDocuments},
		{"queries outside the contract are refused", badQueries},
		{"pages are complete and in order", pages},
		{"a list by field follows each change of it", listFollows},
		{"collections are apart", apart},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, s.store(t))
		})
	}
}

// A claim is one sentence of the contract and what proves it over an empty store.
type claim struct {
	name string
	test func(t *testing.T, d driver.Driver)
}

// store opens a store for one test.
func (s suite) store(t *testing.T) driver.Driver {
	t.Helper()
	d := s.open(t)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: got %v, want no error", err)
		}
	})
	return d
}

// later is a DeleteAfter that no keeper acts on during a test.
var later = time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)

// key returns a key shaped as the store's are: 43 characters of base64url.
func key(n int) driver.Key {
	return driver.Key{Collection: "clients", ID: fmt.Sprintf("%s%04d", strings.Repeat("a-_Z0", 8)[:39], n)}
}

func body(s string) driver.Document { return driver.Document{Body: s} }

func create(t *testing.T, d driver.Driver, k driver.Key, doc driver.Document) {
	t.Helper()
	if err := d.Create(t.Context(), k, doc); err != nil {
		t.Fatalf("Create: got %v, want no error", err)
	}
}

// run runs a transaction that must succeed.
func run(t *testing.T, d driver.Driver, f func(tx driver.Tx) error) {
	t.Helper()
	if err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return f(tx) }); err != nil {
		t.Fatalf("RunTransaction: got %v, want no error", err)
	}
}

// want checks what is at k.
func want(t *testing.T, d driver.Driver, k driver.Key, want driver.Document) {
	t.Helper()
	got, err := d.Get(t.Context(), k)
	if err != nil {
		t.Fatalf("Get: got %v, want a document", err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
}

func wantNone(t *testing.T, d driver.Driver, k driver.Key) {
	t.Helper()
	if got, err := d.Get(t.Context(), k); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get: got %.40q, %v, want ErrNotFound", got.Body, err)
	}
}

func wantError(t *testing.T, call string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", call, got, want)
	}
}

// equateEmpty lets a List of nothing be nil or empty.
var equateEmpty = cmpopts.EquateEmpty()
