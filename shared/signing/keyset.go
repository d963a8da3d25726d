package signing

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-dev/postern/shared/recent"
)

// KeysMaxAge is how long whoever fetched a published set may keep it. A key has to be
// shown for at least as long before it signs and after it last signed.
const KeysMaxAge = 5 * time.Minute

// maxKID is the longest kid taken into a set, in characters.
const maxKID = 128

// A KeySet is a list of public ES256 keys, told apart by kid; none of it is
// secret. The zero KeySet verifies nothing. Its methods leave it unchanged and are
// safe for concurrent use. It remembers some of the tokens it has verified, so a
// program keeps one KeySet for as long as its keys stay the same, as keyfile does.
type KeySet struct {
	keys     []publicKey
	verified *memory // shared by all copies of this set
}

type publicKey struct {
	kid string
	key *ecdsa.PublicKey
}

func newKeySet(keys []publicKey) KeySet {
	return KeySet{keys: keys, verified: recent.New[name, string](generation)}
}

// ParseKeySet reads a JWK Set of public EC P-256 keys. It refuses an empty set,
// private members, other kinds of key, other algorithms or uses, certificates, and a
// kid that is missing, comes twice or has more than 128 characters.
func ParseKeySet(data []byte) (KeySet, error) {
	parsed, err := parseJWKS(data, false)
	if err != nil {
		return KeySet{}, err
	}
	var set KeySet
	for i, jwk := range parsed {
		switch {
		case jwk.KeyID == "" || len(jwk.KeyID) > maxKID:
			return KeySet{}, fmt.Errorf("key %d: want a kid of 1 to %d characters", i+1, maxKID)
		case set.index(jwk.KeyID) >= 0:
			return KeySet{}, fmt.Errorf("key %d: another key has the same kid", i+1)
		}
		set.keys = append(set.keys, publicKey{kid: jwk.KeyID, key: publicOf(jwk.Key)})
	}
	return newKeySet(set.keys), nil
}

// Format returns the set as a JWK Set (RFC 7517 §5), as it is served and as
// [ParseKeySet] reads it. Each key has kty, crv, x, y, kid, alg and use. The same
// set gives the same bytes.
func (s KeySet) Format() []byte {
	keys := make([]jose.JSONWebKey, len(s.keys))
	for i, k := range s.keys {
		keys[i] = describeKey(k.key, k.kid)
	}
	return formatJWKS(keys)
}

// KIDs returns the key ids in order.
func (s KeySet) KIDs() []string {
	kids := make([]string, len(s.keys))
	for i, k := range s.keys {
		kids[i] = k.kid
	}
	return kids
}

// Describe returns the kids, separated by spaces.
func (s KeySet) Describe() string { return strings.Join(s.KIDs(), " ") }

// Has reports whether a key has that kid.
func (s KeySet) Has(kid string) bool { return s.index(kid) >= 0 }

// Add returns the set with the keys of other that it does not have yet at its
// end. A kid that stands for another key there is refused.
func (s KeySet) Add(other KeySet) (KeySet, error) {
	keys := slices.Clone(s.keys)
	for _, k := range other.keys {
		at := s.index(k.kid)
		if at < 0 {
			keys = append(keys, k)
		} else if !s.keys[at].key.Equal(k.key) {
			return KeySet{}, fmt.Errorf("add %s: another key has the same kid", k.kid)
		}
	}
	return newKeySet(keys), nil
}

// Without returns the set without the key of that kid: what it signed is not
// accepted any more. [ErrNoKey] if there is none; the last key is refused.
func (s KeySet) Without(kid string) (KeySet, error) {
	at := s.index(kid)
	if at < 0 {
		return KeySet{}, fmt.Errorf("remove %s: %w", kid, ErrNoKey)
	}
	if len(s.keys) == 1 {
		return KeySet{}, errors.New("remove " + kid + ": it is the last key of the set")
	}
	return newKeySet(slices.Concat(s.keys[:at], s.keys[at+1:])), nil
}

func (s KeySet) index(kid string) int {
	return slices.IndexFunc(s.keys, func(k publicKey) bool { return k.kid == kid })
}
