package credential

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every printed form of a Secret says.
const redacted = "[redacted]"

// randomBytes is the entropy of a minted secret: 256 bits, twice what RFC 6749
// §10.10 asks for, so that an unsalted hash of it cannot be searched.
const randomBytes = 32

// A Secret holds a string that must not be printed. Every way of formatting,
// logging or marshalling it gives "[redacted]"; only [Secret.Reveal] gives the
// value. The zero Secret holds nothing.
//
// A Secret is safe for concurrent use. Two Secrets with the same value are not
// == to each other: compare with [Secret.Equal] or [Same], in constant time.
// It marshals to JSON one way only, as "[redacted]": what must be kept is
// revealed in plain sight and sealed.
type Secret struct {
	// A pointer, because fmt does not call the methods of a value in an
	// unexported field: it walks it, and stops at a pointer.
	value *string
}

// New mints a secret: prefix, then 43 base64url characters of 32 random bytes.
// The prefix tells kinds of credential apart (AT-05); it is not
// secret and may be empty.
func New(prefix string) Secret {
	random := make([]byte, randomBytes)
	rand.Read(random) // never fails (crypto/rand)
	return Wrap(prefix + Encode(random))
}

// Wrap hides a secret that arrived from outside or out of a sealed record. The
// empty string gives the zero Secret.
func Wrap(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the value, for the one place that sends, seals or parses it.
// The zero Secret gives "".
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether s holds nothing. It also serves `json:",omitzero"`.
func (s Secret) IsZero() bool { return s.value == nil }

// Hash returns [Hash] of the value: 43 characters, fit to be stored and to name
// a document.
func (s Secret) Hash() string { return Hash(s.Reveal()) }

// Equal reports whether hash is the [Hash] of s, in constant time. The zero
// Secret equals nothing, the hash of the empty string included.
func (s Secret) Equal(hash string) bool {
	return !s.IsZero() && Same(s.Hash(), hash)
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag that fmt hands to it.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
