package store

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// ErrSignInPending says that a code may still become a grant, so that nobody can say
// yet whether the person's upstream token is needed. It passes within CODE_TTL.
var ErrSignInPending = errors.New("a sign-in of this person is not complete yet")

// pendingMargin is how long after its expiry a code or grant still counts as alive
// when an upstream token is about to be ended. Another instance, whose clock is behind
// or whose commit is under way, may be using it.
const pendingMargin = 30 * time.Second

// GrantByDocument is [Store.Grant] by the id of the grant's document ([GrantDocument]),
// which is all that an event says.
func (s *Store) GrantByDocument(ctx context.Context, document string) (Grant, error) {
	return get[Grant](ctx, s, s.direct(ctx), driver.Key{Collection: GrantsCollection, ID: document})
}

// AccountByDocument is [Store.Account] by the id of the person's document
// ([PersonDocument]).
func (s *Store) AccountByDocument(ctx context.Context, person string) (Account, error) {
	return get[Account](ctx, s, s.direct(ctx), personKey(person))
}

// EarlierAccount opens the body that the document of a person had at some time, as an
// event tells of it. One that was sealed for another place is ErrTampered, with an alarm.
func (s *Store) EarlierAccount(ctx context.Context, person, body string) (Account, error) {
	return openRecord[Account](ctx, s, personKey(person), driver.Document{Body: body})
}

func personKey(document string) driver.Key {
	return driver.Key{Collection: PeopleCollection, ID: document}
}

// A StoredCode is a code with the id of its document, the hash of the code.
type StoredCode struct {
	Document string
	Code
}

// CodesOfClient returns the codes of a client, redeemed and expired ones included, by
// the client's document id ([ClientDocument]). One that cannot be opened is yielded as
// an error, and the walk goes on.
func (s *Store) CodesOfClient(ctx context.Context, document string) iter.Seq2[StoredCode, error] {
	return s.codesBy(ctx, "client", document)
}

// CodesOfPerson is [Store.CodesOfClient] for a person's document id ([PersonDocument]).
func (s *Store) CodesOfPerson(ctx context.Context, document string) iter.Seq2[StoredCode, error] {
	return s.codesBy(ctx, "person", document)
}

// CodesOfSession is [Store.CodesOfClient] for a session at the provider.
func (s *Store) CodesOfSession(ctx context.Context, session string) iter.Seq2[StoredCode, error] {
	return s.codesBy(ctx, "session", documentID(session))
}

func (s *Store) codesBy(ctx context.Context, field, value string) iter.Seq2[StoredCode, error] {
	return func(yield func(StoredCode, error) bool) {
		codes := driver.Query{Collection: CodesCollection, Field: field, Value: value}
		for r, err := range driver.All(ctx, s.db, codes) {
			code := StoredCode{Document: r.Key.ID}
			if err == nil {
				code.Code, err = openListed[Code](ctx, s, r)
			}
			if !yield(code, err) {
				return
			}
		}
	}
}

// RemoveCode removes a code, by its document id, unless it was redeemed: a redeemed
// one stays to recognise a replay. That there is none is not an error.
func (s *Store) RemoveCode(ctx context.Context, document string) error {
	k := driver.Key{Collection: CodesCollection, ID: document}
	return s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		c, err := get[Code](ctx, s, tx.Get, k)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil || !c.Used.IsZero() {
			return err
		}
		return tx.Delete(k)
	})
}

// UnneededToken returns the account of a person, by their document id, if it keeps an
// upstream token that nothing needs: no grant of the person lives, and no code can
// become one. Otherwise it returns ErrNotFound, or ErrSignInPending if only a code
// stands in the way.
//
// The order of the reads is what makes it safe beside a sign-in. A token comes with its
// code in one commit, and a code becomes a grant in one commit. So the code, or the
// grant, of the very token that was read first is seen by what is read after it, and a
// later sign-in brings another token, which [Store.DropUpstreamToken] leaves alone.
//
// A grant or code that cannot be opened counts for nothing, with an alarm: nobody can use
// it, and it would keep the token for ever.
func (s *Store) UnneededToken(ctx context.Context, person string) (Account, error) {
	account, err := s.AccountByDocument(ctx, person)
	if err != nil {
		return Account{}, err
	}
	if len(account.UpstreamToken) == 0 {
		return Account{}, ErrNotFound
	}
	pending, err := s.hasRedeemableCode(ctx, person)
	if err != nil {
		return Account{}, err
	}
	lives, err := s.hasLiveGrant(ctx, person)
	switch {
	case err != nil:
		return Account{}, err
	case lives:
		return Account{}, ErrNotFound
	case pending:
		return Account{}, ErrSignInPending
	}
	return account, nil
}

// hasRedeemableCode reports whether a code of the person can still become a grant. A
// code whose registered client is gone cannot: nobody can authenticate to redeem it.
func (s *Store) hasRedeemableCode(ctx context.Context, person string) (bool, error) {
	deadline := s.now().Add(-pendingMargin)
	for c, err := range s.CodesOfPerson(ctx, person) {
		if Unreadable(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !c.Used.IsZero() || !deadline.Before(c.Expiry) {
			continue
		}
		if c.CIMD != nil {
			return true, nil
		}
		exists, err := s.ClientExists(ctx, ClientDocument(c.ClientID))
		if err != nil || exists {
			return exists, err
		}
	}
	return false, nil
}

func (s *Store) hasLiveGrant(ctx context.Context, person string) (bool, error) {
	deadline := s.now().Add(-pendingMargin)
	for g, err := range s.GrantsOfPerson(ctx, person) {
		if Unreadable(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !g.Ended(deadline) {
			return true, nil
		}
	}
	return false, nil
}

// DropUpstreamToken removes the upstream token of a person, by their document id, if it
// is still token: a newer sign-in wins. It reports whether this call removed it.
func (s *Store) DropUpstreamToken(ctx context.Context, person string, token []byte) (dropped bool, err error) {
	k, mine := personKey(person), attempts[bool]{}
	err = s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		dropped = false
		d, err := tx.Get(k)
		if dropped = err == nil && mine[d.Body]; dropped {
			return nil
		}
		account, err := opened[Account](ctx, s, k, d, err)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil || len(token) == 0 || !bytes.Equal(account.UpstreamToken, token) {
			return err
		}
		account.UpstreamToken = nil
		if d, err = document(ctx, s, k, account); err != nil {
			return err
		}
		dropped, mine[d.Body] = true, true
		return tx.Set(k, d)
	})
	if err == nil {
		return dropped, nil
	}
	if done, ok := mine.committed(ctx, s, k); ok {
		return done, nil
	}
	return false, err
}
