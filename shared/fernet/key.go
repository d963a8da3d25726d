package fernet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	keySize     = 32                    // signing key ‖ encryption key, Spec "Key Format"
	signingSize = 16                    // the first half
	encodedSize = (keySize + 2) / 3 * 4 // 44 characters, one of them padding
)

// A Key is one Fernet key: 128 bits to sign and 128 bits to encrypt. It prints,
// logs and marshals as "fernet-key(fingerprint)"; only [Key.Encode] gives it
// away. The zero Key is not usable: [GenerateKey] and [ParseKey] make keys. A Key
// is safe for concurrent use.
type Key struct {
	// Behind a pointer fmt cannot reach it, even in an unexported field.
	material *material
}

type material struct {
	raw   [keySize]byte
	block cipher.Block // holds no state between calls
}

// GenerateKey returns a new random key.
func GenerateKey() Key {
	var raw [keySize]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	return newKey(raw)
}

// ParseKey reads a key of 44 base64url characters with padding, as [Key.Encode]
// and Python's Fernet.generate_key write it. It refuses every other spelling and
// the key of all zeros. The error never quotes s.
func ParseKey(s string) (Key, error) {
	if len(s) != encodedSize {
		return Key{}, fmt.Errorf("a Fernet key has %d characters, this has %d", encodedSize, len(s))
	}
	decoded, ok := decode(s)
	if !ok || len(decoded) != keySize {
		return Key{}, errors.New("a Fernet key is base64url with padding of 32 bytes, this is not")
	}
	raw := [keySize]byte(decoded)
	if raw == [keySize]byte{} {
		return Key{}, errors.New("this Fernet key is all zeros")
	}
	return newKey(raw), nil
}

func newKey(raw [keySize]byte) Key {
	block, err := aes.NewCipher(raw[signingSize:])
	if err != nil {
		panic("fernet: " + err.Error()) // 16 bytes are always an AES key
	}
	return Key{&material{raw: raw, block: block}}
}

// Encode returns the key as 44 base64url characters. It is a secret: whoever has
// it reads and forges everything sealed with it. It exists for [Keyring.Format]
// and for handing a key to another program.
func (k Key) Encode() string {
	return base64.URLEncoding.EncodeToString(k.material.raw[:])
}

// Fingerprint returns the first 8 hexadecimal digits of the key's SHA-256. It
// names a key in logs and commands and tells nothing of it. The zero Key gives
// "none".
func (k Key) Fingerprint() string {
	if k.material == nil {
		return "none"
	}
	sum := sha256.Sum256(k.material.raw[:])
	return hex.EncodeToString(sum[:4])
}

// Equal reports, in constant time, whether k and other are the same key.
func (k Key) Equal(other Key) bool {
	if k.material == nil || other.material == nil {
		return k.material == other.material
	}
	return subtle.ConstantTimeCompare(k.material.raw[:], other.material.raw[:]) == 1
}

// String returns "fernet-key(fingerprint)".
func (k Key) String() string { return "fernet-key(" + k.Fingerprint() + ")" }

// Format writes [Key.String], whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText returns [Key.String], so that no encoder writes a key by accident.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue returns [Key.String].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// mac returns the HMAC of the token's other fields, Spec "HMAC".
func (k Key) mac(signed []byte) []byte {
	h := hmac.New(sha256.New, k.material.raw[:signingSize])
	h.Write(signed)
	return h.Sum(nil)
}
