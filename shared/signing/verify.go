package signing

import (
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

var (
	// ErrInvalid says that a token is not one of ours, or not of the kind asked
	// for. Which of the checks it failed is nobody's business.
	ErrInvalid = errors.New("not a valid signed token")

	// ErrUnknownKey says that a token has the form of ours and a kid that is not
	// in the set. The caller fetches the set again and tries once more.
	ErrUnknownKey = errors.New("signed with a key that is not in the set")
)

// MaxToken is the size of the largest token that is looked at, in bytes.
const MaxToken = 8 << 10

// signatureSize is that of an ES256 signature, R ‖ S (RFC 7518 §3.4).
const signatureSize = 64

// Verify checks a compact JWS and returns its payload. The header's alg must be ES256, its
// typ must be typ to the letter, and its kid must be in the set. A header with crit, b64 or
// zip is refused (RFC 7515 §4.1.11: what is not understood must be rejected); keys and
// addresses of keys in it (jwk, jku, x5c, x5u) are ignored. The three parts are strict
// base64url, and the whole has at most [MaxToken] bytes. Errors: [ErrInvalid],
// [ErrUnknownKey].
//
// Expiry, issuer and audience are claims, and the caller's to check.
func (s KeySet) Verify(typ, token string) (payload string, err error) {
	if len(token) > MaxToken {
		return "", ErrInvalid
	}
	if s.verified == nil { // the zero set
		return s.verify(typ, token)
	}
	name := nameOf(typ, token)
	if payload, ok := s.verified.Get(name); ok {
		return payload, nil
	}
	payload, err = s.verify(typ, token)
	if err == nil {
		s.verified.Put(name, payload)
	}
	return payload, err
}

func (s KeySet) verify(typ, token string) (string, error) {
	kid, err := checkForm(typ, token)
	if err != nil {
		return "", err
	}
	at := s.index(kid)
	if at < 0 {
		return "", ErrUnknownKey
	}
	return checkSignature(s.keys[at].key, token)
}

// header has the members that decide. RFC 7797 §7 lets a signer leave b64 out
// of crit at its own peril; ours is refused either way.
type header struct {
	Alg  string          `json:"alg"`
	Typ  string          `json:"typ"`
	KID  string          `json:"kid"`
	Crit json.RawMessage `json:"crit"`
	B64  json.RawMessage `json:"b64"`
	Zip  json.RawMessage `json:"zip"`
}

// checkForm refuses whatever is not spelled as we spell tokens, and returns the
// kid. Nothing of the token is trusted yet.
func checkForm(typ, token string) (kid string, err error) {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return "", ErrInvalid
	}
	var decoded [3][]byte
	for i, part := range parts {
		var ok bool
		if decoded[i], ok = decode(part); !ok {
			return "", ErrInvalid
		}
	}
	var h header
	if err := json.Unmarshal(decoded[0], &h); err != nil {
		return "", ErrInvalid
	}
	if h.Alg != string(jose.ES256) || h.Typ != typ || h.KID == "" ||
		h.Crit != nil || h.B64 != nil || h.Zip != nil || len(decoded[2]) != signatureSize {
		return "", ErrInvalid
	}
	return h.KID, nil
}

// checkSignature returns the payload if key signed it.
func checkSignature(key *ecdsa.PublicKey, token string) (string, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", ErrInvalid
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return "", ErrInvalid
	}
	return string(payload), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode reads unpadded base64url in its one spelling.
func decode(s string) ([]byte, bool) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(s)
	// The decoder skips CR and LF even when strict; a string that had some is
	// longer than what its bytes encode to.
	if err != nil || len(s) != base64.RawURLEncoding.EncodedLen(len(decoded)) {
		return nil, false
	}
	return decoded, true
}
