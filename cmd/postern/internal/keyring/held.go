package keyring

import (
	"maps"
	"time"

	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/signing"
)

// A held is a ring that writes, as it was read.
type held struct {
	Version
	keys  keys
	marks marks
}

// parseHeld reads a ring that writes: any but verification-keys. A key without a mark, which
// other means put there, is taken for one that has been what it is since the version was
// written: for an old one, unless it is the first. So nothing is retired too early.
func parseHeld(ring string, v Version) (held, error) {
	h, err := parseKeys(ring, v)
	if err != nil {
		return held{}, err
	}
	for i, name := range h.keys.names() {
		if _, ok := h.marks[name]; ok {
			continue
		}
		m := mark{Staged: v.Since, Promoted: v.Since}
		if i > 0 {
			m.Replaced = v.Since
		}
		h.marks[name] = m
	}
	return h, nil
}

func parseKeys(ring string, v Version) (held, error) {
	h := held{Version: v}
	if ring == Fernet {
		parsed, err := fernet.ParseKeyring(v.Data)
		if err != nil {
			return held{}, err
		}
		h.keys = fernetKeys{parsed}
		h.marks, err = commentMarks(v.Data)
		return h, err
	}
	parsed, err := signing.ParseRing(v.Data)
	if err != nil {
		return held{}, err
	}
	h.keys = signingKeys{parsed}
	h.marks, err = memberMarks(v.Data)
	return h, err
}

// state says what a key of the ring does.
func (h held) state(at int, name string) State {
	switch {
	case at == 0:
		return Writes
	case h.marks[name].Promoted.IsZero():
		return Staged
	}
	return Reads
}

// since is when a key came to do what it does. That of a ring whose order was changed
// by hand may be missing, and is then that of the version.
func (h held) since(at int, name string) time.Time {
	m := h.marks[name]
	t := m.Promoted
	switch h.state(at, name) {
	case Staged:
		t = m.Staged
	case Reads:
		t = m.Replaced
	}
	if t.IsZero() {
		return h.Since
	}
	return t
}

// first returns the first key that is in a state, or false.
func (h held) first(s State) (name string, ok bool) {
	for i, name := range h.keys.names() {
		if h.state(i, name) == s {
			return name, true
		}
	}
	return "", false
}

// staged returns the ring with a new key.
func (h held) staged(now time.Time) (held, string, error) {
	next, name, err := h.keys.stage()
	if err != nil {
		return held{}, "", err
	}
	m := maps.Clone(h.marks)
	m[name] = mark{Staged: now}
	return held{Version: h.Version, keys: next, marks: m}, name, nil
}

// promoted returns the ring with the key of that name first.
func (h held) promoted(name string, now time.Time) (held, error) {
	old := h.keys.names()[0]
	next, err := h.keys.promote(name)
	if err != nil {
		return held{}, err
	}
	m := maps.Clone(h.marks)
	was := m[old]
	was.Replaced = now
	m[old] = was
	m[name] = mark{Staged: m[name].Staged, Promoted: now}
	return held{Version: h.Version, keys: next, marks: m}, nil
}

// retired returns the ring without the key of that name.
func (h held) retired(name string) (held, error) {
	next, err := h.keys.retire(name)
	if err != nil {
		return held{}, err
	}
	m := maps.Clone(h.marks)
	delete(m, name)
	return held{Version: h.Version, keys: next, marks: m}, nil
}

// A published is the ring verification-keys, as it was read.
type published struct {
	Version
	set   signing.KeySet
	marks marks
}

func parsePublished(v Version) (published, error) {
	set, err := signing.ParseKeySet(v.Data)
	if err != nil {
		return published{}, err
	}
	m, err := memberMarks(v.Data)
	if err != nil {
		return published{}, err
	}
	for _, kid := range set.KIDs() {
		if _, ok := m[kid]; !ok {
			m[kid] = mark{Staged: v.Since}
		}
	}
	return published{v, set, m}, nil
}

// since is when a key was published.
func (p published) since(kid string) time.Time { return p.marks[kid].Staged }

// with returns the set with the keys of ring that it does not have.
func (p published) with(ring signing.Ring, now time.Time) (published, error) {
	set, err := p.set.Add(ring.Public())
	if err != nil {
		return published{}, err
	}
	m := maps.Clone(p.marks)
	for _, kid := range set.KIDs() {
		if !p.set.Has(kid) {
			m[kid] = mark{Staged: now}
		}
	}
	return published{p.Version, set, m}, nil
}

// without returns the set without a key.
func (p published) without(kid string) (published, error) {
	set, err := p.set.Without(kid)
	if err != nil {
		return published{}, err
	}
	m := maps.Clone(p.marks)
	delete(m, kid)
	return published{p.Version, set, m}, nil
}

func (p published) format() []byte { return withMember(p.set.Format(), p.marks) }
