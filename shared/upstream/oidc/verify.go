package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/upstream"
)

// tolerance is by how much the provider's clock and ours may differ. Tokens come straight
// from the provider and live for minutes, so this is about clocks that are set by hand.
const tolerance = time.Minute

// algorithms are those that a provider may sign by: never "none", and none whose key both
// sides would have.
var algorithms = []string{
	gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.ES256, gooidc.ES384, gooidc.ES512,
	gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.EdDSA,
}

func anyAlgorithm() []jose.SignatureAlgorithm {
	var out []jose.SignatureAlgorithm
	for _, a := range algorithms {
		out = append(out, jose.SignatureAlgorithm(a))
	}
	return out
}

// agreed are the algorithms of a provider that are taken. One that lists none has RS256, which
// all have to have (OpenID Connect Discovery 1.0 §3).
func agreed(listed []string) ([]string, error) {
	if len(listed) == 0 {
		return []string{gooidc.RS256}, nil
	}
	var out []string
	for _, a := range listed {
		if slices.Contains(algorithms, a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the provider signs by no algorithm that is taken here")
	}
	return out, nil
}

// verifier returns the library's verifier for one token, and the keys that it asks.
func (p *Provider) verifier(ctx context.Context) (*gooidc.IDTokenVerifier, *keys, error) {
	d, err := p.Description(ctx)
	if err != nil {
		return nil, nil, err
	}
	algs, err := agreed(d.Algorithms)
	if err != nil {
		return nil, nil, err
	}
	k := &keys{ring: p.keys, signs: p.Signs}
	return gooidc.NewVerifier(p.URL(), k, &gooidc.Config{
		ClientID: p.ClientID(), SupportedSigningAlgs: algs,
		SkipIssuerCheck: true, // it may be one of several; see accept
		Now:             func() time.Time { return p.Now().Add(-tolerance) },
	}), k, nil
}

// errNonce says that an ID token is of another sign-in.
var errNonce = errors.New("the ID token belongs to another sign-in")

// verify returns what an ID token says, after everything in OpenID Connect Core §3.1.3.7. The
// nonce is compared if there is one to compare, and the access token if the ID token names it.
// An error is never about the person.
func (p *Provider) verify(ctx context.Context, token, accessToken, nonce string) (claims, error) {
	v, k, err := p.verifier(ctx)
	if err != nil {
		return nil, err
	}
	id, err := v.Verify(ctx, token)
	switch {
	case k.outage != nil:
		return nil, k.outage
	case err != nil:
		return nil, fmt.Errorf("the ID token is not good: %w", plain(err))
	}
	var said struct {
		AuthorizedParty string `json:"azp"`
	}
	switch {
	case !p.Knows(id.Issuer):
		return nil, errors.New("the ID token is of another issuer, or of a tenant that is not let in")
	case id.Claims(&said) != nil:
		return nil, errors.New("the ID token is not good: azp is not text")
	case said.AuthorizedParty != "" && said.AuthorizedParty != p.ClientID(),
		said.AuthorizedParty == "" && len(id.Audience) > 1:
		return nil, errors.New("the ID token was made for another client")
	case id.IssuedAt.IsZero() || id.IssuedAt.After(p.Now().Add(tolerance)):
		return nil, errors.New("the ID token was made in the future: the provider's clock or ours is wrong")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(accessToken) != nil:
		return nil, errors.New("the ID token came with another access token")
	case !sane(id.Subject):
		return nil, errors.New("the ID token has no sub that can be one")
	case nonce != "" && !credential.Same(id.Nonce, nonce):
		return nil, errNonce
	}
	var raw json.RawMessage
	if err := id.Claims(&raw); err != nil {
		return nil, errors.New("the ID token has no claims")
	}
	return decode(raw)
}

// sane reports whether s can be a sub (OpenID Connect Core §2).
func sane(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// plain keeps of the library's errors what quotes nothing of a token.
func plain(err error) error {
	if _, ok := errors.AsType[*gooidc.TokenExpiredError](err); ok {
		return errors.New("it is expired, or the provider's clock or ours is wrong")
	}
	for said, sentence := range map[string]string{
		"malformed jwt":          "it is malformed, or signed by an algorithm that the provider does not list",
		"verify signature":       errSignature.Error(),
		"expected audience":      "it was made for another client: OIDC_CLIENT_ID may be wrong",
		"before the nbf":         "it is not good yet: the provider's clock or ours is wrong",
		"logout token audience":  "it was made for another client",
		"backchannel-logout":     "it does not say that somebody signed out",
		"must not contain a":     "it has a nonce",
		"missing required claim": "it lacks jti",
		"'exp' claim":            "it lacks exp",
		"'sub' claim":            "it names neither person nor session",
	} {
		if strings.Contains(err.Error(), said) {
			return errors.New(sentence)
		}
	}
	return errors.New("it cannot be read")
}

func decode(raw []byte) (claims, error) {
	var c claims
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // an id read as a float equals its neighbour (UP-07)
	if d.Decode(&c) != nil || c == nil {
		return nil, fmt.Errorf("read claims: %w", upstream.ErrOddAnswer)
	}
	return c, nil
}
