package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
)

// A Place is a document of the walk over all collections: "collection/document".
type Place struct{ Collection, Document string }

// ParsePlace reads what String wrote; empty is the beginning.
func ParsePlace(s string) (Place, error) {
	if s == "" {
		return Place{}, nil
	}
	collection, document, ok := strings.Cut(s, "/")
	if !ok || !slices.Contains(store.Collections(), collection) {
		return Place{}, cli.Usage("--after %q: want collection/document, as an interrupted reseal prints it", s)
	}
	return Place{collection, document}, nil
}

// String returns the place as [ParsePlace] reads it.
func (p Place) String() string { return p.Collection + "/" + p.Document }

// A Resealed is how far a walk came, and what it did.
type Resealed struct {
	Last    Place
	Reports map[string]store.ResealReport // of the collections it has seen
}

// total adds up the reports.
func (r Resealed) total() store.ResealReport {
	var sum store.ResealReport
	for _, report := range r.Reports {
		sum.Seen += report.Seen
		sum.Resealed += report.Resealed
		sum.Current += report.Current
		sum.Unreadable += report.Unreadable
	}
	return sum
}

// Reseal seals again, with the first key of ring, what another key sealed, from the
// place after on, in all collections. progress is called after each document. What no
// key opens is counted and left. Interrupted, it can go on after Last.
func (op *Operator) Reseal(
	ctx context.Context, ring fernet.Keyring, after Place, progress func(Resealed),
) (Resealed, error) {
	done := Resealed{Last: after, Reports: map[string]store.ResealReport{}}
	s, err := op.with(ring)
	if err != nil {
		return done, err
	}
	collections := store.Collections()
	for _, collection := range collections[max(0, slices.Index(collections, after.Collection)):] {
		from := ""
		if collection == after.Collection {
			from = after.Document
		}
		report, err := s.Reseal(ctx, collection, from, func(id string, r store.ResealReport) {
			done.Last, done.Reports[collection] = Place{collection, id}, r
			progress(done)
		})
		done.Reports[collection] = report
		if err != nil {
			return done, fmt.Errorf("seal %s again: %w", collection, err)
		}
	}
	return done, nil
}

// A count is a row of what a walk did.
type count struct {
	Collection string `json:"collection"`
	Seen       int    `json:"seen"`
	Resealed   int    `json:"resealed"`
	Current    int    `json:"current"`
	Unreadable int    `json:"unreadable"`
}

// ShowResealed shows the counts of a walk.
func (op *Operator) ShowResealed(r Resealed) error {
	items, rows := []any{}, [][]string{}
	add := func(name string, n store.ResealReport) count {
		rows = append(rows, []string{
			name, fmt.Sprint(n.Seen), fmt.Sprint(n.Resealed), fmt.Sprint(n.Current), fmt.Sprint(n.Unreadable),
		})
		return count{name, n.Seen, n.Resealed, n.Current, n.Unreadable}
	}
	for _, collection := range store.Collections() {
		if report, ok := r.Reports[collection]; ok {
			items = append(items, add(collection, report))
		}
	}
	add("all", r.total())
	op.out.Unreadable(r.total().Unreadable)
	return op.out.Show(items, []string{"COLLECTION", "SEEN", "SEALED AGAIN", "CURRENT", "UNREADABLE"}, rows)
}

// Usage counts, for each key of a ring by fingerprint, the documents it sealed, by
// collection; those that no key opens under "".
func (op *Operator) Usage(ctx context.Context, ring fernet.Keyring) (map[string]map[string]int, error) {
	usage := map[string]map[string]int{}
	for _, collection := range store.Collections() {
		for r, err := range op.documents(ctx, collection) {
			if err != nil {
				return nil, err
			}
			name := ""
			if _, at, err := ring.Decrypt(r.Document.Body); err == nil {
				name = ring[at].Fingerprint()
			}
			if usage[name] == nil {
				usage[name] = map[string]int{}
			}
			usage[name][collection]++
		}
	}
	return usage, nil
}

// singular names one document of a collection.
var singular = map[string]string{
	store.ClientsCollection: "client", store.CodesCollection: "code",
	store.GrantsCollection: "grant", store.PeopleCollection: "person",
	store.RefusalsCollection: "refusal",
}

// UsageText says in words how many documents of each collection there are.
func UsageText(counts map[string]int) string {
	var parts []string
	for _, collection := range store.Collections() {
		if n := counts[collection]; n > 0 {
			parts = append(parts, cli.Count(n, singular[collection], collection))
		}
	}
	if parts == nil {
		return "no records"
	}
	return strings.Join(parts, ", ")
}

// RemoveUnreadable removes the documents that no key of a ring opens, and returns how
// many of each collection. They are what an emergency leaves behind: as long as they
// are there, servers answer for them that they cannot look.
func (op *Operator) RemoveUnreadable(ctx context.Context, ring fernet.Keyring) (map[string]int, error) {
	removed := map[string]int{}
	for _, collection := range store.Collections() {
		for r, err := range op.documents(ctx, collection) {
			if err != nil {
				return removed, err
			}
			if _, _, err := ring.Decrypt(r.Document.Body); err == nil {
				continue
			}
			gone, err := op.removeUnreadable(ctx, ring, r.Key)
			if err != nil {
				return removed, err
			}
			if gone {
				removed[collection]++
			}
		}
	}
	return removed, nil
}

// removeUnreadable looks again: a server may have written the document meanwhile.
func (op *Operator) removeUnreadable(ctx context.Context, ring fernet.Keyring, k driver.Key) (removed bool, err error) {
	err = op.db.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
		removed = false
		present, err := tx.Get(k)
		if errors.Is(err, driver.ErrNotFound) {
			return nil
		}
		if err != nil && !errors.Is(err, driver.ErrMalformed) {
			return err
		}
		if _, _, err := ring.Decrypt(present.Body); err == nil {
			return nil
		}
		removed = true
		return tx.Delete(k)
	})
	if err != nil {
		return false, fmt.Errorf("remove %s/%s: %w", k.Collection, k.ID, err)
	}
	return removed, nil
}

// Seen returns how many documents the walk has seen.
func (r Resealed) Seen() int { return r.total().Seen }

// String returns the counts in words.
func (r Resealed) String() string {
	n := r.total()
	seen := cli.Count(n.Seen, "record", "records")
	return fmt.Sprintf("%d of %s, %d current before, %d unreadable", n.Resealed, seen, n.Current, n.Unreadable)
}
