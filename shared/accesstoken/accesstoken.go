// Package accesstoken is the access token that the token endpoint issues and the MCP
// endpoint verifies: an ES256 JWT of type at+jwt (RFC 9068) for one resource.
//
// Verifying takes the issuer and the resource that are expected. There is no way to
// accept a token without naming them; to identify one is not to accept it.
package accesstoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/signing"
)

// Type is the JWT header "typ" (RFC 9068 §2.1).
const Type = "at+jwt"

// Claims are the claims of an access token (RFC 9068 §2.2). Times are whole seconds.
type Claims struct {
	Issuer   string
	Subject  string // the person, such as "github:583231"
	Audience string // the one resource
	ClientID string
	Scopes   oauth.Scopes
	GrantID  string // the grant it hangs from; the person may end it before Expiry
	ID       string // unique
	IssuedAt time.Time
	Expiry   time.Time
}

// wireClaims is the JSON form. aud is one string: a list is refused.
type wireClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Grant    string `json:"grant"`
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expiry   int64  `json:"exp"`
}

// An Issuer signs access tokens. It is safe for concurrent use.
type Issuer struct {
	Ring *keyfile.File[signing.Ring]
	TTL  time.Duration
	Now  func() time.Time // nil means time.Now
}

// Issue signs a token for c, with a fresh ID and the times of now.
func (i *Issuer) Issue(ctx context.Context, c Claims) (credential.Secret, Claims, error) {
	ring, err := i.Ring.Get(ctx)
	if err != nil {
		return credential.Secret{}, Claims{}, fmt.Errorf("signing keys: %w", err)
	}
	c.ID = credential.New("").Reveal()
	c.IssuedAt = defaults.Now(i.Now)().Truncate(time.Second)
	c.Expiry = c.IssuedAt.Add(i.TTL)
	raw, err := ring.Sign(Type, wireClaims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, ClientID: c.ClientID, Scope: c.Scopes.String(),
		Grant: c.GrantID, ID: c.ID, IssuedAt: c.IssuedAt.Unix(), Expiry: c.Expiry.Unix(),
	})
	if err != nil {
		return credential.Secret{}, Claims{}, fmt.Errorf("sign access token: %w", err)
	}
	return credential.Wrap(raw), c, nil
}

// A Verifier checks access tokens. It is safe for concurrent use.
type Verifier struct {
	Keys *keyfile.File[signing.KeySet]
	Now  func() time.Time // nil means time.Now

	decoded atomic.Pointer[recent.Cache[string, Claims]]
}

// Identify is [Verifier.Verify] without the times and the resource: which token this is,
// for its revocation. It gives nobody anything.
func (v *Verifier) Identify(ctx context.Context, raw credential.Secret, issuer string) (Claims, error) {
	keys, err := v.Keys.Get(ctx)
	if err != nil {
		return Claims{}, fmt.Errorf("verification keys: %w", err)
	}
	payload, err := keys.Verify(Type, raw.Reveal())
	if errors.Is(err, signing.ErrUnknownKey) {
		fresh, changed, stale := v.Keys.Refetch(ctx)
		if changed {
			payload, err = fresh.Verify(Type, raw.Reveal())
		}
		if stale != nil && errors.Is(err, signing.ErrUnknownKey) {
			return Claims{}, fmt.Errorf("verification keys, which may have the token's by now: %w", stale)
		}
	}
	if err != nil {
		return Claims{}, refuse(err, "the access token is malformed, expired or not ours")
	}
	c, err := v.decode(payload)
	if err != nil {
		return Claims{}, err
	}
	if c.Issuer != issuer {
		return Claims{}, foreign()
	}
	return c, nil
}

func foreign() error { return refuse(nil, "the access token was issued for another resource") }

// Verify checks that raw is an access token of issuer for resource that has not
// expired, and that no required claim is missing (RFC 9068 §4). A refusal is an
// invalid_token [oauth.Error]; any other error is a failure to look at the keys.
func (v *Verifier) Verify(ctx context.Context, raw credential.Secret, issuer, resource string) (Claims, error) {
	c, err := v.Identify(ctx, raw, issuer)
	if err != nil {
		return Claims{}, err
	}
	if c.Audience != resource {
		return Claims{}, foreign()
	}
	if !defaults.Now(v.Now)().Before(c.Expiry) {
		return Claims{}, refuse(nil, "the access token has expired")
	}
	if c.IssuedAt.After(defaults.Now(v.Now)().Add(skew)) {
		return Claims{}, refuse(nil, "the access token is not valid yet")
	}
	return c, nil
}

// decode returns the claims of a payload, which are the same whoever asks and whenever.
// A client sends one token for an hour, so they are decoded once; everything that can
// change is checked each time.
func (v *Verifier) decode(payload string) (Claims, error) {
	seen := v.decoded.Load()
	if seen == nil {
		v.decoded.CompareAndSwap(nil, recent.New[string, Claims](1024))
		seen = v.decoded.Load()
	}
	if c, ok := seen.Get(payload); ok {
		return c, nil
	}
	c, err := decode(payload)
	if err == nil {
		seen.Put(payload, c)
	}
	return c, err
}

func decode(payload string) (Claims, error) {
	var w wireClaims
	if err := json.Unmarshal([]byte(payload), &w); err != nil {
		return Claims{}, refuse(err, "the access token is malformed, expired or not ours")
	}
	if w.Issuer == "" || w.Audience == "" || w.Subject == "" || w.ClientID == "" || w.Grant == "" || w.ID == "" ||
		w.IssuedAt <= 0 || w.Expiry <= 0 {
		return Claims{}, refuse(nil, "the access token lacks a required claim")
	}
	scopes, err := oauth.ParseScopes(w.Scope)
	if err != nil {
		return Claims{}, refuse(err, "the access token has malformed scopes")
	}
	return Claims{
		Issuer: w.Issuer, Subject: w.Subject, Audience: w.Audience,
		ClientID: w.ClientID, Scopes: scopes, GrantID: w.Grant, ID: w.ID,
		IssuedAt: time.Unix(w.IssuedAt, 0).UTC(), Expiry: time.Unix(w.Expiry, 0).UTC(),
	}, nil
}

// skew is how far ahead another instance's clock may be.
const skew = 30 * time.Second

func refuse(cause error, description string) error {
	return oauth.RefuseBecause(cause, oauth.InvalidToken, description)
}

// Ready reports whether tokens can be signed, so that a caller can ask before it
// consumes what it exchanges for one.
func (i *Issuer) Ready(ctx context.Context) error {
	if _, err := i.Ring.Get(ctx); err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	return nil
}
