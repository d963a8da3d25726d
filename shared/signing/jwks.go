package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	// Unlike encoding/json it tells upper from lower case and refuses a member
	// that comes twice.
	"github.com/go-jose/go-jose/v4/json"
)

// ErrNoKey says that a ring or a set has no key of a given kid.
var ErrNoKey = errors.New("no such key")

// privateMembers are those of any private or symmetric JWK (RFC 7518 §6.2.2,
// §6.3.2, §6.4).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// parseJWKS reads the keys of a JWK Set (RFC 7517 §5) of at least one ES256 key,
// private or public. Its errors name the key by its position and quote nothing.
func parseJWKS(data []byte, private bool) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("not a JWK Set: want a JSON object with an array keys")
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("a JWK Set without keys")
	}
	keys := make([]jose.JSONWebKey, len(set.Keys))
	for i, raw := range set.Keys {
		if err := parseJWK(raw, private, &keys[i]); err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	return keys, nil
}

func parseJWK(raw []byte, private bool, key *jose.JSONWebKey) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return errors.New("not a JSON object, or one with a member twice")
	}
	if hasPrivate(members) != private {
		if private {
			return errors.New("a public key, want a private one")
		}
		return errors.New("has private members, want a public key")
	}
	// The library would try to trust a certificate chain; ours have none.
	// Names alone count: one key in five hundred has a value that begins with x5.
	if hasCertificates(members) {
		return errors.New("has certificates, want a bare key")
	}
	if err := key.UnmarshalJSON(raw); err != nil {
		return errors.New("not a valid EC P-256 key")
	}
	if (key.Algorithm != "" && key.Algorithm != string(jose.ES256)) || (key.Use != "" && key.Use != "sig") {
		return errors.New("for another algorithm or use, want ES256 and sig")
	}
	public := publicOf(key.Key)
	if public == nil || public.Curve != elliptic.P256() {
		return errors.New("not an EC P-256 key")
	}
	return nil
}

// hasCertificates looks for x5c, x5t, x5u and their like (RFC 7517 §4.6 to §4.9).
func hasCertificates(members map[string]json.RawMessage) bool {
	for name := range members {
		if strings.HasPrefix(strings.ToLower(name), "x5") {
			return true
		}
	}
	return false
}

func hasPrivate(members map[string]json.RawMessage) bool {
	for name := range members {
		for _, private := range privateMembers {
			if strings.EqualFold(name, private) {
				return true
			}
		}
	}
	return false
}

// publicOf returns the public half of an EC key, or nil.
func publicOf(key any) *ecdsa.PublicKey {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case *ecdsa.PublicKey:
		return key
	default:
		return nil
	}
}

// formatJWKS writes a JWK Set with our members only.
func formatJWKS(keys []jose.JSONWebKey) []byte {
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic("signing: " + err.Error()) // they are EC keys on P-256
	}
	return data
}

// describeKey returns a key as a JWK Set holds it.
func describeKey(key any, kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: string(jose.ES256), Use: "sig"}
}

// thumbprint returns the kid of a key: RFC 7638, SHA-256, base64url, 43
// characters.
func thumbprint(public *ecdsa.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		panic("signing: " + err.Error()) // it is an EC key on P-256
	}
	return encode(sum)
}
