package store

import (
	"context"
	"iter"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// RefusalTTL is how long a refused sign-in can be looked up. It is for the operator, who is
// asked about it within days if at all.
const RefusalTTL = 30 * 24 * time.Hour

// A Refusal is somebody whom ALLOW did not let in when they last signed in at the provider:
// what an operator needs to let them in, and no more.
type Refusal struct {
	Subject string    `json:"subject"`
	Login   string    `json:"login"`
	Refused time.Time `json:"refused"`
	Expiry  time.Time `json:"expiry"`
}

// NoteRefusal remembers that a person was not let in, in place of an earlier note about the
// same person, so that there are as many notes as accounts that somebody signed in with.
func (s *Store) NoteRefusal(ctx context.Context, subject, login string) error {
	now := s.now()
	r := Refusal{Subject: subject, Login: login, Refused: now, Expiry: now.Add(RefusalTTL)}
	return s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		return set(ctx, s, tx, driver.Key{Collection: RefusalsCollection, ID: PersonDocument(subject)}, r)
	})
}

// Refusals returns who was refused within [RefusalTTL].
func (s *Store) Refusals(ctx context.Context) iter.Seq2[Refusal, error] {
	return func(yield func(Refusal, error) bool) {
		for r, err := range all[Refusal](ctx, s, driver.Query{Collection: RefusalsCollection}) {
			if err == nil && !s.now().Before(r.Expiry) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
