package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/signing"
)

// A server reads each ring when its own copy is older than five minutes, as deployed
// ones do. It never looks earlier, though a real one would when it meets an unknown
// key: the sequence has to be right without that.
type server struct {
	seals    *keyfile.File[fernet.Keyring]
	signs    *keyfile.File[signing.Ring]
	verifies *keyfile.File[signing.KeySet]
	tells    *keyfile.File[signing.Ring]
	upstream *keyfile.File[signing.KeySet] // what a server behind it keeps of what it publishes
}

func newServer(t *testing.T, b keyring.Backend, now func() time.Time) server {
	options := func(read func(string) ([]byte, error)) *keyfile.Options {
		return &keyfile.Options{Now: now, Patience: time.Minute, Log: slog.New(slog.DiscardHandler), Read: read}
	}
	o := func(ring string) *keyfile.Options {
		return options(func(string) ([]byte, error) {
			v, err := b.Read(t.Context(), ring)
			return v.Data, err
		})
	}
	tells := keyfile.New(keyring.Identity, signing.ParseRing, o(keyring.Identity))
	published := options(func(string) ([]byte, error) {
		ring, err := tells.Get(t.Context())
		return ring.Public().Format(), err
	})
	return server{
		keyfile.New(keyring.Fernet, fernet.ParseKeyring, o(keyring.Fernet)),
		keyfile.New(keyring.Signing, signing.ParseRing, o(keyring.Signing)),
		keyfile.New(keyring.Verification, signing.ParseKeySet, o(keyring.Verification)),
		tells,
		keyfile.New("upstream", signing.ParseKeySet, published),
	}
}

// A town is four servers over the same rings, and all that they have made and must
// still understand.
type town struct {
	t       *testing.T
	clock   *clock
	store   *keyring.Store
	servers []server
	records []string             // for ever
	forms   map[string]time.Time // until
	tokens  map[string]time.Time // until
	told    map[string]time.Time // until
	turn    int
	faults  []string
}

func newTown(t *testing.T, p place) *town {
	w := &town{t: t, forms: map[string]time.Time{}, tokens: map[string]time.Time{}, told: map[string]time.Time{}}
	w.store, w.clock, _ = newStore(t, p)
	w.store.Reseal = w.reseal
	for range 4 {
		w.servers = append(w.servers, newServer(t, p, w.clock.now))
	}
	return w
}

// live lets a minute pass in which one server after the other makes something, and all
// of them read everything.
func (w *town) live() {
	w.clock.sleep(time.Minute)
	w.turn++
	w.make(w.servers[w.turn%len(w.servers)])
	for i, s := range w.servers {
		// Not all servers have work every minute: their copies differ in age.
		if (w.turn+i)%(i+1) == 0 {
			w.read(i, s)
		}
	}
}

func (w *town) make(s server) {
	now := w.clock.now()
	seals, err := s.seals.Get(w.t.Context())
	signs, err2 := s.signs.Get(w.t.Context())
	tells, err3 := s.tells.Get(w.t.Context())
	if err := errors.Join(err, err2, err3); err != nil {
		w.t.Fatal(err)
	}
	if len(w.records) < 20 || w.turn%7 == 0 {
		w.records = append(w.records, seals.Encrypt([]byte("record"), now))
	}
	w.forms[seals.Encrypt([]byte("form"), now)] = now.Add(waits.SignIns)
	token, err := signs.Sign("at+jwt", map[string]int{"turn": w.turn})
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens[token] = now.Add(waits.AccessTokens)
	if token, err = tells.Sign("postern-identity+jwt", map[string]int{"turn": w.turn}); err != nil {
		w.t.Fatal(err)
	}
	w.told[token] = now.Add(waits.IdentityTokens)
}

func (w *town) read(i int, s server) {
	now := w.clock.now()
	seals, err := s.seals.Get(w.t.Context())
	verifies, err2 := s.verifies.Get(w.t.Context())
	upstream, err3 := s.upstream.Get(w.t.Context())
	if err := errors.Join(err, err2, err3); err != nil {
		w.t.Fatal(err)
	}
	for _, record := range w.records {
		w.check(i, "record", func() error { _, _, err := seals.Decrypt(record); return err })
	}
	for form, until := range w.forms {
		if now.After(until) {
			delete(w.forms, form)
			continue
		}
		w.check(i, "form", func() error { _, _, err := seals.Decrypt(form); return err })
	}
	for token, until := range w.tokens {
		if now.After(until) {
			delete(w.tokens, token)
			continue
		}
		w.check(i, "access token", func() error { _, err := verifies.Verify("at+jwt", token); return err })
	}
	for token, until := range w.told {
		if now.After(until) {
			delete(w.told, token)
			continue
		}
		w.check(i, "identity token", func() error {
			_, err := upstream.Verify("postern-identity+jwt", token)
			return err
		})
	}
}

func (w *town) check(i int, what string, f func() error) {
	if err := f(); err != nil {
		w.faults = append(w.faults, fmt.Sprintf("minute %d, server %d: %s: %v", w.turn, i, what, err))
	}
}

// reseal is what the store's walk does.
func (w *town) reseal(ctx context.Context) error {
	ring, err := w.store.Fernet(ctx)
	if err != nil {
		return err
	}
	for i, record := range w.records {
		plain, at, err := ring.Decrypt(record)
		if err != nil {
			return err
		}
		if at != 0 {
			w.records[i] = ring.Encrypt(plain, w.clock.now())
		}
	}
	return nil
}

// wait lives until a step is due.
func (w *town) wait(_ context.Context, until time.Time, _ keyring.Step) error {
	for w.clock.now().Before(until) {
		w.live()
	}
	return nil
}

func (w *town) rotate(took func(keyring.Step)) error {
	r := keyring.Rotation{Store: w.store, Rings: keyring.Writing(), Wait: w.wait, Took: took}
	_, err := r.Run(w.t.Context())
	return err
}

// Three full rotations of all rings under use by servers that read them at different times, with
// nothing refused and nothing unreadable (SC-07).
func TestRotationsFailNothing(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		w := newTown(t, p)
		for range 20 {
			w.live()
		}
		for range 3 {
			before := w.store.Status(t.Context())
			var actions []keyring.Action
			if err := w.rotate(func(s keyring.Step) { actions = append(actions, s.Action); w.live() }); err != nil {
				t.Fatal(err)
			}
			var want []keyring.Action
			for _, action := range []keyring.Action{keyring.StageKey, keyring.PromoteKey, keyring.RetireKey} {
				want = append(want, slices.Repeat([]keyring.Action{action}, len(keyring.Writing()))...)
			}
			if diff := cmp.Diff(want, actions); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			for i, s := range w.store.Status(t.Context()) {
				if len(s.Keys) != 1 || s.Keys[0].Key == before[i].Keys[0].Key {
					t.Errorf("%s: got %v, want one new key", s.Ring, s.Keys)
				}
			}
		}
		for range 20 {
			w.live()
		}
		if len(w.faults) > 0 {
			t.Errorf("%d faults, the first: %s", len(w.faults), w.faults[0])
		}
	})
}

// The control of the test above: it sees what the waits prevent.
func TestRotationWithoutWaitsFailsRequests(t *testing.T) {
	t.Parallel()
	without := func(clear func(*keyring.Waits)) keyring.Waits {
		w := waits
		clear(&w)
		return w
	}
	for name, waits := range map[string]keyring.Waits{
		"readers":         without(func(w *keyring.Waits) { w.Readers = 0 }),
		"access tokens":   without(func(w *keyring.Waits) { w.AccessTokens = 0 }),
		"sign-ins":        without(func(w *keyring.Waits) { w.SignIns = 0 }),
		"identity tokens": without(func(w *keyring.Waits) { w.IdentityTokens = 0 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := 0
			// The servers' copies have another age in each.
			for phase := 0; phase < 5 && faults == 0; phase++ {
				w := newTown(t, files(t))
				for range 20 + phase {
					w.live()
				}
				w.store.Waits = waits
				if err := w.rotate(func(keyring.Step) { w.live() }); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					w.live()
				}
				faults += len(w.faults)
			}
			if faults == 0 {
				t.Error("no fault: the simulation would not notice a missing wait")
			}
		})
	}
}

// A rotation has no memory but the rings: stopped after any step, or in any wait, the
// next run goes on, and begins no second one.
func TestInterruptedRotationGoesOn(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		w := newTown(t, p)
		before := w.store.Status(t.Context())
		stop := errors.New("interrupted")
		steps := map[keyring.Action]int{}
		for runs := 0; ; runs++ {
			if runs > 30 {
				t.Fatal("does not end")
			}
			waited := false
			r := keyring.Rotation{
				Store: w.store, Rings: keyring.Writing(),
				Took: func(s keyring.Step) { steps[s.Action]++ },
			}
			// Each run ends in its second wait.
			r.Wait = func(ctx context.Context, until time.Time, s keyring.Step) error {
				if waited {
					return stop
				}
				waited = true
				return w.wait(ctx, until, s)
			}
			_, err := r.Run(t.Context())
			if err == nil {
				break
			}
			if !errors.Is(err, stop) {
				t.Fatal(err)
			}
		}
		for i, s := range w.store.Status(t.Context()) {
			if len(s.Keys) != 1 || s.Keys[0].Key == before[i].Keys[0].Key {
				t.Errorf("%s: got %v, want one new key", s.Ring, s.Keys)
			}
		}
		if steps[keyring.StageKey] < 2 || len(w.faults) > 0 {
			t.Errorf("steps %v, faults %v", steps, w.faults)
		}
	})
}

// An operator who changes a ring during another's rotation is met with a conflict, or
// with the state they left; no key is lost.
func TestRotationSeesWhatSomebodyElseDid(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, p place) {
		w := newTown(t, p)
		promoted := ""
		r := keyring.Rotation{Store: w.store, Rings: []string{keyring.Fernet}, Took: func(keyring.Step) {}}
		r.Wait = func(ctx context.Context, until time.Time, s keyring.Step) error {
			err := w.wait(ctx, until, s)
			if s.Action == keyring.PromoteKey && promoted == "" {
				var err error
				if promoted, err = w.store.Promote(ctx, keyring.Fernet, "", false); err != nil {
					return err
				}
			}
			return err
		}
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.store.Status(t.Context())[0].Keys; len(got) != 1 || got[0].Key != promoted {
			t.Errorf("got %v, want %s alone", got, promoted)
		}
	})
}
