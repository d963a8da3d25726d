// Package identity tells an MCP server behind this one who calls: a short ES256 JWT, made
// for that server alone and signed by a ring that makes nothing else.
//
// The caller's own token never goes on (MCP security best practices, Token Passthrough).
// What goes in its place can never pass as an access token: its header has a typ of its
// own (RFC 8725 §3.11), its audience is another, and its keys are published elsewhere. A
// server checks it with the issuer, its own URL as audience, ES256, and the keys at
// ISSUER/.well-known/identity-jwks.json.
package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/recent"
	"github.com/postern-dev/postern/shared/signing"
)

// Type is the JWT header "typ".
const Type = "postern-identity+jwt"

// MaxTTL is the longest life of a token.
const MaxTTL = 5 * time.Minute

// Claims say who calls. Login, Email and Name are for display; they change hands, and
// what is not known is left out.
type Claims struct {
	Issuer   string       // iss, of our own documents
	Audience string       // aud, the URL of the upstream server
	Subject  string       // sub, the person, such as "github:583231"
	Login    string       // preferred_username
	Email    string       // email
	Name     string       // name
	ClientID string       // client_id, the program that the person allowed
	Scopes   oauth.Scopes // scope, what they allowed it
}

// wireClaims is the JSON form, with the names of RFC 9068 §2.2 and OpenID Connect Core
// §5.1. Times are whole seconds.
type wireClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Login    string `json:"preferred_username,omitempty"`
	Email    string `json:"email,omitempty"`
	Name     string `json:"name,omitempty"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	ID       string `json:"jti,omitempty"`
	IssuedAt int64  `json:"iat,omitempty"`
	Expiry   int64  `json:"exp,omitempty"`
}

// A Signer makes tokens. It is safe for concurrent use and must not be copied after
// its first use.
type Signer struct {
	Ring *keyfile.File[signing.Ring]
	TTL  time.Duration    // how long a token lives; 0, and more than MaxTTL, mean MaxTTL
	Now  func() time.Time // nil means time.Now

	once sync.Once
	made *recent.Cache[caller, made]
}

// A caller is what a token says, and the ring that it was said with: one whose key was
// retired since is of no use.
type caller struct {
	claims wireClaims
	ring   string
}

type made struct {
	token string
	until time.Time // when another is made
}

// remembered is how many tokens one half of the memory holds. A token is below a kilobyte.
const remembered = 1024

// Token returns a token for c. A signature costs more than the rest of a call, so the same
// claims get the same token until a fifth of its life is left: at TTL 5m a server has at
// least a minute to look at it. An error is a fault of ours: a ring that cannot be read, or
// claims without issuer, audience, subject or client.
func (s *Signer) Token(ctx context.Context, c Claims) (string, error) {
	ring, err := s.Ring.Get(ctx)
	if err != nil {
		return "", fmt.Errorf("identity keys: %w", err)
	}
	if c.Issuer == "" || c.Audience == "" || c.Subject == "" || c.ClientID == "" {
		return "", errors.New("identity: claims lack issuer, audience, subject or client")
	}
	s.once.Do(func() { s.made = recent.New[caller, made](remembered) })
	who := caller{claims: wireClaims{
		Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject, Login: c.Login, Email: c.Email, Name: c.Name,
		ClientID: c.ClientID, Scope: c.Scopes.String(),
	}, ring: ring.Describe()}
	now := defaults.Now(s.Now)()
	if m, ok := s.made.Get(who); ok && now.Before(m.until) {
		return m.token, nil
	}
	token, err := s.sign(ring, who.claims, now)
	if err != nil {
		return "", fmt.Errorf("sign identity token: %w", err)
	}
	s.made.Put(who, made{token, now.Add(s.ttl() * 4 / 5)})
	return token, nil
}

// sign returns a new token of that second.
func (s *Signer) sign(ring signing.Ring, c wireClaims, now time.Time) (string, error) {
	c.ID = credential.New("").Reveal()
	c.IssuedAt = now.Unix()
	c.Expiry = now.Truncate(time.Second).Add(s.ttl()).Unix()
	return ring.Sign(Type, c)
}

func (s *Signer) ttl() time.Duration {
	if s.TTL <= 0 || s.TTL > MaxTTL {
		return MaxTTL
	}
	return s.TTL
}

// Published returns the public halves of the ring as they are served, a JWK Set (RFC 7517
// §5).
func (s *Signer) Published(ctx context.Context) ([]byte, error) {
	ring, err := s.Ring.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("identity keys: %w", err)
	}
	return ring.Public().Format(), nil
}
