package fernet

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrInvalid says that no key of the ring opens a token: it is damaged, foreign,
// or sealed with a key that the ring does not have.
var ErrInvalid = errors.New("not a Fernet token of this keyring")

// ErrMalformed is the [ErrInvalid] of what cannot be a Fernet token, whatever the keys.
var ErrMalformed = fmt.Errorf("malformed: %w", ErrInvalid)

// ErrNoKey says that a ring has no key of a given fingerprint.
var ErrNoKey = errors.New("no such key in the ring")

// A Keyring is an ordered list of keys. The first writes, all read. A ring that
// came from [ParseKeyring] has at least one key and no key twice. Its methods
// leave it unchanged and are safe for concurrent use.
type Keyring []Key

// ParseKeyring reads one key a line, the writing key first. Lines may end in CRLF;
// empty lines and lines that begin with # are skipped. It refuses a ring without
// keys, a line that [ParseKey] refuses (spaces around a key included) and a key
// that comes twice. Errors name lines, never keys.
func ParseKeyring(data []byte) (Keyring, error) {
	var ring Keyring
	var lines []int // of each key
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := ParseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if at := ring.index(key.Equal); at >= 0 {
			return nil, fmt.Errorf("line %d: the same key as on line %d", i+1, lines[at])
		}
		ring, lines = append(ring, key), append(lines, i+1)
	}
	if len(ring) == 0 {
		return nil, errors.New("no Fernet key: want one a line, the writing key first")
	}
	return ring, nil
}

// Format returns the ring as [ParseKeyring] reads it: secret text.
func (r Keyring) Format() []byte {
	var b bytes.Buffer
	for _, key := range r {
		b.WriteString(key.Encode())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Describe returns the fingerprints, the writing key's first, separated by
// spaces. It is not secret.
func (r Keyring) Describe() string {
	names := make([]string, len(r))
	for i, key := range r {
		names[i] = key.Fingerprint()
	}
	return strings.Join(names, " ")
}

// Encrypt seals plaintext, which may be empty, with the first key, and writes
// now into the token, cut to seconds. The same plaintext gives another token each time. It
// panics on an empty ring, which [ParseKeyring] never returns.
func (r Keyring) Encrypt(plaintext []byte, now time.Time) string {
	if len(r) == 0 {
		panic("fernet: encrypt with an empty keyring")
	}
	return r[0].encrypt(plaintext, now, newIV())
}

// Decrypt opens a token of any age and returns its plaintext and the index of
// the key that opened it; 0 is the writing key. Its only errors are [ErrInvalid] and [ErrMalformed],
// with index -1. The token's base64url is read strictly: appended characters,
// line breaks, missing padding and stray bits are refused. A token does not say
// what it was made for; see package seal.
func (r Keyring) Decrypt(token string) (plaintext []byte, key int, err error) {
	decoded, ok := decode(token)
	if !ok || len(decoded) < minDecoded || decoded[0] != version {
		return nil, -1, ErrMalformed
	}
	for i, k := range r {
		if plaintext, ok := k.decrypt(decoded); ok {
			return plaintext, i, nil
		}
	}
	return nil, -1, ErrInvalid
}

// Stage returns the ring with key at its end: it reads and does not write. This
// is the first of the three steps of a rotation; [Keyring.Promote] and
// [Keyring.Retire] are the others, each only after every reader has the ring
// before. A key that is already there is refused.
func (r Keyring) Stage(key Key) (Keyring, error) {
	if r.index(key.Equal) >= 0 {
		return nil, fmt.Errorf("stage %s: already in the ring", key.Fingerprint())
	}
	return append(slices.Clip(r), key), nil
}

// Promote returns the ring with the key of that fingerprint first: it writes
// from now on. [ErrNoKey] if there is none.
func (r Keyring) Promote(fingerprint string) (Keyring, error) {
	at := r.index(named(fingerprint))
	if at < 0 {
		return nil, fmt.Errorf("promote %s: %w", fingerprint, ErrNoKey)
	}
	ring := Keyring{r[at]}
	ring = append(ring, r[:at]...)
	return append(ring, r[at+1:]...), nil
}

// Retire returns the ring without the key of that fingerprint. It refuses the
// writing key. [ErrNoKey] if there is none. What is still sealed with the key
// cannot be opened afterwards.
func (r Keyring) Retire(fingerprint string) (Keyring, error) {
	switch at := r.index(named(fingerprint)); at {
	case -1:
		return nil, fmt.Errorf("retire %s: %w", fingerprint, ErrNoKey)
	case 0:
		return nil, fmt.Errorf("retire %s: it is the writing key, promote another first", fingerprint)
	default:
		return append(r[:at:at], r[at+1:]...), nil
	}
}

// index returns the position of the first key that is as asked, or -1.
func (r Keyring) index(is func(Key) bool) int {
	for i, key := range r {
		if is(key) {
			return i
		}
	}
	return -1
}

func named(fingerprint string) func(Key) bool {
	return func(k Key) bool { return k.Fingerprint() == fingerprint }
}
