package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/signing"
)

// Stage puts a new key into a ring and returns its name. It reads and is published,
// and does not write. A ring that has a staged key already is left as it is, and that
// key's name returned.
func (st *Store) Stage(ctx context.Context, ring string) (string, error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return "", err
	}
	name, ok := h.first(Staged)
	if !ok {
		if h, name, err = h.staged(st.now()); err != nil {
			return "", err
		}
		if err := st.write(ctx, ring, h); err != nil {
			return "", err
		}
	}
	if ring == Signing {
		err = st.Publish(ctx)
	}
	return name, err
}

// Publish adds to verification-keys what signing-keys has and it has not. Staging
// does so by itself; this finishes one that was interrupted.
func (st *Store) Publish(ctx context.Context) error {
	h, err := st.held(ctx, Signing)
	if err != nil {
		return err
	}
	p, err := st.published(ctx)
	if errors.Is(err, ErrMissing) {
		return st.create(ctx, Verification)
	}
	if err != nil {
		return err
	}
	next, err := p.with(h.keys.(signingKeys).Ring, st.now())
	if err != nil || next.set.Describe() == p.set.Describe() {
		return err
	}
	return st.publish(ctx, next)
}

// Promote makes a key of a ring its first: it writes from now on. An empty key means
// the staged one. Unless early, it refuses a key that not every server has yet.
func (st *Store) Promote(ctx context.Context, ring, key string, early bool) (string, error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return "", err
	}
	name, err := h.choose(key)
	if err != nil {
		return "", fmt.Errorf("promote in %s: %w", ring, err)
	}
	if name == h.keys.names()[0] {
		return name, nil
	}
	ready, err := st.promotable(ctx, ring, h, name)
	if err != nil {
		return "", err
	}
	if !early && st.now().Before(ready) {
		return "", tooEarly("promote", name, ready,
			"a server that has not read the ring since could not use what the key writes")
	}
	if h, err = h.promoted(name, st.now()); err != nil {
		return "", err
	}
	return name, st.write(ctx, ring, h)
}

// promotable returns when every server has the key, and whoever verifies what it signs.
func (st *Store) promotable(ctx context.Context, ring string, h held, name string) (time.Time, error) {
	since := h.since(slices.Index(h.keys.names(), name), name)
	if ring == Signing {
		p, err := st.published(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if !p.set.Has(name) {
			return time.Time{}, fmt.Errorf("promote %s: it is not in %s, so nobody could verify what it signs: "+
				"postern keys stage publishes it", name, Verification)
		}
		since = later(since, p.since(name))
	}
	if ring == Identity {
		// First mcp reads the ring, then others what mcp publishes of it, and they keep it
		// as long.
		since = since.Add(st.Waits.Readers)
	}
	return since.Add(st.Waits.Readers), nil
}

// Retire removes a key from its ring, and for good. For a Fernet key it first seals
// again what is sealed with it. It refuses the writing key, a staged one, and a key
// that may be needed still.
func (st *Store) Retire(ctx context.Context, ring, key string) (string, error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return "", err
	}
	name, err := h.choose(key)
	if err != nil {
		return "", fmt.Errorf("retire from %s: %w", ring, err)
	}
	at := slices.Index(h.keys.names(), name)
	if h.state(at, name) == Writes {
		return "", fmt.Errorf("retire %s: it is the key that writes: "+
			"stage and promote another first, or retire it --now", name)
	}
	if ready := st.retirable(ring, h, at, name); st.now().Before(ready) {
		return "", tooEarly("retire", name, ready, "what it made may be in use until then")
	}
	if ring == Fernet {
		if st.Reseal == nil {
			return "", fmt.Errorf("retire %s: no store to seal again", name)
		}
		if err := st.Reseal(ctx); err != nil {
			return "", fmt.Errorf("seal again before %s is retired: %w", name, err)
		}
	}
	if h, err = h.retired(name); err != nil {
		return "", err
	}
	if err := st.write(ctx, ring, h); err != nil || ring != Signing {
		return name, err
	}
	return name, st.Withdraw(ctx, name)
}

// retirable returns when nothing needs a key any more but records, which can be
// sealed again. A staged key has made nothing.
func (st *Store) retirable(ring string, h held, at int, name string) time.Time {
	if h.state(at, name) == Staged {
		return time.Time{}
	}
	life := st.Waits.SignIns
	switch ring {
	case Signing:
		life = st.Waits.AccessTokens
	case Identity:
		life = st.Waits.IdentityTokens
	}
	// Until every server has the ring, one may go on writing with the old key.
	return h.since(at, name).Add(st.Waits.Readers + life)
}

// Withdraw removes the public half of a key from verification-keys. That it is not
// there is no error.
func (st *Store) Withdraw(ctx context.Context, kid string) error {
	p, err := st.published(ctx)
	if err != nil {
		return err
	}
	next, err := p.without(kid)
	if errors.Is(err, signing.ErrNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	return st.publish(ctx, next)
}

// RetireNow removes a key at once, whatever it breaks, in an emergency. If it is the
// key that writes, the staged key takes its place, or a new one. It returns the name
// of the key that writes now.
func (st *Store) RetireNow(ctx context.Context, ring, key string) (writes string, err error) {
	h, err := st.held(ctx, ring)
	if err != nil {
		return "", err
	}
	name, err := h.choose(key)
	if err != nil {
		return "", fmt.Errorf("retire from %s: %w", ring, err)
	}
	if name == h.keys.names()[0] {
		if h, err = st.succeeded(h); err != nil {
			return "", err
		}
	}
	if h, err = h.retired(name); err != nil {
		return "", err
	}
	// What the key signed must stop working first: who stole it has nothing else.
	if ring == Signing {
		if err := st.replacePublished(ctx, h, name); err != nil {
			return "", err
		}
	}
	return h.keys.names()[0], st.write(ctx, ring, h)
}

// succeeded returns the ring with another key first: the staged one or a new one. An
// older one may have been stolen with it.
func (st *Store) succeeded(h held) (held, error) {
	next, ok := h.first(Staged)
	if !ok {
		var err error
		if h, next, err = h.staged(st.now()); err != nil {
			return held{}, err
		}
	}
	return h.promoted(next, st.now())
}

// replacePublished publishes what h has and withdraws a key, in one version.
func (st *Store) replacePublished(ctx context.Context, h held, kid string) error {
	p, err := st.published(ctx)
	if errors.Is(err, ErrMissing) {
		p, err = published{marks: marks{}}, nil
	}
	if err != nil {
		return err
	}
	next, err := p.with(h.keys.(signingKeys).Ring, st.now())
	if err != nil {
		return err
	}
	if next.set.Has(kid) {
		if next, err = next.without(kid); err != nil {
			return err
		}
	}
	return st.publish(ctx, next)
}

// Find returns the ring that has a key and the key's whole name. A key is named by the
// first characters of its name, at least four.
func (st *Store) Find(ctx context.Context, key string) (ring, name string, err error) {
	for _, r := range Writing() {
		h, err := st.held(ctx, r)
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		found, err := h.choose(key)
		switch {
		case errors.Is(err, errNoSuchKey):
			continue
		case err != nil:
			return "", "", err
		case ring != "":
			return "", "", fmt.Errorf("key %s: two rings have one, write more of its name", key)
		}
		ring, name = r, found
	}
	if ring == "" {
		return "", "", fmt.Errorf("key %s: %w: postern keys status lists them", key, errNoSuchKey)
	}
	return ring, name, nil
}

var errNoSuchKey = errors.New("no ring has such a key")

// choose returns the name of the key that starts with key, of the staged one if key
// is empty.
func (h held) choose(key string) (string, error) {
	if key == "" {
		name, ok := h.first(Staged)
		if !ok {
			return "", errors.New("no key is staged: postern keys stage makes one")
		}
		return name, nil
	}
	if len(key) < 4 {
		return "", fmt.Errorf("key %s: write at least four characters of its name", key)
	}
	var found []string
	for _, name := range h.keys.names() {
		if strings.HasPrefix(name, key) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("key %s: %w", key, errNoSuchKey)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("key %s: several keys start so, write more of the name", key)
}

func tooEarly(what, name string, ready time.Time, why string) error {
	const layout = "2006-01-02 15:04:05 MST"
	return fmt.Errorf("%s %s: too early, wait until %s: %s", what, name, ready.Local().Format(layout), why)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func describe(names []string) string { return strings.Join(names, " ") }
