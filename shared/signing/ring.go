package signing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// A Ring is an ordered list of private ES256 keys, of which the first signs. It
// prints as its kids. The zero Ring signs nothing; [Generate] and [ParseRing] make
// usable ones. Its methods leave it unchanged and are safe for concurrent use.
type Ring struct {
	// Behind pointers fmt cannot reach them.
	keys []*privateKey
}

type privateKey struct {
	kid     string
	key     *ecdsa.PrivateKey
	headers sync.Map // encoded JOSE headers by typ
}

// Generate returns a ring of one new key.
func Generate() Ring {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("signing: " + err.Error()) // crypto/rand never fails
	}
	return Ring{[]*privateKey{newPrivateKey(key)}}
}

func newPrivateKey(key *ecdsa.PrivateKey) *privateKey {
	return &privateKey{kid: thumbprint(&key.PublicKey), key: key}
}

// ParseRing reads a JWK Set of private EC P-256 keys, the signing key first. A
// kid may be left out; if present it is the key's RFC 7638 thumbprint. It refuses
// an empty set, public keys, other kinds of key, certificates, a key whose
// halves do not belong together and a key that comes twice. Errors name keys by
// position, and never quote them.
func ParseRing(data []byte) (Ring, error) {
	keys, err := parseJWKS(data, true)
	if err != nil {
		return Ring{}, err
	}
	var ring Ring
	for i, jwk := range keys {
		key, err := whole(jwk.Key)
		if err != nil {
			return Ring{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		next := newPrivateKey(key)
		if jwk.KeyID != "" && jwk.KeyID != next.kid {
			return Ring{}, fmt.Errorf("key %d: its kid is not its RFC 7638 thumbprint: leave it out", i+1)
		}
		if ring.index(next.kid) >= 0 {
			return Ring{}, fmt.Errorf("key %d: comes twice", i+1)
		}
		ring.keys = append(ring.keys, next)
	}
	return ring, nil
}

// whole returns the key that d alone makes, if x and y are that key's: the JWK
// library takes the halves as they come.
func whole(key any) (*ecdsa.PrivateKey, error) {
	parsed, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not a private EC key")
	}
	errHalves := errors.New("its private and public halves do not belong together")
	d, err := parsed.Bytes()
	if err != nil {
		return nil, errHalves
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil || !private.PublicKey.Equal(&parsed.PublicKey) {
		return nil, errHalves
	}
	return private, nil
}

// Format returns the ring as [ParseRing] reads it: secret text.
func (r Ring) Format() []byte {
	keys := make([]jose.JSONWebKey, len(r.keys))
	for i, k := range r.keys {
		keys[i] = describeKey(k.key, k.kid)
	}
	return formatJWKS(keys)
}

// Public returns the public halves of all keys, in the same order.
func (r Ring) Public() KeySet {
	keys := make([]publicKey, len(r.keys))
	for i, k := range r.keys {
		keys[i] = publicKey{kid: k.kid, key: &k.key.PublicKey}
	}
	return newKeySet(keys)
}

// KIDs returns the key ids, that of the signing key first: 43 base64url
// characters each.
func (r Ring) KIDs() []string {
	kids := make([]string, len(r.keys))
	for i, k := range r.keys {
		kids[i] = k.kid
	}
	return kids
}

// Sign returns claims, which must marshal to JSON, as a compact JWS under the
// ring's first key, with alg, kid and typ in its header (RFC 7515 §4.1). typ is
// one of a few constants such as "at+jwt".
func (r Ring) Sign(typ string, claims any) (string, error) {
	if len(r.keys) == 0 {
		return "", errors.New("sign: the ring has no key")
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign: marshal claims: %w", err)
	}
	k := r.keys[0]
	input := k.header(typ) + "." + encode(payload)
	signature, err := k.sign(input)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return input + "." + encode(signature), nil
}

// header returns the encoded JOSE header. It is the same for every token of a type,
// and a general library builds it anew each time: that cost as much as a third of the
// signature.
func (k *privateKey) header(typ string) string {
	if h, ok := k.headers.Load(typ); ok {
		return h.(string)
	}
	plain, err := json.Marshal(struct {
		Alg string `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}{string(jose.ES256), k.kid, typ})
	if err != nil {
		panic("signing: " + err.Error()) // three strings always marshal
	}
	h := encode(plain)
	k.headers.Store(typ, h)
	return h
}

// sign returns the ES256 signature of a signing input: R and S, 32 bytes each
// (RFC 7518 §3.4).
func (k *privateKey) sign(input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	der, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		return nil, err
	}
	return fixed(der), nil
}

// fixed returns an ECDSA signature over P-256 as R and S of 32 bytes each. DER, as the
// standard library has just written it, is SEQUENCE, length, and for each INTEGER, length and
// as many bytes as it needs (RFC 3279 §2.2.3). The general decoder would find that out by
// reflection, for each token.
func fixed(der []byte) []byte {
	signature, rest := make([]byte, 64), der[2:]
	for _, end := range []int{32, 64} {
		length := int(rest[1])
		integer := bytes.TrimLeft(rest[2:2+length], "\x00")
		copy(signature[end-len(integer):end], integer)
		rest = rest[2+length:]
	}
	return signature
}

// Stage returns the ring with the keys of next at its end; they do not sign. A
// rotation stages a key and publishes it, promotes it when every verifier has the
// new [KeySet], and retires the older one, whose public half stays published until
// the last token it signed has expired. A key that is already there is refused.
func (r Ring) Stage(next Ring) (Ring, error) {
	for _, k := range next.keys {
		if r.index(k.kid) >= 0 {
			return Ring{}, fmt.Errorf("stage %s: already in the ring", k.kid)
		}
	}
	return Ring{slices.Concat(r.keys, next.keys)}, nil
}

// Promote returns the ring with the key of that kid first: it signs from now
// on. [ErrNoKey] if there is none.
func (r Ring) Promote(kid string) (Ring, error) {
	at := r.index(kid)
	if at < 0 {
		return Ring{}, fmt.Errorf("promote %s: %w", kid, ErrNoKey)
	}
	return Ring{slices.Concat(r.keys[at:at+1], r.keys[:at], r.keys[at+1:])}, nil
}

// Retire returns the ring without the key of that kid. It refuses the signing
// key. [ErrNoKey] if there is none.
func (r Ring) Retire(kid string) (Ring, error) {
	switch at := r.index(kid); at {
	case -1:
		return Ring{}, fmt.Errorf("retire %s: %w", kid, ErrNoKey)
	case 0:
		return Ring{}, fmt.Errorf("retire %s: it is the signing key, promote another first", kid)
	default:
		return Ring{slices.Concat(r.keys[:at], r.keys[at+1:])}, nil
	}
}

func (r Ring) index(kid string) int {
	return slices.IndexFunc(r.keys, func(k *privateKey) bool { return k.kid == kid })
}

// Describe returns the kids, the signing key's first, separated by spaces.
func (r Ring) Describe() string { return strings.Join(r.KIDs(), " ") }

// String returns "signing-ring(kids)".
func (r Ring) String() string { return "signing-ring(" + r.Describe() + ")" }

// GoString returns [Ring.String].
func (r Ring) GoString() string { return r.String() }

// MarshalText returns [Ring.String], so that no encoder writes keys by accident.
func (r Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue returns [Ring.String].
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
