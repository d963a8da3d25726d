package signing

import (
	"crypto/sha256"
	"sync"
)

// generation is how many tokens one half of a [memory] holds. A payload is a few
// hundred bytes, so the whole stays below a megabyte or two.
const generation = 1024

// A memory holds the payloads of tokens that were verified. Checking an ES256
// signature costs more than the rest of a warm /mcp call, and clients send the
// same token for an hour. Whether a set's keys signed a token never changes,
// so an entry never goes stale; it is dropped to bound the size. Only what
// verified is remembered, so strangers cannot fill it.
//
// Two generations stand in for an order of use: what was not asked for while a
// whole generation filled up is gone.
type memory struct {
	mu       sync.RWMutex
	new, old map[name][]byte
}

// A name stands for a token of a typ. It is a hash, so that no token is kept.
type name [sha256.Size]byte

func nameOf(typ, token string) name {
	text := make([]byte, 0, len(typ)+1+len(token))
	text = append(text, typ...)
	text = append(text, 0) // no typ has one
	return sha256.Sum256(append(text, token...))
}

// get returns the payload of a token that was verified before. A nil memory has
// none.
func (m *memory) get(n name) ([]byte, bool) {
	if m == nil {
		return nil, false
	}
	m.mu.RLock()
	payload, ok := m.new[n]
	if ok {
		m.mu.RUnlock()
		return payload, true
	}
	payload, ok = m.old[n]
	m.mu.RUnlock()
	if ok {
		m.put(n, payload)
	}
	return payload, ok
}

// put remembers the payload, which nobody changes afterwards.
func (m *memory) put(n name, payload []byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.new == nil || len(m.new) >= generation {
		m.new, m.old = make(map[name][]byte), m.new
	}
	m.new[n] = payload
}
