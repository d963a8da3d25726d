package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// A Renewal is an exchange of a person's upstream token for a newer one, which one server
// alone may be at: a provider that rotates what it gives takes a second exchange for theft.
type Renewal struct {
	// Until is when others need not wait for it any more.
	Until time.Time `json:"until"`
	// Kept is set when the newer token is there, and only who the person is has to be asked.
	Kept bool `json:"kept,omitempty"`
}

// BeginRenewal claims the renewal of a person's upstream token for the time given, if token is
// still what is kept and nobody else is at it. It returns the account as it is. lost says that
// an earlier renewal of this token has no known end: the provider may have exchanged it.
func (s *Store) BeginRenewal(
	ctx context.Context, subject string, token []byte, lease time.Duration,
) (account Account, begun, lost bool, err error) {
	type claim struct {
		Account
		lost bool
	}
	k, mine := accountKey(subject), attempts[claim]{}
	err = s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		begun, lost = false, false
		d, err := tx.Get(k)
		if earlier, ok := mine[d.Body]; ok && err == nil {
			account, begun, lost = earlier.Account, true, earlier.lost
			return nil
		}
		if account, err = opened[Account](ctx, s, k, d, err); err != nil {
			return err
		}
		now, r := s.now(), account.Renewal
		if len(token) == 0 || !bytes.Equal(account.UpstreamToken, token) || r != nil && now.Before(r.Until) {
			return nil
		}
		begun, lost = true, r != nil && !r.Kept
		account.Renewal = &Renewal{Until: now.Add(lease)}
		if d, err = document(ctx, s, k, account); err != nil {
			return err
		}
		mine[d.Body] = claim{account, lost}
		return tx.Set(k, d)
	})
	if err != nil {
		if c, ok := mine.committed(ctx, s, k); ok {
			return c.Account, true, c.lost, nil
		}
	}
	return account, begun && err == nil, lost, err
}

// KeepRenewed puts the token that came of a renewal in the place of the one before. It reports
// whether that was still there: a sign-in meanwhile brought another, which stays.
func (s *Store) KeepRenewed(ctx context.Context, subject string, before, next []byte) (kept bool, err error) {
	return s.changeRenewing(ctx, subject, before, func(a *Account) {
		a.UpstreamToken = next
		if a.Renewal != nil {
			a.Renewal.Kept = true
		}
	})
}

// EndRenewal lets others at a person's upstream token again. A person who was asked about is
// p from then on; nil leaves the account as it is. lost says that nobody knows whether the
// provider has exchanged the token.
func (s *Store) EndRenewal(ctx context.Context, subject string, token []byte, p *Person, lost bool) error {
	_, err := s.changeRenewing(ctx, subject, token, func(a *Account) {
		a.Renewal = nil
		if lost {
			a.Renewal = &Renewal{Until: s.now()}
		}
		if p != nil {
			a.Person = *p
		}
	})
	return err
}

// changeRenewing changes the account of a person whose upstream token is still token.
func (s *Store) changeRenewing(
	ctx context.Context, subject string, token []byte, change func(*Account),
) (changed bool, err error) {
	k, mine := accountKey(subject), attempts[bool]{}
	err = s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		changed = false
		d, err := tx.Get(k)
		if changed = err == nil && mine[d.Body]; changed {
			return nil
		}
		account, err := opened[Account](ctx, s, k, d, err)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil || !bytes.Equal(account.UpstreamToken, token) {
			return err
		}
		change(&account)
		if d, err = document(ctx, s, k, account); err != nil {
			return err
		}
		changed, mine[d.Body] = true, true
		return tx.Set(k, d)
	})
	if err == nil {
		return changed, nil
	}
	if done, ok := mine.committed(ctx, s, k); ok {
		return done, nil
	}
	return false, err
}
