package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
	"github.com/postern-dev/postern/shared/telemetry"
)

// Waits are the times that lie between the steps of a rotation.
type Waits struct {
	// Readers is until every server has read a ring that was written: a little more
	// than keyfile's five minutes.
	Readers time.Duration
	// AccessTokens is how long a token lives (ACCESS_TOKEN_TTL).
	AccessTokens time.Duration
	// IdentityTokens is how long a token for an upstream server lives
	// (IDENTITY_TOKEN_TTL).
	IdentityTokens time.Duration
	// SignIns is how long what is sealed in forms and cookies is good (SIGN_IN_TTL).
	SignIns time.Duration
}

// A Store holds the rings and changes them step by step. Each step looks at the
// rings as they are and fails with [ErrConflict] if somebody else changed them
// meanwhile.
type Store struct {
	Backend Backend
	Waits   Waits

	// Reseal seals again, with the first key of fernet-keys, every record that
	// another key sealed. An error says that not all of them are.
	Reseal func(ctx context.Context) error

	// Keep is how many versions of a ring are kept, where old ones are: records that
	// come back from a backup are sealed with the keys of its time. 0 keeps all.
	Keep int

	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // takes the security events; nil drops them
}

func (st *Store) now() time.Time {
	if st.Now == nil {
		return time.Now().UTC().Truncate(time.Second)
	}
	return st.Now().UTC().Truncate(time.Second)
}

func (st *Store) log() *slog.Logger {
	if st.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return st.Log
}

// Create makes the rings that are missing and returns their names. verification-keys
// is made from signing-keys.
func (st *Store) Create(ctx context.Context) (created []string, err error) {
	for _, ring := range Names() {
		_, err := st.Backend.Read(ctx, ring)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrMissing) {
			return created, fmt.Errorf("read %s: %w", ring, err)
		}
		if err := st.create(ctx, ring); err != nil {
			return created, err
		}
		created = append(created, ring)
	}
	return created, nil
}

func (st *Store) create(ctx context.Context, ring string) error {
	now := st.now()
	switch ring {
	case Fernet:
		k := fernetKeys{fernet.Keyring{fernet.GenerateKey()}}
		return st.write(ctx, ring, held{keys: k, marks: born(k, now)})
	case Signing, Identity:
		k := signingKeys{signing.Generate()}
		return st.write(ctx, ring, held{keys: k, marks: born(k, now)})
	}
	h, err := st.held(ctx, Signing)
	if err != nil {
		return err
	}
	set := h.keys.(signingKeys).Public()
	m := marks{}
	for _, kid := range set.KIDs() {
		m[kid] = mark{Staged: now}
	}
	return st.publish(ctx, published{set: set, marks: m})
}

func born(k keys, now time.Time) marks {
	return marks{k.names()[0]: {Staged: now, Promoted: now}}
}

// Fernet returns the ring that seals records.
func (st *Store) Fernet(ctx context.Context) (fernet.Keyring, error) {
	h, err := st.held(ctx, Fernet)
	if err != nil {
		return nil, err
	}
	return h.keys.(fernetKeys).Keyring, nil
}

// held reads one of the rings that write.
func (st *Store) held(ctx context.Context, ring string) (held, error) {
	if !slices.Contains(Writing(), ring) {
		return held{}, cli.Usage("ring %q: want %s, %s or %s; %s follows %s by itself",
			ring, Fernet, Signing, Identity, Verification, Signing)
	}
	v, err := st.Backend.Read(ctx, ring)
	if err != nil {
		return held{}, fmt.Errorf("read %s: %w", ring, err)
	}
	h, err := parseHeld(ring, v)
	if err != nil {
		return held{}, fmt.Errorf("read %s: %w", ring, err)
	}
	return h, nil
}

func (st *Store) published(ctx context.Context) (published, error) {
	v, err := st.Backend.Read(ctx, Verification)
	if err != nil {
		return published{}, fmt.Errorf("read %s: %w", Verification, err)
	}
	p, err := parsePublished(v)
	if err != nil {
		return published{}, fmt.Errorf("read %s: %w", Verification, err)
	}
	return p, nil
}

func (st *Store) write(ctx context.Context, ring string, h held) error {
	return st.put(ctx, ring, h.ID, h.keys.format(h.marks), describe(h.keys.names()))
}

func (st *Store) publish(ctx context.Context, p published) error {
	return st.put(ctx, Verification, p.ID, p.format(), p.set.Describe())
}

// put writes a version, notes it, and clears away versions that are too old. What no
// server could read is not written.
func (st *Store) put(ctx context.Context, ring, old string, data []byte, names string) error {
	if err := readable(ring, data); err != nil {
		return fmt.Errorf("write %s: it could not be read again, and was not written: %w", ring, err)
	}
	if err := st.Backend.Write(ctx, ring, old, data); err != nil {
		return fmt.Errorf("write %s: %w", ring, err)
	}
	telemetry.Audit(ctx, st.log(), telemetry.KeysRingChanged, slog.String("ring", ring), slog.String("after", names))
	if st.Keep <= 0 {
		return nil
	}
	// The ring is written; that an old version stays longer breaks nothing.
	if n, err := st.Backend.Trim(ctx, ring, st.Keep); err != nil {
		st.log().LogAttrs(ctx, slog.LevelWarn, "old versions of a ring not destroyed",
			slog.String("ring", ring), slog.String("error", err.Error()))
	} else if n > 0 {
		st.log().LogAttrs(ctx, slog.LevelInfo, "old versions of a ring destroyed",
			slog.String("ring", ring), slog.Int("versions", n))
	}
	return nil
}

func readable(ring string, data []byte) error {
	if ring == Verification {
		_, err := parsePublished(Version{Data: data})
		return err
	}
	_, err := parseHeld(ring, Version{Data: data})
	return err
}
