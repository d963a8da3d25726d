package keyring

import (
	"context"
	"errors"
	"time"
)

// Names of the rings, which are those of their secrets.
const (
	Fernet       = "fernet-keys"
	Signing      = "signing-keys"
	Verification = "verification-keys"
	Identity     = "identity-keys"
)

// Names returns the four rings in the order in which they are shown.
func Names() []string { return []string{Fernet, Signing, Verification, Identity} }

// Writing returns the rings that are changed step by step; verification-keys follows
// signing-keys.
func Writing() []string { return []string{Fernet, Signing, Identity} }

var (
	// ErrMissing says that a ring was looked up and is not there.
	ErrMissing = errors.New("the ring does not exist")

	// ErrConflict says that somebody else changed a ring since it was read. Looking
	// again shows what they did; nothing was written.
	ErrConflict = errors.New("somebody else changed the ring meanwhile: look at it again with postern keys status")
)

// A Version is a ring as it is kept. It prints as its id.
type Version struct {
	// ID tells versions of one ring apart; it is empty for a ring that does not exist.
	ID string
	// Since is when this version was written.
	Since time.Time
	// Data is secret, but for the ring verification-keys.
	Data []byte
}

// String returns the id.
func (v Version) String() string { return v.ID }

// GoString returns the id.
func (v Version) GoString() string { return v.ID }

// A Backend keeps rings. A write is whole and atomic: a reader sees the version
// before it or the one it made.
type Backend interface {
	// Read returns the newest version, or an error for which
	// errors.Is(err, ErrMissing) holds.
	Read(ctx context.Context, ring string) (Version, error)

	// Write makes data the newest version if the newest is still the one with the
	// id old, which is empty for a ring that must not exist yet. Otherwise it
	// returns ErrConflict.
	Write(ctx context.Context, ring, old string, data []byte) error

	// Trim destroys all versions but the newest keep, at least one, and returns how
	// many it destroyed. A backend without old versions does nothing.
	Trim(ctx context.Context, ring string, keep int) (int, error)

	// String says where the rings are, for people.
	String() string
}
