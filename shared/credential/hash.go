package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// HashLen is the length of what [Hash] and [Derive] return, in characters.
const HashLen = 43

// minKeyLen is the shortest key [Derive] takes, in bytes.
const minKeyLen = 16

// Hash returns the SHA-256 of s in unpadded base64url: 43 characters of
// [A-Za-z0-9_-]. It names documents and stands for a credential at rest. It is
// neither salted nor slow, so it hides only what cannot be guessed: minted
// secrets, never passwords.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return Encode(sum[:])
}

// Derive returns the HMAC-SHA256 of label under key in unpadded base64url: 43
// characters. It makes a value that must come out the same twice, such as the
// code of a consent form that is posted again. The key is random and secret,
// at least 16 bytes; a shorter one is a programming error and panics, because
// the result could be guessed. Every purpose has a label of its own.
func Derive(key []byte, label string) string {
	if len(key) < minKeyLen {
		panic(fmt.Sprintf("credential: derive %q from a key of %d bytes, want at least %d", label, len(key), minKeyLen))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(label))
	return Encode(mac.Sum(nil))
}

// Same reports whether a and b are the same string, in a time that depends on
// their lengths only.
func Same(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// strict refuses padding and trailing bits that are not zero (RFC 4648 §3.5).
var strict = base64.RawURLEncoding.Strict()

// errEncoding says no more than that: the input may be a credential.
var errEncoding = errors.New("not canonical base64url")

// Encode returns b in unpadded base64url (RFC 4648 §5).
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Decode reads exactly n bytes from unpadded base64url, in the one spelling
// that [Encode] gives them: no padding, no line breaks, no stray trailing bits.
// So two accepted strings that differ stand for different bytes. The error
// never quotes s.
func Decode(s string, n int) ([]byte, error) {
	// encoding/base64 skips CR and LF even when strict. With the length pinned,
	// a skipped character leaves fewer than n bytes.
	if n < 0 || len(s) != strict.EncodedLen(n) {
		return nil, errEncoding
	}
	b, err := strict.DecodeString(s)
	if err != nil || len(b) != n {
		return nil, errEncoding
	}
	return b, nil
}
