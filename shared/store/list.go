package store

import (
	"context"
	"errors"
	"iter"

	"github.com/postern-dev/postern/shared/store/driver"
)

// Clients returns every client, expired ones included, in the order of their documents.
func (s *Store) Clients(ctx context.Context) iter.Seq2[Client, error] {
	return all[Client](ctx, s, driver.Query{Collection: ClientsCollection})
}

// Grants returns every grant, ended ones included.
func (s *Store) Grants(ctx context.Context) iter.Seq2[Grant, error] {
	return all[Grant](ctx, s, driver.Query{Collection: GrantsCollection})
}

// GrantsOfClient returns the grants of a client, by its document id ([ClientDocument]).
func (s *Store) GrantsOfClient(ctx context.Context, document string) iter.Seq2[Grant, error] {
	return all[Grant](ctx, s, driver.Query{Collection: GrantsCollection, Field: "client", Value: document})
}

// GrantsOfPerson returns the grants of a person, by their document id ([PersonDocument]).
func (s *Store) GrantsOfPerson(ctx context.Context, document string) iter.Seq2[Grant, error] {
	return all[Grant](ctx, s, driver.Query{Collection: GrantsCollection, Field: "person", Value: document})
}

// GrantsOfSession returns the grants of sign-ins in one session at the provider.
func (s *Store) GrantsOfSession(ctx context.Context, session string) iter.Seq2[Grant, error] {
	return all[Grant](ctx, s, driver.Query{Collection: GrantsCollection, Field: "session", Value: documentID(session)})
}

// Accounts returns everybody who has signed in.
func (s *Store) Accounts(ctx context.Context) iter.Seq2[Account, error] {
	return all[Account](ctx, s, driver.Query{Collection: PeopleCollection})
}

// Account returns what is kept of a person, or ErrNotFound.
func (s *Store) Account(ctx context.Context, subject string) (Account, error) {
	return get[Account](ctx, s, s.direct(ctx), accountKey(subject))
}

// UpdatePerson puts what a person is called by now on their account, which keeps its token. A
// person without an account gets none.
func (s *Store) UpdatePerson(ctx context.Context, p Person) error {
	k := accountKey(p.Subject)
	return s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		account, err := get[Account](ctx, s, tx.Get, k)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		account.Person = p
		return set(ctx, s, tx, k, account)
	})
}

// all walks and opens the selected records. A record that cannot be opened is
// yielded as an error ([Unreadable]), with an alarm, and the walk goes on.
func all[R record](ctx context.Context, s *Store, q driver.Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for r, err := range driver.All(ctx, s.db, q) {
			var opened R
			if err == nil {
				opened, err = openListed[R](ctx, s, r)
			}
			if !yield(opened, err) {
				return
			}
		}
	}
}

// openListed opens a record that a walk met, and raises the alarm if it cannot: nobody
// asked for this one, so nobody else would hear of it.
func openListed[R record](ctx context.Context, s *Store, r driver.Record) (R, error) {
	opened, err := openRecord[R](ctx, s, r.Key, r.Document)
	if Unreadable(err) && !errors.Is(err, ErrTampered) && s.Alarm != nil {
		s.Alarm(ctx, r.Key.Collection, r.Key.ID, err)
	}
	return opened, err
}

// A ResealReport counts what a walk over the sealed documents did.
type ResealReport struct {
	Seen, Resealed, Current int
	// Unreadable counts documents that no key of the ring opens, and those that
	// were moved from another place.
	Unreadable int
}

// Reseal seals again, with the first key of the ring, every document of a collection
// that another key sealed, starting after the document id after. progress is called
// after each document with its id, so that an interrupted walk can go on from there.
func (s *Store) Reseal(
	ctx context.Context, collection, after string, progress func(id string, r ResealReport),
) (ResealReport, error) {
	var report ResealReport
	for r, err := range driver.All(ctx, s.db, driver.Query{Collection: collection, After: after}) {
		if err != nil {
			return report, err
		}
		report.Seen++
		resealed, err := s.resealDocument(ctx, r.Key)
		switch {
		case Unreadable(err):
			report.Unreadable++
		case err != nil:
			return report, err
		case resealed:
			report.Resealed++
		default:
			report.Current++
		}
		progress(r.Key.ID, report)
	}
	return report, nil
}

func (s *Store) resealDocument(ctx context.Context, k driver.Key) (resealed bool, err error) {
	err = s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		resealed = false
		d, err := tx.Get(k)
		if errors.Is(err, driver.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		stale, err := s.box.Stale(ctx, d.Body)
		if err != nil {
			return err
		}
		if !stale {
			return nil
		}
		plain, err := s.box.Open(ctx, label(k), d.Body)
		if err != nil {
			return err
		}
		if d.Body, err = s.box.Seal(ctx, label(k), plain); err != nil {
			return err
		}
		resealed = true
		return tx.Set(k, d)
	})
	return resealed, err
}
