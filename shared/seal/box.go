package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
)

var (
	// ErrUnreadable says that no key of the ring opens something, even after
	// reading the ring again, or that it is an envelope of a schema we do not
	// know. For a stored record that is a fault of ours (a key retired too
	// early, a new writer) and a 503; for what came from outside it is a refusal.
	ErrUnreadable = errors.New("no key of the ring opens it")

	// ErrMisplaced says that something was sealed by us for another place: it
	// was moved, or one was passed off as another. For a stored record this is
	// an alarm (event store.misplaced_envelope).
	ErrMisplaced = errors.New("sealed for another place")
)

// A Box seals and opens with a keyring that may change meanwhile. It is safe for
// concurrent use.
type Box struct {
	ring *keyfile.File[fernet.Keyring]
	now  func() time.Time
}

// NewBox returns a box over ring. now gives the time written into what is
// sealed; nil means [time.Now].
func NewBox(ring *keyfile.File[fernet.Keyring], now func() time.Time) *Box {
	return &Box{ring: ring, now: defaults.Now(now)}
}

// Seal encrypts payload, which may be empty, for the place l with the ring's first
// key. The result is printable ASCII of about 4/3 of the payload and 150 to 400
// bytes more; it is another each time and must not serve as an identity. It
// fails if l is unusable or there are no keys yet.
func (b *Box) Seal(ctx context.Context, l Label, payload []byte) (string, error) {
	envelope, err := l.header(len(payload))
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	ring, err := b.ring.Get(ctx)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", l, err)
	}
	return ring.Encrypt(append(envelope, payload...), b.now()), nil
}

// Open returns the payload of what was sealed for the place l. Its errors are
// [ErrUnreadable], [ErrMisplaced], and others while the keys cannot be read. No error
// holds any of the payload.
func (b *Box) Open(ctx context.Context, l Label, sealed string) ([]byte, error) {
	want, err := l.header(0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	envelope, _, err := b.decrypt(ctx, sealed)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", l, err)
	}
	if len(envelope) == 0 || envelope[0] != schema {
		return nil, fmt.Errorf("open %s: unknown schema: %w", l, ErrUnreadable)
	}
	payload, ok := bytes.CutPrefix(envelope, want)
	if !ok {
		return nil, fmt.Errorf("open %s: %w", l, ErrMisplaced)
	}
	return payload, nil
}

// Stale reports whether sealed opens with another key than the ring's first, and
// so has to be sealed again before that key is retired. [ErrUnreadable] if no
// key opens it.
func (b *Box) Stale(ctx context.Context, sealed string) (bool, error) {
	_, key, err := b.decrypt(ctx, sealed)
	if err != nil {
		return false, fmt.Errorf("look for the key: %w", err)
	}
	return key != 0, nil
}

// decrypt opens a Fernet token with the ring and, if that does not, with the ring
// as it is now in its file: another instance may write with a key that came
// after our last look. While that file cannot be read nobody knows whether a key is
// missing, and the error is neither of the two verdicts.
func (b *Box) decrypt(ctx context.Context, sealed string) ([]byte, int, error) {
	ring, err := b.ring.Get(ctx)
	if err != nil {
		return nil, -1, err
	}
	envelope, key, err := ring.Decrypt(sealed)
	if err == nil {
		return envelope, key, nil
	}
	if errors.Is(err, fernet.ErrMalformed) {
		return nil, -1, ErrUnreadable
	}
	ring, changed, stale := b.ring.Refetch(ctx)
	if changed {
		if envelope, key, err = ring.Decrypt(sealed); err == nil {
			return envelope, key, nil
		}
	}
	if stale != nil {
		return nil, -1, fmt.Errorf("the key may be in the ring that could not be read: %w", stale)
	}
	return nil, -1, ErrUnreadable
}
