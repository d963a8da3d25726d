package store

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/store/driver"
)

// DeadRefreshToken is the one sentence for a refresh token that does not work.
const DeadRefreshToken = "refresh_token is unknown, expired, revoked, or was issued to another client"

func grantKey(id string) driver.Key {
	return driver.Key{Collection: GrantsCollection, ID: GrantDocument(id)}
}

// Grant returns a grant, ended or not, or ErrNotFound.
func (s *Store) Grant(ctx context.Context, id string) (Grant, error) {
	return get[Grant](ctx, s, s.direct(ctx), grantKey(id))
}

// LiveGrant returns a grant that has not ended and whose client still exists, or
// ErrNotFound. It is what the MCP endpoint asks about an access token. A CIMD
// client is registered nowhere and so never deleted: its grant alone counts.
func (s *Store) LiveGrant(ctx context.Context, id string) (Grant, error) {
	g, err := s.Grant(ctx, id)
	if err != nil {
		return Grant{}, err
	}
	if g.Ended(s.now()) {
		return Grant{}, ErrNotFound
	}
	if g.CIMD {
		return g, nil
	}
	exists, err := s.ClientExists(ctx, ClientDocument(g.ClientID))
	if err != nil {
		return Grant{}, err
	}
	if !exists {
		return Grant{}, ErrNotFound
	}
	return g, nil
}

// A Rotation is what a refresh gave.
type Rotation struct {
	Grant   Grant
	Refresh credential.Secret

	// Rotated is false when the token was rotated before and is still in grace:
	// the answer is then the token that replaced it.
	Rotated bool
	// Forwarded is by how many generations the record was behind the token, which means
	// that the database was put back to an earlier time. The record has caught up.
	Forwarded uint32

	// Reused is true when a token out of grace ended the grant. The error is then
	// an invalid_grant, and Grant is the one that ended.
	Reused bool
}

// Rotate exchanges a refresh token for the next one of its family (OAuth 2.1 §4.3.1).
// check sees the grant after the token was found genuine, alive and clientID's, and
// before anything changes; it may change the grant's Person, which is then stored. It
// may run twice, and its error stops the rotation.
//
// A token that was rotated before still works for the grace measured from its first
// rotation, any number of times. After that it ends the grant. A genuine token that is
// newer than the record proves that an earlier record was put back: the grant goes forward
// to that token and on.
func (s *Store) Rotate(
	ctx context.Context, token credential.Secret, clientID string, check func(*Grant) error,
) (Rotation, error) {
	dead := oauth.Refuse(oauth.InvalidGrant, DeadRefreshToken)
	parsed, ok := parseRefreshToken(token.Reveal())
	if !ok {
		return Rotation{}, dead
	}
	var out Rotation
	var refusal error
	k, mine := grantKey(parsed.grantID), attempts[Rotation]{}
	err := s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		out, refusal = Rotation{}, nil
		now := s.now()
		d, err := tx.Get(k)
		if earlier, ok := mine[d.Body]; ok && err == nil {
			out = earlier
			return nil
		}
		g, err := opened[Grant](ctx, s, k, d, err)
		if errors.Is(err, ErrNotFound) {
			return dead
		}
		if err != nil {
			return err
		}
		if !parsed.genuine(g.Refresh) || g.ClientID != clientID || g.Ended(now) {
			return dead
		}
		if !g.Refresh.usable(parsed.generation, now, s.life.RefreshGrace) {
			out, refusal = Rotation{Grant: g, Reused: true}, dead
			return s.endGrant(ctx, tx, g, now, "refresh token reused")
		}
		before := g.Person
		if err := check(&g); err != nil {
			return err
		}
		out = s.refreshed(g, parsed.generation, now)
		if !out.Rotated && reflect.DeepEqual(g.Person, before) {
			return nil
		}
		if d, err = document(ctx, s, k, out.Grant); err != nil {
			return err
		}
		mine[d.Body] = out
		return tx.Set(k, d)
	})
	if err != nil {
		if rotated, ok := mine.committed(ctx, s, k); ok {
			return rotated, nil
		}
	}
	if err = cmp.Or(err, refusal); err != nil {
		return Rotation{Grant: out.Grant, Reused: out.Reused}, err
	}
	return out, nil
}

// refreshed is a grant after a usable token of that generation was presented: the newest
// one rotates and slides the grant, an older one meets what a refresh before it made.
func (s *Store) refreshed(g Grant, generation uint32, now time.Time) Rotation {
	forwarded := g.Refresh.forward(generation)
	newest := generation == g.Refresh.Generation
	if newest {
		g.Refresh.rotate(now, s.life.RefreshGrace)
		g.Refreshed, g.Expiry = now, now.Add(s.life.GrantTTL)
	}
	return Rotation{Grant: g, Refresh: g.Refresh.token(g.ID), Rotated: newest, Forwarded: forwarded}
}

// refreshToken returns the newest refresh token of the grant, zero if it has none.
func (g Grant) refreshToken() credential.Secret {
	if g.Refresh == nil {
		return credential.Secret{}
	}
	return g.Refresh.token(g.ID)
}

// RefreshGrantID returns the id of the grant that a refresh token names, if it has
// the shape of one. It proves nothing about the token.
func RefreshGrantID(token credential.Secret) (string, bool) {
	parsed, ok := parseRefreshToken(token.Reveal())
	return parsed.grantID, ok
}

// GenuineRefreshToken reports whether g issued the refresh token, in whatever
// generation.
func GenuineRefreshToken(g Grant, token credential.Secret) bool {
	parsed, ok := parseRefreshToken(token.Reveal())
	return ok && parsed.grantID == g.ID && parsed.genuine(g.Refresh)
}

// CurrentRefreshToken reports whether the refresh token would still be exchanged for
// a new one: genuine, of a grant that has not ended, and the newest or in grace.
func (s *Store) CurrentRefreshToken(g Grant, token credential.Secret) bool {
	parsed, ok := parseRefreshToken(token.Reveal())
	now := s.now()
	return ok && parsed.grantID == g.ID && parsed.genuine(g.Refresh) && !g.Ended(now) &&
		g.Refresh.usable(parsed.generation, now, s.life.RefreshGrace)
}

// RevokeGrant ends a grant for good if check allows it; check may run twice and may
// be nil. The mark is read in the same transaction that rotates, so no refresh can
// bring the grant back. A grant that is not there, or has ended, is not an error.
func (s *Store) RevokeGrant(ctx context.Context, id, reason string, check func(Grant) error) error {
	return s.db.RunTransaction(ctx, func(ctx context.Context, tx driver.Tx) error {
		g, err := get[Grant](ctx, s, tx.Get, grantKey(id))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(g); err != nil {
				return err
			}
		}
		return s.endGrant(ctx, tx, g, s.now(), reason)
	})
}

// end marks the grant id as revoked, if it is there.
func (s *Store) end(ctx context.Context, tx driver.Tx, id string, now time.Time, reason string) error {
	g, err := get[Grant](ctx, s, tx.Get, grantKey(id))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.endGrant(ctx, tx, g, now, reason)
}

// endGrant writes the mark. The record stays longer than any token of the grant
// lives, and loses the secret of its refresh tokens only when it is removed: a
// replayed token must still be recognised.
func (s *Store) endGrant(ctx context.Context, tx driver.Tx, g Grant, now time.Time, reason string) error {
	if !g.Revoked.IsZero() {
		return nil
	}
	g.Revoked, g.Reason = now, reason
	d, err := sealRecord(ctx, s, grantKey(g.ID), g)
	if err != nil {
		return err
	}
	d.DeleteAfter = now.Add(2*s.life.AccessTokenTTL + 24*time.Hour)
	return tx.Set(grantKey(g.ID), d)
}
