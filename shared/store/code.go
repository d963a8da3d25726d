package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store/driver"
)

// DeadCode is the one sentence for a code that cannot be redeemed, whatever the reason.
const DeadCode = "code is unknown, expired, already used, or was issued to another client"

func codeKey(code credential.Secret) driver.Key {
	return driver.Key{Collection: CodesCollection, ID: code.Hash()}
}

func accountKey(subject string) driver.Key {
	return personKey(PersonDocument(subject))
}

// A Login is a completed sign-in for which a code is to be issued.
type Login struct {
	Code   credential.Secret
	Record Code

	// UpstreamToken replaces the person's earlier one; nil leaves them without.
	UpstreamToken []byte

	// Until is when the login could no longer be repeated, so that a repeat
	// within this time meets the code that was issued.
	Until time.Time
}

// IssueCode stores the code of a login, remembers the person, and marks the client
// as used, all or nothing. check sees the client as it is now and may run twice; its
// error stops everything. A login whose code is already there is ErrCompleted. A CIMD
// client is not looked up: check sees the copy in the record.
func (s *Store) IssueCode(ctx context.Context, l Login, check func(Client) error) error {
	now, k := s.now(), codeKey(l.Code)
	mine := attempts[struct{}]{}
	err := s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		c, err := s.clientOf(ctx, tx.Get, l.Record)
		if err != nil {
			return err
		}
		if err := check(c); err != nil {
			return err
		}
		d, err := document(ctx, s, k, l.Record, l.Record.Expiry, l.Until, now.Add(s.life.AccessTokenTTL))
		if err != nil {
			return err
		}
		mine[d.Body] = struct{}{}
		if err := tx.Create(k, d); err != nil {
			return err
		}
		account := Account{Person: l.Record.Person, LastSeen: now, UpstreamToken: l.UpstreamToken}
		if err := set(ctx, s, tx, accountKey(account.Subject), account); err != nil {
			return err
		}
		if l.Record.CIMD != nil || c.Expiry.IsZero() {
			return nil
		}
		c.Expiry = time.Time{}
		return set(ctx, s, tx, clientKey(c.ID), c)
	})
	if err == nil {
		return nil
	}
	if _, ok := mine.committed(ctx, s, k); ok {
		return nil
	}
	if errors.Is(err, driver.ErrExists) {
		return ErrCompleted
	}
	return err
}

// clientOf returns the client that a code is issued to.
func (s *Store) clientOf(ctx context.Context, from getter, c Code) (Client, error) {
	if c.CIMD != nil {
		return c.CIMD.client(c), nil
	}
	return s.client(ctx, from, c.ClientID)
}

// Code returns the code of a login that was completed before, used or not, or ErrNotFound.
func (s *Store) Code(ctx context.Context, code credential.Secret) (Code, error) {
	return get[Code](ctx, s, s.direct(ctx), codeKey(code))
}

// A Redemption is what a redeemed code gave.
type Redemption struct {
	Grant   Grant
	Refresh credential.Secret // zero when the client does not get refresh tokens

	// Repeated is true when the same request had redeemed the code before, and its answer
	// was lost.
	Repeated bool
}

// RedeemCode turns a code into a grant, once. c is the client that authenticated;
// check sees the code after it was found to be c's and alive, and compares what the
// request says with it. Every check comes before the code is consumed, so a request
// that is wrong costs nothing (RFC 6749 §4.1.3, OAuth 2.1 §4.1.3).
//
// A second redemption that passes every check revokes the grant of the first
// (RFC 6749 §4.1.2); it is refused like any dead code, and replayed is true. Then red
// has the id of that grant and nothing else.
//
// request is the hash of what tells this request from every other, or empty if nothing
// does. The request that redeemed the code gets the same grant and refresh token once
// more within RepeatTime, while the grant lives and was not refreshed: its answer was lost.
func (s *Store) RedeemCode(
	ctx context.Context, code credential.Secret, request string, c Client, check func(Code) error,
) (red Redemption, replayed bool, err error) {
	var refusal error
	k, mine := codeKey(code), attempts[Redemption]{}
	redeem := func(ctx context.Context, tx driver.Tx) error {
		red, replayed, refusal = Redemption{}, false, nil
		now := s.now()
		d, err := tx.Get(k)
		if earlier, ok := mine[d.Body]; ok && err == nil {
			red = earlier
			return nil
		}
		record, err := opened[Code](ctx, s, k, d, err)
		if errors.Is(err, ErrNotFound) {
			return oauth.Refuse(oauth.InvalidGrant, DeadCode)
		}
		if err != nil {
			return err
		}
		if record.ClientID != c.ID || (record.Used.IsZero() && !now.Before(record.Expiry)) {
			return oauth.Refuse(oauth.InvalidGrant, DeadCode)
		}
		if err := check(record); err != nil {
			return err
		}
		// Only now: what was sent may be too short to derive anything from.
		id := grantIDOf(code)
		if !record.Used.IsZero() {
			var again bool
			if red, again, err = s.redeemedBefore(ctx, tx.Get, id, record, request, now); again || err != nil {
				return err
			}
			red.Grant.ID = id
			replayed, refusal = true, oauth.Refuse(oauth.InvalidGrant, DeadCode)
			return s.end(ctx, tx, id, now, "code replayed")
		}
		record.Request = request
		red = s.startGrant(id, record, c, now)
		body, err := s.consume(ctx, tx, k, record, red.Grant)
		if err != nil {
			return err
		}
		mine[body] = red
		return nil
	}
	err = s.db.RunTransaction(ctx, redeem)
	if errors.Is(err, driver.ErrExists) {
		// The code became a grant between our reads and our commit, and says so by now:
		// another redemption was faster, or the answer to our own was lost.
		err = s.db.RunTransaction(ctx, redeem)
	}
	if err != nil {
		if red, ok := mine.committed(ctx, s, k); ok {
			return red, false, nil
		}
	}
	if errors.Is(err, driver.ErrExists) {
		// The code still says that it is fresh: somebody put an old document back.
		tampered := fmt.Errorf("redeem code: %w", ErrTampered)
		return Redemption{}, true, oauth.RefuseBecause(tampered, oauth.InvalidGrant, DeadCode)
	}
	if err = cmp.Or(err, refusal); err != nil {
		return Redemption{Grant: Grant{ID: red.Grant.ID}}, replayed, err
	}
	return red, false, nil
}

// redeemedBefore returns what the request that redeemed the code got, if it is request
// and may have it again.
func (s *Store) redeemedBefore(
	ctx context.Context, from getter, grantID string, c Code, request string, now time.Time,
) (red Redemption, again bool, err error) {
	if !c.redeemedBy(request, now) {
		return red, false, nil
	}
	g, err := get[Grant](ctx, s, from, grantKey(grantID))
	if errors.Is(err, ErrNotFound) || err == nil && !g.fresh(now) {
		return red, false, nil
	}
	return Redemption{Grant: g, Refresh: g.refreshToken(), Repeated: true}, err == nil, err
}

// grantIDOf returns the id of the grant that a code becomes.
func grantIDOf(code credential.Secret) string {
	return credential.Derive([]byte(code.Reveal()), "grant id")
}

// consume marks a code as used and creates the grant it became. It returns the body of
// the code's new document.
func (s *Store) consume(ctx context.Context, tx driver.Tx, k driver.Key, c Code, g Grant) (body string, err error) {
	c.Used = g.Started
	used, err := document(ctx, s, k, c, c.Used.Add(s.life.AccessTokenTTL), c.Expiry)
	if err != nil {
		return "", err
	}
	grant, err := document(ctx, s, grantKey(g.ID), g)
	if err != nil {
		return "", err
	}
	return used.Body, errors.Join(tx.Set(k, used), tx.Create(grantKey(g.ID), grant))
}

func (s *Store) startGrant(id string, code Code, c Client, now time.Time) Redemption {
	if code.CIMD != nil {
		c = code.CIMD.client(code)
	}
	g := Grant{
		ID: id, ClientID: c.ID, ClientName: c.Name(), Public: c.Public(), Person: code.Person,
		CIMD: code.CIMD != nil, Scopes: code.Scopes, Resource: code.Resource, Offline: code.Offline,
		RedirectURI: code.RedirectURI, Started: now, Expiry: now.Add(s.life.GrantTTL),
	}
	if !c.GetsRefreshToken(code.Offline) {
		return Redemption{Grant: g}
	}
	g.Refresh = newRefreshFamily()
	return Redemption{Grant: g, Refresh: g.refreshToken()}
}
