package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/shared/keyfile"
)

// maxKeys is far more than a provider has.
const maxKeys = 100

// A key of a provider, and the issuer that it is for if it says so.
type key struct {
	jose.JSONWebKey
	issuer string
}

// A keySet is never changed.
type keySet []key

// Describe names the keys in a log.
func (s keySet) Describe() string {
	var kids []string
	for _, k := range s {
		kids = append(kids, k.KeyID)
	}
	return strings.Join(kids, " ")
}

// parseKeys reads the public keys for signatures of a JWKS (RFC 7517 §5). Others, and those
// that nobody here knows, are left out.
func parseKeys(body []byte) (keySet, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &raw) != nil || len(raw.Keys) > maxKeys {
		return nil, errors.New("not a JSON Web Key Set")
	}
	var set keySet
	for _, one := range raw.Keys {
		var k key
		var more struct {
			Issuer string `json:"issuer"`
		}
		if json.Unmarshal(one, &k.JSONWebKey) != nil || json.Unmarshal(one, &more) != nil ||
			!k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
			continue
		}
		k.issuer = more.Issuer
		set = append(set, k)
	}
	if len(set) == 0 {
		return nil, errors.New("there is no public key for signatures")
	}
	return set, nil
}

// verify returns the payload that one of the set signed. known is whether a key of that id is
// there, so that looking again would change nothing.
func (s keySet) verify(
	jws *jose.JSONWebSignature, signs func(keyIssuer, iss string) bool,
) (payload []byte, known bool) {
	kid := jws.Signatures[0].Header.KeyID
	for _, k := range s {
		if kid != "" && k.KeyID != kid {
			continue
		}
		known = known || kid != ""
		payload, err := jws.Verify(k.JSONWebKey)
		if err != nil {
			continue
		}
		var said struct {
			Issuer string `json:"iss"`
		}
		if json.Unmarshal(payload, &said) == nil && signs(k.issuer, said.Issuer) {
			return payload, true
		}
	}
	return nil, known
}

// keys is what go-oidc asks for a signature, once. It remembers whether the keys could not be
// had, which the library's error does not tell from a signature that is wrong.
type keys struct {
	ring   *keyfile.File[keySet]
	signs  func(keyIssuer, iss string) bool
	outage error
}

var errSignature = errors.New("no key of the provider has made this signature")

// VerifySignature implements the library's KeySet. The library has looked at the algorithm.
func (k *keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, anyAlgorithm())
	if err != nil {
		return nil, errSignature
	}
	set, err := k.ring.Get(ctx)
	if err != nil {
		k.outage = fmt.Errorf("read the provider's keys: %w", err)
		return nil, err
	}
	payload, known := set.verify(jws, k.signs)
	if payload != nil {
		return payload, nil
	}
	if known {
		return nil, errSignature
	}
	set, _, err = k.ring.Refetch(ctx) // the provider may have new keys (Core §10.1.1)
	if payload, _ := set.verify(jws, k.signs); payload != nil {
		return payload, nil
	}
	if err != nil {
		k.outage = fmt.Errorf("read the provider's keys: %w", err)
		return nil, err
	}
	return nil, errSignature
}
