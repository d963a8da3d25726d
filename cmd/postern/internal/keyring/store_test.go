package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
)

var waits = keyring.Waits{
	Readers: 6 * time.Minute, AccessTokens: time.Hour, SignIns: 10 * time.Minute, IdentityTokens: 5 * time.Minute,
}

// A clock is moved by tests.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) sleep(d time.Duration) { c.t = c.t.Add(d) }

// newStore returns a store of rings at a place with all rings made, its clock and its log.
func newStore(t *testing.T, p place) (*keyring.Store, *clock, *bytes.Buffer) {
	t.Helper()
	c, log := &clock{time.Now()}, &bytes.Buffer{}
	store := &keyring.Store{
		Backend: p, Waits: waits, Keep: 10, Now: c.now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Reseal: func(context.Context) error { return nil },
	}
	created, err := store.Create(t.Context())
	if diff := cmp.Diff(keyring.Names(), created); err != nil || diff != "" {
		t.Fatalf("create: %v (-want +got):\n%s", err, diff)
	}
	return store, c, log
}

// states returns "key=state" of every key of a ring, keys replaced by their order of
// appearance.
func states(t *testing.T, c *keyring.Store, ring string, names map[string]string) string {
	t.Helper()
	var out []string
	for _, s := range c.Status(t.Context()) {
		if s.Problem != "" {
			t.Fatal(s.Problem)
		}
		for _, key := range s.Keys {
			if s.Ring != ring {
				break
			}
			if names[key.Key] == "" {
				names[key.Key] = string(rune('A' + len(names)))
			}
			out = append(out, names[key.Key]+"="+string(key.State))
		}
	}
	return strings.Join(out, " ")
}

func TestCreateLeavesRingsThatAreThere(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		c, _, _ := newStore(t, p)
		before := c.Status(t.Context())
		created, err := c.Create(t.Context())
		if err != nil || len(created) != 0 {
			t.Errorf("created %v, %v; want nothing", created, err)
		}
		if diff := cmp.Diff(before, c.Status(t.Context())); diff != "" {
			t.Errorf("rings changed (-before +after):\n%s", diff)
		}
	})
}

// Staged, wait, promoted, wait, retired; each step refuses to come early (SC-07).
func TestEachStepWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ring  string
		known time.Duration // until everybody has a staged key
		life  time.Duration // of what the key made
	}{
		{keyring.Fernet, waits.Readers, waits.SignIns},
		{keyring.Signing, waits.Readers, waits.AccessTokens},
		// Upstream servers read what mcp publishes after it has read the ring.
		{keyring.Identity, 2 * waits.Readers, waits.IdentityTokens},
	} {
		t.Run(tt.ring, func(t *testing.T) {
			t.Parallel()
			places(t, func(t *testing.T, p place) {
				c, clock, _ := newStore(t, p)
				names := map[string]string{}
				is := func(want string) {
					t.Helper()
					if got := states(t, c, tt.ring, names); got != want {
						t.Fatalf("got %s, want %s", got, want)
					}
				}
				is("A=writes")
				old := c.Status(t.Context())[slices.Index(keyring.Names(), tt.ring)].Keys[0].Key
				if _, err := c.Stage(t.Context(), tt.ring); err != nil {
					t.Fatal(err)
				}
				is("A=writes B=staged")
				clock.sleep(tt.known - time.Second)
				if _, err := c.Promote(t.Context(), tt.ring, "", false); err == nil {
					t.Fatal("promoted before every server had the key")
				}
				clock.sleep(2 * time.Second)
				if _, err := c.Promote(t.Context(), tt.ring, "", false); err != nil {
					t.Fatal(err)
				}
				is("B=writes A=reads")
				clock.sleep(waits.Readers + tt.life - time.Second)
				if _, err := c.Retire(t.Context(), tt.ring, old); err == nil {
					t.Fatal("retired while what it made may be in use")
				}
				clock.sleep(2 * time.Second)
				if _, err := c.Retire(t.Context(), tt.ring, old[:6]); err != nil {
					t.Fatal(err)
				}
				is("B=writes")
			})
		})
	}
}

func TestWritingKeyIsNotRetired(t *testing.T) {
	t.Parallel()
	c, _, _ := newStore(t, files(t))
	for _, ring := range keyring.Writing() {
		for _, s := range c.Status(t.Context()) {
			if s.Ring != ring {
				continue
			}
			_, err := c.Retire(t.Context(), ring, s.Keys[0].Key)
			if err == nil || !strings.Contains(err.Error(), "writes") {
				t.Errorf("%s: got %v, want a refusal", ring, err)
			}
		}
	}
}

// A ring is not retired while a record is sealed with it.
func TestFailedResealKeepsTheKey(t *testing.T) {
	t.Parallel()
	c, clock, _ := newStore(t, files(t))
	old := c.Status(t.Context())[0].Keys[0].Key
	if _, err := c.Stage(t.Context(), keyring.Fernet); err != nil {
		t.Fatal(err)
	}
	clock.sleep(time.Hour)
	if _, err := c.Promote(t.Context(), keyring.Fernet, "", false); err != nil {
		t.Fatal(err)
	}
	clock.sleep(time.Hour)
	down := errors.New("store is down")
	c.Reseal = func(context.Context) error { return down }
	if _, err := c.Retire(t.Context(), keyring.Fernet, old); !errors.Is(err, down) {
		t.Errorf("got %v, want the store's error", err)
	}
	if got := len(c.Status(t.Context())[0].Keys); got != 2 {
		t.Errorf("got %d keys, want both", got)
	}
}

// A signing key is published before it signs, whatever was interrupted.
func TestUnpublishedKeyIsNotPromoted(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		c, clock, _ := newStore(t, p)
		before, err := p.Read(t.Context(), keyring.Verification)
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.Stage(t.Context(), keyring.Signing)
		if err != nil {
			t.Fatal(err)
		}
		// As if staging had stopped between the two rings.
		after, err := p.Read(t.Context(), keyring.Verification)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), keyring.Verification, after.ID, before.Data); err != nil {
			t.Fatal(err)
		}
		clock.sleep(time.Hour)
		if _, err := c.Promote(t.Context(), keyring.Signing, "", false); err == nil {
			t.Fatal("promoted a key that nobody can verify")
		}
		next, err := c.Next(t.Context(), keyring.Signing)
		want := keyring.Step{Ring: keyring.Signing, Action: keyring.PublishKey, Key: key}
		if err != nil || next != want {
			t.Fatalf("next: got %v, %v, want %v", next, err, want)
		}
		if again, err := c.Stage(t.Context(), keyring.Signing); err != nil || again != key {
			t.Fatalf("stage again: got %s, %v, want the same key", again, err)
		}
		if _, err := c.Promote(t.Context(), keyring.Signing, "", false); err == nil {
			t.Error("promoted a key that was published just now")
		}
		clock.sleep(waits.Readers + time.Second)
		if _, err := c.Promote(t.Context(), keyring.Signing, "", false); err != nil {
			t.Error(err)
		}
	})
}

// A stolen key is out of its ring, and of the published one, in one command (SC-08).
func TestStolenKeyIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		c, _, _ := newStore(t, p)
		for _, ring := range keyring.Writing() {
			i := slices.Index(keyring.Names(), ring)
			stolen := c.Status(t.Context())[i].Keys[0].Key
			writes, err := c.RetireNow(t.Context(), ring, stolen)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range c.Status(t.Context()) {
				for _, key := range s.Keys {
					if key.Key == stolen {
						t.Errorf("%s still has the stolen key", s.Ring)
					}
				}
			}
			if got := c.Status(t.Context())[i].Keys[0]; got.Key != writes || got.State != keyring.Writes {
				t.Errorf("%s: got %v first, want %s writing", ring, got, writes)
			}
		}
		signs, verifies := c.Status(t.Context())[1].Keys, c.Status(t.Context())[2].Keys
		if len(signs) != 1 || len(verifies) != 1 || signs[0].Key != verifies[0].Key {
			t.Errorf("signing %v, published %v; want the same one", signs, verifies)
		}
	})
}

// A ring made by hand, without marks, can be rotated too, and its further keys are
// taken for old ones.
func TestRingMadeByHandIsUnderstood(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		ring := fernet.Keyring{fernet.GenerateKey(), fernet.GenerateKey()}
		if err := p.Write(t.Context(), keyring.Fernet, "", ring.Format()); err != nil {
			t.Fatal(err)
		}
		signs := signing.Generate()
		if err := p.Write(t.Context(), keyring.Signing, "", signs.Format()); err != nil {
			t.Fatal(err)
		}
		c := &keyring.Store{Backend: p, Waits: waits}
		missing := []string{keyring.Verification, keyring.Identity}
		if created, err := c.Create(t.Context()); err != nil || !slices.Equal(created, missing) {
			t.Fatalf("created %v, %v; want the two that were missing", created, err)
		}
		if got, want := states(t, c, keyring.Fernet, map[string]string{}), "A=writes B=reads"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		next, err := c.Next(t.Context(), keyring.Fernet)
		second := ring[1].Fingerprint()
		if err != nil || next.Action != keyring.RetireKey || next.Key != second || !next.After.After(time.Now()) {
			t.Errorf("next: got %+v, %v; want to retire the second key, later", next, err)
		}
	})
}

// What another program reads of a ring is a ring, marks or not (SC-06).
func TestMarksAreInvisibleToReaders(t *testing.T) {
	t.Parallel()
	c, _, _ := newStore(t, files(t))
	for _, ring := range keyring.Writing() {
		if _, err := c.Stage(t.Context(), ring); err != nil {
			t.Fatal(err)
		}
	}
	data := map[string][]byte{}
	for _, ring := range keyring.Names() {
		v, err := c.Backend.Read(t.Context(), ring)
		if err != nil {
			t.Fatal(err)
		}
		data[ring] = v.Data
		if !bytes.Contains(v.Data, []byte("postern")) {
			t.Errorf("%s has no marks", ring)
		}
	}
	if ring, err := fernet.ParseKeyring(data[keyring.Fernet]); err != nil || len(ring) != 2 {
		t.Errorf("got %v, %v", ring, err)
	}
	if ring, err := signing.ParseRing(data[keyring.Signing]); err != nil || len(ring.KIDs()) != 2 {
		t.Errorf("got %v, %v", ring, err)
	}
	set, err := signing.ParseKeySet(data[keyring.Verification])
	if err != nil || len(set.KIDs()) != 2 || bytes.Contains(set.Format(), []byte("postern")) {
		t.Errorf("got %s, %v; want two keys and no marks in what is published", set.Format(), err)
	}
}

// Keys are named, and never in a log, an error or a status (LG-01).
func TestNoKeyMaterialIsPrinted(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		c, clock, log := newStore(t, p)
		seen := &bytes.Buffer{}
		for _, ring := range keyring.Writing() {
			_, err := c.Stage(t.Context(), ring)
			seen.WriteString(errText(err))
			clock.sleep(time.Hour)
			_, err = c.Promote(t.Context(), ring, "", false)
			seen.WriteString(errText(err))
			_, err = c.Retire(t.Context(), ring, "nothing like it")
			seen.WriteString(errText(err))
		}
		for _, s := range c.Status(t.Context()) {
			for _, k := range s.Keys {
				seen.WriteString(k.Key)
			}
		}
		seen.Write(log.Bytes())
		ring, err := c.Fernet(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range ring {
			if strings.Contains(seen.String(), key.Encode()[:20]) {
				t.Error("a Fernet key was printed")
			}
		}
		for _, ring := range []string{keyring.Signing, keyring.Identity} {
			v, err := p.Read(t.Context(), ring)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range bytes.Split(v.Data, []byte(`"d":"`))[1:] {
				if bytes.Contains(seen.Bytes(), part[:20]) {
					t.Errorf("a key of %s was printed", ring)
				}
			}
		}
		if !strings.Contains(log.String(), "keys.ring_changed") {
			t.Error("no keys.ring_changed in the log")
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Nothing is written over what could not be read, or is malformed (SC-09).
func TestUnreadableRingIsLeftAlone(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		c, _, _ := newStore(t, p)
		v, err := p.Read(t.Context(), keyring.Fernet)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), keyring.Fernet, v.ID, []byte("not a ring\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Stage(t.Context(), keyring.Fernet); err == nil {
			t.Error("staged into a malformed ring")
		}
		if s := c.Status(t.Context())[0]; s.Problem == "" || strings.Contains(s.Problem, "not a ring\n") {
			t.Errorf("got %q, want the problem without the file", s.Problem)
		}
		if created, err := c.Create(t.Context()); err != nil || created != nil {
			t.Errorf("created %v, %v over a malformed ring", created, err)
		}
	})
}

func TestBackendAwayIsAnErrorAndNoMissingRing(t *testing.T) {
	t.Parallel()
	p := secrets(t)
	c, _, _ := newStore(t, p)
	p.cut(true)
	if created, err := c.Create(t.Context()); err == nil || errors.Is(err, keyring.ErrMissing) {
		t.Errorf("created %v, %v; want an error that is not ErrMissing", created, err)
	}
	p.cut(false)
	if created, err := c.Create(t.Context()); err != nil || created != nil {
		t.Errorf("created %v, %v; want all rings as they were", created, err)
	}
}
